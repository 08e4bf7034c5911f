"""The words of a request: composing them from parts, advice on them, and splitting them into passes."""

from nbbanana.prompts.lines import parts_that_differ, written_lines
from nbbanana.prompts.parts import Parts, parts_of
from nbbanana.prompts.prompting import Prompt, code_of, prompt, read, words_of

__all__ = ["Parts", "Prompt", "code_of", "parts_of", "parts_that_differ", "prompt", "read", "words_of", "written_lines"]
