"""The calls that ask for edits: `edit`, `aedit`, `submit` and `chain`, as a session has them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from nbbanana.request import EditRequest
from nbbanana.session.call_args import checked_prompt, divided, same_call
from nbbanana.session.jobs import Job
from nbbanana.session.results import EditResult
from nbbanana.settings import Mode

__all__ = ["EditCalls"]


class EditCalls:
    """What a session is asked with; the session checks and starts requests."""

    request: Callable[..., EditRequest]
    """Checks what is asked; sends nothing."""
    requests: Callable[..., list[EditRequest]]
    """Checks what is asked in passes; sends nothing."""
    start: Callable[..., Job]
    """Asks for what a checked request says; returns at once."""
    start_chain: Callable[..., Job]
    """Asks for the passes of a chain as one job; returns at once."""

    def edit(
        self,
        /,
        prompt: str,
        *images: Any,
        model: str | None = None,
        mode: Mode | None = None,
        provider: str | None = None,
        name: str | None = None,
        n: int | None = None,
        max_price: float | None = None,
        assume_price: float | None = None,
        region: Any = None,
        **parameters: Any,
    ) -> EditResult:
        """
        Edit pictures with words, and wait. An interrupt cancels the request at the service if it still can.

        Args:
            prompt: what to keep and what to change.
            images: the pictures, the main one first: paths, globs, https URLs, bytes, PIL images, NumPy arrays of
                shape H×W or H×W×3 or H×W×4, outputs of other results, or lists of those.
            model: the endpoint; None is the one of the session.
            mode: `auto`, `fresh` or `replay`; None is that of the session.
            provider: the service that runs it, such as `fal`; None is that of the session.
            name: the variable that it is going to be bound to; its files are named by it.
            n: how many pictures, whatever the model calls that; the same as `number_of_images`.
            max_price: US dollars that it may cost at most. What is not surely below it is not sent.
            assume_price: US dollars to count for it where the price is not known.
            region: the part of a picture that it is about: `nb.region(picture)`, a box (left, top, right and bottom as
                parts of the main picture), a name such as `the upper half`, or a list of those, which is one region of
                several parts. It is kept with the record and not sent.
            parameters: the model's own, such as `seed=7`, `aspect_ratio="1:1"`. What is not set is not sent, but for
                the seed: a request without one gets a random one, so that every edit has one. A mask is any picture,
                a region, or "region" for that of the request; white is repainted. `aspect_ratio` and `resolution` are
                put into the model's own words where it calls them otherwise.

        Returns:
            A sequence of `Output`, which shows itself as a grid in a notebook.

        Raises:
            InputError: it cannot be asked like this; nothing was sent.
            BudgetError: it may cost more than `max_price` or the budget; nothing was sent.
            CredentialError: there is no token, or it is not taken.
            UncertainError: it was sent, and it is not known whether it was taken; it is recorded, not sent again.
            JobError: the service gave no picture.

        >>> import nbbanana as nb
        >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")):
        ...     result = nb.edit("Keep the objects. Turn day into night.", nb.samples.still_life(), n=2)
        >>> len(result), result[0].mime
        (2, 'image/png')
        """
        how = {"model": model, "mode": mode, "provider": provider, "name": name, "n": n, "region": region}
        job = self.submit(prompt, *images, max_price=max_price, assume_price=assume_price, **how, **parameters)
        return _waited_for(job)

    @same_call(edit)
    async def aedit(self, /, prompt: str, *images: Any, **how: Any) -> EditResult:
        """Edit from async code, like `edit`; a cancelled task cancels the request at the service if it still can."""
        pictures = [await image if inspect.isawaitable(image) else image for image in images]
        run, what = divided(how)
        request = await asyncio.to_thread(self.request, checked_prompt(prompt, images), pictures, **what)
        # Not in a thread: a cancel that comes meanwhile would leave a job that has no holder.
        job = self.start(request, **run)
        try:
            return await job
        except asyncio.CancelledError:
            with suppress(asyncio.CancelledError):
                await asyncio.wrap_future(job.cancelling())
            raise

    @same_call(edit)
    def submit(self, /, prompt: str, *images: Any, **how: Any) -> Job:
        """Start an edit, like `edit`, and return at once with a `Job` to look at, wait for, or cancel."""
        run, what = divided(how)
        return self.start(self.request(checked_prompt(prompt, images), images, **what), **run)

    def chain(self, /, passes: Sequence[str], *images: Any, **how: Any) -> EditResult:
        """
        Edit pictures in several passes, and wait: each pass edits the picture that the one before it gave.

        All passes are priced and reserved before the first is sent, and `max_price` is for all of them. Each is an
        edit of its own in the history. It stops at the first pass that gives no picture; the same call goes on from
        there, and what is done is not paid again.

        Args:
            passes: the words of each pass.
            images: the pictures of the first pass; reference images go to each pass.
            how: as for `edit`. The seed is that of each pass; the number of pictures, `resolution` and
                `output_format` are those of the last one.

        Returns:
            The result of the last pass; `result.passes` are all of them.

        Raises:
            NBBananaError: as `edit`; it says which pass it was.

        >>> import nbbanana as nb
        >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")):
        ...     result = nb.chain(["Make it night.", "Add a boat."], nb.samples.still_life(), seed=7, n=2)
        >>> len(result), [one.prompt for one in result.passes], {one.seed for one in result.passes}
        (2, ['Make it night.', 'Add a boat.'], {7})
        """
        run, what = divided(how)
        return _waited_for(self.start_chain(self.requests(passes, images, **what), **run))


def _waited_for(job: Job) -> EditResult:
    """Wait for a result; an interrupt cancels the job, and says what became of it."""
    try:
        return job.result()
    except KeyboardInterrupt as interrupt:
        job.cancel()
        interrupt.add_note(job.message)
        raise
