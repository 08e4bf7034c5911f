"""Parts make a prompt: what stays first, then one change, lettering with its script, what to avoid last."""

from __future__ import annotations

import pickle
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import nbbanana as nb
from nbbanana.errors import PromptError, UnknownModelError, VariableError
from nbbanana.prompts import Parts, Prompt, parts_of, parts_that_differ, read
from nbbanana.prompts.lines import escaped, has_parts, read_lines, written_lines
from nbbanana.prompts.parts import compose, made_parts
from nbbanana.prompts.sentences import apart, names_script, script_of

# ── what is written ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            {
                "keep": ["subject identity", "pose", "and clothing"],
                "change": "Convert the background into a rainy neon cyberpunk street",
            },
            (
                "Keep the subject identity, pose, and clothing unchanged."
                " Convert the background into a rainy neon cyberpunk street."
            ),
        ),
        (
            {
                "keep": "bottle, label, and lighting exactly as in the input",
                "change": 'Replace the brand text on the label from "ALPHA" to "AURA", same font weight',
                "only": "brand text on the label",
            },
            (
                "Keep the bottle, label, and lighting exactly as in the input."
                ' Replace only the brand text on the label from "ALPHA" to "AURA", same font weight.'
            ),
        ),
        (
            {"keep": "right two objects, table, lighting", "change": "Remove it", "only": "leftmost object"},
            "Keep the right two objects, table, and lighting unchanged. Change only the leftmost object: remove it.",
        ),
        (
            {"keep": "Keep her face as it is, Anna", "change": "Make it night!", "avoid": ["no text", "extra people"]},
            "Keep Anna unchanged. Keep her face as it is. Make it night! Avoid extra people. No text.",
        ),
        (
            {"change": "Put her into the jacket", "references": ["the jacket", "street"], "more": "Match the light"},
            "Put her into the jacket. Use the jacket from image 2. Use the street from image 3. Match the light.",
        ),
    ],
)
def test_row_12_what_stays_is_said_first_and_the_change_last(parts: dict[str, Any], words: str) -> None:
    """Row 12: the document's own samples come out of their parts as the document has them."""
    assert nb.prompt(**parts) == words


