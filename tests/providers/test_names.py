"""A provider is named in its own module, and elsewhere only where a reason is written here."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import nbbanana
from nbbanana.providers import registry

PACKAGE = Path(nbbanana.__file__).parent
NAMES = re.compile(
    "|".join(f"(?i:{name})" if len(name) > 4 else f"(?i:(?<![a-z]){name}(?![a-z]))" for name in registry.OWN)
)
"""A provider's name, also as a part of `RunComfyEndpoints`, `FAL_KEY` or `sandbox_scale`, and not of `fallback`."""
OWN_MODULES = {f"{entry.module.removeprefix('nbbanana.').replace('.', '/')}.py" for entry in registry.OWN.values()}
"""The modules of the providers."""
APART = ("sandbox/", "testing/", "models/catalogue/", "samples/", "providers/registry.py")
"""What is not looked at: the sandbox, emulators, the catalogue's data, a picture, the list of this package's own."""

ALLOWED = {
    ("settings.py", '"runcomfy"'): "the one default",
    ("settings.py", '"sandbox"'): "the one that a kernel without any key falls back to",
    ("settings.py", "sandbox_scale"): "the name of a setting",
    ("settings.py", '"sandbox_scale"'): "the name of a setting",
    ("session/engines.py", "sandbox_scale"): "the name of a setting",
    ("store/serialization.py", '"sandbox"'): "what records of format 1 mean, which have no such column",
    ("store/migrations/003_ownership.sql", "sandbox"): "what records of version 2 mean, which have no such column",
    ("images/kinds.py", '"nbbanana sandbox: no model made this picture"'): "the mark in files that were made",
    ("cli/console.py", "sandbox"): "the flag --sandbox",
    ("cli/services.py", "sandbox"): "the verb that serves the sandbox",
    ("cli/services.py", "_sandbox"): "the verb that serves the sandbox",
    ("cli/services.py", '"sandbox"'): "the verb that serves the sandbox",
    ("cli/edits.py", '"Edit a drawn still life in the sandbox."'): "the help of a verb",
    ("cli/edits.py", '"Run a request that is JSON, as the RunComfy CLI does, and print its output."'): "a verb's help",
    ("providers/credentials.py", '"nbsandbox_"'): "what a token for play money begins with",
    ("providers/local.py", "runcomfy"): "the sandbox speaks the default service's protocol",
    ("providers/local.py", "RunComfyEndpoints"): "the sandbox speaks the default service's protocol",
    ("providers/local.py", "RunComfy"): "the sandbox speaks the default service's protocol",
}
"""Where a provider is named outside its own module, by file and token, and why."""


def documentation(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """The first and last lines of strings that are documentation: docstrings, and what an argument `help` says."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.end_lineno or node.lineno
        if isinstance(node, ast.keyword) and node.arg == "help":
            yield node.value.lineno, node.value.end_lineno or node.value.lineno


@cache
def named_in(source: str) -> list[str]:
    """The tokens of Python code that name a provider; comments and documentation may name any."""
    if not NAMES.search(source):
        return []
    free = [range(first, last + 1) for first, last in documentation(ast.parse(source))]
    kinds = {tokenize.NAME, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    naming = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type in kinds and NAMES.search(token.string)
    ]
    return [
        one.string for one in naming if one.type == tokenize.NAME or not any(one.start[0] in lines for lines in free)
    ]


def files(*suffixes: str) -> Iterator[tuple[str, str]]:
    """The package's files of these kinds: path and text."""
    for path in sorted(PACKAGE.rglob("*")):
        name = path.relative_to(PACKAGE).as_posix()
        if path.suffix in suffixes and not name.startswith(APART):
            yield name, path.read_text(encoding="utf-8")


def own_name(module: str) -> str:
    """The provider whose own module this is; empty for any other file."""
    return next((name for name, entry in registry.OWN.items() if entry.module.endswith(f".{Path(module).stem}")), "")


def test_no_code_names_a_provider_outside_its_own_module() -> None:
    """Whatever differs between services is asked of their specs, so that another's package needs nothing touched."""
    found = set()
    for name, source in files(".py"):
        own = own_name(name) if name in OWN_MODULES else ""
        found |= {
            (name, token) for token in named_in(source) if {n.lower() for n in NAMES.findall(token)} - {own.lower()}
        }
    assert found - set(ALLOWED) == set()


def test_no_script_style_template_or_statement_names_a_provider() -> None:
    """What a browser shows of a service comes from its spec; help for people may give examples."""
    found = {
        (name, word.lower())
        for name, text in files(".js", ".css", ".j2", ".html", ".sql", ".json", ".xmp")
        for word in NAMES.findall(text)
    }
    assert found - set(ALLOWED) == set()


def test_every_exception_is_still_needed() -> None:
    """A reason that holds for nothing any more hides the next slip."""
    found = {(name, token) for name, source in files(".py") for token in named_in(source)}
    found |= {(name, word.lower()) for name, text in files(".sql") for word in NAMES.findall(text)}
    assert set(ALLOWED) - found == set()


@pytest.mark.parametrize(
    "code",
    [
        'is_play = provider == "sandbox"',
        "import nbbanana.providers.fal",
        'how = f"Set {variable}, or see runcomfy.com"',
        'key = os.environ["FAL_KEY"]',
        "if choice.is_sandbox: pass",
    ],
)
def test_a_slip_is_found(code: str) -> None:
    """The search sees names, strings and the words around what an f-string holds."""
    assert list(named_in(code))


@pytest.mark.parametrize(
    "code",
    [
        'def f():\n    """As RunComfy does."""',
        "x = 1  # as fal has it",
        'add("-p", help="such as fal")',
        "fallback = 1",
    ],
)
def test_documentation_may_name_any(code: str) -> None:
    """Docstrings, comments and help say what is meant by an example."""
    assert not list(named_in(code))
