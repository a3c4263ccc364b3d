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


# These count as letters, marks or symbols, but show nothing: fillers for letters of Hangul, joiners and selectors of
# variants, vowels of Khmer that are only inherent, a pattern of Braille without dots. Default_Ignorable_Code_Point in
# https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt, and U+2800.
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)

# Signs that stand around the digits after them, as at the end of a verse. Prepended_Concatenation_Mark in
# https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt
_FORMAT_BUT_VISIBLE = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)


# What changes the order of the signs around it, so that a text reads as another: Bidi_Control in
# https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt. And line ends and commands of terminals beyond ASCII.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def has_control_characters(text: str, allowed: frozenset[str] = frozenset()) -> bool:
    """Returns whether `text` holds control characters (Unicode category Cc, which NUL is in) other than `allowed`."""
    return any(character not in allowed for character in _CONTROL.findall(text))


def has_visible_characters(text: str) -> bool:
    """Returns whether anything of `text` can be seen, so that it isn't empty to the eye.

    Spaces, and characters that only steer how others look, can't be seen.
    """
    return any(_is_visible(character) for character in text)


def printable(text: str, most: int = 2000) -> str:
    """Makes what somebody else wrote fit for a row, a log and a message: one line of at most `most` characters.

    Control characters and lone surrogates, which PostgreSQL or UTF-8 can't hold, are replaced.
    """
    shown = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(map(_printable_character, shown))


def shown(text: str) -> str:
    """Makes what somebody else wrote fit for a terminal: one line, in which nothing can be hidden or moved.

    What has legitimate uses in a text, but steers how others look, is shown as an escape such as `\\u202e`.
    """
    return steering_escaped(printable(text, len(text)))


def steering_escaped(text: str) -> str:
    """Writes what steers how others look as an escape, in a text without control characters of ASCII, such as JSON."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cleaned(text: str) -> str:
    """Returns the text with one kind of line end, and without what PostgreSQL or UTF-8 can't hold."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\N{SOFT HYPHEN}", "")
    return _NO_TEXT.sub("", text)


def _is_visible(character: str) -> bool:
    if character in _BLANK:
        return False
    # What has no category yet may be of a script that is newer than this Python.
    category = unicodedata.category(character)
    return category not in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp") or character in _FORMAT_BUT_VISIBLE


def _printable_character(character: str) -> str:
    if character in _LINE_CHARACTERS:
        return " "
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character


def _single_line(text: str) -> str:
    if has_control_characters(text):
        raise ValueError("String should have no control characters")
    return text


# Most control characters of a model are a backslash that it didn't escape, and it is told this when it is asked again.
_ESCAPE = r"; JSON writes the backslash of a formula twice, as in \\frac"


def _label(text: str) -> str:
    if has_control_characters(text):
        raise ValueError(f"String should have no control characters{_ESCAPE}")
    return text


def _prose(text: str) -> str:
    if has_control_characters(text, _LINE_CHARACTERS):
        raise ValueError(f"String should have no control characters but line breaks and tabs{_ESCAPE}")
    return text


SINGLE_LINE = AfterValidator(_single_line)
"""Refuses control characters, which line breaks are too."""

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_label)]
"""A title, heading, term or single sentence that a model wrote."""

Prose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000),
    AfterValidator(_prose),
]
"""One or more paragraphs that a model wrote. The limit is some ten times the longest section seen."""
