"""A cell's text ⇄ a request: what is read, what is refused and how, and that what is written reads as it was."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nbbanana import models
from nbbanana.errors import (
    NBBananaError,
    ParameterError,
    PromptError,
    UnknownModelError,
    UsageError,
    VariableError,
)
from nbbanana.grammar import (
    OWN,
    Cell,
    EditOperand,
    FileOperand,
    LastOperand,
    NameOperand,
    Operand,
    Scope,
    Word,
    escape,
    fill,
    options_of,
    parse,
    quote,
    split,
    split_cell,
    to_cell,
    written_words,
)

EDIT = "google/nano-banana-2/edit"
PROMPT = "Make it night.\n"
MODEL = models.get(EDIT)


def read(line: str, body: str | None = PROMPT, **namespace: Any) -> Cell:
    return parse(line, body, default_model=EDIT, namespace=namespace)


def refused(error: type[NBBananaError], line: str, body: str | None = PROMPT, **namespace: Any) -> str:
    with pytest.raises(error) as caught:
        read(line, body, **namespace)
    assert len(caught.value.lines) == 3, "what, why and mend"
    return str(caught.value)


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r"C:\pics\new\table.jpg", [r"C:\pics\new\table.jpg"]),
        ("it's.jpg dogs'.jpg", ["it's.jpg", "dogs'.jpg"]),
        ("'my portrait.jpg' \"your's.jpg\"", ["my portrait.jpg", "your's.jpg"]),
        ("-p 'Keep the subject's pose'", ["-p", "Keep the subject's pose"]),
        ('-p "Replace ""ALPHA"" with ""AURA"""', ["-p", 'Replace "ALPHA" with "AURA"']),
        ("--prompt='two words' -n4", ["--prompt=two words", "-n4"]),
        ("-p'two words'", ["-ptwo words"]),
        ("Screenshot\u202f1.png\u00a0", ["Screenshot\u202f1.png\u00a0"]),
        ("''", [""]),
        ("", []),
        ("  \t ", []),
        (r'"C:\my pics\"', ["C:\\my pics\\"]),
        ("a#b.jpg $x {y} %z", ["a#b.jpg", "$x", "{y}", "%z"]),
    ],
)
def test_words_are_what_stands_there(line: str, words: list[str]) -> None:
    """Quotes group, a backslash is a backslash, an apostrophe inside a word is text."""
    assert [word.text for word in split(line)[0]] == words


@pytest.mark.parametrize("line", ["a.jpg;", "a.jpg ;", '"a.jpg";', '"a.jpg" ;  '])
def test_a_semicolon_at_the_end_silences(line: str) -> None:
    """It may stand at the last word or by itself."""
    assert split(line) == ([Word("a.jpg", quoted='"' in line)], True)


@pytest.mark.parametrize("line", ["a;b.jpg", '"a.jpg;"', "; a.jpg"])
def test_a_semicolon_elsewhere_is_text(line: str) -> None:
    """Inside a word or inside quotes it belongs to the text."""
    assert split(line)[1] is False


@pytest.mark.parametrize("line", ["'tis.jpg", 'a.jpg "my b.jpg', "--prompt='never", "'"])
def test_an_open_quote_is_an_error(line: str) -> None:
    """A quote at the beginning of a word that nothing closes is said."""
    with pytest.raises(UsageError, match="never closed"):
        split(line)


@pytest.mark.parametrize("line", ['-p "say "hi" now"', "-p 'the subjects' pose'", '"a"b.jpg c"', '"a.jpg"; --seed 1'])
def test_quotes_that_do_not_pair_up_are_an_error(line: str) -> None:
    """Where a quote could end a group or be text, nobody guesses."""
    with pytest.raises(UsageError, match="could end a group or be text"):
        split(line)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)))
def test_quoted_words_read_as_they_were(texts: list[str]) -> None:
    """Whatever a word holds, quoting keeps it, and a silencing `;` after it too."""
    line = " ".join(map(quote, texts))
    assert [word.text for word in split(line)[0]] == texts
    assert split(line)[1] is False
    assert [word.text for word in split(line + ";")[0]] == texts
    assert split(line + ";")[1] is True


@given(st.text(alphabet="ab '\"; \\-=<{}*[", max_size=30))
def test_any_line_is_read_or_refused(line: str) -> None:
    """No line crashes the reader."""
    with suppress(NBBananaError):
        assert isinstance(read(line), Cell)


