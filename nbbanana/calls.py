"""`nb.edit`, `nb.aedit` and `nb.submit`: the current session's calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbbanana.session import current

if TYPE_CHECKING:
    from nbbanana.session import EditResult, Job
    from nbbanana.settings import Mode

__all__ = ["aedit", "edit", "submit"]


def edit(
    prompt: str,
    *images: Any,
    model: str | None = None,
    mode: Mode | None = None,
    name: str | None = None,
    max_price: float | None = None,
    region: Any = None,
    **parameters: Any,
) -> EditResult:
    """
    Edit pictures with words, and wait for what comes back.

    Args:
        prompt: what to keep and what to change.
        images: the pictures, the primary one first: paths, globs, https URLs, bytes, PIL images, NumPy arrays of
            shape H×W or H×W×3 or H×W×4, outputs of other results, or lists of those.
        model: the endpoint; None is the one of the settings.
        mode: `auto`, `fresh` or `replay`; None is that of the session.
        name: what the result is called in its captions.
        max_price: US dollars that it may cost at most; under a budget, what to count for a price that is not sure.
        region: the part of a picture that it is about: `nb.region(picture)`, a box (left, top, right and bottom as
            parts of the primary picture) or a list of boxes. It is not sent: it is kept with the record, as
            `result.region`, to look at what changed in it and beside it.
        parameters: the model's own, such as `number_of_images=4`, `seed=7`, `aspect_ratio="1:1"`. What is not set is
            not sent, but for the seed: a request without one gets a random one, so that every edit has one.
            A mask is any picture, a region, or "region" for that of the request; white is repainted.

    Returns:
        A sequence of `Output`, which shows itself as a grid in a notebook.

    Raises:
        InputError: it cannot be asked like this; nothing was sent.
        CredentialError: there is no token, or it is not taken.
        UncertainError: it was sent, and nobody can tell whether the service took it; it is recorded and not sent again.
        JobError: the service gave no picture.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")):
    ...     result = nb.edit("Keep the objects. Turn day into night.", nb.samples.still_life(), number_of_images=2)
    >>> len(result), result[0].mime
    (2, 'image/png')
    """
    how: dict[str, Any] = {"model": model, "mode": mode, "name": name, "max_price": max_price, "region": region}
    return current().edit(prompt, *images, **how, **parameters)


async def aedit(
    prompt: str,
    *images: Any,
    model: str | None = None,
    mode: Mode | None = None,
    name: str | None = None,
    max_price: float | None = None,
    region: Any = None,
    **parameters: Any,
) -> EditResult:
    """`edit` for async code; a cancelled task cancels the request at the service if it still can."""
    how: dict[str, Any] = {"model": model, "mode": mode, "name": name, "max_price": max_price, "region": region}
    return await current().aedit(prompt, *images, **how, **parameters)


def submit(
    prompt: str,
    *images: Any,
    model: str | None = None,
    mode: Mode | None = None,
    name: str | None = None,
    max_price: float | None = None,
    region: Any = None,
    **parameters: Any,
) -> Job:
    """`edit` that returns at once, with a `Job` to look at, wait for, or cancel."""
    how: dict[str, Any] = {"model": model, "mode": mode, "name": name, "max_price": max_price, "region": region}
    return current().submit(prompt, *images, **how, **parameters)
