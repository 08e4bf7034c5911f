"""`nb.lint`: advice on a prompt before anything is sent, and the advice that every request carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, overload

from nbbanana.display import lint_bundle
from nbbanana.errors import ConfigError
from nbbanana.grammar import read_words
from nbbanana.images import load_all
from nbbanana.models.nearest import nearest_name
from nbbanana.prompts.lint import Asked, Finding, findings, fixed
from nbbanana.prompts.lint_rules import all_rules
from nbbanana.session.call_args import checked_prompt, settled
from nbbanana.session.session import current
from nbbanana.settings import settings

__all__ = ["LintReport", "lint"]


class LintReport(Sequence[Finding]):
    """
    What the rules say of a prompt: a sequence of findings, the gravest first, that shows itself as a list.

    Args:
        asked: the prompt and what is known of its request.
        off: ids of rules that are left out.
    """

    def __init__(self, asked: Asked, off: frozenset[str] = frozenset(), only: Sequence[Finding] | None = None) -> None:
        self._asked, self._off = asked, off
        self._findings = tuple(findings(asked, off=off) if only is None else only)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> LintReport: ...
    def __getitem__(self, index: int | slice) -> Finding | LintReport:
        found = self._findings[index]
        return found if isinstance(found, Finding) else LintReport(self._asked, self._off, found)

    def __len__(self) -> int:
        return len(self._findings)

    def __repr__(self) -> str:
        return f"<LintReport {', '.join(f'{one.rule} ({one.severity})' for one in self._findings) or 'nothing found'}>"

    @property
    def prompt(self) -> str:
        """The prompt that it is about."""
        return self._asked.prompt

    @property
    def fixed(self) -> str:
        """The prompt with everything mended that can be; to lint and mend it again changes nothing."""
        return fixed(self._asked, off=self._off)

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters that mend what is not in the words, such as `aspect_ratio="auto"`."""
        return {name: value for one in self._findings for name, value in one.settings.items()}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return lint_bundle(self._findings, self.fixed if self.fixed != self.prompt else "")


def lint(
    prompt: str,
    *pictures: Any,
    images: Iterable[Any] = (),
    model: str | None = None,
    params: Mapping[str, Any] | None = None,
    compared: bool = False,
) -> LintReport:
    """
    Advise on a prompt; nothing is sent, and nothing goes over the network.

    Args:
        prompt: what to keep and what to change; lines of parts are composed first, as a request does.
        pictures: those that go with it, in their order, as `nb.edit` takes them; without any, what depends on their
            number or shape is not looked at.
        images: the same as a list.
        model: what it goes to; None is the model of the session.
        params: parameters under the names of the model, such as `{"aspect_ratio": "1:1"}`.
        compared: whether it is one of several requests that will be looked at side by side.

    Returns:
        A sequence of findings that shows itself; `report.fixed` is the prompt with what can be mended.

    Raises:
        PromptError: there is no prompt.
        ImageError: a picture that cannot be read.
        UnknownModelError: no such model.
        ConfigError: a rule that is switched off does not exist.

    >>> import nbbanana as nb
    >>> report = nb.lint("Replace the sky with a sunset. Keep the house unchanged.")
    >>> report
    <LintReport preservation-after-change (hint)>
    >>> report.fixed
    'Keep the house unchanged. Replace the sky with a sunset.'
    """
    given = [*pictures, *images]
    chosen = current().model_at(model)
    words = str(read_words(checked_prompt(prompt, given)).for_grammar(chosen.grammar))
    sizes = tuple(_size(image) for image in load_all(settled(given))) if given else None
    return LintReport(Asked(words, sizes, chosen, dict(params or {}), compared), _off())


def _size(image: Any) -> tuple[int, int] | None:
    return (image.width, image.height) if image.width and image.height else None


def _off() -> frozenset[str]:
    """Return the rules that are switched off; a name that is none is an error here, where it can be seen."""
    known = [rule.id for rule in all_rules()]
    for name in settings().lint_off:
        if name not in known:
            near = nearest_name(name, known)
            raise ConfigError(
                f"{name!r} is not a rule of the lint.",
                f"NBBanana.lint_off names it; the rules are {', '.join(known)}.",
                f"Write {near!r}." if near else "Leave it out.",
            )
    return frozenset(settings().lint_off)
