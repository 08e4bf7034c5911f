"""The sandbox's folder: bounded, and gone in the end."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.sandboxes import Serve, fetch

from nbbanana.sandbox.files import Files


def test_the_oldest_outputs_go_when_the_folder_is_full() -> None:
    """What is kept stays within the bound; the newest is kept in any case."""
    files = Files(keep_bytes=100)
    names = [files.publish(bytes(40), "png") for _ in range(4)]
    assert [files.find(name) is not None for name in names] == [False, False, True, True]
    large = files.publish(bytes(1000), "png")
    path = files.find(large)
    assert path is not None
    assert [each.name for each in path.parent.iterdir()] == [large]
    files.close()


def test_the_folder_is_private_and_goes_with_close() -> None:
    """Nobody else can look in, and nothing stays."""
    files = Files(keep_bytes=100)
    files.spool(b"a picture")
    folder = files._folder
    assert folder.stat().st_mode & 0o077 == 0
    files.close()
    files.close()
    assert not folder.exists()


def test_the_folder_goes_with_its_owner() -> None:
    """A sandbox that nobody closes leaves nothing either."""
    files = Files(keep_bytes=100)
    files.spool(b"a picture")
    folder = files._folder
    del files
    gc.collect()
    assert not folder.exists()


def test_inputs_go_as_soon_as_their_job_is_over(serve: Serve) -> None:
    """Only outputs stay: after a job that completed, one that failed and one that was refused."""
    from nbbanana.sandbox import Fault

    box, client = serve(faults=[Fault("job", nth=2, error="No.")])
    client.accepted()
    client.accepted()
    client.submit(number_of_images=99)
    box.settle()
    folder = box.files._folder
    assert folder is not None
    assert [path.name for path in folder.iterdir()] == list(box.submissions[0].outputs)


def test_a_full_folder_lets_old_outputs_go_and_serves_new_ones(serve: Serve) -> None:
    """An output that went answers 404; its request still answers."""
    box, client = serve(keep_bytes=1)
    old, new = client.accepted(), client.accepted(seed=8)
    box.settle()
    urls = [client.result(each)["output"]["images"][0] for each in (old, new)]
    assert sorted(fetch(url).status_code for url in urls) == [200, 404]


@pytest.mark.parametrize("ending", ["", "import os; sys.stdout.flush(); raise SystemExit(3)"])
def test_the_folder_goes_with_the_process(tmp_path: Path, ending: str) -> None:
    """An interpreter that ends without closing its sandbox cleans up."""
    code = (
        "import sys\nfrom nbbanana.sandbox.files import Files\n"
        f"files = Files(1)\nfiles.spool(b'x')\nprint(files._folder)\n{ending}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert Path(done.stdout.strip()).parent == tmp_path
    assert list(tmp_path.iterdir()) == []
