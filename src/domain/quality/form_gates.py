"""The gates for the form of a lesson's text: what a reader would see of its Markdown, its characters and paragraphs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex
from ftfy import fix_encoding
from ftfy.badness import is_bad

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.formulas import delimited
from src.domain.markdown_syntax import masked, without_blocks
from src.domain.quality.broken_formulas import broken_formula
from src.domain.quality.citations import without_markers
from src.domain.quality.draft import Draft
from src.domain.quality.part_ends import ends_no_sentence
from src.domain.sentences import LIST_SIGN, ends_a_sentence
from src.domain.words import NO_SPACES, words

FEWEST_PARAGRAPH_WORDS = 8
"""A shorter paragraph without a mark at its end may be a label, a title or a line of verse."""
LEAST_ENDED = 0.75
"""The share of a lesson's paragraphs that end with a mark, so that one without is told from them."""

_BLANK = regex.compile(r"\n[ \t]*\n")
_RULE = regex.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_CONTAINER = regex.compile(r"^[ \t]*(?:>[ \t]?)*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?")
_BAR = regex.compile(r"(?<!\\)\|")
_OTHER_BLOCK = regex.compile(r"[ \t]*(?:[-*+][ \t]|\d{1,3}[.)][ \t]|#{1,6}[ \t]|>|[-*_]{3,}[ \t]*$)")
_TOLD_CELL = regex.compile(r"\p{L}{3}|\p{Lo}|\p{Nd}{2}|^[\s*]*\p{Nd}+(?:[.,]\p{Nd}+)?[\s*]*$")


def broken_table(draft: Draft) -> Iterator[Finding]:
    """Finds tables that aren't shown as such, and rows whose cells aren't those of the head; one finding a text."""
    for where, text in draft.shown:
        if "|" in text:
            lines = [_CONTAINER.sub("", line).strip() for line in without_blocks(text).splitlines()]
            yield from _broken_table(lines, where)


def _broken_table(lines: list[str], where: str) -> Iterator[Finding]:
    rules = [at for at, line in enumerate(lines) if "|" in line and _RULE.fullmatch(line)]
    covered = set[int]()
    for at in rules:
        head, wanted = lines[at - 1] if at else "", _cells(lines[at])
        if "|" not in head:
            yield soft("broken_table", where, f"a table has no row of headings above {excerpt(lines[at])}")
            return
        if _cells(head) != wanted:
            message = f"a table is shown only if its headings and the line below have as many cells: {excerpt(head)}"
            yield hard("broken_table", where, message)
            return
        covered |= {at - 1, at}
        for row in range(at + 1, len(lines)):
            line = lines[row]
            if not line or _OTHER_BLOCK.match(line):
                break
            covered.add(row)
            if _cells(line) != wanted:
                message = f"a row of a table has {_cells(line)} cells in place of {wanted}: {excerpt(line)}"
                yield soft("broken_table", where, message)
                return
    for at in range(len(lines) - 1):
        head, below = lines[at], lines[at + 1]
        if {at, at + 1} & covered or not (_is_row(head) and _is_row(below)) or (at and _is_row(lines[at - 1])):
            continue
        # Bars of music and feet of verse stand between such lines too, but have no words of their own.
        if _cells(below) == _cells(head) > 1 and _tells(head) and _tells(below):
            yield soft("broken_table", where, f"a table needs a line such as |---|---| below its head: {excerpt(head)}")
            return


def _cells(line: str) -> int:
    bare = line.removeprefix("|")
    bars = len(_BAR.findall(bare))
    return bars if bars and bare.endswith("|") and not bare.endswith("\\|") else bars + 1


def _tells(row: str) -> bool:
    """Returns whether half of the cells of a row have words or are numbers."""
    cells = [cell for cell in _BAR.split(row[1:-1]) if cell.strip()]
    return sum(map(bool, map(_TOLD_CELL.search, cells))) * 2 >= len(cells)


def _is_row(line: str) -> bool:
    return len(line) > 2 and line[0] == line[-1] == "|"