@pytest.mark.parametrize(
    ("change", "only", "words"),
    [
        ("a rainy neon street", "background", "Change only the background to a rainy neon street."),
        ("into a rainy street", "the background", "Change only the background into a rainy street."),
        ("rainy neon street", "background", "Change only the background: rainy neon street."),
        ("the background should be changed to rain", None, "Change the background to rain."),
        ("The jacket needs to be replaced by a coat", "jacket", "Replace only the jacket by a coat."),
        ("The lake surface should turn blue", None, "Make the lake surface turn blue."),
        ("The shirt should be red", "shirt", "Make only the shirt red."),
        ("A rocket has been added to the sky", "sky", "Change only the sky: A rocket has been added to the sky."),
        ("The man should not smile", None, "The man should not smile."),
        ("darken it", ["left half", "sky"], "Change only the left half and the sky: darken it."),
        ("Add a moon", "above the headline", "Change only the area above the headline: add a moon."),
        ("a rainy neon street", None, "Change the picture: a rainy neon street."),
        ("Ghiblify the photo", None, "Ghiblify the photo."),
        ("Blur the background", "background only", "Change only the background: blur the background."),
    ],
)
def test_row_13_a_scope_stands_in_place_and_the_change_is_an_instruction(change: str, only: Any, words: str) -> None:
    """Row 13: where alone it is changed is said with the change; a passive or a thing becomes an instruction."""
    assert nb.prompt(change=change, only=only) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("OPEN", 'Write "OPEN".'),
        ({"headline": "今日のおすすめ"}, 'Set the headline to "今日のおすすめ" in Japanese.'),
        (
            {"headline": "今日推荐", "price": "¥500"},
            'Set the headline to "今日推荐" in Chinese and the price to "¥500".',
        ),
        ({"sign": 'the "A" cup'}, 'Set the sign to “the "A" cup”.'),
        ({"her shirt": "Привет, 世界"}, 'Set her shirt to "Привет, 世界" in Cyrillic and Chinese.'),
        ({"price": 5}, 'Set the price to "5".'),
    ],
)
def test_lettering_is_quoted_and_its_script_named(text: Any, words: str) -> None:
    """Alone it is the change; beside a change it is said how it reads."""
    assert nb.prompt(text=text) == words
    beside = nb.prompt(text=text, change="Make it night.")
    assert beside.startswith("Make it night. The " if "her" not in words else "Make it night. Her shirt reads ")
    assert all(quoted in beside for quoted in re.findall(r'"[^"]+"(?: in [A-Z]\w+(?: and [A-Z]\w+)?)?', words))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("keep: her face.\nchange: Make it night.", "Keep her face unchanged. Make it night."),
        (
            "keep: her face, the pose.\nchange: Make it night,",
            "Keep her face and the pose unchanged. Make it night.",
        ),
        ("keep: her face. the pose.\nMake it night", "Keep her face and the pose unchanged. Make it night."),
        ("keep: the label as it is.\nMake it night", "Keep the label as it is. Make it night."),
        ("keep: the flag of the U.S.\nMake it night", "Keep the flag of the U.S. unchanged. Make it night."),
        ("keep: her face!\nMake it night!", "Keep her face unchanged. Make it night!"),
        ("keep: 人物！\nchange: 换成夜晚！", "保持人物不变。换成夜晚！"),
        ("only: the sky.\nchange: make it pink.", "Change only the sky: make it pink."),
        ("only: the sky;\nchange: a sunset.", "Change only the sky to a sunset."),
        ("Make it night\navoid: people., text.", "Make it night. Avoid people and text."),
        ("text: sign. = OPEN", 'Set the sign to "OPEN".'),
        ('text: sign = "OPEN".', 'Set the sign to "OPEN".'),
        ("text: sign = Wait.", 'Set the sign to "Wait."'),
        ("Make it night,\nreference: 2 = the jacket.", "Make it night. Use the jacket from image 2."),
        ("keep: 人物。\nchange: 把背景换成雨夜，", "保持人物不变。把背景换成雨夜。"),
        ("keep: 人物。姿势。\nchange: 把背景换成雨夜。", "保持人物和姿势不变。把背景换成雨夜。"),
        ("only: 背景。\nchange: 雨夜街道。\navoid: 文字。", "仅将背景改为雨夜街道。避免文字。"),
        ("text: 招牌。 = “OPEN”。\nkeep: 背景。", "保持背景不变。将招牌改为“OPEN”。"),
        ("change: 换成夜晚\nreference: 2 = 夹克。", "换成夜晚。使用图2中的夹克。"),
    ],
)
def test_a_stop_at_the_end_of_a_part_does_not_break_its_sentence(text: str, words: str) -> None:
    """People end what they write with a full stop or a comma, in a form above all."""
    assert read(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("text: sign = 営業中", 'Set the sign to "営業中" in Chinese.'),
        ("text: sign (Japanese) = 営業中", 'Set the sign to "営業中" in Japanese.'),
        ('text: sign = "営業中" in Japanese', 'Set the sign to "営業中" in Japanese.'),
        ('text: sign = "営業中" in Japanese.', 'Set the sign to "営業中" in Japanese.'),
        ('text: "東京" (japanese)', 'Write "東京" in Japanese.'),
        ("text: (Japanese) = 東京", 'Write "東京" in Japanese.'),
        (
            "text: sign = 東京\nkeep: the Japanese shop",
            'Keep the Japanese shop unchanged. Set the sign to "東京" in Japanese.',
        ),
        (
            "text: sign = 東京\ntext: cup = おちゃ",
            'Set the sign to "東京" in Japanese and the cup to "おちゃ" in Japanese.',
        ),
        (
            "text: sign (Chinese) = 営業中\ntext: cup = お茶",
            'Set the sign to "営業中" in Chinese and the cup to "お茶" in Japanese.',
        ),
        ("text: sign (Russian) = Открыто", 'Set the sign to "Открыто" in Russian.'),
        ("text: sign (left) = OPEN", 'Set the sign (left) to "OPEN".'),
        ("text: 招牌（日文） = 営業中", "将招牌改为日文“営業中”。"),
        ("change: 换成夜晚\ntext: 招牌 (Japanese) = 営業中", "换成夜晚。招牌写着日文“営業中”。"),
    ],
)
def test_the_language_of_lettering_can_be_named(text: str, words: str) -> None:
    """Kanji without kana may be Japanese: the place, the words behind it or another part says so."""
    assert read(text) == words
    assert read(read(text).lines) == words


