"""One `%%nbedit` from its text to a job: parse, look the pictures up, load and check them, start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ImageError
from nbbanana.grammar import NameOperand, Operand, parse
from nbbanana.session import Job, current
from nbbanana.session.cautioning import cautions_of
from nbbanana.session.dry_run import describe_requests
from nbbanana.session.region_args import OWN as OWN_REGION
from nbbanana.session.scope import scope

if TYPE_CHECKING:
    from nbbanana.request import EditRequest
    from nbbanana.sweeps.sweep import Sweep

__all__ = ["CellRequest"]

Found = tuple[Operand, object]
"""An operand and one of the values that it stands for."""


class CellRequest:
    """
    What a line and a body ask of the current session.

    The session is taken once, when the cell begins; every step of the cell goes to it. The awaiting and the blocking
    magic both call `look_up`, `requests` and `start`, in this order.

    Args:
        line: the text behind the magic's name.
        body: the cell's other lines; None for the line magic.
        namespace: the variables that operands and `{{name}}` are looked up in.

    Raises:
        InputError, UsageError: the text cannot be read.
    """

    def __init__(self, line: str, body: str | None, namespace: Mapping[str, Any]) -> None:
        self.session = current()
        self.namespace = namespace
        self.job: Job | None = None
        self.cell = parse(line, body, namespace=namespace, choose=self.session.model_at)

    def look_up(self) -> list[Found]:
        """Look up the values that the operands stand for; nothing is loaded."""
        around = scope(self.session, self.namespace)
        return [(operand, thing) for operand in self.cell.operands for thing in around.find(operand)]

    def requests(self, found: Iterable[Found]) -> list[EditRequest]:
        """
        Load the pictures and check the request of each pass; nothing is sent.

        Raises:
            InputError: it cannot be asked like this.
        """
        cell = self.cell
        return self.session.requests(
            [cell.prompt, *cell.then],
            self._load(found),
            model=cell.model,
            parameters=self._with_mask(cell.parameters),
            region=cell.region,
            provider=cell.provider,
        )

    def sweep(self, found: Iterable[Found]) -> Sweep:
        """
        Plan the sweep that the cell asks for; nothing is sent.

        Raises:
            InputError, UsageError: it cannot be asked like this.
        """
        from nbbanana.sweeps.planning import planned
        from nbbanana.sweeps.sweep import Sweep

        cell = self.cell
        given = {"model": cell.model, "provider": cell.provider, **self._with_mask(cell.parameters), **cell.axes}
        images = self._load(found)
        return Sweep(
            self.session, planned(self.session, cell.prompt, images, given, region=cell.region, checks_names=False)
        )

    def cautions(self, requests: Sequence[EditRequest]) -> tuple[str, ...]:
        """Return what the model does by itself that spoils an edit and that these requests leave so."""
        if self.cell.quiet or "replay" in {self.session.mode, self.cell.mode}:
            return ()
        return cautions_of(self.session.model_of(requests[0].model, self.cell.provider), requests)

    def _with_mask(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the parameters with the value of the variable that `--mask` names, if it names one."""
        named = parameters.get("mask")
        if not isinstance(named, str) or named == OWN_REGION or named not in self.namespace:
            return parameters
        return {**parameters, "mask": self.namespace[named]}

    def start(self, requests: Sequence[EditRequest]) -> Job:
        """Start the passes; returns at once. The job is kept as `job`."""
        cell = self.cell
        # Captions are code: what a cell that does not wait binds is a job, and a job has no items.
        name = cell.name if cell.wait else None
        self.job = self.session.start_chain(
            requests,
            mode=cell.mode,
            provider=cell.provider,
            name=name,
            max_price=cell.max_price,
            assume_price=cell.assume_price,
        )
        return self.job

    def dry_run(self, requests: Sequence[EditRequest]) -> dict[str, Any]:
        """Describe the passes and their price as a MIME bundle; sends nothing."""
        return describe_requests(self.session, requests, self.cell.mode, self.cell.provider)

    def _load(self, found: Iterable[Found]) -> list[Any]:
        """Load pictures, naming the variable in an error; awaitables are left for `Session.request` to finish."""
        images: list[Any] = []
        for operand, thing in found:
            if hasattr(thing, "__await__"):
                images.append(thing)
                continue
            try:
                images.extend(self.session.load([thing]))
            except ImageError as error:
                if not isinstance(operand, NameOperand):
                    raise
                raise type(error)(f"{operand}: {error.what}", error.why, error.how) from error
        return images
