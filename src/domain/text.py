"""Text that is safe to store, log and publish: what makes it so, and types that accept nothing else."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

_LINE_CHARACTERS = frozenset("\n\r\t")
# All of Unicode category Cc, which no later version of Unicode changes.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# The same but for line ends and tabs, and the surrogates (category Cs).
_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def has_control_characters(text: str, allowed: frozenset[str] = frozenset()) -> bool:
    """Returns whether `text` holds control characters (Unicode category Cc, which NUL is in) other than `allowed`."""
    return any(character not in allowed for character in _CONTROL.findall(text))


def printable(text: str, most: int = 2000) -> str:
    """Makes what somebody else wrote fit for a row, a log and a message: one line of at most `most` characters.

    Control characters and lone surrogates, which PostgreSQL or UTF-8 can't hold, are replaced.
    """
    shown = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(map(_printable_character, shown))


def cleaned(text: str) -> str:
    """Returns the text with one kind of line end, and without what PostgreSQL or UTF-8 can't hold."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\N{SOFT HYPHEN}", "")
    return _NO_TEXT.sub("", text)


def _printable_character(character: str) -> str:
    if character in _LINE_CHARACTERS:
        return " "
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character


def _single_line(text: str) -> str:
    if has_control_characters(text):
        raise ValueError("String should have no control characters")
    return text


def _prose(text: str) -> str:
    if has_control_characters(text, _LINE_CHARACTERS):
        raise ValueError("String should have no control characters but line breaks and tabs")
    return text


SINGLE_LINE = AfterValidator(_single_line)
"""Refuses control characters, which line breaks are too."""

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), SINGLE_LINE]
"""A title, heading, term or single sentence that a model wrote."""

Prose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000),
    AfterValidator(_prose),
]
"""One or more paragraphs that a model wrote. The limit is some ten times the longest section seen."""
