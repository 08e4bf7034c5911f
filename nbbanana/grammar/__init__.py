"""
A cell's text ⇄ a request. Pure: no IPython, nothing is evaluated, variables are looked up in a mapping.

    [name <<] IMAGES… [options] [;]
    the prompt

An image is a path, a glob, an https URL, a variable, `name[2]`, `name[1][0]`, `name[*]`, `edit:12[0]` or `_`. Options
come from the model's schema and from one table of nbbanana's own. `{{name}}` takes a variable's value.
"""

from nbbanana.grammar.bodies import of_pass, passes_of, read_words, unfilled, written_words
from nbbanana.grammar.cell import Asked, Cell, parse, parse_words, split_cell, to_cell
from nbbanana.grammar.line import (
    EditOperand,
    FileOperand,
    LastOperand,
    NameOperand,
    Operand,
    Scope,
    Word,
    quote,
    split,
)
from nbbanana.grammar.options import OWN, Option, dollars, listed, options_of, read_options
from nbbanana.prompts.prompting import escape, fill, fits

__all__ = [
    "OWN",
    "Asked",
    "Cell",
    "EditOperand",
    "FileOperand",
    "LastOperand",
    "NameOperand",
    "Operand",
    "Option",
    "Scope",
    "Word",
    "dollars",
    "escape",
    "fill",
    "fits",
    "listed",
    "of_pass",
    "options_of",
    "parse",
    "parse_words",
    "passes_of",
    "quote",
    "read_options",
    "read_words",
    "split",
    "split_cell",
    "to_cell",
    "unfilled",
    "written_words",
]