def test_the_language_of_lettering_can_be_named_in_python() -> None:
    """A pair has the words and their language; one that is none is refused."""
    words = nb.prompt(text={"sign": ("営業中", "Japanese"), "cup": "TEA"})
    assert words == 'Set the sign to "営業中" in Japanese and the cup to "TEA".'
    assert words.lines == 'text: sign (Japanese) = "営業中"\ntext: cup = "TEA"'
    with pytest.raises(PromptError, match="names no language"):
        nb.prompt(text={"sign": ("営業中", "left")})


def test_chinese_parts_make_the_chinese_sentences_of_the_document() -> None:
    """What stays comes first there too; a passive becomes an instruction."""
    words = nb.prompt(
        keep="人物身份、姿势、服装", change="背景应该被换成雨天的街道", text={"招牌": "営業中です"}, avoid="不要加字"
    )
    assert words == "保持人物身份、姿势和服装不变。把背景换成雨天的街道。招牌写着日文“営業中です”。不要加字。"
    assert nb.prompt(change="雨夜街道", only="背景") == "仅将背景改为雨夜街道。"


def test_parts_in_another_language_stay_as_they_are() -> None:
    """German, Japanese and mixed parts are not translated and not inflected."""
    words = nb.prompt(keep=["das Gesicht", "die Haltung"], change="Ersetze den Hintergrund durch Regen")
    assert words == "Keep das Gesicht and die Haltung unchanged. Ersetze den Hintergrund durch Regen."
    assert nb.prompt(keep="顔", change="背景を夜にする") == "Keep 顔 unchanged. 背景を夜にする。"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "Nothing is to be changed"),
        ({"keep": "pose"}, "Nothing is to be changed"),
        ({"only": "background"}, "only: says where"),
        ({"keep": [" "], "change": "x"}, "keep: is empty"),
        ({"keep": "", "change": "x"}, "keep: is empty"),
        ({"change": "\n"}, "change: is empty"),
        ({"change": 7.5, "keep": {"a": "b"}}, "keep: has a value of type dict"),
        ({"change": True}, "change: has a value of type bool"),
        ({"text": {"a=b": "c"}}, "cannot stand at a=b"),
        ({"text": {"sign": " "}}, "text: is empty"),
        ({"change": "x", "references": {0: "jacket"}}, "no picture 0"),
    ],
)
def test_parts_that_make_no_prompt_are_refused(parts: dict[str, Any], said: str) -> None:
    """The error names the part."""
    with pytest.raises(PromptError, match=re.escape(said)):
        nb.prompt(**parts)


def test_a_prompt_is_text_until_it_is_edited_as_text() -> None:
    """It goes wherever text goes, also through pickle; what is made of it as text has no parts."""
    words = nb.prompt(keep="pose", change="Make it night.")
    assert (isinstance(words, str), type(str(words)), type(words + "!")) == (True, str, str)
    again = pickle.loads(pickle.dumps(words))
    assert (again, again.parts) == (words, words.parts)
    with pytest.raises(AttributeError):
        words.parts.change = "else"  # type: ignore[misc, union-attr]
    with pytest.raises(UnknownModelError):
        nb.prompt(change="x", model="no/such/model")


