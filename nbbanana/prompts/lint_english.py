"""What the rules look for in English: what is kept, what is changed, in which order and in which form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from nbbanana.prompts.english import WORD, Clause, is_kept, targets
from nbbanana.prompts.lint_types import Asked, Found
from nbbanana.prompts.reading import Span
from nbbanana.prompts.words import entries, words_of

__all__ = [
    "compound",
    "keep_and_change",
    "missing_preservation",
    "passive",
    "preservation_after_change",
    "pronoun_without_target",
    "question",
    "vague_intensifier",
]

KEEP_THE_REST = "Keep everything else unchanged. "
MANY_CHANGES = 3
"""So many separate changes at once are a compound instruction."""


def _changes(asked: Asked) -> list[Clause]:
    return [clause for clause in asked.clauses if clause.kind == "change"]


def missing_preservation(asked: Asked) -> Iterator[Found]:
    """Find a change without a word on what stays."""
    low = asked.reading.lower
    spans = [clause.span for clause in _changes(asked)] or [found.span for found in passive(asked)]
    spans = spans or [found.span() for found in [_WITHOUT.search(low)] if found]
    if not spans or is_kept(low) or _is_new_picture(asked):
        return
    yield Found(spans[0], changes=((0, 0, KEEP_THE_REST),))


_WITHOUT = re.compile(
    r"\b(?:ensure|make sure)\b(?: that)?(?: there(?:['’]s| is| are| remains?| remain)| (?:the )?(?:image|picture|photo)\b)?"
    r"[^.!?\n]{0,20}\b(?:no|not|without|free of|excludes?|lacks?)\b[^.!?\n]*"
)


def _is_new_picture(asked: Asked) -> bool:
    """Return whether the first order is to make a new picture: what follows it describes that one."""
    orders = [clause for clause in asked.clauses if clause.kind in ("change", "make")]
    return bool(orders) and orders[0].kind == "make" and orders[0].verb not in ("ensure", "use", "make")


def preservation_after_change(asked: Asked) -> Iterator[Found]:
    """Find what is to stay behind what is to change."""
    kept = [clause for clause in asked.clauses if clause.kind == "keep"]
    changed = _changes(asked)
    if not kept or not changed or min(kept[0].span, changed[0].span) != changed[0].span or _is_new_picture(asked):
        late = None if kept or not changed else _late_words(asked, changed[0])
        if late:
            yield Found(late)
        return
    yield Found(kept[0].span, changes=_moved_to_front(asked, kept))


_LATE = re.compile(
    r"\b(?:without (?:chang|alter|modif|touch|affect|mov|edit|disturb)\w+|(?:while|and|but) (?:keep|preserv|retain|maintain|leav)\w+)"
    r"[^.!?\n]*"
)


def _late_words(asked: Asked, change: Clause) -> Span | None:
    """Return the words that keep something inside the clause that changes."""
    found = _LATE.search(asked.reading.lower, change.object_at)
    return found.span() if found else None


_REFERS = re.compile(r"\b(?:it|them|they|its|this|that|these|those|him|he|she|else|rest|other|others|same)\b")
_REST = re.compile(r"\b(?:everything|all|anything) else\b|\bthe rest\b")


def _moved_to_front(asked: Asked, kept: list[Clause]) -> tuple[tuple[int, int, str], ...]:
    """Return the changes that put whole sentences on what stays first; none where they lean on what stood before."""
    whole = [one for one in asked.reading.sentences if any(one[0] == clause.span[0] for clause in kept)]
    low, text = asked.reading.lower, asked.prompt
    alone = [one for one in whole if sum(one[0] <= clause.span[0] < one[1] for clause in asked.clauses) == 1]
    leaning = any(_REFERS.search(_REST.sub("", low[start:end])) for start, end in whole)
    if not whole or alone != whole or leaning or len(whole) != len(kept):
        return ()
    moved = " ".join(_as_sentence(text[start:end]) for start, end in whole)
    return (0, 0, f"{moved} "), *((start, _after_space(text, end), "") for start, end in whole)


def _as_sentence(text: str) -> str:
    begun = text[:1].upper() + text[1:]
    return begun if begun[-1:] in ".!。！" else f"{begun}."


def _after_space(text: str, at: int) -> int:
    return at + 1 if text[at : at + 1] == " " else at


def compound(asked: Asked) -> Iterator[Found]:
    """Find many separate changes in one instruction."""
    changed = _changes(asked)
    if _is_new_picture(asked) or _is_description(asked) or (changed and _is_whole(changed[0])):
        return
    things = {(thing, clause.span) for clause in changed for thing in _things(clause)}
    apart = {thing for thing, _ in things}
    if len(apart) >= MANY_CHANGES:
        yield Found((changed[0].span[0], changed[-1].span[1]), f"It asks for {len(apart)} changes at once.")


_OWN = re.compile(r"(?:,|\band\b)\s*(?:and\s+)?(?:the|a|an|some|two|three|his|her|its|their)\b")


def _things(clause: Clause) -> list[str]:
    """Return what a clause changes, apart; a pronoun is about what was changed before."""
    things = [thing for thing in targets(clause.object) if thing.split()[0] not in words_of("pronouns")]
    if clause.group in ("add", "tune") and len(_OWN.findall(clause.object)) < len(things) - 1:
        return things[:1]  # "add depth and warm, soft light" is one thing, said at length
    return things


def _is_description(asked: Asked) -> bool:
    """Return whether a prompt begins by describing a picture: orders further on are about that one."""
    _, end = asked.reading.sentences[0]
    begun = [clause for clause in asked.clauses if clause.span[0] < end]
    return all(clause.kind == "other" for clause in begun) and not _is_short(asked, end)


def _is_short(asked: Asked, end: int) -> bool:
    """Return whether so little stands before the first order that it describes nothing."""
    return len(asked.prompt[:end].split()) <= 8


def _is_whole(clause: Clause) -> bool:
    """Return whether a clause makes another picture of the whole one: what follows describes it."""
    if clause.verb not in ("turn", "transform", "convert", "render", "reimagine", "make", "redesign", "recreate"):
        return False
    found = WORD.findall(clause.object)
    return bool(found) and (found[0] in words_of("pronouns") or bool(words_of("picture") & set(found[:6])))


_MODAL = r"(?:should|must|needs? to|has to|have to|ought to|shall|could|is to|are to)"
_PICTURES_SAKE = re.compile(
    rf"\b(?P<about>(?:the|a|an|all|any|every|each|his|her|its|their|my|this|that|these|those|both|all the)\s[^.,;:!?\n]{{1,80}}?)\s"
    rf"(?:{_MODAL}\s+(?P<first>be|have|turn|become|look|appear|adopt|take|get|show|display|feature|match|go|wear|feel)\b\s*(?P<second>[\w-]*)"
    rf"|(?:needs?|wants?)\s+(?P<gerund>[a-z]+ing)\b)(?P<rest>[^.!?\n]*)"
)
_WISH = re.compile(
    r"\b(?:i(?: would|['’]d)? (?:want|like|love|prefer|wish)|i wish|it would be (?:nice|great|good|better|cool))\b[^.!?\n]*"
)
_DONE = re.compile(
    r"^(?:the|a|an|all|any|every|both|his|her|its|their)\s[^.,;:!?\n]{1,60}?\s(?:is|are|gets?|has been|have been)\s(?P<second>\w+(?:ed|n|ut))\b[^.!?\n]*"
)


def passive(asked: Asked) -> Iterator[Found]:
    """Find an edit that is asked for as something that should be done, or as a wish, and not as an order."""
    ordered = any(clause.kind in ("change", "make") for clause in asked.clauses)
    low = asked.reading.lower
    is_first = True
    for start, end in asked.reading.sentences:
        said = low[start:end]
        found = _PICTURES_SAKE.search(low, start, end)
        if found and not _NEGATED.search(said) and ((is_first and not ordered) or _is_done(found["second"])):
            yield Found((start, end), changes=_as_order(asked, found, (start, end)))
            return
        if is_first and not ordered and (_is_wish(said) or _is_told_as_done(said)):
            yield Found((start, end))
            return
        is_first = is_first and is_kept(said, faint=False)


_NEGATED = re.compile(r"\bnot\b|n['’]t\b|\bnever\b")


def _is_wish(said: str) -> bool:
    found = _WISH.search(said)
    return found is not None and not re.search(r"\b(?:see|know|understand)\b", found.group())


def _is_told_as_done(said: str) -> bool:
    found = _DONE.match(said)
    return found is not None and _is_done(found["second"])


@cache
def _done() -> dict[str, str]:
    """Return the verbs of change by the form in which something was done to a thing."""
    verbs = [verb for group in ("add", "remove", "replace", "change", "tune") for verb in words_of("change", group)]
    said = entries()["done"]["forms"].split()
    irregular = dict(zip(said[::2], said[1::2], strict=True))
    return {
        form: verb for verb in verbs for form in (f"{verb}ed", f"{verb}d", f"{verb}{verb[-1]}ed", f"{verb[:-1]}ied")
    } | irregular


def _is_done(word: str | None) -> bool:
    return word in _done()


def _as_order(asked: Asked, found: re.Match[str], sentence: Span) -> tuple[tuple[int, int, str], ...]:
    """Return the change that makes an order of "the X should be replaced with Y"; none where it is said otherwise."""
    verb = _done().get(found["second"] or "")
    is_plain = (
        found["first"] == "be"
        and verb
        and found.start() == sentence[0]
        and not found["rest"].lstrip().startswith("by ")
    )
    if not is_plain:
        return ()
    about = asked.prompt[slice(*found.span("about"))]
    order = f"{str(verb).capitalize()} {about[:1].lower()}{about[1:]}"
    return ((sentence[0], found.end("second"), order),)


_ASKS = re.compile(
    r"(?:(?:hi|hello|hey|please|so|ok|okay|and|also)\b[ ,]*)*"
    r"(?:(?:can|could|would|will|won['’]t|can['’]t|may|might|should)\s+(?:you|we|i|someone|it|the|this|that|there)\b|"
    r"(?:would|do) you mind\b|(?:is|would) (?:it|there) (?:be )?(?:possible|any (?:way|chance))\b|is there (?:a|any) way\b|what (?:if|would|about|will|might)\b|"
    r"how (?:about|would|can|do|could|might)\b|why not\b|any chance\b|do you think\b|are you able\b)"
)
_POLITE = re.compile(
    r"(?:(?:hi|hello|hey|please|so|ok|okay)\b[ ,]*)*(?:can|could|would|will) you (?:please |kindly |maybe |possibly )?(?P<order>[a-z]+ .*?)(?:,? please)?\s*\?*$",
    re.DOTALL,
)


def question(asked: Asked) -> Iterator[Found]:
    """Find an edit that is asked for as a question."""
    low = asked.reading.lower
    for start, end in asked.reading.sentences:
        asks = _ASKS.match(low, start, end)
        if asks or (low[end - 1] == "?" and len(asked.reading.sentences) == 1):
            polite = _POLITE.fullmatch(low, start, end)
            yield Found((start, end), changes=_as_sentence_of(asked, polite, end) if polite else ())
            return


def _as_sentence_of(asked: Asked, polite: re.Match[str], end: int) -> tuple[tuple[int, int, str], ...]:
    first, last = polite.span("order")
    return ((polite.start(), end, _as_sentence(asked.prompt[first:last].rstrip(" ?"))),)


_MORE = re.compile(
    r"\b(?:makes?|have|let|render|give|turn)\b(?!['’])[^.!?\n]{0,60}?\b(?:look|looks|feel|appear|seem|be|a|an|it|this|image|picture|photo|scene|photograph|shot|background|everything|them)\s+"
    r"(?:look |feel |appear |seem )?(?:a (?:bit|little|lot|touch) |much |way |even |slightly |somewhat |just |far |really |very |so |super )*(?:more |less |the most )?(?P<word>[a-z-]+)"
)


def vague_intensifier(asked: Asked) -> Iterator[Found]:
    """Find an aim that is only a degree or a taste."""
    if _is_new_picture(asked):
        return
    changed = _changes(asked)
    vague = [clause for clause in changed if _is_vague(asked, clause)]
    if vague and len(vague) == len(changed):
        yield Found(vague[0].span)


def _is_vague(asked: Asked, clause: Clause) -> bool:
    low = asked.reading.lower[clause.span[0] : clause.span[1]]
    said = WORD.findall(clause.object)
    if clause.verb in words_of("vague", "verbs"):
        about = [
            word
            for word in said
            if word not in words_of("closed", "determiners") and word not in ("of", "and", "overall", "general")
        ]
        how = set(said) & words_of("vague", "how")
        return not how and all(word.removesuffix("'s") in words_of("vague", "objects") for word in about)
    found = _MORE.search(low)
    if found is None or re.search(r"\b(?:with|by|using|like|as|through)\b", low[found.end() :]):
        return False
    is_degree = re.search(r"\bmore\s+[\w-]+$", found.group()) and said[:1] in (["it"], ["this"])
    return found["word"] in words_of("vague", "adjectives") or bool(is_degree and found["word"] not in _states())


_PLACE = r"(?:to|from|on|in|at|off|out|away|up|down|left|right|behind|under|over|next|closer|further|farther|into|with|for|by)"


@cache
def _states() -> frozenset[str]:
    return words_of("colours") | words_of("things", "states")


def pronoun_without_target(asked: Asked) -> Iterator[Found]:
    """Find a thing to change that only a pronoun names, before any noun."""
    first = next((clause for clause in asked.clauses if clause.kind != "other"), None)
    if first is None or first.kind != "change" or asked.clauses[0] is not first:
        return
    said = WORD.findall(first.object)
    if said and said[0] in words_of("pronouns") and _stands_alone(first.verb, said):
        at = first.object_at
        yield Found((at, at + len(said[0])), f"“{said[0]}” has nothing that it could stand for.")


def _stands_alone(verb: str, said: list[str]) -> bool:
    """Return whether the pronoun is the thing that is changed, and not the picture, the weather or a noun's companion."""
    pronoun, follows = said[0], said[1] if len(said) > 1 else ""
    rest = set(said[1:])
    if (
        follows
        and pronoun in ("this", "that", "these", "those")
        and not re.fullmatch(_PLACE, follows)
        and follows not in _states()
    ):
        return False
    if rest & words_of("pronouns", "weather") or (verb != "replace" and rest & words_of("pronouns", "wholes")):
        return False
    if verb in ("make", "turn", "paint", "color", "colour", "have", "let"):
        is_state = follows in _states() or (follows == "more" and said[2:3] and said[2] in _states())
        return bool(is_state) or follows == "into" or (follows in ("a", "an") and verb == "make")
    is_picture = pronoun in ("it", "this") and verb not in words_of("things", "verbs")
    return not is_picture


