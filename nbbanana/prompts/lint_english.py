"""
What the rules look for in the words of an English edit: what is kept, what is changed, and in which order.

And the form: passive, question, degree, a pronoun without a noun, and a thing that is to stay and to change at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from nbbanana.prompts.reading import (
    WORD,
    Asked,
    Clause,
    Found,
    Span,
    changes_in,
    entries,
    is_kept,
    makes_new_picture,
    targets,
    word_list,
)
from nbbanana.prompts.sentences import sentence

__all__ = [
    "compound",
    "keep_and_change",
    "kept_things",
    "missing_preservation",
    "passive",
    "preservation_after_change",
    "pronoun_without_target",
    "question",
    "vague_intensifier",
]

_STAYS = re.compile(
    r"^(?:unchanged|the same|same|intact|untouched|as[- ]is|as it is|as they are|exactly|identical|unaltered|in "
    r"place|consistent|completely|entirely|fully|totally)\b|^$"
)
_STRICT = re.compile(
    r"\b(?:unchanged|the same|intact|untouched|as[- ]is|as it is|as they are|identical|unaltered|leave)\b|"
    r"(?:\bnot|n['’]?t|\bnever) (?:be )?(?:chang|alter|modif|touch|edit)\w*"
)
_SAID_OF = re.compile(
    r"(?P<things>(?:[\w’'-]+ ){0,5}?[\w’'-]+) "
    r"(?:(?:must|should|shall|has to|have to|needs to|need to|is to|are to|will) )?"
    r"(?:stays?|remains?|be kept|be left) (?:exactly |completely )?"
    r"(?:unchanged|the same|intact|untouched|as[- ]is|as it is|as they are|identical|unaltered)\b"
)

MILD = frozenset({"make", "adjust", "have", "let", "take", "get", "set", "give"})
"""Verbs whose change may leave the thing what it is."""

LOOKS = frozenset({"blur", "brighten", "darken", "lighten", "soften", "intensify", "smooth", "fill", "cover", "wrap"})
"""Verbs after which a thing does not look as it did."""

_ALL = frozenset(["everything", "all", "rest", "other", "others", "image", "picture", "photo"])
_VISIBLE = frozenset(["visible", "sharp", "clear"])
_COLOUR_OF = re.compile(
    r"^(?:color|colour|shape|look|appearance|style|design|size|material|texture)s? of (?:the |his |her |its |their )?"
)


def keep_and_change(asked: Asked) -> Iterator[Found]:
    """Find a thing that is to stay and to change at once."""
    kept = {thing: clause for clause in asked.clauses for thing in (*kept_things(clause), *_said_of(asked, clause))}
    for clause in changes_in(asked.clauses) if kept else ():
        for thing in targets(re.sub(r"^(?:only|just) ", "", clause.object)):
            plain = next(
                (form for form in (thing, _COLOUR_OF.sub("", thing), _without_color(thing)) if form in kept), ""
            )
            if plain and _contradicts(asked, kept[plain], clause, thing, plain):
                words = asked.prompt[slice(*kept[plain].span)].strip(" .,;")
                yield Found(clause.span, f"It keeps the {plain} and changes it (“{words}”).")
                return


def _contradicts(asked: Asked, kept: Clause, clause: Clause, thing: str, plain: str) -> bool:
    """Return whether a change of a thing goes against the clause that keeps it."""
    said = asked.reading.lower[slice(*kept.span)]
    is_strict = _STRICT.search(said) is not None
    if plain in _ALL:
        is_whole = plain == thing == clause.object and plain in ("everything", "all")
        return is_whole and clause.group == "change" and is_strict
    if clause.group in ("remove", "replace"):
        return True
    if kept.verb == "not" and not is_strict:  # "do not crop the sky" says nothing of its colour
        return False
    if clause.verb in MILD:
        state = set(thing.removeprefix(plain).split())
        is_other = bool(state & (word_list("colours") | HAIR)) or (is_strict and bool(state - _VISIBLE))
        return is_other or kept.verb == "not"
    return clause.group == "change" or (is_strict and clause.verb in LOOKS)


def _without_color(thing: str) -> str:
    """Return the thing of "the wall dark green" and of "her face older"."""
    words = thing.split()
    while len(words) > 1 and words[-1] in word_list("colours") | word_list("things", "states") | HAIR:
        words.pop()
    return " ".join(words)


HAIR = frozenset({"blonde", "blond", "brunette", "ginger"})


def kept_things(clause: Clause) -> tuple[str, ...]:
    """Return what a clause keeps as it is; "keep the background clean" says how it should be, and keeps nothing."""
    if clause.kind != "keep" or not clause.verb:
        return ()
    things = list(targets(clause.object))
    rest = clause.object[clause.object.rfind(things[-1]) + len(things[-1]) :].strip() if things else ""
    if clause.verb == "keep" and not _STAYS.match(rest):
        return ()
    return tuple(things)


def _said_of(asked: Asked, clause: Clause) -> tuple[str, ...]:
    """Return what a clause without an order says to stay as it is: "the sky must stay the same"."""
    found = _SAID_OF.match(asked.reading.lower, *clause.span)
    return targets(found["things"]) if found else ()


_MODAL = r"(?:should|must|needs? to|has to|have to|ought to|shall|could|is to|are to)"
_PICTURES_SAKE = re.compile(
    rf"\b(?P<about>it|this|that|she|he|they|(?:the|a|an|all|any|every|each|his|her|its|their|my|this|that|these|those|both)\s"
    rf"[^.,;:!?\n]{{1,80}}?)\s"
    rf"(?:{_MODAL}\s+(?P<first>be|have|turn|become|look|appear|adopt|take|get|show|display|feature|match|go|wear|"
    rf"feel)\b\s*(?P<second>[\w-]*)"
    rf"|(?:needs?|wants?)\s+(?P<gerund>[a-z]+ing)\b)(?P<rest>[^.!?\n]*)"
)
_WISH = re.compile(
    r"\b(?:i(?: would|['’]d)? (?:want|like|love|prefer|wish)|i wish|i need (?:the|all|this|these|his|her|my)|it "
    r"would be (?:nice|great|good|better|"
    r"cool)|there (?:should|must|ought to|needs? to)(?: not)? be)\b[^.!?\n]*"
)
_DONE = re.compile(
    r"^(?:the|a|an|all|any|every|both|his|her|its|their)\s[^.,;:!?\n]{1,60}?\s(?:is|are|gets?|has been|have "
    r"been)\s(?P<second>\w+(?:ed|n|ut))\b[^.!?\n]*"
)


def passive(asked: Asked) -> Iterator[Found]:
    """Find an edit that is asked for as something that should be done, or as a wish, and not as an order."""
    if any(
        clause.kind in ("change", "make") and clause.verb not in ("see", "know", "understand")
        for clause in asked.clauses
    ):
        return
    low = asked.reading.lower
    for start, end in asked.reading.sentences:
        said = low[start:end]
        found = _PICTURES_SAKE.search(low, start, end)
        if found and not _NEGATED.search(said):
            yield Found((start, end), changes=_as_order(asked, found, (start, end)))
            return
        told = _DONE.match(said)
        if _WISH.search(said) or (told and told["second"] in _done()):
            yield Found((start, end))
            return
        if not (is_kept(said, faint=False) or said.endswith(":")):
            return


_NEGATED = re.compile(r"\b(?:not|never)\b|n['’]t\b")


@cache
def _done() -> dict[str, str]:
    """Return the verbs of change by the form in which something was done to a thing."""
    verbs = [verb for group in ("add", "remove", "replace", "change", "tune") for verb in word_list("change", group)]
    said = entries()["done"]["forms"].split()
    irregular = dict(zip(said[::2], said[1::2], strict=True))
    return {
        form: verb for verb in verbs for form in (f"{verb}ed", f"{verb}d", f"{verb}{verb[-1]}ed", f"{verb[:-1]}ied")
    } | irregular


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
    r"(?:would|do) you mind\b|(?:is|would) (?:it|there) (?:be )?(?:possible|any (?:way|chance))\b|is there (?:a|"
    r"any) way\b|what (?:if|would|about|will|might)\b|"
    r"how (?:about|would|can|do|could|might)\b|why not\b|any chance\b|do you think\b|are you able\b)"
)
_POLITE = re.compile(
    r"(?:(?:hi|hello|hey|please|so|ok|okay)\b[ ,]*)*(?:can|could|would|will) you (?:please |kindly |maybe |"
    r"possibly )?(?P<order>[a-z]+ .*?)(?:,? please)?\s*\?*$",
    re.DOTALL,
)


def question(asked: Asked) -> Iterator[Found]:
    """Find an edit that is asked for as a question."""
    low = asked.reading.lower
    for start, end in asked.reading.sentences:
        asks = _ASKS.match(low, start, end)
        if asks or (low[end - 1] == "?" and len(asked.reading.sentences) == 1):
            polite = _POLITE.fullmatch(low, start, end)
            order = asked.prompt[slice(*polite.span("order"))].rstrip(" ?") if polite else ""
            yield Found((start, end), changes=((start, end, sentence(order)),) if order else ())
            return


_MORE = re.compile(
    r"\b(?:makes?|have|let|render|give|turn)\b(?!['’])[^.!?\n]{0,60}?\b(?:look|looks|feel|appear|seem|be|a|an|it|"
    r"this|image|picture|photo|scene|photograph|shot|background|everything|them)\s+"
    r"(?:look |feel |appear |seem )?(?:a (?:bit|little|lot|touch) |much |way |even |slightly |somewhat |just |far |"
    r"really |very |so |super )*(?:more |less |the most )?(?P<word>[a-z-]+)"
)


_MORE_OF = re.compile(r"\bmore\s+(?P<word>[a-z-]+)")


def vague_intensifier(asked: Asked) -> Iterator[Found]:
    """Find an aim that is only a degree or a taste."""
    changed = changes_in(asked.clauses)
    vague = [clause for clause in changed if _is_vague(asked, clause)]
    if vague and len(vague) == len(changed):
        yield Found(vague[0].span)


def _is_vague(asked: Asked, clause: Clause) -> bool:
    low = asked.reading.lower[clause.span[0] : clause.span[1]]
    said = WORD.findall(clause.object)
    if clause.verb in word_list("vague", "verbs"):
        aim = clause.object.partition(" to ")[2]
        said = WORD.findall(clause.object.partition(" to ")[0])
        if aim and not set(WORD.findall(aim)) & word_list("vague", "adjectives"):
            return False
        spare = word_list("closed", "determiners") | word_list("vague", "amounts")
        about = [word for word in said if word not in spare]
        how = set(said) & word_list("vague", "how")
        return not how and all(word.removesuffix("'s") in word_list("vague", "objects") for word in about)
    found = _MORE.search(low) or (_MORE_OF.search(low) if clause.verb in ("make", "have", "render") else None)
    if found is None or re.search(r"\b(?:with|by|using|like|as|through)\b", low[found.end() :]):
        return False
    is_degree = re.search(r"\bmore\s+[\w-]+$", found.group()) and said[:1] in (["it"], ["this"])
    return found["word"] in word_list("vague", "adjectives") or bool(is_degree and found["word"] not in _STATES)


_PLACE = (
    r"(?:to|from|on|in|at|off|out|away|up|down|left|right|behind|under|over|next|closer|further|farther|into|with|"
    r"for|by)"
)


_STATES = word_list("colours") | word_list("things", "states")


def pronoun_without_target(asked: Asked) -> Iterator[Found]:
    """Find a thing to change that only a pronoun names, before any noun."""
    first = next((clause for clause in asked.clauses if clause.kind != "other"), None)
    if first is None or first.kind != "change" or asked.clauses[0] is not first:
        return
    said = WORD.findall(first.object.removeprefix("rid of ").replace(" all ", " ").replace(" both ", " "))
    if said and said[0] in word_list("pronouns") and _stands_alone(first.verb, said):
        at = asked.reading.lower.index(said[0], first.object_at)
        yield Found((at, at + len(said[0])), f"“{said[0]}” has nothing that it could stand for.")


def _stands_alone(verb: str, said: list[str]) -> bool:
    """Return whether the pronoun is the thing that changes, and not the picture, the weather or a part of a noun."""
    pronoun, follows = said[0], said[1] if len(said) > 1 else ""
    rest = set(said[1:])
    if (
        follows
        and pronoun in ("this", "that", "these", "those")
        and not re.fullmatch(_PLACE, follows)
        and follows not in _STATES
    ):
        return False
    if verb not in ("replace", "swap", "paint", "color", "colour") and rest & word_list("pronouns", "weather"):
        return False
    if verb not in ("replace", "swap") and rest & word_list("pronouns", "wholes"):
        return False
    if verb in ("make", "turn", "paint", "color", "colour", "have", "let"):
        is_state = follows in _STATES or (follows == "more" and said[2:3] and said[2] in _STATES)
        return bool(is_state) or follows == "into" or (follows in ("a", "an") and verb == "make")
    is_picture = pronoun in ("it", "this") and verb not in word_list("things", "verbs")
    return not is_picture


KEEP_THE_REST = "Keep everything else unchanged. "
MANY_CHANGES = 3
"""So many separate changes at once are a compound instruction."""


def missing_preservation(asked: Asked) -> Iterator[Found]:
    """Find a change to something that stands in the picture, without a word on what stays."""
    low = asked.reading.lower
    if is_kept(low) or makes_new_picture(asked.clauses):
        return
    changed = changes_in(asked.clauses)
    spans = [clause.span for clause in changed if _changes_a_thing(clause) and not _is_of_added(clause, changed[0])]
    if not changed:
        said = (found for pattern in (_ENSURED, _CHOSEN) if (found := pattern.search(low)))
        spans = [found.span for found in passive(asked)] or [found.span() for found in said]
    if spans:
        yield Found(spans[0], changes=((0, 0, KEEP_THE_REST),))


_ENSURED = re.compile(
    r"\b(?:ensure|make sure|see to it)\b(?: that)?(?: there(?:['’]s| is| are| remains?| remain)\b| (?:the|all|"
    r"every|each|his|her|no)\b)"
    r"[^.!?\n]{0,40}?\b(?:is|are|has|have|no|not|without|excludes?|lacks?|appears?|looks?)\b[^.!?\n]*"
)
_CHOSEN = re.compile(
    rf"\b(?:choose|use|select|pick)\s+(?:an?\s+)?(?:{'|'.join(sorted(word_list('colours')))})\b"
    r"[^.!?\n]*?\b(?:for|on) the\b[^.!?\n]*"
)

_BY_ADDING = re.compile(
    r"\b(?:by|with) (?:add|incorporat|introduc|insert|includ|plac|putt)\w+|"
    rf"\b(?:{'|'.join(sorted(word_list('picture')))}) with (?:an?|one|two|three|four|five|some|several|more)\b"
)


def _changes_a_thing(clause: Clause) -> bool:
    """Return whether a clause changes what stands there: it does not only add, nor sharpen or brighten all of it."""
    if clause.group == "add" or _BY_ADDING.search(clause.object):
        return False
    if " with the " in clause.object or (" with " in clause.object and clause.group == "tune"):
        return True
    # What makes the picture better or clearer changes no thing of it.
    tunes = clause.group in ("tune", "remove") or (clause.verb in ("make", "have") and "more" in clause.object.split())
    head = {word.removesuffix("'s") for thing in targets(clause.object) for word in WORD.findall(thing)} - SMALL
    return not head or not head <= word_list("quality") | (word_list("picture") if tunes else frozenset())


def _is_of_added(clause: Clause, first: Clause) -> bool:
    """Return whether a clause goes on about a thing that was just added: "add a hat and make it red"."""
    return first.group == "add" and clause.object.split()[:1] in (["it"], ["them"], ["its"], ["their"])


SMALL = frozenset({"of", "the", "this", "from", "any"})


def preservation_after_change(asked: Asked) -> Iterator[Found]:
    """Find what is to stay behind what is to change."""
    kept = [clause for clause in asked.clauses if clause.kind == "keep" and (not clause.verb or kept_things(clause))]
    orders = [clause for clause in asked.clauses if clause.kind in ("change", "make") and clause.verb not in WAYS]
    if not orders:
        return
    if not kept:
        if found := _LATE.search(asked.reading.lower, orders[0].object_at):
            yield Found(found.span())
    elif orders[0].span < kept[0].span:
        yield Found(kept[0].span, changes=_moved_to_front(asked, kept))


WAYS = frozenset({"use", "ensure", "choose", "select", "analyze", "analyse", "act", "follow", "consider", "see"})
"""Orders on how to work, which come before or after what is kept as they please."""

_LATE = re.compile(
    r"\b(?:without (?:chang|alter|modif|touch|affect|mov|edit|disturb)\w+|(?:while|and|but) (?:keep|preserv|retain|"
    r"maintain|"
    r"leav)\w+|(?:everything|all|anything)\b[^.!?\n]{0,30}\b(?:except|apart from|other than|but)|"
    r"(?:retains?|preserves?|keeps?|maintains?) (?:the|its|his|her|their)\b)[^.!?\n]*"
)


_REFERS = re.compile(r"\b(?:it|them|they|its|this|that|these|those|him|he|she|else|rest|other|others|same)\b")
_REST = re.compile(r"\b(?:everything|all|anything) else\b|\bthe rest\b")


def _moved_to_front(asked: Asked, kept: list[Clause]) -> tuple[tuple[int, int, str], ...]:
    """Return the changes that put whole sentences on what stays first; none where they lean on what stood before."""
    whole = [one for one in asked.reading.sentences if any(one[0] == clause.span[0] for clause in kept)]
    low, text = asked.reading.lower, asked.prompt

    leaning = any(_REFERS.search(_REST.sub("", low[start:end])) for start, end in whole)
    if leaning or len(whole) != len(kept):
        return ()
    moved = " ".join(sentence(text[start:end]) for start, end in whole)
    return (0, 0, f"{moved} "), *((start, end + (1 if text.startswith(" ", end) else 0), "") for start, end in whole)


def compound(asked: Asked) -> Iterator[Found]:
    """Find many separate changes in one instruction."""
    changed = changes_in(asked.clauses)
    if not changed or makes_new_picture(asked.clauses) or _is_description(asked):
        return
    things = {(thing, clause.group == "remove") for clause in changed for thing in _things(clause)}
    if len(things) >= MANY_CHANGES:
        yield Found((changed[0].span[0], changed[-1].span[1]), f"It asks for {len(things)} changes at once.")


def _things(clause: Clause) -> list[str]:
    """
    Return what a clause changes, apart.

    A pronoun is about what was changed before; "add depth and warm, soft light" is one thing, said at length.
    """
    said = _AGAIN.split(clause.object) if clause.group in ("change", "replace") else [clause.object]
    things = [thing for part in said for thing in targets(part) if thing.split()[0] not in word_list("pronouns")]
    is_list = clause.group in ("remove", "replace", "change")
    is_apart = len(_OWN.findall(clause.object)) == len(things) - 1 or (len(things) > 2 and _LAST.search(clause.object))
    return things if is_list or is_apart else things[:1]


_AGAIN = re.compile(
    r"(?:,\s*and|,|\band)\s+(?=(?:the|his|her|its|their|my|a|an)\b[^,.]{1,40}?\s(?:to|into|with|for)\b)"
)
"""Where a list goes on without its verb: "change the sky to red and the grass to snow"."""
_LAST = re.compile(r",[^,]+(?:,\s*)?\band\b")
_OWN = re.compile(r"(?:,|\band\b)\s*(?:and\s+)?(?:the|a|an|some|two|three|his|her|its|their)\b")


def _is_description(asked: Asked) -> bool:
    """Return whether a prompt begins by describing a picture: orders further on are about that one."""
    start, end = asked.reading.sentences[0]
    begun = [clause for clause in asked.clauses if clause.span[0] < end]
    words = asked.reading.lower[start:end].split()
    return all(clause.kind == "other" for clause in begun) and (words[0] in ("a", "an") or len(words) > LONG_SENTENCE)


LONG_SENTENCE = 12
"""So many words without an order describe something."""