# ── templates ───────────────────────────────────────────────────────────────────────────────────────────────


def test_row_14_a_series_has_one_grammar_for_all_its_pictures() -> None:
    """Row 14: prompts of one template differ in the values and in nothing else."""
    series = nb.prompt(keep="bottle, label", change="Convert the background into {{place}}", text={"tag": "{{tag}}"})
    places = {"a beach": "夏", "snow and ice": "Лето", 'a "BAR"': "24"}
    prompts = [series.fill(place=place, tag=tag) for place, tag in places.items()]
    bare = {
        words.replace(place, "…").replace(f'"{tag}" in {script_of(tag)}', '"…"').replace(f'"{tag}"', '"…"')
        for words, (place, tag) in zip(prompts, places.items(), strict=True)
    }
    assert bare == {'Keep the bottle and label unchanged. Convert the background into …. The tag reads "…".'}
    assert [words.parts.change for words in prompts] == [f"Convert the background into {place}" for place in places]  # type: ignore[union-attr]


def test_a_template_says_which_values_it_waits_for() -> None:
    """It cannot be read as a prompt before; a missing value is named, and a value is never read again."""
    series = nb.prompt(change="Convert the background into {{place}}")
    assert series.variables == ("place",)
    with pytest.raises(PromptError, match=r"\{\{place\}\}.*no value"):
        read(series)
    with pytest.raises(VariableError):
        series.fill(town="Oslo")
    with pytest.raises(VariableError, match=r"(?s)fill gives place no value.*You wrote plac=…: write place=…"):
        series.fill(plac="Oslo")
    filled = series.fill(place="{{town}}, keep: nothing")
    assert (filled.variables, filled) == ((), "Convert the background into {{town}}, keep: nothing.")
    assert read(filled) is filled


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "Keep: pose, clothing\nKEEP: her face\nchange: Make it night.",
            Parts(("pose", "clothing", "her face"), "Make it night."),
        ),
        ("keep: pose\nMake it night.\nAdd a moon.", Parts(("pose",), "Make it night. Add a moon.")),
        (
            "change: Make it night,\n   with a moon.\nGrainy.",
            Parts((), "Make it night, with a moon.", more=("Grainy.",)),
        ),
        ("text: headline = 今日のおすすめ\nonly: sign", Parts(only=("sign",), text=(("headline", "今日のおすすめ"),))),
        ('text: "OPEN"\ntext: price="A = B"', Parts(text=(("", "OPEN"), ("price", "A = B")))),
        ("change: x\nreference: image 2 = the jacket", Parts((), "x", references=((2, "the jacket"),))),
        ("  change： 换成夜晚\nkeep: 1,000 stars、月亮", Parts(("1,000 stars", "月亮"), "换成夜晚")),
        ("keep:: a title\nchange: x", Parts((), "x", more=("keep: a title",))),
    ],
)
def test_lines_are_read_as_parts(text: str, parts: Parts) -> None:
    """Any case, several lines or commas; an indented line goes on; a line without a label is the change or more."""
    assert read_lines(text) == parts


@pytest.mark.parametrize(
    ("text", "said", "mend"),
    [
        ("change: a\nchange: b", "two change: lines", "---"),
        ("only: the sky", "only: says where", "change:"),
        ("keep:\nchange: x", "keep: is empty", "leave keep out"),
        ("keep: the hat", "Nothing is to be changed", "change:"),
        ("text: = x", "begins with =", "headline"),
        ("change: x\nreference: the jacket", "names no picture", "2 ="),
    ],
)
def test_lines_that_make_no_prompt_say_what_to_write(text: str, said: str, mend: str) -> None:
    """What happened, and a line that would do."""
    with pytest.raises(PromptError) as caught:
        read(text)
    assert said in caught.value.what
    assert mend in caught.value.how


