"""A model that only a service's catalogue knows, used by its id from the magic, the form, the call and the shell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image
from support import isolation
from support.forms import Wire
from support.shells import Shell
from support.waiting import until
from traitlets.config import Config

import nbbanana as nb
from nbbanana.sandbox import Sandbox
from nbbanana.widgets.base import ui_thread

ID = "acme/retouch/v9"
WORDS = "Make it dusk."
IMAGE = {"type": "string", "format": "image_uri", "default": "https://example.com/sample.png"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["instruction", "subject"],
    "properties": {
        "look_images": {"type": "array", "format": "image_uris", "maxItems": 3},
        "instruction": {"type": "string", "default": "A sample."},
        "subject": IMAGE,
        "mask_url": IMAGE,
        "image_size": {"type": "string", "enum": ["auto", "square_hd", "landscape_16_9"], "default": "square_hd"},
        "prompt_expansion": {"type": "boolean", "default": True},
        "seed": {"type": "integer", "default": 81030369},
        "gloss": {"type": "float", "minimum": 0, "maximum": 1, "default": 0.4},
    },
}
ENTRY = {"input_schema": SCHEMA, "display_name": "Retouch 9", "base_price_usd": 0.02, "price_unit": "output"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A service that has the model, a session at it, and a folder with two pictures and a mask."""
    monkeypatch.chdir(tmp_path)
    for name, colour in (("table", "teal"), ("style", "orange"), ("mask", "white")):
        Image.new("RGB", (48, 32), colour).save(tmp_path / f"{name}.png")
    with Sandbox(time_scale=0, paint="flat", models={ID: ENTRY}) as box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        with nb.Session(store=tmp_path / "store") as session:
            yield SimpleNamespace(box=box, session=session, folder=tmp_path)


def sent(world: SimpleNamespace, **more: Any) -> None:
    """The last submission: its words, and which fields have pictures; nothing that nobody set is in it."""
    payload = dict(world.box.submissions[-1].payload)
    assert payload.pop("subject").startswith("data:image/")
    assert [one[:11] for one in payload.pop("look_images")] == ["data:image/"]
    assert payload.pop("mask_url").startswith("data:image/")
    assert isinstance(payload.pop("seed"), int)
    assert payload == {"instruction": WORDS, **more}


def test_it_is_used_by_the_call(world: SimpleNamespace) -> None:
    """Row 11: another prompt field, two picture fields and a mask; its sample defaults are not sent."""
    result = world.session.edit(WORDS, "table.png", "style.png", model=ID, mask_url="mask.png", aspect_ratio="16:9")
    sent(world, image_size="landscape_16_9")
    assert result.record.options["image_size"] == "landscape_16_9"
    assert result.record.model == ID