# ── options ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "line", ["-n 4", "-n4", "-n=4", "--number-of-images 4", "--number-of-images=4", "--number_of_images 4"]
)
def test_an_option_has_several_spellings(line: str) -> None:
    """Short, long, joined, and with underscores as the API has it."""
    assert read(line).parameters == {"number_of_images": 4}


def test_values_are_typed_by_the_schema() -> None:
    """Numbers are numbers, names are text, switches are truth values."""
    cell = read("--seed 7 --aspect-ratio 1:1 --enable-web-search --no-limit-generations --resolution=2K")
    assert cell.parameters == {
        "seed": 7,
        "aspect_ratio": "1:1",
        "enable_web_search": True,
        "limit_generations": False,
        "resolution": "2K",
    }


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("--enable-web-search", True),
        ("--no-enable-web-search", False),
        ("--enable-web-search=false", False),
        ("--enable_web_search=True", True),
    ],
)
def test_a_switch_says_yes_or_no(line: str, value: bool) -> None:
    """By itself yes, with `no-` before it or `=false` behind it no."""
    assert read(line).parameters == {"enable_web_search": value}


def test_every_field_of_the_schema_is_an_option() -> None:
    """What the schema has, the line takes; the prompt and the pictures stand elsewhere."""
    keys = {option.key for option in options_of(MODEL) if option.field is not None}
    assert keys == {field.name for field in MODEL.options}
    assert keys.isdisjoint({"prompt", "image_urls"})


def test_a_field_called_like_an_own_option_is_still_reached() -> None:
    """A live model's `mode` becomes `--model-mode`; `--mode` stays what it is everywhere."""
    schema = {"type": "object", "properties": {"prompt": {"type": "string"}, "mode": {"type": "string"}}}
    live = models.from_schema("someone/model", schema)
    cell = parse("--model-mode soft --mode fresh", PROMPT, default_model="someone/model", model_of=lambda _: live)
    assert (cell.parameters, cell.mode) == ({"mode": "soft"}, "fresh")
    request = SimpleNamespace(model="someone/model", prompt="x", parameters=cell.parameters)
    assert "--model-mode soft" in to_cell(request, [])


def test_own_options() -> None:
    """nbbanana's own options say how to run it, not what is sent."""
    cell = read("a.jpg --fresh --dry-run --no-wait -q --max-price 0.5")
    assert cell == Cell(
        "Make it night.", (FileOperand("a.jpg"),), mode="fresh", max_price=0.5, dry_run=True, wait=False, quiet=True
    )
    assert read("--mode replay").mode == "replay"
    assert read("a.jpg").mode is None


def test_the_line_magic_takes_its_prompt_on_the_line() -> None:
    """`-p` where there is no body; nothing in it is lost."""
    cell = read('x << a.jpg -p "Keep the subject\'s pose; 100% {as} it is" -n 2', None)
    assert cell.prompt == "Keep the subject's pose; 100% {as} it is"
    assert (cell.name, cell.parameters, cell.quiet) == ("x", {"number_of_images": 2}, False)


def test_after_two_dashes_everything_is_an_image() -> None:
    """`--` and quotes both keep a name that begins with a dash from being an option."""
    assert read("-n 2 -- -n.jpg --seed").operands == (FileOperand("-n.jpg"), FileOperand("--seed"))
    assert read('"--seed"').operands == (FileOperand("--seed"),)