@pytest.mark.parametrize(
    ("text", "meant", "as_words"),
    [
        ("keep: the face\nchnage: night", "change:", "chnage:: night"),
        ("chnage: night", "change:", "chnage:: night"),
        ("Keeps: the face\nMake it night.", "keep:", "Keeps:: the face"),
        ("Make it night.\n  aviod: people", "avoid:", "aviod:: people"),
        ("change： 换成夜晚\nkep：人物", "keep:", "kep：：人物"),
        ("change: Make it night.\nkept: the face", "keep:", "kept:: the face"),
        ("kept: the face", "keep:", "kept:: the face"),
        ("negative: people\nkeep: pose\nMake it night", "avoid:", "negative:: people"),
        ("keep: pose\nstyle: watercolour", "change:", "style:: watercolour"),
        ("keep: pose\nMake it night.\ndon't: add people", "avoid:", "don't:: add people"),
        ("change: 换成夜晚\n不要：文字", "avoid:", "不要：：文字"),
    ],
)
def test_a_line_that_looks_like_a_part_and_is_none_is_not_sent_as_words(text: str, meant: str, as_words: str) -> None:
    """The error names the label, and how the line is sent as words; so written, it is."""
    with pytest.raises(PromptError) as caught:
        read(text)
    assert f"Did you mean {meant}?" in caught.value.how
    assert as_words in caught.value.how
    said = as_words.replace("::", ":").replace("：：", "：")
    assert said.casefold() in read(text.replace(said, as_words)).casefold()


@pytest.mark.parametrize(
    "text",
    [
        "Style: watercolour\nSubject: a cat",
        "Note: make it night.",
        "Next: make it night.",
        "Make it night, as in https://example.org.",
        "Change the sky: make it pink.",
        "Negative: people",
        "Title:\nOPEN",
    ],
)
def test_lines_of_words_with_a_colon_are_words(text: str) -> None:
    """A prompt without parts may have headings of its own."""
    assert (read(text), read(text).parts) == (text, None)
    assert escaped(text) == text


def test_chinese_labels_are_understood() -> None:
    """保持, 修改, 只改, 避免 and 文字 are parts; with its colon twice such a line is words."""
    words = read("保持：人物\n修改：雨夜街道\n只改：背景\n避免：文字")
    assert words == "保持人物不变。仅将背景改为雨夜街道。避免文字。"
    assert words.lines.startswith("keep: 人物\nchange: ")
    assert read("文字: 招牌 = OPEN") == "将招牌改为“OPEN”。"
    assert (read("保持：：人物").parts, read("保持：：人物")) == (None, "保持：人物")


def test_what_a_placeholder_brings_is_no_line_and_no_list() -> None:
    """A value with a line of a part in it stays a value."""
    value = "pose, hat\nchange: something else"
    words = read("keep: {{what}}\nchange: Make it {{time}}.", {"what": value, "time": "night"})
    assert words.parts == Parts(("pose, hat change: something else",), "Make it night.")
    assert read("{{what}}", {"what": value}).parts is None


# ── laws ────────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
TRICKY = st.text(alphabet='ab ,，、="“”:：«{}and.-1', min_size=1, max_size=12)
PHRASE = st.one_of(
    WORDS,
    TRICKY,
    st.sampled_from(
        [
            "pose",
            "her face",
            "keep: it",
            "style: it",
            "chnage: it",
            "Don’t:: x",
            "人物身份",
            "das Gesicht",
            "and so",
            "a, b",
            "make it night",
        ]
    ),
).filter(str.strip)
LISTS = st.lists(PHRASE, max_size=3)
PLACE = PHRASE.filter(lambda text: not set("=＝") & set(text) and text.strip()[:1] not in "\"“”„«»「」'")
PARTS = st.fixed_dictionaries(
    {"change": PHRASE},
    optional={
        "keep": LISTS,
        "only": LISTS,
        "avoid": LISTS,
        "more": LISTS,
        "text": st.lists(st.tuples(st.just("") | PLACE, PHRASE), max_size=2),
        "references": st.lists(st.tuples(st.integers(1, 20), PHRASE), max_size=2),
    },
)


