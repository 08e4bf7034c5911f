"""Whatever words and names hold, they are shown and do nothing: in HTML, in LaTeX, in a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.markup import Page, read
from support.outputs import FIGURES, edit_row, everything, payloads
from support.tiers import in_turn

from nbbanana.display import (
    DryRun,
    Picture,
    ProgressDisplay,
    ResultView,
    bundle,
    dry_run_bundle,
    history_bundle,
    note_bundle,
    text,
)
from nbbanana.display.drift_views import drift_bundle
from nbbanana.display.views import Change
from nbbanana.engine.run import Progress
from nbbanana.text import one_line, plain, storable

KEPT_TAGS = {
    *("b", "bdi", "br", "code", "dd", "del", "details", "div", "dl", "dt", "img", "ins", "li", "p"),
    *(
        "caption",
        "pre",
        "progress",
        "span",
        "strong",
        "summary",
        "table",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
    ),
}
KEPT_ATTRIBUTES = {
    "*": {"dir", "style", "title"},
    "details": {"open"},
    "img": {"alt", "height", "src", "width"},
    "progress": {"max", "value"},
    "td": {"colspan", "width"},
    "th": {"colspan", "scope"},
}
LENGTH = r"(0|-?\d+(\.\d+)?(px|em|%))"
KEPT_STYLES = {
    "align-items": "flex-start|start|baseline",
    "border": "1px solid",
    "border-left": "1px solid",
    "border-radius": LENGTH,
    "box-sizing": "border-box",
    "display": "block|flex|grid|inline-block",
    "flex": r"none|\d \d \d+(em|px|%)",
    "flex-wrap": "wrap",
    "float": "none",
    "font-size": LENGTH,
    "font-weight": "[46]00",
    "gap": f"{LENGTH}( {LENGTH})?",
    "grid-area": r"\d / \d / \d / \d",
    "grid-column": r"\d",
    "grid-template-columns": r"max-content minmax\(0,1fr\)|repeat\(auto-fi(ll|t),"
    r"minmax\((\d+px|max\(\d+px,[\d.]+%\)|max\([\d.]+%,min\([\d.]+%,\(\d+px - 100%\)\*999\)\)),1fr\)\)",
    "height": f"auto|{LENGTH}",
    "justify-content": "space-between",
    "line-height": r"1\.[45]",
    "margin": f"{LENGTH}( {LENGTH}){{0,3}}",
    "max-width": LENGTH,
    "min-width": LENGTH,
    "opacity": r"0?\.\d+",
    "outline": "1px solid",
    "overflow": "hidden",
    "overflow-wrap": "break-word",
    "overflow-x": "auto",
    "padding": f"{LENGTH}( {LENGTH}){{0,3}}",
    "table-layout": "fixed",
    "text-align": "left",
    "text-overflow": "ellipsis",
    "vertical-align": "bottom|top",
    "visibility": "hidden",
    "white-space": "normal|nowrap|pre-wrap",
    "width": f"auto|{LENGTH}",
    "word-break": "normal",
}
"""What came through the sanitizer of JupyterLab 4.6.6 unchanged; `tests/browser/test_outputs.py` asks it again."""

VECTORS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<iframe src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<details open ontoggle=alert(1)>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style>",
    "<style>*{display:none}</style>",
    "<meta http-equiv=refresh content=0;url=//x.example>",
    "<base href=//x.example>",
    "<form action=//x.example><button>go</button></form>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    '" style="position:fixed;inset:0" x="',
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{ 7*7 }}{% include 'parts.html.j2' %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;&#60;img&#62;",
    "<!--<img src=x onerror=alert(1)>-->",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<\u202escript>alert(1)",
)
AROUND = ("{}", '">{}', "'>{}", "</p></div>{}", "</code></span></td></table>{}", "--><![CDATA[{}]]>")
PAYLOADS = [*(around.replace("{}", vector) for around in AROUND for vector in VECTORS), *payloads()]
HARMLESS = "word"


@pytest.fixture(scope="module")
def shapes() -> list[Any]:
    """The tags and attributes of every output with a harmless word in it."""
    return [shape_of(read(together(html))) for html in everything(HARMLESS)]


def shape_of(page: Page) -> list[Any]:
    """What no words may change; where they have lines, these are kept."""
    return [(tag, names) for tag, names in page.shape if tag != "br"]


def together(html: str) -> str:
    """The HTML before `$` and backslashes were set apart: JSON writes a quote with a backslash."""
    return re.sub(r"<span>([$\\])</span>", r"\1", html)


def test_there_are_more_than_a_hundred_payloads() -> None:
    """All different."""
    assert len(set(PAYLOADS)) == len(PAYLOADS) > 100


@pytest.mark.parametrize("payload", in_turn(PAYLOADS, 12))
def test_words_never_become_markup(payload: str, shapes: list[Any]) -> None:
    """The same tags with the same attributes stand there, whatever the words are; a further line may repeat some."""
    pages = [read(together(html)) for html in everything(payload)]
    found = [shape_of(page) for page in pages]
    if len(payload.splitlines()) == 1:
        assert found == shapes
    assert [set(shape) for shape in found] == [set(shape) for shape in shapes]
    for page in pages:
        check_kept(page)


def test_the_words_are_there_as_they_were_written(shapes: list[Any]) -> None:
    """Escaping shows them; it does not take them away."""
    for html in everything("<b>&amp;</b>"):
        assert "<b>&amp;</b>" in read(html).text


def check_kept(page: Page) -> None:
    for element in page.elements:
        assert element.tag in KEPT_TAGS
        assert set(element.attributes) <= KEPT_ATTRIBUTES["*"] | KEPT_ATTRIBUTES.get(element.tag, set())
        assert element.attributes.get("src", "data:image/").startswith("data:image/")
        assert "" not in element.attributes.values() or element.tag == "img"
    for name, value in page.styles:
        assert re.fullmatch(KEPT_STYLES[name], value), f"{name}:{value}"


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 80])
def test_a_sanitizer_has_nothing_to_take_away(view: Callable[..., ResultView], count: int) -> None:
    """Only tags, attributes and styles that an untrusted JupyterLab keeps."""
    page = read(
        bundle(view(count, prompt="word " * 400, provider="sandbox", is_play=True, notes=("A note.",)))[0]["text/html"]
    )
    check_kept(page)
    assert len(page.all("img")) == count + 1


def alone(html: str) -> bool:
    """Whether no text holds a character that begins LaTeX, but alone in a tag of its own."""
    outside = re.sub(r"<span>[$\\]</span>", "", html)
    return not re.search(r"[$\\]", re.sub(r"<[^>]*>", "", outside))


@pytest.mark.parametrize("words", ["$0.28 … $5.00", r"\(x\) \[y\]", r"\begin{equation}z\end{equation}", "$$x$$"])
def test_nothing_is_typeset(words: str) -> None:
    """Two prices are two prices, wherever they stand."""
    for html in everything(words):
        assert alone(html)
        assert words in read(html).text


def test_dollar_signs_stay_what_they_are_in_attributes(view: Callable[..., ResultView]) -> None:
    """A tag inside an attribute would be text that somebody hears."""
    page = read(bundle(view(1, prompt="A tag for $5 or $6"))[0]["text/html"])
    assert page.all("img")[-1].attributes["alt"].startswith("A tag for $5 or $6. Picture 1")


HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def harmful(words: str) -> list[str]:
    """The characters that a terminal obeys, or that hide or move others; joiners inside foreign words are none."""
    inner = re.sub("(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])", "", words)
    return [one for one in inner if unicodedata.category(one) in HARMFUL and one not in "\n\t"]


@given(st.text(st.characters(exclude_categories=())))
def test_plain_text_does_nothing_to_a_terminal(words: str) -> None:
    """No control, bidi, zero-width or unpaired character is left; what does no harm is left as it was."""
    assert harmful(plain(words)) == []
    assert plain(plain(words)) == plain(words)
    if not harmful(words):
        assert plain(words) == words


@given(st.text(st.characters(exclude_categories=())), st.integers(2, 50))
def test_one_line_is_one_line(words: str, width: int) -> None:
    """It has no line break and no more characters than it may."""
    line = one_line(words, width)
    assert len(line) <= width
    assert line == line.strip()
    assert len(line.splitlines()) <= 1


@given(st.text(st.characters(exclude_categories=())))
def test_html_text_can_be_stored(words: str) -> None:
    """No control character and no unpaired surrogate reaches a file, and marks of other scripts do."""
    assert not [one for one in storable(words) if unicodedata.category(one) in {"Cc", "Cs"} and one not in "\n\t"]
    assert storable("می‌خواهم \u200fשלום") == "می‌خواهم \u200fשלום"


@pytest.mark.parametrize("words", ["a\ud800b", "a\x1b[2Jb", "a\x00b"])
def test_every_output_can_be_stored(words: str) -> None:
    """A file's name may hold half of a character; an output that does cannot be sent to a notebook at all."""
    for html in everything(words):
        assert storable(html) == html
        html.encode()


