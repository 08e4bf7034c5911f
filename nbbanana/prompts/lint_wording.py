"""What the rules look for in the form of an English edit: passive, question, degree, and a pronoun without a noun."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from nbbanana.prompts.english import WORD, Clause, as_sentence, changes_in, is_kept, makes_new_picture
from nbbanana.prompts.lint_types import Asked, Found
from nbbanana.prompts.reading import Span
from nbbanana.prompts.words import entries, words_of

__all__ = ["passive", "pronoun_without_target", "question", "vague_intensifier"]

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
        if _WISH.search(said) or _is_told_as_done(said):
            yield Found((start, end))
            return
        if not (is_kept(said, faint=False) or said.endswith(":")):
            return


_NEGATED = re.compile(r"\b(?:not|never)\b|n['’]t\b")


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
            yield Found((start, end), changes=_as_sentence_of(asked, polite, end) if polite else ())
            return


def _as_sentence_of(asked: Asked, polite: re.Match[str], end: int) -> tuple[tuple[int, int, str], ...]:
    first, last = polite.span("order")
    return ((polite.start(), end, as_sentence(asked.prompt[first:last].rstrip(" ?"))),)


_MORE = re.compile(
    r"\b(?:makes?|have|let|render|give|turn)\b(?!['’])[^.!?\n]{0,60}?\b(?:look|looks|feel|appear|seem|be|a|an|it|"
    r"this|image|picture|photo|scene|photograph|shot|background|everything|them)\s+"
    r"(?:look |feel |appear |seem )?(?:a (?:bit|little|lot|touch) |much |way |even |slightly |somewhat |just |far |"
    r"really |very |so |super )*(?:more |less |the most )?(?P<word>[a-z-]+)"
)


_MORE_OF = re.compile(r"\bmore\s+(?P<word>[a-z-]+)")


def vague_intensifier(asked: Asked) -> Iterator[Found]:
    """Find an aim that is only a degree or a taste."""
    if makes_new_picture(asked.clauses):
        return
    changed = changes_in(asked.clauses)
    vague = [clause for clause in changed if _is_vague(asked, clause)]
    if vague and len(vague) == len(changed):
        yield Found(vague[0].span)


def _is_vague(asked: Asked, clause: Clause) -> bool:
    low = asked.reading.lower[clause.span[0] : clause.span[1]]
    said = WORD.findall(clause.object)
    if clause.verb in words_of("vague", "verbs"):
        aim = clause.object.partition(" to ")[2]
        said = WORD.findall(clause.object.partition(" to ")[0])
        if aim and not set(WORD.findall(aim)) & words_of("vague", "adjectives"):
            return False
        spare = words_of("closed", "determiners") | words_of("vague", "amounts")
        about = [word for word in said if word not in spare]
        how = set(said) & words_of("vague", "how")
        return not how and all(word.removesuffix("'s") in words_of("vague", "objects") for word in about)
    found = _MORE.search(low) or (_MORE_OF.search(low) if clause.verb in ("make", "have", "render") else None)
    if found is None or re.search(r"\b(?:with|by|using|like|as|through)\b", low[found.end() :]):
        return False
    is_degree = re.search(r"\bmore\s+[\w-]+$", found.group()) and said[:1] in (["it"], ["this"])
    return found["word"] in words_of("vague", "adjectives") or bool(is_degree and found["word"] not in _states())


_PLACE = (
    r"(?:to|from|on|in|at|off|out|away|up|down|left|right|behind|under|over|next|closer|further|farther|into|with|"
    r"for|by)"
)


@cache
def _states() -> frozenset[str]:
    return words_of("colours") | words_of("things", "states")


def pronoun_without_target(asked: Asked) -> Iterator[Found]:
    """Find a thing to change that only a pronoun names, before any noun."""
    first = next((clause for clause in asked.clauses if clause.kind != "other"), None)
    if first is None or first.kind != "change" or asked.clauses[0] is not first:
        return
    said = WORD.findall(first.object.removeprefix("rid of ").replace(" all ", " ").replace(" both ", " "))
    if said and said[0] in words_of("pronouns") and _stands_alone(first.verb, said):
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
        and follows not in _states()
    ):
        return False
    if verb not in ("replace", "swap", "paint", "color", "colour") and rest & words_of("pronouns", "weather"):
        return False
    if verb not in ("replace", "swap") and rest & words_of("pronouns", "wholes"):
        return False
    if verb in ("make", "turn", "paint", "color", "colour", "have", "let"):
        is_state = follows in _states() or (follows == "more" and said[2:3] and said[2] in _states())
        return bool(is_state) or follows == "into" or (follows in ("a", "an") and verb == "make")
    is_picture = pronoun in ("it", "this") and verb not in words_of("things", "verbs")
    return not is_picture