def test_the_named_model_decides_which_options_there_are() -> None:
    """Another model, other options; an unknown one is said with the nearest match."""
    other = "google/nano-banana-2/text-to-image"
    assert read(f"--model {other}").model == other
    assert read(f"-m{other}").model == other
    assert read("-n 2 --model {{which}}", which=other).model == other
    with pytest.raises(UnknownModelError):
        read("--model google/nano-banana-2/edits")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--aspect-ration 1:1", "Did you mean --aspect-ratio?"),
        ("--asp 1:1", "There is no option --asp."),
        ("--asp 1:1", "Did you mean --aspect-ratio?"),
        ("--num 4", "Did you mean -n (--number-of-images)?"),
        ("--num-images 4", "Did you mean -n?"),
        ("--ratio 1:1", "Did you mean --aspect-ratio?"),
        ("--images a.jpg", "Pictures need none."),
        ("--n 4", "Did you mean -n?"),
        ("-s 7", "Did you mean --seed?"),
        ("—seed 7", "Write --seed with dashes of the keyboard."),
        ("–-seed 7", "Write --seed with dashes of the keyboard."),
        ("−n 4", "Write -n with dashes of the keyboard."),
        ("-portrait.jpg", 'Put the name into quotes: "-portrait.jpg"'),
        ("-new.PNG --seed 1", "is read as an option"),
        ("neon = a.jpg", "%%nbedit neon << a.jpg"),
        ("neon=a.jpg -n 2", "%%nbedit neon << a.jpg -n 2"),
        ("a.jpg neon=b.jpg", "%%nbedit neon << a.jpg b.jpg"),
        ('neon = "my a.jpg" -n 2', '%%nbedit neon << "my a.jpg" -n 2'),
        ("--seed", "--seed has no value."),
        ("--aspect-ratio --seed 7", "--aspect-ratio has no value."),
        ("--seed 7 --seed=8", "--seed is given twice."),
        ("-n 1 --number-of-images 2", "is given twice."),
        ("--no-enable-web-search=true", "does not take the value true"),
        ("--dry-run=no", "--dry-run is set by being there."),
        ("--mode slow", "--mode is 'slow'."),
        ("--max-price little", "--max-price is 'little'."),
        ("--max-price nan", "--max-price is 'nan'."),
        ("--fresh --mode replay", "do not go together"),
        ("-x", "There is no option -x."),
        ("-p words", "The prompt is there twice."),
    ],
)
def test_a_wrong_option_is_said(line: str, said: str) -> None:
    """Abbreviations are not guessed; the message has what is wrong and what to write."""
    assert said in refused(UsageError, line)


def test_a_switch_that_says_neither_yes_nor_no_is_a_wrong_value() -> None:
    """As it is in a call."""
    said = refused(ParameterError, "--enable-web-search=maybe")
    assert "Write --enable-web-search or --no-enable-web-search." in said


def test_a_wrong_value_names_the_field_and_what_is_allowed() -> None:
    """The schema's own words, before anything is sent."""
    message = refused(ParameterError, "--aspect-ratio 7:1")
    assert "aspect_ratio" in message
    assert "7:1" in message
    assert "16:9" in message
    assert "number_of_images" in refused(ParameterError, "-n four")


def test_own_options_have_one_line_of_help_each() -> None:
    """What the help and the completion show comes from the table."""
    assert all(option.help and "\n" not in option.help for option in OWN)
    assert len({option.name for option in OWN} | {option.short for option in OWN if option.short}) == len(OWN) + 3


# ── binding ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("line", ["neon << a.jpg", "neon<< a.jpg", "neon <<a.jpg", "  neon  <<  a.jpg"])
def test_a_name_binds_the_result(line: str) -> None:
    """Blanks around << do not matter."""
    assert read(line) == Cell("Make it night.", (FileOperand("a.jpg"),), name="neon")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("class << a.jpg", "Python keeps this word"),
        ("a.jpg << b.jpg", "a.jpg << cannot bind"),
        ("2x << a.jpg", "does not begin with a digit"),
        ("_ << a.jpg", "IPython keeps this name"),
        ("<< a.jpg", "no name before <<"),
        ("a.jpg b.jpg << c.jpg", "in the middle of the line"),
    ],
)
def test_a_name_that_cannot_be_bound_is_said(line: str, said: str) -> None:
    """It must be a name that a variable can have."""
    assert said in refused(UsageError, line)


# ── prompt ──────────────────────────────────────────────────────────────────────────────────────────────────

AWKWARD = [
    "Keep the subject's pose.",
    'An unmatched " quote and an unmatched ( bracket',
    "50% off; {not a name} {}{} }}{",
    "%%time\n!ls\n?help\n$x",
    "  indented\n\n\twith tabs  ",
    "雨夜霓虹 — Привет, עולם 🎉 e\u0301",
    "back\\slash \\n \\",
    "--seed 7 << x -p",
    "{{",
    "}}",
    "Keep it: this is a sentence. A text: in the middle.",
    "-- two dashes\n- a list",
]


@pytest.mark.parametrize("prompt", AWKWARD)
def test_a_prompt_loses_nothing(prompt: str) -> None:
    """The body is never parsed; only the line break at its end goes."""
    assert read("a.jpg", prompt + "\n").prompt == prompt
    assert read("a.jpg", prompt + "\n\n").prompt == prompt + "\n"


