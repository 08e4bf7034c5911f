"""The words of a request: composing them from parts, advice on them, and splitting them into passes."""

from nbbanana.prompts.lines import fields_of, parts_that_differ, read_fields, written_lines
from nbbanana.prompts.parts import Parts, parts_of
from nbbanana.prompts.prompting import Prompt, code_of, composed, prompt, read, words_of

__all__ = [
    "Parts",
    "Prompt",
    "code_of",
    "composed",
    "fields_of",
    "parts_of",
    "parts_that_differ",
    "prompt",
    "read",
    "read_fields",
    "words_of",
    "written_lines",
]
