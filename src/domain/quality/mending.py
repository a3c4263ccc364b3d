"""What can be put right in a lesson without a model, which costs nothing: slips of form, each where it is certain.

A mend changes no word. Most change nothing that a reader of the finished page sees, only what the text says by itself.
A full stop is given only where the same words end a sentence elsewhere: what is cut off must not pass for whole.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

import regex

from src.domain.finding import Mend
from src.domain.fixed_words import fixed_words
from src.domain.formulas import delimited
from src.domain.lesson import KeyTerm, LessonText, Section
from src.domain.markdown_syntax import atx_heading, code_blocks, code_spans
from src.domain.quality.citations import without_markers
from src.domain.sentences import CITATION, LIST_SIGN, ends_a_sentence, sentences
from src.domain.source import HEADING_CHARACTERS, Passage
from src.domain.words import words

SAME_END = 3
"""How many last words have to end a sentence elsewhere, so that a text which ends with them is no sentence cut off."""

_FULL_STOPS = ".。।۔።։။។．"
_STOP_AT_END = regex.compile(rf"([{_FULL_STOPS}])[\"'”’»)*_」』]*(?:\s?\[\d+\])*\s*$")
# Where a full stop may be given: behind a word, in front of its citations. A result in bold, a formula, a link or an
# emoji may end a part by itself.
_BEHIND_STOP = regex.compile(rf"(?<=\p{{L}}\p{{M}}*)(?:{CITATION})*\s*$")
_ITEM = regex.compile(rf"[ \t]*{LIST_SIGN}[ \t]+")
_FIRST_OF_A_LIST = regex.compile(r"^ {0,3}1[.)][ \t]", regex.MULTILINE)
_NUMBERED = regex.compile(r"( {0,3})(\d{1,3})([.)])(?=[ \t]+\S)")
_NO_TITLE = regex.compile(rf"{_ITEM.pattern}|\s*[|>=-]")
_SETEXT = regex.compile(r" {0,3}(?:={3,}|-{3,})[ \t]*")
_SPACES = regex.compile(r"(?<=\S) {2,}(?=\S)")
_MARKED_HEADING = regex.compile(r"#{2,6}\s+(?=\S)|#\s+(?=\P{Ll})")
# Not "__", which Python's names have: __init__.
_EMPHASIZED = regex.compile(r"\*\*((?:(?!\*\*).)+)\*\*")
_COLON = regex.compile(r"(?<=[^:：])[:：](?=(?:\*\*)?\s*$)")
_LONGEST_TITLE = 80
"""A line of more characters, with a line of signs below it, is rather a paragraph above a rule."""
_END_CHARACTERS = 200

K = TypeVar("K")

_Line = tuple[str, bool]
"""A line, and whether it is outside code, so that it may be changed."""


@dataclass(frozen=True)
class _Known:
    """A lesson and its passages, as what a sentence may end with is learned from them."""

    text: LessonText
    passages: Sequence[Passage]

    @cached_property
    def ends(self) -> frozenset[tuple[str, ...]]:
        """The last words of the sentences that end with a full stop, in the lesson and its passages."""
        told = [*self.text.fields().values(), *(passage.text for passage in self.passages)]
        told += [text for check in self.text.checks for text in (check.evidence, check.explanation)]
        found = (sentence.text for text in told for sentence in sentences(text))
        return frozenset(_last_words(text) for text in found if _STOP_AT_END.search(text))

    @cached_property
    def full_stop(self) -> str:
        """The sign that most sentences of the lesson end with."""
        found = (sentence.text for text in self.text.fields().values() for sentence in sentences(text))
        signs = Counter(end[1] for text in found if (end := _STOP_AT_END.search(text)))
        return signs.most_common(1)[0][0] if signs else ""

    def ends_with(self, text: str) -> bool:
        """Returns whether the last words of a text end a sentence."""
        if not _BEHIND_STOP.search(text[-_END_CHARACTERS:]):
            return False
        last = _last_words(text)
        return len(last) == SAME_END and last in self.ends


def _last_words(text: str) -> tuple[str, ...]:
    return words(without_markers(text)[-_END_CHARACTERS:])[-SAME_END:]


def mended(text: LessonText, passages: Sequence[Passage], language: str) -> tuple[LessonText, tuple[Mend, ...]]:
    """Returns the lesson with what is certain put right, and what that was."""
    mends: list[Mend] = []
    known = _Known(text, passages)

    def note(what: str, where: str, before: str, after: str) -> str:
        if after != before:
            mends.append(Mend(what, where))
        return after

    shown = fixed_words(language)
    headings = {"introduction": shown.introduction, "applications": shown.applications, "summary": shown.summary}
    headings |= {f"sections.{number}": part.heading for number, part in enumerate(text.sections, start=1)}
    fields = {}
    for where, told in text.fields().items():
        told = note("heading", where, told, _without_headings(told, headings.get(where, "")))
        told = note("numbering", where, told, _numbered(told))
        told = note("spaces", where, told, _single_spaces(told))
        fields[where] = note("full_stop", where, told, _ended(told, where, known))
    fields = _definitions_ended(fields, known, note)
    new = text.with_fields(fields) if mends else text
    sections = tuple(_plain_heading(part, number, note) for number, part in enumerate(new.sections, start=1))
    terms = _plain_terms(new.key_terms, note)
    if not mends:
        return text, ()
    return new.model_copy(update={"sections": sections, "key_terms": terms}), tuple(mends)


_Note = Callable[[str, str, str, str], str]
"""Takes what is mended, where, and the text before and after it; returns the text after it, and keeps a record."""


def _plain_heading(part: Section, number: int, note: _Note) -> Section:
    """Returns a section whose heading is bare: its level and its emphasis are given to it when it is shown."""
    heading = _MARKED_HEADING.sub("", part.heading, count=1) if part.heading.startswith("#") else part.heading
    if (whole := _EMPHASIZED.fullmatch(heading)) is not None:
        heading = whole[1].strip() or heading
    heading = note("heading", f"sections.{number}", part.heading, heading)
    return part if heading == part.heading else part.model_copy(update={"heading": heading})


def _plain_terms(terms: Sequence[KeyTerm], note: _Note) -> tuple[KeyTerm, ...]:
    """Returns the terms without emphasis, and without a colon if all have one: both are given to them when shown.

    One colon alone may belong to its term, as in Python's `else:`.
    """
    bare = [found[1] if (found := _EMPHASIZED.fullmatch(term.term.strip())) else term.term for term in terms]
    if len(bare) > 1 and all(_COLON.search(term) for term in bare):
        bare = [_COLON.sub("", term) for term in bare]
        bare = [found[1] if (found := _EMPHASIZED.fullmatch(term)) else term for term in bare]
    return tuple(
        term.model_copy(update={"term": note("term", f"key_terms.{number}", term.term, plain)})
        for number, (term, plain) in enumerate(zip(terms, bare, strict=True), start=1)
    )


def _without_headings(text: str, heading: str) -> str:
    """Returns a text with bold lines for its headings; one that says the section's own heading again is left out."""
    if "#" not in text and "\n--" not in text and "\n==" not in text:
        return text
    lines = list(_lines(text))
    kept: list[str] = []
    position = 0
    while position < len(lines):
        line, is_prose = lines[position]
        title, taken = _heading(lines, position) if is_prose else (None, 1)
        position += taken
        if title is None:
            kept.append(line)
        elif not any(map(str.strip, kept)) and words(title) == words(heading):
            kept.clear()
        else:
            bold = f"**{title.replace('**', '')}**"
            before = [""] if kept and kept[-1].strip() else []
            after = [""] if position < len(lines) and lines[position][0].strip() else []
            kept += [*before, bold, *after]
    found = "\n".join(kept).strip("\n")
    return found if found.strip() else text