@pytest.mark.parametrize("body", ["", "\n", " \n\t\n"])
def test_an_empty_prompt_is_refused(body: str) -> None:
    """It says where the prompt belongs."""
    assert "below the %%nbedit line" in refused(PromptError, "a.jpg", body)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_a_cell_of_any_editor_asks_the_same(end: str) -> None:
    """Lines may end with CR LF or CR: the prompt has plain ones, and lines of dashes are seen."""
    body = "Keep her face.\nMake it night.\n"
    assert read("a.jpg", body.replace("\n", end)).prompt == read("a.jpg", body).prompt == body.rstrip()
    assert split_cell(f"%%nbedit a.jpg{end}Make it night.") == split_cell("%%nbedit a.jpg\nMake it night.")
    assert read("a.jpg", f"Make it night.{end}---{end}Make it rain.").then == ("Make it rain.",)


def test_the_line_magic_without_a_prompt_says_how() -> None:
    """It names the option and the cell magic."""
    assert "%%nbedit" in refused(PromptError, "a.jpg", None)


def test_a_line_of_dashes_stands_between_two_passes() -> None:
    """Each has its own words, placeholders filled; a value that holds such a line is words and is refused."""
    cell = read("a.jpg", "Make it {{what}}.\n\n---\n Add a boat.\n -----  \nMake it snow.\n", what="night")
    assert (cell.prompt, cell.then) == ("Make it night.\n", (" Add a boat.", "Make it snow."))
    assert read("a.jpg", "-- ---").prompt == "-- ---"
    refused(PromptError, "a.jpg", "Make it {{what}}.", what="a\n---\nb")


@pytest.mark.parametrize("body", ["-----", "Make it night.\n---\n", "---\nMake it night.", "a\n---\n \n---\nb"])
def test_a_pass_without_words_is_refused(body: str) -> None:
    """It says which one."""
    assert " has no words." in refused(PromptError, "a.jpg", body)


@pytest.mark.parametrize(
    ("body", "instead"),
    [
        ("keep: the face", "change: Make it night."),
        ("change: Make it night.\n  change: the sky", "---"),
        ("Only: the sky", "change: Make it night."),
    ],
)
def test_lines_that_make_no_prompt_are_refused(body: str, instead: str) -> None:
    """They are never sent as words; the message says how to write it instead."""
    assert instead in refused(PromptError, "a.jpg", body)


def test_lines_of_parts_are_composed_from_a_cell_and_from_an_option() -> None:
    """The cell's body and `-p` are read alike; the parts stay with the prompt, and are written back as lines."""
    body = "keep: pose, {{what}}\nchange: Make it night.\n"
    composed = "Keep the pose and clothing unchanged. Make it night."
    cell = read("a.jpg", body, what="clothing")
    assert cell.prompt == composed
    assert read('a.jpg -p "keep: pose, {{what}}\nchange: Make it night."', None, what="clothing").prompt == composed
    written = to_cell(cell, ["a.jpg"], default_model=EDIT)
    assert written == "%%nbedit a.jpg\nkeep: pose, clothing\nchange: Make it night."
    assert parse(*split_cell(written), default_model=EDIT) == cell


def test_what_a_placeholder_brings_is_no_part() -> None:
    """A value is text, whatever it begins with; the cell that is written says so."""
    cell = read("a.jpg", "{{words}}", words="keep: the face")
    assert cell.prompt == "keep: the face"
    assert to_cell(cell, [], default_model=EDIT) == "%%nbedit\nkeep:: the face"
    refused(PromptError, "a.jpg", "{{words}}", words=" ")


# ── placeholders ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "text"),
    [("Oslo", "Oslo"), (7, "7"), (0.5, "0.5"), (True, "True"), (PurePosixPath("a/b"), "a/b"), ("", "")],
)
def test_a_placeholder_takes_a_value_as_text(value: object, text: str) -> None:
    """Text, numbers, truth values and paths."""
    assert fill("<{{ it }}{{it}}>", {"it": value}) == f"<{text}{text}>"