_AROUND = 60
"""What stands so many characters before and behind a sign tells whether it emphasises."""
_EMPHASIS = regex.compile(r"(?<!\\)(?:\\\\)*(\*+|_+)")
# What most texts have of it: pairs within a line. Only what is left is looked at mark by mark.
_PAIR = regex.compile(r"(?<![*\w\\])(\*{1,3}|_{1,2})(?=[^\s*_])[^*_\n|`\\$]{1,300}(?<=\S)\1(?![*_])")
_NEW_PART = regex.compile(rf"[ \t]*(?:{LIST_SIGN}[ \t]|#{{1,6}}[ \t]|\||>?[ \t]*$)")
_IDENTIFIER = regex.compile(r"[a-z0-9_]*(?:kwargs|args)|[a-z_0-9]+(?=\(|\.[a-z])|[a-z0-9]*_[a-z0-9_]*(?!\S)")
_ARGUMENT = regex.compile(r"\([a-z_]\w*[),]|,[a-z_]\w*\)")
_C_TYPE = regex.compile(r"\b(?:int|char|float|double|void|long|short|struct \w+|const|\w+_t)\s?$")
_NOTE = regex.compile(r"^[ \t]*\*\*[ \t]", regex.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A sign of emphasis without its other half."""

    sign: str
    opens: bool
    is_first: bool
    """Whether nothing stands before it in its line."""
    around: str


def unclosed_emphasis(draft: Draft) -> Iterator[Finding]:
    """Finds signs of emphasis that are opened and not closed, or the other way round, and so are shown as they are."""
    for where, text in draft.shown:
        if ("*" in text or "_" in text) and _has_emphasis(_PAIR.sub("x", text)):
            marks = [*_unpaired(_bare(text))]
            strong = [mark for mark in marks if len(mark.sign) == 2]
            if strong and not _is_footnote(strong, text):
                yield soft("unclosed_emphasis", where, f"{_what(strong[0])}: {excerpt(strong[0].around)}")
                continue
            # One star alone is many things: a footnote, a form that doesn't exist, a pointer. These come in twos.
            single = [mark for mark in marks if len(mark.sign) == 1]
            if len(single) == 1 and single[0].opens:
                yield soft("unclosed_emphasis", where, f"{_what(single[0])}: {excerpt(single[0].around)}")


def _what(mark: _Mark) -> str:
    return f"{mark.sign} is opened and not closed" if mark.opens else f"{mark.sign} is closed and not opened"


def _bare(text: str) -> str:
    """Returns a text with letters in place of its code, formulas and pairs of signs, so that no position changes."""
    outside = masked(text, "x")
    for start, end in delimited(outside):
        outside = outside[:start] + "x" * (end - start) + outside[end:]
    return _PAIR.sub(lambda pair: "x" * len(pair.group()), outside)


def _is_footnote(marks: list[_Mark], text: str) -> bool:
    """Returns whether stars are those of a footnote: one behind a word, and one before the note."""
    word, *note = marks
    return not word.opens and (bool(_NOTE.search(text)) if not note else note[0].opens and note[0].is_first)


def _has_emphasis(text: str) -> bool:
    return "*" in text or "_" in text


def _unpaired(text: str) -> Iterator[_Mark]:
    part: list[str] = []
    for line in [*text.splitlines(), ""]:
        if _NEW_PART.match(line):
            yield from _unpaired_in("\n".join(part))
            part = []
        if line.lstrip().startswith("|"):
            for cell in _BAR.split(line):
                yield from _unpaired_in(cell)
        else:
            part.append(line)


def _unpaired_in(part: str) -> Iterator[_Mark]:
    if not _has_emphasis(part):
        return
    opened: dict[str, _Mark] = {}
    for found in _EMPHASIS.finditer(part):
        for sign in _signs(found[1]):
            start, end = found.span(1)
            before, behind = part[start - 1 : start] or " ", part[end : end + 1] or " "
            left, right = not behind.isspace(), not before.isspace()
            if not (left or right) or _is_operator(sign, before, behind, sign in opened):
                continue
            around = part[max(0, start - _AROUND) : start + _AROUND]
            is_first = not part[part.rfind("\n", 0, start) + 1 : start].strip()
            mark = _Mark(sign, True, is_first, around)
            if right and sign in opened:
                del opened[sign]
            elif left and _may_open(sign, part[max(0, start - _AROUND) : start], part[end : end + _AROUND]):
                if sign in opened:
                    yield opened[sign]
                opened[sign] = mark
            elif right and _may_close(before, behind):
                yield _Mark(sign, False, is_first, around)
    yield from opened.values()


def _signs(run: str) -> tuple[str, ...]:
    sign = run[0]
    return {1: (sign,), 2: (sign * 2,), 3: (sign * 2, sign)}.get(len(run), ()) if sign == "*" or len(run) < 3 else ()


def _is_operator(sign: str, before: str, behind: str, is_open: bool) -> bool:
    """Returns whether a sign stands inside a word, a name or a product, where it emphasises nothing."""
    if not ((before.isalnum() or before in ")]") and (behind.isalnum() or behind in "([")):
        return False
    is_product = not is_open or (before.isdigit() and behind.isdigit())
    return sign[0] == "_" or (before.isascii() and behind.isascii() and is_product)


def _may_open(sign: str, before: str, behind: str) -> bool:
    """Returns whether a sign before a word opens emphasis, and is no part of a program."""
    if _IDENTIFIER.match(behind) or _C_TYPE.search(before) or (before[-1:] in "([," and behind[:1] in ")],"):
        return False
    if _ARGUMENT.match(f"{before.rstrip()[-1:]}{behind}"):
        return False
    if len(sign) == 2:
        return behind[:1] not in ")],.;:"
    return (before[-1:] in "(*_" or not before[-1:].strip()) and (behind[:1].isalnum() or behind[:1] in "\"'“„«¿¡*_")


def _may_close(before: str, behind: str) -> bool:
    return before not in "([{=*/+" and not (behind.isalnum() or behind in "([")


# Pairs of signs that hardly stand beside each other in any language: a letter before what the bytes behind it show.
_SHOWN_BYTES = r"\x80-\xbf\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122\u0402-\u040f\u0452-\u045f"
_STRANGE = regex.compile(rf"[\x80-\x9f\u2500-\u25a0\ufffd]|[\xc2-\xf4\u0393\u0400-\u045f][{_SHOWN_BYTES}]")
_ABOUT_ENCODING = regex.compile(r"\b(?:UTF-?8|UTF-?16|Unicode|ASCII|Latin-1|ISO[- ]8859|mojibake)\b", regex.IGNORECASE)
_REPLACED = regex.compile(r"(?<=\p{L})\ufffd|\ufffd(?=[\p{L}\ufffd])")


def mojibake(draft: Draft) -> Iterator[Finding]:
    """Finds text that was decoded wrongly, such as "Ã©" for "é". A lesson about encodings may show some."""
    for where, text in draft.shown:
        if text.isascii() or not _STRANGE.search(text):
            continue
        # In code, and in a lesson about encodings, it may be meant.
        outside = masked(text, " ")
        is_meant = _STRANGE.search(outside) is None or _is_about_encodings(draft)
        if found := _REPLACED.search(text):
            finding = soft if is_meant else hard
            broken = text[max(0, found.start() - 40) : found.end() + 40]
            yield finding("mojibake", where, f"a character was lost when this was decoded: {excerpt(broken)}")
        elif is_bad(text):
            finding = hard if not is_meant and fix_encoding(outside) != outside else soft
            yield finding("mojibake", where, f"this was decoded wrongly: {excerpt(_strangest(text))}")


def _is_about_encodings(draft: Draft) -> bool:
    told = (draft.plan.title, draft.brief.topic, draft.all_prose)
    return any(_ABOUT_ENCODING.search(text) for text in told)


def _strangest(text: str) -> str:
    """Returns the piece of a text in which most was decoded wrongly, as far as can be told by its signs."""
    return max(_BLANK.split(text), key=lambda part: len(_STRANGE.findall(part)))


# A paragraph that is none of running text: an item, a verse of a quotation, a row, a heading, a formula.
_NO_PARAGRAPH = regex.compile(r"[ \t]*(?:[-*+•–—|#>$]|\d{1,3}[.)]|\\[\[(]|\\begin|`|!\[)|[ ]{4}")
_SPEAKER = regex.compile(r"\p{L}[\p{L} ]{0,20}:")
_CITED_END = regex.compile(r"(?:[ \t]*\[\d+\])+$")
_OPEN_END = regex.compile(r"[\p{L}\p{M}\p{N},،、，-]\Z")
_EQUATION = regex.compile(r"[=≈→⇌]|\d\s?[+×·/÷]\s?\d")


def broken_off(draft: Draft) -> Iterator[Finding]:
    """Finds a paragraph inside a part that ends in mid-sentence, where the others of the lesson end with a mark.

    The last paragraph of a part is looked at by `cut_off`.
    """
    open_ended = []
    paragraphs = []
    for where, text in draft.fields.items():
        if where.startswith("key_terms."):
            continue
        parts = [part.strip("\n") for part in _BLANK.split(text)]
        paragraphs += parts
        for part, following in pairwise(parts):
            if _is_open(part) and _is_running(part) and _goes_on(following):
                open_ended.append((where, _CITED_END.sub("", part[-200:].rstrip())))
    if not open_ended or not _ends_mostly(paragraphs):
        return
    language = draft.brief.language
    for where, bare in open_ended:
        if not _EQUATION.search(bare[-25:]) and not ends_a_sentence(bare):
            last = words(bare[-40:])[-1:]
            finding = hard if last and ends_no_sentence(last[0], language) else soft
            yield finding("broken_off", where, f"the paragraph ends in mid-sentence: {excerpt(bare[-80:])}")


def _is_open(part: str) -> bool:
    """Returns whether the last word of a paragraph stands at its very end, but for citations."""
    end = part[-60:].rstrip()
    return _OPEN_END.search(_CITED_END.sub("", end) if end.endswith("]") else end[-1:]) is not None


def _ends_mostly(paragraphs: Sequence[str]) -> bool:
    running = [part for part in paragraphs if _is_running(part)]
    return sum(not _is_open(part) for part in running) >= LEAST_ENDED * (len(running) - 1)


def _goes_on(part: str) -> bool:
    """Returns whether a paragraph is running text of one line."""
    return "\n" not in part and "```" not in part and _NO_PARAGRAPH.match(part) is None


def _is_running(part: str) -> bool:
    """Returns whether a paragraph is running text of one line, nobody's speech, and long enough to be a sentence."""
    if not _goes_on(part) or _SPEAKER.match(part):
        return False
    told = without_markers(part)
    return len(NO_SPACES.findall(told)) // 2 + len(told.split()) >= FEWEST_PARAGRAPH_WORDS


FORM_GATES = (
    broken_table,
    broken_formula,
    unclosed_emphasis,
    mojibake,
    broken_off,
)