def _heading(lines: Sequence[_Line], position: int) -> tuple[str | None, int]:
    """Returns the title of the heading at a line and how many lines it takes; None if there is none."""
    line, following = lines[position][0], lines[position + 1] if position + 1 < len(lines) else None
    if len(line) <= HEADING_CHARACTERS and (title := atx_heading(line)):
        return title, 1
    # A line of signs below a paragraph of more lines, a list or a table is something else, or nothing certain.
    begins = position == 0 or not lines[position - 1][0].strip()
    is_title = begins and 0 < len(line.strip()) <= _LONGEST_TITLE and not _NO_TITLE.match(line)
    if (
        is_title
        and not ends_a_sentence(line)
        and following is not None
        and following[1]
        and _SETEXT.fullmatch(following[0])
    ):
        return line.strip(), 2
    return None, 1


def _numbered(text: str) -> str:
    """Returns a text whose lists count up, as they do when they are shown, whatever the numbers say after the first.

    It is put right where numbers are repeated, such as 1, 1, 1 or 1, 2, 2, 3. Gaps may be meant.
    """
    if not _FIRST_OF_A_LIST.search(text):
        return text
    lines = list(_lines(text))
    changed = [line for line, _ in lines]
    for run in _runs(lines):
        numbers = [int(number) for _, number in run]
        steps = {later - earlier for earlier, later in pairwise(numbers)}
        if numbers[0] == 1 and 0 in steps and steps <= {0, 1}:
            for count, (position, _) in enumerate(run, start=1):
                changed[position] = _NUMBERED.sub(rf"\g<1>{count}\g<3>", changed[position], count=1)
    return "\n".join(changed)


