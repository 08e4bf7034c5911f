"""A folder of pictures in a shell."""

from __future__ import annotations

from PIL import Image


def test_a_shell_edits_a_folder_and_writes_a_report(shell, served, tmp_path):
    """A dry run sends nothing; then a row and a file for each picture, and the report; again it pays nothing."""
    box = served()
    (tmp_path / "skus").mkdir()
    for name in ("mug-2", "mug-10"):
        Image.new("RGB", (60, 40), name.replace("mug-2", "teal").replace("mug-10", "navy")).save(
            tmp_path / f"skus/{name}.png"
        )
    (tmp_path / "skus/prices.txt").write_text("7")
    line = ["gallery", str(tmp_path / "skus"), "-p", "Keep {{name}}. Make the wall grey.", "--aspect-ratio", "1:1"]
    assert "All 2 are to be sent." in shell(*line, "--dry-run").out
    assert not box.submissions
    assert shell(*line, "--report", str(tmp_path / "report.txt")).code == 64
    assert shell(*line, "--report", "/proc/report.html").code == 64
    assert not box.submissions
    out, report = tmp_path / "out", tmp_path / "report.html"
    ran = shell(*line, "-o", str(out), "--report", str(report), "--output", "json")
    assert ran.code == 0
    assert [row["cell"] for row in ran.json] == ["images mug-2.png", "images mug-10.png"]
    assert "1 file left out: prices.txt (it is no picture)." in ran.err
    assert len(list(out.iterdir())) == 2
    assert report.read_text(encoding="utf-8").count("<article>") == 2
    assert shell(*line, "--report", str(report)).code == 0
    assert len(box.submissions) == 2
