"""
Prompts whose fault is made by construction, and the same prompts without it.

Parts of edits, written for this, and the samples of the document are put together well; then one thing is spoilt: the
quotes stripped, prompts joined, orders made passive, nouns made pronouns, the order swapped, what stays left out or
contradicted. So it is known what a rule should find, and where it should be silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

__all__ = ["SAMPLES", "Case", "cases"]

SAMPLES = (
    "Keep the subject identity unchanged. Convert the background into a rainy\nneon cyberpunk street.",
    """\
Keep the bottle, label, and lighting exactly as in the input.
Replace only the brand text on the label from "ALPHA" to "AURA",
same font weight, centered, white on black.""",
    """\
For each input image: keep the subject's pose and identity unchanged.
Convert the background to a soft warm-grey studio sweep with subtle
floor shadow. Center the subject at the same fraction of frame as the
input.""",
)
"""The three sample prompts of the document."""


class Case(NamedTuple):
    """A prompt, the rule that it is about, whether the rule should find something, and how many pictures go with it."""

    rule: str
    prompt: str
    is_faulty: bool
    pictures: int | None = None


class Edit(NamedTuple):
    """One change: its verb, how something is said to be changed so, the thing, what becomes of it, what else stays."""

    verb: str
    done: str
    thing: str
    into: str
    stays: str


EDITS = (
    Edit("Replace", "replaced", "the sky", "with a red sunset", "the house"),
    Edit("Change", "changed", "the background", "to a sandy beach", "the woman's face and pose"),
    Edit("Remove", "removed", "the parked car", "from the street", "the buildings"),
    Edit("Paint", "painted", "the garden wall", "dark green", "the roses"),
    Edit("Swap", "swapped", "the wooden chair", "for a leather sofa", "the floor and the lamp"),
    Edit("Convert", "converted", "the lawn", "into a pond", "the oak"),
    Edit("Turn", "turned", "the puppy", "into a kitten", "the basket"),
    Edit("Erase", "erased", "the power lines", "above the roof", "the chimney"),
    Edit("Recolor", "recolored", "the scarf", "to navy blue", "the coat"),
    Edit("Brighten", "brightened", "the left window", "by one stop", "the curtains"),
    Edit("Blur", "blurred", "the crowd", "behind the singer", "the singer"),
    Edit("Delete", "deleted", "the watermark", "in the corner", "the photograph's grain"),
    Edit("Enlarge", "enlarged", "the moon", "to twice its size", "the mountains"),
    Edit("Move", "moved", "the vase", "to the right side of the table", "the flowers"),
    Edit("Translate", "translated", "the street sign", "into French", "the lamp post"),
    Edit("Straighten", "straightened", "the horizon", "so that it is level", "the sailing boat"),
)

CHINESE = (
    ("把天空换成晚霞", "天空", "房子"),
    ("把背景换成海滩", "背景", "人物的脸和姿势"),
    ("把围墙涂成绿色", "围墙", "玫瑰"),
    ("把椅子替换成沙发", "椅子", "地板"),
    ("把汽车删除", "汽车", "建筑"),
    ("把围巾改成蓝色", "围巾", "外套"),
)

WORDING = (
    ("Change the headline to {}.", "Summer Sale", "and keep the font"),
    ("Add a sign that says {}.", "Grand Opening", ""),
    ("Write {} on the cake.", "HAPPY BIRTHDAY", ""),
    ("Replace the text on the label with {}.", "Fresh Milk", ""),
    ("Add the caption {} at the bottom.", "Monday Morning", ""),
    ("Put the words {} on the banner.", "Vote Today", ""),
    ("Change the shop sign to read {}.", "OPEN", ""),
    ("Make the neon sign say {}.", "Jazz Club", ""),
    ("Update the poster title to {}.", "The Last Train", ""),
    ("Print {} on the mug.", "World's Best Dad", ""),
    ("Add a speech bubble saying {}.", "See you tomorrow", ""),
    ("Change the number plate to {}.", "AB 1234", ""),
)
QUOTES = ('"{}"', "“{}”", "'{}'", "«{}»", "「{}」")
SCRIPTS = (
    ("今日のおすすめ", "Japanese"),
    ("Добро пожаловать", "Russian"),
    ("مرحبا", "Arabic"),
    ("어서 오세요", "Korean"),
    ("欢迎光临", "Chinese"),
    ("ยินดีต้อนรับ", "Thai"),
    ("Καλημέρα", "Greek"),
    ("नमस्ते", "Hindi"),
)
REFERENCES = (
    ("Put the dress from {1} on the woman in {0}.", "Put the dress from the other photo on the woman."),
    ("Combine {0} and {1} into one panorama.", "Combine the two images into one panorama."),
    ("Give the cat of {0} the collar of {1}.", "Give the cat the collar of the other picture."),
    ("Blend the sky of {1} into {0}.", "Blend the skies of both photos."),
    ("Copy the lighting of {1} to {0}.", "Match the lighting of these images."),
    ("Place the sofa of {1} in the room of {0}.", "Use my pictures and place the sofa in the room."),
)
NAMES = (("image 1", "image 2"), ("the first photo", "the second photo"), ("picture 1", "picture 2"))
TASTES = ("dramatic", "beautiful", "interesting", "professional", "cinematic and epic", "appealing")


def cases() -> list[Case]:
    """All cases, in the order of the rules."""
    makers = (_preservation, _joined, _passive, _asked, _vague, _pronouns, _lettering, _scripts, _references, _opposed)
    return [case for make in makers for case in make()]


def _order(edit: Edit) -> str:
    return f"{edit.verb} {edit.thing} {edit.into}."


def _after(index: int, count: int) -> list[Edit]:
    """The edits that follow one, around the end."""
    return list(islice((*EDITS, *EDITS), index, index + count))


def _preservation() -> Iterator[Case]:
    """What stays left out; and put behind the change."""
    for edit in EDITS:
        for keep in (f"Keep {edit.stays} unchanged.", f"Preserve {edit.stays}.", f"Do not change {edit.stays}."):
            yield Case("missing-preservation", f"{keep} {_order(edit)}", is_faulty=False)
            yield Case("preservation-after-change", f"{keep} {_order(edit)}", is_faulty=False)
            yield Case("preservation-after-change", f"{_order(edit)} {keep}", is_faulty=True)
        aside = f"{edit.verb} {edit.thing} {edit.into} without changing {edit.stays}."
        yield Case("preservation-after-change", aside, is_faulty=True)
        yield Case("missing-preservation", aside, is_faulty=False)
        yield Case("missing-preservation", _order(edit), is_faulty=True)
    for order, _, stays in CHINESE:
        yield Case("missing-preservation", f"{order}。", is_faulty=True)
        yield Case("missing-preservation", f"保持{stays}不变，{order}。", is_faulty=False)
        yield Case("preservation-after-change", f"{order}，保持{stays}不变。", is_faulty=True)
        yield Case("preservation-after-change", f"保持{stays}不变，{order}。", is_faulty=False)
    for sample in SAMPLES:
        kept, _, changed = sample.partition(".\n" if ".\n" in sample else ". ")
        yield Case("preservation-after-change", sample, is_faulty=False)
        yield Case("preservation-after-change", f"{changed} {kept}.", is_faulty=True)
        yield Case("missing-preservation", sample, is_faulty=False)


def _joined() -> Iterator[Case]:
    """Three and four orders in one; two are none too many."""
    for index, edit in enumerate(EDITS):
        one, two, three, four = (_order(each)[:-1] for each in _after(index, 4))
        yield Case("compound", f"{one}. {two}. {three}.", is_faulty=True)
        yield Case("compound", f"{one}, {_small(two)}, and {_small(three)}.", is_faulty=True)
        yield Case("compound", f"{one} and {_small(two)} and {_small(three)} and {_small(four)}.", is_faulty=True)
        yield Case("compound", f"{one}, then {_small(two)}.", is_faulty=False)
        yield Case("compound", f"Keep {edit.stays} unchanged. {one}.", is_faulty=False)
    for index, (order, _, _) in enumerate(CHINESE):
        others = [each[0] for each in (*CHINESE, *CHINESE)[index + 1 : index + 3]]
        yield Case("compound", f"{order}，{'，'.join(others)}。", is_faulty=True)
        yield Case("compound", f"{order}。", is_faulty=False)


def _small(order: str) -> str:
    return order[0].lower() + order[1:]


def _passive() -> Iterator[Case]:
    for edit in EDITS:
        thing = edit.thing.capitalize()
        are = "are" if edit.thing.endswith("lines") else "is"
        for modal in ("should be", "must be", "needs to be", f"{are} to be"):
            yield Case("passive", f"{thing} {modal} {edit.done} {edit.into}.", is_faulty=True)
        yield Case("passive", f"I would like {edit.thing} to be {edit.done} {edit.into}.", is_faulty=True)
        yield Case("passive", _order(edit), is_faulty=False)
        yield Case("passive", f"{edit.stays.capitalize()} must not be changed. {_order(edit)}", is_faulty=False)
    for order, thing, _ in CHINESE:
        yield Case("passive", f"{thing}应该被{order.removeprefix(f'把{thing}')}。", is_faulty=True)
        yield Case("passive", f"{order}。", is_faulty=False)


def _asked() -> Iterator[Case]:
    for edit in EDITS:
        order = _small(_order(edit)[:-1])
        for asks in (
            "Can you",
            "Could you please",
            "Would you",
            "Is it possible to",
            "Would you mind if you",
            "Can we",
        ):
            yield Case("question", f"{asks} {order}?", is_faulty=True)
        yield Case("question", f"{order.capitalize()}.", is_faulty=False)
        yield Case("question", f'{order.capitalize()} and add the words "Can you see it?".', is_faulty=False)
    for order, _, _ in CHINESE:
        yield Case("question", f"可以{order}吗？", is_faulty=True)
        yield Case("question", f"能不能{order}？", is_faulty=True)
        yield Case("question", f"{order}。", is_faulty=False)


def _vague() -> Iterator[Case]:
    for taste in TASTES:
        yield Case("vague-intensifier", f"Make it more {taste}.", is_faulty=True)
        yield Case("vague-intensifier", f"Make the picture look {taste}.", is_faulty=True)
        yield Case("vague-intensifier", f"Make the photo more {taste} with a low sun from the left.", is_faulty=False)
    for verb in ("Improve", "Enhance", "Beautify", "Upgrade"):
        yield Case("vague-intensifier", f"{verb} the image.", is_faulty=True)
        yield Case("vague-intensifier", f"{verb} this photo a bit.", is_faulty=True)
        yield Case("vague-intensifier", f"{verb} the image by removing the haze.", is_faulty=False)
    for edit in EDITS:
        yield Case("vague-intensifier", _order(edit), is_faulty=False)


def _pronouns() -> Iterator[Case]:
    for edit in EDITS:
        if edit.verb in ("Translate", "Brighten", "Blur", "Straighten", "Enlarge", "Convert"):
            continue  # of these "it" may be the picture
        they = "them" if edit.thing.endswith("lines") else "it"
        yield Case("pronoun-without-target", f"{edit.verb} {they} {edit.into}.", is_faulty=True)
        yield Case("pronoun-without-target", _order(edit), is_faulty=False)
        named = f"Look at {edit.thing}. {edit.verb} {they} {edit.into}."
        yield Case("pronoun-without-target", named, is_faulty=False)
    for whole in (
        "Make it night.",
        "Make it snow.",
        "Make it look like a watercolor.",
        "Turn this into a pencil sketch.",
    ):
        yield Case("pronoun-without-target", whole, is_faulty=False)
    for order, thing, _ in CHINESE:
        yield Case("pronoun-without-target", f"{order.replace(thing, '它', 1)}。", is_faulty=True)
        yield Case("pronoun-without-target", f"{order}。", is_faulty=False)


def _lettering() -> Iterator[Case]:
    for sentence, words, _ in WORDING:
        yield Case("text-unquoted", sentence.format(words), is_faulty=True)
        for quotes in QUOTES:
            said = words.replace("'", "’") if quotes == "'{}'" else words
            yield Case("text-unquoted", sentence.format(quotes.format(said)), is_faulty=False)
    for edit in EDITS:
        yield Case("text-unquoted", _order(edit), is_faulty=False)
    for words in ("夏季特卖", "开业大吉", "今日推荐"):
        yield Case("text-unquoted", f"把标题改成{words}。", is_faulty=True)
        yield Case("text-unquoted", f"把标题改成「{words}」。", is_faulty=False)


def _scripts() -> Iterator[Case]:
    for words, script in SCRIPTS:
        for sentence in ("Change the sign to {}.", "Write {} on the banner.", "Replace the label's text with {}."):
            yield Case("script-unnamed", sentence.format(f'"{words}"'), is_faulty=True)
            yield Case("script-unnamed", sentence.format(f'"{words}" in {script}'), is_faulty=False)


def _references() -> Iterator[Case]:
    for numbered, unnumbered in REFERENCES:
        for names in NAMES:
            yield Case("references-unnumbered", numbered.format(*names), is_faulty=False, pictures=2)
            yield Case("image-number-beyond-count", numbered.format(*names), is_faulty=False, pictures=2)
            yield Case("image-number-beyond-count", numbered.format(*names), is_faulty=True, pictures=1)
        yield Case("references-unnumbered", unnumbered, is_faulty=True, pictures=2)
        yield Case("image-number-beyond-count", unnumbered, is_faulty=False, pictures=2)
    for number in range(1, 6):
        yield Case("image-number-beyond-count", f"用图{number}的背景替换图1的背景。", is_faulty=number > 3, pictures=3)
        yield Case("image-number-beyond-count", f"Use the hat of photo #{number}.", is_faulty=number > 3, pictures=3)
    for edit in EDITS:
        yield Case("image-number-beyond-count", _order(edit), is_faulty=False, pictures=1)


def _opposed() -> Iterator[Case]:
    """The same thing kept and changed; and another one."""
    for edit in EDITS:
        if edit.verb in ("Enlarge", "Move", "Straighten"):
            continue  # it can stay itself and be elsewhere
        for keep in ("Keep {} unchanged.", "Preserve {}.", "Do not change {}.", "Leave {} as it is."):
            if edit.verb in ("Brighten", "Blur") and keep.startswith("Preserve"):
                continue  # it can stay itself and be brighter
            rule = "keep-and-change-of-the-same"
            yield Case(rule, f"{keep.format(edit.thing)} {_order(edit)}", is_faulty=True)
            yield Case(rule, f"{_order(edit)} {keep.format(edit.thing)}", is_faulty=True)
            yield Case(rule, f"{keep.format(edit.stays)} {_order(edit)}", is_faulty=False)
            yield Case(rule, f"{keep.format('everything else')} {_order(edit)}", is_faulty=False)
    for order, thing, stays in CHINESE:
        yield Case("keep-and-change-of-the-same", f"保持{thing}不变。{order}。", is_faulty=True)
        yield Case("keep-and-change-of-the-same", f"保持{stays}不变。{order}。", is_faulty=False)