def test_numbers_of_numpy_are_numbers() -> None:
    """A loop over an array gives its items as they are."""
    numpy = pytest.importorskip("numpy")
    assert fill("{{n}} {{x}}", {"n": numpy.int64(3), "x": numpy.float32(0.5)}) == "3 0.5"


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{{it}}}", "{x}"),
        ("{{{{it}}}}", "{{it}}}}"),
        ("{{{{{{it}}", "{{x"),
        ("{ {it} }", "{ {it} }"),
        ("{{it", "{{it"),
        ("{{\nit}}", "{{\nit}}"),
    ],
)
def test_braces_that_are_text(text: str, filled: str) -> None:
    """Single braces, four braces, and two that nothing closes on their line."""
    assert fill(text, {"it": "x"}) == filled


def test_what_was_filled_in_is_not_looked_at_again() -> None:
    """A value with braces in it stays a value."""
    assert fill("{{a}}", {"a": "{{b}} {{{{", "b": "no"}) == "{{b}} {{{{"


def test_options_take_placeholders_and_stay_one_word() -> None:
    """Also where a value has blanks or looks like an option."""
    cell = read('{{folder}}/a.jpg -n {{n}} --aspect-ratio={{ratio}} -p "{{words}}"', None,
                folder="my pics", n=2, ratio="1:1", words="--seed 7; 'x")  # fmt: skip
    assert cell.operands == (FileOperand("my pics/a.jpg"),)
    assert cell.parameters == {"number_of_images": 2, "aspect_ratio": "1:1"}
    assert cell.prompt == "--seed 7; 'x"


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, b"x", object(), Decimal(1)])
def test_other_values_are_refused_by_their_type(value: object) -> None:
    """The message says what the variable holds."""
    message = refused(VariableError, "a.jpg", "{{it}}", it=value)
    assert f"{{{{it}}}} holds a value of type {type(value).__name__}." in message


def test_an_unknown_placeholder_gives_the_nearest_match() -> None:
    """Nothing is left in the prompt silently."""
    assert "Did you mean city?" in refused(VariableError, "a.jpg", "in {{ctiy}}", city="Oslo")


@pytest.mark.parametrize("inner", ["a[2]", "a.b", "a b", "", " ", "1", "a!r", "f()"])
def test_only_a_name_stands_between_double_braces(inner: str) -> None:
    """No index, no attribute, no expression; the message says how to write two braces."""
    message = refused(UsageError, "a.jpg", f"x {{{{{inner}}}}}", a="value")
    assert "no index, no attribute" in message
    assert "{{{{" in message


@pytest.mark.parametrize("text", ["Make it {{it}.", "{{ it }", "{{it} and {{it}}"])
def test_a_name_with_one_brace_too_few_is_refused(text: str) -> None:
    """It was sent as words, and paid; the message says how to write two braces."""
    message = refused(UsageError, "a.jpg", text, it="value")
    assert "is not a variable's name in double braces." in message
    assert "{{{{" in message


@given(st.text())
def test_escaped_text_is_filled_as_it_was(text: str) -> None:
    """`escape` is the way back of `fill`."""
    assert fill(escape(text), {}) == text


# ── operands ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("word", "operand"),
    [
        ("portrait.jpg", FileOperand("portrait.jpg")),
        ("shots/*.jpg", FileOperand("shots/*.jpg")),
        ("https://example.com/a.jpg?x=1", FileOperand("https://example.com/a.jpg?x=1")),
        ("neon", NameOperand("neon")),
        ("neon[2]", NameOperand("neon", 2)),
        ("neon[-1]", NameOperand("neon", -1)),
        ("neon[*]", NameOperand("neon", "*")),
        ("bild_größe", NameOperand("bild_größe")),
        ("_", LastOperand()),
        ("_[0]", LastOperand(0)),
        ("edit:12", EditOperand(12)),
        ("edit:12[0]", EditOperand(12, 0)),
        ("edit:12[*]", EditOperand(12, "*")),
        ("edit:12.inputs[0]", EditOperand(12, 0, inputs=True)),
        ("draws[1][0]", NameOperand("draws", 0, 1)),
        ("draws[-1][*]", NameOperand("draws", "*", -1)),
        ("draws[*][0]", FileOperand("draws[*][0]")),
        ("draws[0][1][2]", FileOperand("draws[0][1][2]")),
        ("neon[1:3]", FileOperand("neon[1:3]")),
        ("a[0].jpg", FileOperand("a[0].jpg")),
        ('"neon"', FileOperand("neon")),
        ("'edit:12'", FileOperand("edit:12")),
    ],
)
def test_a_word_is_a_file_a_name_or_an_edit(word: str, operand: Operand) -> None:
    """By its form alone; quotes make it a file."""
    assert read(word).operands == (operand,)


