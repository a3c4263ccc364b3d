"""Finds quotations by their marks, in the pairs that languages write."""

import re
from collections.abc import Iterator

import regex

_LONGEST = 1000
"""Characters of a quotation. Without a bound, the search would run from each opening sign to the end of the text."""
_PAIRS = [tuple(pair) for pair in "“” „“ „” «» »« ‹› 「」 『』 ‘’ 《》 〈〉 〝〟".split()]  # noqa: SIM905
_QUOTED = regex.compile(
    "|".join(f"{opening}[^{opening}{closing}]{{0,{_LONGEST}}}+{closing}" for opening, closing in _PAIRS)
    + rf'|(?<![\w"])"[^"]{{0,{_LONGEST}}}+"|(?<!\w)\'[^\'\n]{{1,200}}+\'(?!\w)'
)
_MARK = re.compile(r"[“„«»‹「『‘《〈〝\"]|(?<!\w)'")


def quotations(text: str) -> Iterator[tuple[int, int]]:
    """Yields start and end of each quotation in order, with its marks."""
    if _MARK.search(text):
        yield from (found.span() for found in _QUOTED.finditer(text))


def unquoted(text: str, by: str = " “” ") -> str:
    """Returns a text with `by` in place of its quotations: empty quotation marks, if nothing else is given."""
    return _QUOTED.sub(by, text) if _MARK.search(text) else text