def test_joined_letters_stay_joined() -> None:
    """Persian keeps its joiners and a family stays one emoji; between ASCII letters a joiner only hides something."""
    assert plain("می‌خواهم 👩‍👧") == "می‌خواهم 👩‍👧"
    assert plain("pass\u200dword") == "pass⟨U+200D⟩word"


ESCAPES = "\x1b]0;owned\x07\x9b2J\u202e\u2066\ufeff\u200b\U000e0041\r"


def test_no_output_for_a_terminal_holds_an_escape(view: Callable[..., ResultView]) -> None:
    """Names, words, errors and notes are neutral in every plain form."""
    hostile = Picture(f"a{ESCAPES}", None, 3, 2, f"image/{ESCAPES}", 9, 7, ESCAPES)
    given = view(2, prompt=f"a{ESCAPES}b", label=ESCAPES, model=ESCAPES, inputs=(hostile,), pictures=(hostile,) * 2)
    display = ProgressDisplay(given)
    row = edit_row(1, 0.0, ESCAPES, ESCAPES, ESCAPES, tags=(ESCAPES,), note=ESCAPES)
    forms = [
        text(given),
        text(view(2, origin=f"from the store: {ESCAPES}", notes=(ESCAPES,))),
        display.bundle(Progress("running", note=ESCAPES))["text/plain"],
        display.stopped(Progress("failed"), ESCAPES)["text/plain"],
        history_bundle([row], [None], 1, heading=ESCAPES)["text/plain"],
        dry_run_bundle(DryRun(ESCAPES, ESCAPES, {"prompt": ESCAPES}, how=ESCAPES, notes=(ESCAPES,)))["text/plain"],
        note_bundle(ESCAPES)["text/plain"],
        drift_bundle(hostile, hostile, Change(ESCAPES, FIGURES))["text/plain"],
    ]
    assert [harmful(form) for form in forms] == [[]] * len(forms)