def test_something_that_begins_like_an_edit_is_said() -> None:
    """It is not taken for a file."""
    assert "edit:12[0]" in refused(UsageError, "edit:last")


class Result(list[str]):
    """What the session's results are to the grammar: something whose outputs can be told."""


def around(last: object = None, **namespace: Any) -> Scope:
    edits = {12: Result(["a", "b"])}
    return Scope(namespace, edits.__getitem__, lambda: last, lambda value: value if isinstance(value, Result) else None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def find(word: str, surroundings: Scope) -> Sequence[object]:
    return surroundings.find(read(word).operands[0])


def test_operands_are_looked_up(folder: Path) -> None:
    """Variables, items, edits, the last edit, and files as they are written."""
    neon, picture = Result(["n0", "n1"]), object()
    here = around(neon, neon=neon, one=Result(["o"]), picture=picture, shots=["s0", "s1"])
    assert find("picture", here) == [picture]
    assert find("one", here) == ["o"]
    assert find("shots", here) == [["s0", "s1"]]
    assert find("neon[1]", here) == find("_[1]", here) == find("neon[-1]", here) == ["n1"]
    assert find("neon[*]", here) == ["n0", "n1"]
    assert find("shots[0]", here) == ["s0"]
    assert find("edit:12[1]", here) == ["b"]
    assert find("edit:12[*]", here) == ["a", "b"]
    assert find("nowhere.jpg", here) == ["nowhere.jpg"]


def test_an_array_is_counted_along_its_first_axis(folder: Path) -> None:
    """A batch of pictures gives one of them."""
    numpy = pytest.importorskip("numpy")
    batch = numpy.zeros((3, 4, 5, 3), dtype="uint8")
    [found] = find("batch[2]", around(batch=batch))
    assert numpy.shape(found) == (4, 5, 3)
    assert len(find("batch[*]", around(batch=batch))) == 3


def test_a_bare_word_is_a_variable_before_it_is_a_file(folder: Path) -> None:
    """A variable wins; without one, a file of that name; quotes always mean the file."""
    Path("portrait").touch()
    assert find("portrait", around(portrait="p.jpg")) == ["p.jpg"]
    assert find("portrait", around()) == ["portrait"]
    assert find('"portrait"', around(portrait="p.jpg")) == ["portrait"]


def test_a_variable_is_found_in_any_spelling_of_its_name(folder: Path) -> None:
    """Python keeps names in NFKC, and so does the look-up."""
    assert find("ﬁn", around(fin="p.jpg")) == ["p.jpg"]


def said_of(word: str, surroundings: Scope) -> str:
    with pytest.raises((VariableError, UsageError)) as caught:
        find(word, surroundings)
    assert len(caught.value.lines) == 3
    return str(caught.value)


def test_several_outputs_must_say_which(folder: Path) -> None:
    """The message shows what to write."""
    message = said_of("neon", around(neon=Result("abcd")))
    assert "neon has 4 outputs." in message
    assert "neon[0] … neon[3], or neon[*] for all" in message
    assert "_[0] … _[1]" in said_of("_", around(Result("ab")))
    assert "edit:12[0] … edit:12[1]" in said_of("edit:12", around())


def test_an_item_that_is_a_result_must_say_which_too(folder: Path) -> None:
    """A list of results is counted; what is taken from it is one picture."""
    here = around(rows=[Result("a"), Result("bc")])
    assert find("rows[0]", here) == ["a"]
    assert find("rows[1][1]", here) == find("rows[-1][-1]", here) == ["c"]
    assert find("rows[1][*]", here) == ["b", "c"]
    assert "rows[1] has 2 outputs." in said_of("rows[1]", here)
    assert "rows[1][0] … rows[1][1]" in said_of("rows[1]", here)
    assert "There is no rows[1][2]." in said_of("rows[1][2]", here)
    assert "There is no rows[2]." in said_of("rows[2][0]", here)
    assert "variable first" in said_of("rows[*]", here)


def test_what_a_caption_says_can_be_typed(folder: Path) -> None:
    """A result without a name is called by its place in the history, unless a variable is called so."""
    assert find("history[12][1]", around()) == ["b"]
    assert find("history[12][*]", around()) == ["a", "b"]
    assert "edit:12[0] … edit:12[1]" in said_of("history[12]", around())
    assert find("nb.history[12][1]", around()) == ["b"]
    assert find("nbbanana.history[12][*]", around()) == ["a", "b"]
    assert "edit:12[0] … edit:12[1]" in said_of("nb.history[12]", around())
    assert find("history[0]", around(history=["mine"])) == ["mine"]
    assert "no variable and no file banana" in said_of("banana.history[12][1]", around())
    assert "rows has no history" in said_of("rows.history[12][1]", around(rows=["mine"]))
    for word in ("history", "history[*]", "history[-1]", "history[-1][0]"):
        assert "no variable and no file history" in said_of(word, around())


def test_a_missing_item_is_said(folder: Path) -> None:
    """With what there is."""
    assert "There is no neon[4]." in said_of("neon[4]", around(neon=Result("abcd")))
    assert "neon[0] … neon[3]" in said_of("neon[-5]", around(neon=Result("abcd")))
    assert "type int" in said_of("n[0]", around(n=3))
    assert "type str" in said_of("path[0]", around(path="portrait.jpg"))
    assert "no last edit" in said_of("_", around())
    assert "has no output" in said_of("none", around(none=Result()))


def test_an_unknown_word_names_both_nearest_matches(folder: Path) -> None:
    """It may be a variable or a file."""
    Path("portrait.jpg").touch()
    message = said_of("portriat", around(portraits=[], other=1))
    assert "no variable and no file portriat" in message
    assert "the variable portraits" in message
    assert "the file portrait.jpg" in message


def test_a_quoted_name_is_a_name_and_never_an_expression(folder: Path) -> None:
    """A variable of the same name changes nothing; nor does it for a file that exists."""
    photo = Result("ab")
    assert find('"photo[1].png"', around(photo=photo)) == ["photo[1].png"]
    Path("photo[1].png").touch()
    assert find("photo[1].png", around(photo=photo)) == ["photo[1].png"]


def test_a_name_with_spaces_that_lost_its_quotes_is_recognised(folder: Path) -> None:
    """The first of its words is what the line takes for a name."""
    Path("summer evening.jpg").touch()
    assert 'needs quotes: "summer evening.jpg"' in said_of("summer", around())


def test_names_that_look_like_something_else_are_files_when_they_exist(folder: Path) -> None:
    """A long dash, an equals sign; an accent in the spelling of the other system."""
    for name in ("—seed.png", "a=b.png"):
        Path(name).touch()
        assert find(name, around()) == [name]
    Path(unicodedata.normalize("NFD", "é")).touch()
    assert find("é", around()) == ["é"]


def test_an_expression_is_not_evaluated(folder: Path) -> None:
    """It is said, and not taken for a glob; a glob that matches stays one."""
    neon = Result("ab")
    assert "names, not Python" in said_of("neon[0].pil", around(neon=neon))
    assert "names, not Python" in said_of("neon[0:2]", around(neon=neon))
    Path("neon1.jpg").touch()
    assert find("neon[0-9].jpg", around(neon=neon)) == ["neon[0-9].jpg"]


# ── the way back ────────────────────────────────────────────────────────────────────────────────────────────

ONE_LINE = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: len(f"{text}.".splitlines()) == 1)
INDEX = st.none() | st.integers() | st.just("*")
IDENTIFIER = st.from_regex(r"[^\W\d]\w{0,8}", fullmatch=True).filter(
    lambda name: name.isidentifier() and name.strip("_") and unicodedata.is_normalized("NFKC", name)
)
NAME = IDENTIFIER.filter(lambda name: not keyword.iskeyword(name))
TRICKY = st.text(alphabet="ab'\"; \\-=<{}*[]_.1:", min_size=1)
OPERAND = st.one_of(
    st.builds(FileOperand, ONE_LINE | TRICKY),
    st.builds(NameOperand, IDENTIFIER, INDEX),
    st.builds(EditOperand, st.integers(min_value=0), INDEX),
    st.builds(EditOperand, st.integers(min_value=0), st.integers(min_value=0), inputs=st.just(value=True)),
    st.builds(LastOperand, INDEX),
)


