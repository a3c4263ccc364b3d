"""The words that a text says itself: what it shows, quotes, names or lists may be in any language.

Left out are code, formulas, quotations in any marks, blockquotes, emphasised words, tables, dialogues, and the items of
a list that are no sentences, as in a list of phrases or works.
"""

import regex

from src.domain.formulas import delimited
from src.domain.markdown_syntax import without_code
from src.domain.quality.part_ends import ITEM, has_marks
from src.domain.quality.quotations import quotations, unquoted
from src.domain.sentences import CITATION

_LONGEST_PHRASE = 6
"""An item of a list with more words, and a mark after one of them, is a sentence."""

_EMPHASISED = regex.compile(r"(\*{1,3}|(?<!\w)_{1,3})(?![\s*_])[^*_\n]{1,300}+(?<!\s)\1(?!\w)")
_LINK = regex.compile(r"!?\[([^\]]{0,500}+)\]\([^)]{0,500}+\)|https?://\S+")
_MARKER = regex.compile(CITATION)
_SHOWN_LINE = regex.compile(r"^\s*(?:>|\|)|\|\s*$|^[ \t]*:?-{3,}|^\s*#{1,6}\s")
_SPEECH = regex.compile(r"^\s*(?:[—–―]\s*\S|[\p{L}\p{M}. ]{1,30}[:：]\s*\S)")
_SPEECH_OF_TWO = regex.compile(r"^\s*(?:[—–―]\s*\S|\*{2}\p{Lu}[\p{L}\p{M}. ]{1,30}[:：]\*{2}\s)")


def own_words(text: str, *, are_items_shown: bool = False) -> str:
    """Returns the prose of a Markdown text that it says itself.

    `are_items_shown`: whether each item of a list is shown, and not said, as in a course on a language.
    """
    told = without_code(text)
    for start, end in reversed(delimited(told)):
        told = f"{told[:start]} {told[end:]}"
    lines = [line for line in told.split("\n") if not _SHOWN_LINE.search(line)]
    bare = "\n".join(lines)
    if "](" in bare or "://" in bare:
        bare = _LINK.sub(r"\1", bare)
    bare = unquoted(bare, " ")
    if "*" in bare or "_" in bare:
        bare = _EMPHASISED.sub(" ", bare)
    if "[" in bare:
        bare = _MARKER.sub("", bare)
    spoken = [line for line in bare.split("\n") if _SPEECH.match(line)]
    is_dialogue = len(spoken) > 1
    return "\n".join(
        line
        for line in bare.split("\n")
        if not (is_dialogue and _SPEECH.match(line))
        and not (ITEM.match(line) and (are_items_shown or _is_phrase(line)))
    ).strip()


def is_quoted(text: str, position: int) -> bool:
    """Returns whether what stands at a position is in quotation marks, in a blockquote or a line of a dialogue."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    if line.lstrip().startswith(">") or _SPEECH_OF_TWO.match(line):
        return True
    return any(start < position < end for start, end in quotations(text))


def _is_phrase(line: str) -> bool:
    return not has_marks(line) or len(line.split()) <= _LONGEST_PHRASE