def test_it_is_used_by_the_magic(world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options are on the line; the pair is put into its words; what spoils an edit is said, and not changed."""
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    said: list[str] = []
    monkeypatch.setattr(shell.display_pub, "publish", lambda data, *_, **__: said.append(data["text/plain"]))
    try:
        shell.run_cell("%load_ext nbbanana").raise_error()
        line = f"%%nbedit night << table.png style.png --model {ID} --mask-url mask.png"
        shell.run_cell(f"{line} --aspect-ratio 16:9 --gloss 0.5\n{WORDS}").raise_error()
        sent(world, image_size="landscape_16_9", gloss=0.5)
        assert shell.user_ns["night"].record.model == ID
        cautions = [text for text in said if "unless told otherwise" in text]
        assert cautions == [
            f"{ID} rewrites the prompt unless told otherwise: --no-prompt-expansion sends it as it is written."
        ]
        said.clear()
        shell.run_cell(f"{line} --dry-run\n{WORDS}").raise_error()
        assert f"{ID} makes a square picture unless told otherwise: --image-size auto follows the input." in said[-1]
        shell.run_cell("%unload_ext nbbanana").raise_error()
    finally:
        shell.restore_sys_module_state()
        InteractiveShell.clear_instance()


def test_it_is_used_by_the_form(world: SimpleNamespace) -> None:
    """What spoils an edit is set otherwise from the beginning, where it is seen and can be reset; Run sends it."""
    form = nb.studio("table.png", "style.png", prompt=WORDS, model=ID, session=world.session)
    try:
        wire = Wire(form)
        ui_thread.post(form._receive, {"kind": "hello", "number": 1}, []).result()
        shown = [said for said, _ in wire.said if said["kind"] == "form"][-1]
        assert shown["values"] == {"image_size": "auto", "prompt_expansion": False}
        cautions = {row["name"]: row["caution"] for row in shown["fields"] if row["caution"]}
        assert cautions == {
            "image_size": "By itself it makes a square picture.",
            "prompt_expansion": "By itself it rewrites the prompt.",
        }
        form.set(prompt_expansion=None, mask_url="mask.png")  # the first is reset by hand, and stays so
        form.run()
        until(lambda: form.results)
        sent(world, image_size="auto")
    finally:
        form.close()


def test_it_is_used_by_the_shell(world: SimpleNamespace, isolated: Path) -> None:
    """The line of the magic, and the JSON of `run`; what spoils an edit is said on stderr."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(isolation.PREFIXES)}
    env = outside | isolation.variables(isolated) | world.box.addresses["environment"]
    shell = Shell(world.folder, env | {"NBBANANA_STORE": str(world.folder / "other")})
    words = ["edit", "table.png", "style.png", "-p", WORDS, "--model", ID, "--mask-url", "mask.png"]
    ran = shell(*words, "--no-prompt-expansion", "-o", "out")
    assert ran.code == 0, ran.err
    sent(world, prompt_expansion=False)
    assert f"{ID} makes a square picture unless told otherwise" in ran.err
    assert "rewrites the prompt" not in ran.err
    shown = shell(*words, "--aspect-ratio", "16:9", "--dry-run")
    assert "landscape_16_9" in shown.out
    assert len(world.box.submissions) == 1


def test_a_form_that_takes_another_model_leaves_what_was_preset_behind(world: SimpleNamespace) -> None:
    """Each model has presets of its own; what a person set goes along."""
    form = nb.studio("table.png", model="seedream", session=world.session)
    try:
        state = form.state
        assert state.form.draft.model == "bytedance/seedream-5.0-pro/image-to-image"  # whatever it was called by
        assert dict(state.form.draft.parameters) == {"aspect_ratio": "auto"}
        state.set("resolution", "1K")
        state.change(lambda: state.form.choose("google/nano-banana-2/edit"))
        assert dict(state.form.draft.parameters) == {"resolution": "1K"}
        form.model = "qwen"
        assert form.model == "qwen/qwen-image-2.1/edit"
        assert dict(state.form.draft.parameters) == {"resolution": "1K", "enhance_prompt": False}
        state.set("enhance_prompt", None)
        assert dict(state.form.draft.parameters) == {"resolution": "1K"}
    finally:
        form.close()


def test_a_model_by_its_id_sends_no_sample(world: SimpleNamespace) -> None:
    """Somebody's prompt, picture and seed stand in the schema as defaults; none of it goes out."""
    world.session.edit(WORDS, "table.png", model=ID, seed=3)
    assert {*world.box.submissions[-1].payload} == {"instruction", "subject", "seed"}


def test_a_form_of_a_closed_session_asks_no_service_again(world: SimpleNamespace) -> None:
    """What its other thread still looks at is what it knew: an engine that is made anew would be closed by no one."""
    form = nb.studio("table.png", model=ID, session=world.session)
    try:
        world.session.close()
        asked = len(world.box.requests)
        assert form.state.form.model.id == ID
        form.state.price.ask(form.state.form)
        assert not world.session._engines.take()
        assert len(world.box.requests) == asked
    finally:
        form.close()