def values_of(field: models.Field) -> st.SearchStrategy[Any]:
    if field.kind == "boolean":
        return st.booleans()
    if field.enum:
        return st.sampled_from(field.enum)
    low, high = field.minimum, field.maximum
    return st.integers(None if low is None else int(low), None if high is None else int(high))


PARAMETERS = st.fixed_dictionaries({}, optional={field.name: values_of(field) for field in MODEL.options})


def can_be_said(prompt: str) -> bool:
    try:
        return bool(written_words(prompt)) and "\r" not in prompt
    except PromptError:
        return False


@given(
    st.text(st.characters(exclude_categories=["Cs"])) | TRICKY,
    st.lists(OPERAND, max_size=4),
    PARAMETERS,
    st.none() | NAME,
)
@example("Make it night.", [FileOperand("{{")], {}, None)
def test_a_written_cell_reads_as_it_was(
    prompt: str, operands: list[Operand], parameters: dict[str, Any], name: str | None
) -> None:
    """Whatever can be asked: writing it as a cell and reading the cell gives the same request."""
    assume(can_be_said(prompt))
    asked = Cell(prompt, tuple(operands), EDIT, parameters, name)
    line, body = split_cell(to_cell(asked, asked.operands, name))
    assert parse(line, body, default_model=EDIT) == asked