def _runs(lines: Sequence[_Line]) -> Iterator[list[tuple[int, str]]]:
    """Yields the numbered lists of a text: the position and number of each item. Other text at their level ends one."""
    run: list[tuple[int, str]] = []
    shape = ("", "")
    for position, (line, is_prose) in enumerate(lines):
        found = _NUMBERED.match(line) if is_prose else None
        if found is not None and (not run or (found[1], found[3]) == shape):
            shape = (found[1], found[3])
            run.append((position, found[2]))
        elif run and line.strip() and not line.startswith(shape[0] + "  "):
            yield run
            run = []
            if found is not None:
                run, shape = [(position, found[2])], (found[1], found[3])
    if run:
        yield run


def _single_spaces(text: str) -> str:
    """Returns a text with one space between words. Code, formulas and tables keep theirs, as do breaks of lines."""
    if "  " not in text:
        return text
    kept = [*code_spans(text), *delimited(text)]
    return "\n".join(_line_with_single_spaces(line, start, kept) for line, start in _with_starts(text))


def _line_with_single_spaces(line: str, start: int, kept: Sequence[tuple[int, int]]) -> str:
    if line.lstrip().startswith("|") or line.startswith(("    ", "\t")):
        return line  # a table, or what may be indented code
    item = _ITEM.match(line)
    begin = item.end() if item else 0
    last = begin
    parts = [line[:begin]]
    for found in _SPACES.finditer(line, begin):
        if not any(first <= start + found.start() < end for first, end in kept):
            parts += [line[last : found.start()], " "]
            last = found.end()
    return "".join([*parts, line[last:]])


def _ended(text: str, where: str, known: _Known) -> str:
    """Returns a part with the full stop that its end, or one item of its last list, lacks."""
    if where.startswith("key_terms."):
        return text
    lines = text.rstrip().split("\n")
    if not _ITEM.match(lines[-1]):
        is_prose = not lines[-1].lstrip().startswith(("|", "`", "~", "$", ">", "\\"))
        if is_prose and not ends_a_sentence(text) and known.ends_with(text) and (stop := known.full_stop):
            return _with_stop(text, stop)
        return text
    first = len(lines)
    while first and _ITEM.match(lines[first - 1]):
        first -= 1
    items = dict(enumerate(lines[first:], start=first))
    found = _lacking(items, known)
    if found is None:
        return text
    position, stop = found
    lines[position] = _with_stop(lines[position], stop)
    return "\n".join(lines) + text[len(text.rstrip()) :]


def _definitions_ended(fields: dict[str, str], known: _Known, note: _Note) -> dict[str, str]:
    """Returns the parts with the full stop that one definition lacks and all the others have."""
    definitions = {where: text for where, text in fields.items() if where.startswith("key_terms.")}
    found = _lacking(definitions, known)
    if found is None:
        return fields
    where, stop = found
    return {**fields, where: note("full_stop", where, fields[where], _with_stop(fields[where], stop))}


def _lacking(texts: Mapping[K, str], known: _Known) -> tuple[K, str] | None:
    """Returns which of these texts lacks the full stop that all others have, and that stop; None if it isn't sure."""
    stops = {key: found[1] for key, text in texts.items() if (found := _STOP_AT_END.search(text))}
    without = [key for key, text in texts.items() if key not in stops]
    if len(texts) < 3 or len(without) != 1 or len(set(stops.values())) != 1 or ends_a_sentence(texts[without[0]]):
        return None
    return (without[0], next(iter(stops.values()))) if known.ends_with(texts[without[0]]) else None


def _with_stop(text: str, stop: str) -> str:
    """Returns a text with a full stop behind its last word, in front of the citations there."""
    found = _BEHIND_STOP.search(text)
    if found is None:
        return text
    return text[: found.start()] + stop + text[found.start() :]


def _lines(text: str) -> Iterator[_Line]:
    blocks = list(code_blocks(text)) if "```" in text or "~~~" in text else []
    for line, start in _with_starts(text):
        yield line, not any(first <= start < end for first, end in blocks)


def _with_starts(text: str) -> Iterator[tuple[str, int]]:
    """Yields the lines of a text, each with the place where it begins."""
    start = 0
    for line in text.split("\n"):
        yield line, start
        start += len(line) + 1
