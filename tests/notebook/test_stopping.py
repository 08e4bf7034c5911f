"""■ in a real kernel: the request is cancelled if it can be, the display and the record say so, and Run All stops."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel
from support.kernels import environment
from support.waiting import until

from nbbanana.store import Store

pytestmark = pytest.mark.kernel

PATIENCE = 90
LOAD = (
    "%load_ext nbbanana\nfrom PIL import Image\nimport nbbanana as nb\n"
    "table = Image.linear_gradient('L').resize((60, 40)).convert('RGB')"
)


class LiveKernel:
    """A kernel that is watched while its cells run; its sandbox takes its time."""

    def __init__(self, home: Path) -> None:
        self.store = home / "store"
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", env=environment(home, NBBANANA_SANDBOX_SCALE="20"), cwd=str(home)
        )
        self.outputs: list[dict[str, Any]] = []

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def run(self, cell: str, *, stop_at: str | None = None) -> dict[str, Any]:
        """
        Run a cell and give the reply to it; with `stop_at`, press ■ once it shows something that matches.

        A kernel drops what comes while it still clears its queue after an error, and says so: that cell is sent again.
        """
        while (reply := self._run(cell, stop_at))["status"] == "aborted":
            pass
        assert stop_at or reply["status"] == "ok", reply
        return reply

    def _run(self, cell: str, stop_at: str | None) -> dict[str, Any]:
        self.outputs = []
        message = self.client.execute(cell)
        stopped, ends = False, time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            try:
                found = self.client.get_iopub_msg(timeout=1)
            except Empty:
                continue
            if found["parent_header"].get("msg_id") != message:
                continue
            if found["msg_type"] == "status" and found["content"]["execution_state"] == "idle":
                break
            self._keep(found)
            if stop_at and not stopped and re.search(stop_at, self.text()):
                self.manager.interrupt_kernel()
                stopped = True
        reply = self._reply(message)
        assert stopped == bool(stop_at) or reply["status"] == "aborted", self.text()
        return reply

    def wait_for_queue(self, prompt: str) -> None:
        """Wait until the service has queued what the cell asks, as the store knows it."""
        with Store.open(self.store) as store:
            until(lambda: [edit for edit in store.filter() if edit.prompt == prompt and edit.state == "queued"])

    def text(self) -> str:
        """What the cell shows now, as text."""
        return "\n".join(output["data"].get("text/plain", "") for output in self.outputs if "data" in output)

    def value(self, expression: str) -> str:
        """The repr of an expression."""
        self.run(expression)
        return self.text()

    def _keep(self, found: dict[str, Any]) -> None:
        content = found["content"]
        if found["msg_type"] == "update_display_data":
            [shown] = [one for one in self.outputs if one.get("transient") == content["transient"]]
            shown["data"] = content["data"]
        elif found["msg_type"] in {"display_data", "execute_result", "error", "stream"}:
            self.outputs.append({"type": found["msg_type"], **content})

    def _reply(self, message: str) -> dict[str, Any]:
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"]["msg_id"] == message:
                return dict(reply["content"])


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKernel]:
    """One kernel for all."""
    kernel = LiveKernel(tmp_path_factory.mktemp("stopping"))
    kernel.run(LOAD)
    yield kernel
    kernel.close()


def check_stopped(kernel: LiveKernel, reply: dict[str, Any], words: str) -> None:
    """The cell failed as an interrupted one, in one line, and its display says the same."""
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
    assert words in reply["evalue"]
    shown = [output for output in kernel.outputs if output["type"] != "stream"]
    assert [output["type"] for output in shown] == ["display_data", "error"]
    display, error = shown
    assert error["traceback"] == [f"KeyboardInterrupt: {reply['evalue']}"]
    assert words.partition(" ")[2] in display["data"]["text/plain"]


def asking(name: str, how: str) -> str:
    """A cell that asks: awaiting, or blocking because a function asks."""
    line = f"%nbedit {name} << table -p {name}"
    return line if how == "awaiting" else f"def ask():\n    {line}\nask()"


@pytest.mark.parametrize("how", ["awaiting", "blocking"])
def test_a_running_job_is_stopped_as_far_as_it_can_be(kernel: LiveKernel, how: str) -> None:
    """It runs on at the service, may be charged, and can be collected: the words and the record say so."""
    name = f"run{how}"
    reply = kernel.run(asking(name, how), stop_at="Queued|Running")
    check_stopped(kernel, reply, "may be charged")
    assert kernel.value(f"'{name}' in globals(), nb.history.search('{name}')[0].record.is_terminal") == "(False, False)"


@pytest.mark.parametrize("how", ["awaiting", "blocking"])
def test_a_queued_job_is_cancelled(kernel: LiveKernel, how: str) -> None:
    """Nothing is charged, and the record says cancelled. (The two before it hold the sandbox's two places.)"""
    name = f"queue{how}"
    reply = kernel.run(asking(name, how), stop_at="Queued")
    check_stopped(kernel, reply, "Cancelled in the queue")
    assert kernel.value(f"'{name}' in globals(), nb.history.search('{name}')[0].record.state") == "(False, 'cancelled')"


def test_passes_end_with_the_one_that_is_under_way(kernel: LiveKernel) -> None:
    """Those that wait for it are cancelled with it; nothing of them was sent."""
    reply = kernel.run("%%nbedit chain << table\nchain one\n---\nchain two\n---\nchain three", stop_at="Queued")
    check_stopped(kernel, reply, "Cancelled in the queue")
    states = "[edit.record.state for edit in nb.history.search('chain')], 'chain' in globals()"
    assert kernel.value(states) == "(['cancelled', 'cancelled', 'cancelled'], False)"


@pytest.mark.parametrize("how", ["cell", "call"])
def test_a_sweep_is_stopped_and_what_was_sent_is_left(kernel: LiveKernel, how: str) -> None:
    """The grid stays with how each cell stands; run again, nothing of it is accepted twice."""
    cell = f"%%nbedit grid << table --sweep colour=sand,sage\nsweep {how} {{{{colour}}}}"
    call = f"grid = nb.sweep('sweep {how} {{{{colour}}}}', table, colour=['sand', 'sage']).run()"
    reply = kernel.run(cell if how == "cell" else call, stop_at="queued|running")
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
    assert "Run it again for the rest: nothing is paid twice." in reply["evalue"]
    assert "Stopped: " in kernel.text()
    found = f"{{edit.record.state for edit in nb.history.search('sweep {how}')}}"
    sent = "{'submitting', 'queued', 'running', 'cancelled'}"  # of two POSTs one may be under way
    until(lambda: kernel.value(f"{found} - {sent}") == "set()")  # a row that was being written ends once it is there
    assert kernel.value("'grid' in globals()") == "False"


def test_a_silenced_cell_says_it_too(kernel: LiveKernel) -> None:
    """There is no display to say it in: the error does."""
    message = kernel.client.execute("%nbedit quiet << table -p quietly -q")
    kernel.wait_for_queue("quietly")
    kernel.manager.interrupt_kernel()
    reply = kernel._reply(message)
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
    assert "Cancelled in the queue" in reply["evalue"]


def test_a_stopped_picture_asks_nothing(kernel: LiveKernel) -> None:
    """■ while an image is still awaited: nothing was sent."""
    kernel.run("import asyncio\ncoming = asyncio.get_running_loop().create_future()\nbefore = len(nb.history)")
    reply = kernel.run("display('begun')\n%nbedit r << coming -p coming", stop_at="begun")
    assert (reply["ename"], reply["evalue"]) == (
        "KeyboardInterrupt",
        "Stopped before anything was sent: nothing is charged.",
    )
    assert kernel.value("len(nb.history) == before") == "True"


def test_what_was_queued_behind_it_does_not_run(kernel: LiveKernel) -> None:
    """Run All stops at the cell that was stopped."""
    first = kernel.client.execute("%nbedit r << table -p runall")
    second = kernel.client.execute("'ran all the same'")
    kernel.wait_for_queue("runall")
    kernel.manager.interrupt_kernel()
    assert kernel._reply(first)["status"] == "error"
    assert kernel._reply(second)["status"] == "aborted"
    assert kernel.value("'r' in globals()") == "False"
