"""Pictures that came with Content Credentials: kept, shown and delivered as they were signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbbanana import errors
from nbbanana.sandbox import Fault

SIGNED = Path(__file__).with_name("signed")


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_a_signed_picture_stays_signed(served, photo, tmp_path, kind):
    """From the service's answer to the saved file not a byte changes, and a copy with the request in it is refused."""
    body = (SIGNED / f"signed.{kind}").read_bytes()
    mime = {"jpg": "image/jpeg"}.get(kind, f"image/{kind}")
    session, _ = served(faults=[Fault("download", body=body, content_type=mime)])
    result = session.edit("Make it snow.", photo("portrait"), seed=1, resolution="0.5K")
    assert result[0].has_content_credentials
    assert result[0].bytes == body
    assert result[0].save(tmp_path / f"out.{kind}", sidecar=True).read_bytes() == body
    with pytest.raises(errors.UsageError, match="Content Credentials"):
        result[0].save(tmp_path / f"copy.{kind}", embed=True)
    assert not (tmp_path / f"copy.{kind}").exists()
    data, _ = result._repr_mimebundle_()
    assert "Content Credentials" in data["text/html"]


def test_an_ordinary_picture_is_not_called_signed(session, photo):
    """What nobody signed does not say so."""
    result = session.edit("Make it snow.", photo("portrait"), seed=1, resolution="0.5K")
    assert not result[0].has_content_credentials
    data, _ = result._repr_mimebundle_()
    assert "Content Credentials" not in data["text/html"]