def of(values: dict[str, Any]) -> Parts:
    """The parts of values, where there are some."""
    try:
        return made_parts(**values)
    except PromptError:
        assume(False)
        raise


def texts(parts: Parts) -> list[str]:
    """Every text of the parts."""
    pairs = [text for _, text in (*parts.text, *parts.references)]
    places = [place for place, _ in parts.text if place]
    return [*parts.keep, parts.change, *parts.only, *parts.avoid, *parts.more, *pairs, *places]


@given(PARTS)
def test_every_word_of_every_part_is_in_the_prompt(values: dict[str, Any]) -> None:
    """Nothing of what a person wrote is lost; composing the same again gives the same."""
    parts = of(values)
    words = compose(parts)
    assume(" be " not in parts.change)  # a passive becomes an instruction
    there = words.casefold()
    for text in texts(parts):
        for word in re.findall(r"\w+", re.sub(r"(?i)^only\s+|\s+only$", "", text).casefold()):
            assert word in there, (text, words)
    assert compose(parts) == words


@given(st.lists(PHRASE, min_size=1, max_size=3), PHRASE)
def test_what_stays_is_said_before_what_changes(keep: list[str], change: str) -> None:
    """The first of what stays begins before the change does, whatever both are."""
    parts = of({"keep": keep, "change": f"{change} zzchange"})
    words = compose(parts).casefold()
    assert words.startswith(("keep ", "保持", parts.keep[0].casefold()[:1]))
    assert words.index(apart(parts.keep[0])[0].casefold()[:3]) < words.index("zzchange")


@given(PARTS)
def test_parts_written_as_lines_are_the_same_parts(values: dict[str, Any]) -> None:
    """Lines, JSON, and both again."""
    parts = of(values)
    lines = written_lines(parts)
    assert read_lines(lines) == parts
    assert parts_of(parts.as_json()) == parts
    assert written_lines(read_lines(lines)) == lines


@given(
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.lists(
        TRICKY
        | st.sampled_from(
            [
                "keep: a",
                "Change:: b",
                "text:",
                "only：x",
                " avoid:",
                "keep :",
                "chnage: a",
                "kep:: b",
                "保持：c",
                "style: d",
            ]
        )
    ).map("\n".join)
)
def test_an_escaped_text_is_read_as_its_words(text: str) -> None:
    """Whatever a text holds, it can be said as words."""
    assert not has_parts(escaped(text))
    words = read(escaped(text))
    assert (words, words.parts) == (text, None)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | PHRASE,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["keep", "change", "text", "references", "more", "x"]), inner, max_size=4)
        ),
    )
)
def test_what_a_stranger_calls_parts_is_checked(packed: Any) -> None:
    """Of any JSON there come parts that compose, or none."""
    parts = parts_of(packed)
    assert parts is None or isinstance(compose(parts), str)


@given(PHRASE.filter(lambda text: script_of(text) is not None))
def test_lettering_names_the_script_that_it_has(text: str) -> None:
    """What `script_of` finds is what a reader finds named."""
    words = of({"text": {"sign": text}})
    script = script_of(words.text[0][1])
    assert script is None or script in compose(words)
    assert names_script("In Japanese.", "Japanese")


def test_the_parts_that_differ_are_named() -> None:
    """Each with both of its values; what is alike is left out."""
    one, other = made_parts(keep="pose", change="a"), made_parts(keep="pose", change="b", avoid="text")
    assert parts_that_differ(one, other) == {"change": ("a", "b"), "avoid": (None, "text")}
    assert Prompt("x").parts is None