_STAYS = re.compile(
    r"^(?:unchanged|the same|same|intact|untouched|as[- ]is|as it is|as they are|exactly|identical|unaltered|in place|consistent|completely|entirely|fully|totally)\b|^$"
)


def keep_and_change(asked: Asked) -> Iterator[Found]:
    """Find a thing that is to stay and to change at once."""
    kept = {thing: clause for clause in asked.clauses for thing in _kept_things(clause)}
    for clause in _changes(asked):
        if clause.group not in ("remove", "replace", "change") or clause.verb in (
            "make",
            "adjust",
            "have",
            "let",
            "take",
            "get",
            "set",
        ):
            continue
        for thing in targets(clause.object):
            plain = _of_color(thing) if _of_color(thing) in kept else thing
            if plain in kept and plain not in _ALL:
                yield Found(clause.span, f"It keeps the {plain} and changes it (“{_words(asked, kept[plain])}”).")
                return


_ALL = frozenset(["everything", "all", "rest", "other", "others", "image", "picture", "photo"])
_COLOUR_OF = re.compile(
    r"^(?:color|colour|shape|look|appearance|style|design|size|material|texture)s? of (?:the |his |her |its |their )?"
)


def _of_color(thing: str) -> str:
    return _COLOUR_OF.sub("", thing)


def _words(asked: Asked, clause: Clause) -> str:
    return asked.prompt[slice(*clause.span)].strip(" .,;")


def _kept_things(clause: Clause) -> tuple[str, ...]:
    """Return what a clause keeps as it is; "keep the background clean" says how it should be, and keeps nothing."""
    if clause.kind != "keep" or not clause.verb:
        return ()
    things = list(targets(clause.object))
    rest = clause.object[clause.object.rfind(things[-1]) + len(things[-1]) :].strip() if things else ""
    if clause.verb == "keep" and not _STAYS.match(rest):
        return ()
    return tuple(things)