@pytest.mark.parametrize("prompt", AWKWARD)
def test_an_awkward_prompt_comes_back(prompt: str) -> None:
    """The written cell holds the prompt as it is, but for doubled braces."""
    asked = Cell(prompt, (FileOperand('it\'s a "b".jpg'),), EDIT)
    assert parse(*split_cell(to_cell(asked, asked.operands)), default_model=EDIT) == asked


def test_a_written_cell_is_what_a_person_would_write() -> None:
    """Quotes only where they are needed, short forms where there are any, no default model where it is known."""
    parameters = {"number_of_images": 4, "aspect_ratio": "1:1", "limit_generations": False}
    asked = Cell("Make it night.", model=EDIT, parameters=parameters)
    images = ["portrait.jpg", "edit:12[0]", "https://example.com/a.jpg"]
    assert to_cell(asked, images, "neon", default_model=EDIT) == (
        "%%nbedit neon << portrait.jpg edit:12[0] https://example.com/a.jpg"
        " -n 4 --aspect-ratio 1:1 --no-limit-generations\nMake it night."
    )
    named = Cell("Make it night.", model=EDIT)
    assert to_cell(named, ["neon"], default_model=EDIT) == '%%nbedit "neon"\nMake it night.'
    assert to_cell(named, []) == f"%%nbedit --model {EDIT}\nMake it night."


def test_the_parameters_of_a_request_may_hold_the_prompt() -> None:
    """A request keeps its prompt among its parameters; it is written once."""
    request = SimpleNamespace(model=EDIT, prompt="Make it night.", parameters={"prompt": "Make it night.", "seed": -1})
    assert to_cell(request, [], default_model=EDIT) == '%%nbedit --seed "-1"\nMake it night.'


@pytest.mark.parametrize(
    ("asked", "image", "name"),
    [
        (Cell(" "), "a.jpg", None),
        (Cell("x"), "a\nb.jpg", None),
        (Cell("x"), "a\u2028b.jpg", None),
        (Cell("x", model="someone/else", parameters={"negative_prompt": "a\nb"}), "a.jpg", None),
        (Cell("x"), "a.jpg", "not a name"),
    ],
)
def test_what_a_cell_cannot_say_is_not_written(asked: Cell, image: str, name: str | None) -> None:
    """An error, rather than a cell that asks something else."""
    with pytest.raises((PromptError, UsageError)):
        to_cell(asked, [image], name)


def test_only_a_cell_is_split() -> None:
    """`split_cell` takes what begins with the magic."""
    assert split_cell("%%nbedit\nx\n") == ("", "x\n")
    with pytest.raises(UsageError, match="does not begin"):
        split_cell("%%time\nx")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--model kontext --resolution 2K", "kontext has no resolution."),
        ("--model kontext -n 2", "kontext has no count."),
        ("--model gpt-image --seed 7", "gpt-image has no seed."),
        ("--model seedream --enable-web-search", "seedream has no enable web search."),
    ],
)
def test_an_option_of_other_models_says_that_this_one_does_not_have_it(line: str, said: str) -> None:
    """And names the list of what it has."""
    message = refused(UsageError, line)
    assert message.startswith(said)
    assert f"%nbmodels {said.split(maxsplit=1)[0]}" in message
