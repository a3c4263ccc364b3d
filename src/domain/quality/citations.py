"""Verifies citations: what the text marks with `[1]` must be said by the passage that the citation names.

A citation is shown only if its quotation is found in the passage, and if the numbers and proper names of the sentence
that it stands in occur there too. Every other marker is taken out of the text and counted. The rest are numbered anew
from 1, in the order in which a reader meets them. Brackets with numbers that are no markers, such as an interval, stay.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import regex

from src.domain.citation import Citation, CitationDraft
from src.domain.finding import excerpt
from src.domain.formulas import delimited
from src.domain.markdown_syntax import masked
from src.domain.numerals import counts, missing, values, written
from src.domain.quality.quotes import Located, is_too_short, locate
from src.domain.sentences import sentences
from src.domain.source import Passage
from src.domain.words import stem, words

_MARKER = regex.compile(r"[ \t]*\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_DIGITS = regex.compile(r"\d+")
_CLOSING = regex.compile(r"\.?(?:\$\$?|\\[)\]])")
_LAST_WORD = regex.compile(r"[\p{L}\p{M}\d_)}]+$")
_GOES_ON = regex.compile(r"[ \t]+[\p{L}\d]")
# A word with a capital inside a sentence. At the start, or after a sign that may begin a sentence, a capital tells
# nothing.
_NAME = regex.compile(r"(?<=[\p{Ll}\p{M}\d,;)]\s)\p{Lu}[\p{L}\p{M}’'-]+|\b\p{Lu}[\p{Lu}\d]+\b")
# Stands for a character of code. It is from the private use area: no part of a word, no space, no end of a sentence.
_IN_CODE = "\ue000"
_MOST_PASSES = 5
_FIRST_WORD = regex.compile(r"[^\p{L}\d]*(\p{Lu}[\p{L}\p{M}’'-]+)")
_LOWER = regex.compile(r"\b\p{Ll}[\p{L}\p{M}’'-]*")
_NAMELESS = frozenset({"de", "lb"})
"""Languages in which every noun has a capital, so that names can't be told by it."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A marker that was taken out of the text."""

    where: str
    sentence: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cited:
    """The parts of a lesson with the citations that hold."""

    fields: dict[str, str]
    """The text of each part by its path, with the markers that are to be shown."""
    citations: tuple[Citation, ...]
    removed: tuple[Removed, ...]


@dataclass(slots=True)
class _Verification:
    """One pass over all parts of a lesson."""

    drafts: Mapping[int, CitationDraft]
    passages: Sequence[Passage]
    language: str
    names: frozenset[str]
    """`known_names` of the lesson and its passages."""
    located: dict[int, Located | str] = field(default_factory=dict)
    """What became of each draft's quotation: its place, or why it has none."""
    order: dict[int, int] = field(default_factory=dict)
    """The new number of each draft that is shown."""
    removed: list[Removed] = field(default_factory=list)


def verified(
    fields: Mapping[str, str], drafts: Iterable[CitationDraft], passages: Sequence[Passage], language: str = "en"
) -> Cited:
    """Returns `fields`, the parts of a lesson by path in reading order, with the citations that hold and no others."""
    known: dict[int, CitationDraft] = {}
    for draft in drafts:
        known.setdefault(draft.number, draft)
    names = known_names((*fields.values(), *(passage.text for passage in passages)))
    shown, removed = dict(fields), list[Removed]()
    # The second pass nearly always changes nothing. But taking out a marker may end or begin what looks like code, and
    # so bring another marker to light that nobody has verified.
    for _ in range(_MOST_PASSES):
        work = _Verification(known, passages, language, names)
        before, shown = shown, {where: _shown(text, where, work) for where, text in shown.items()}
        removed += work.removed
        known = {new: known[number].model_copy(update={"number": new}) for number, new in work.order.items()}
        if shown == before:
            return Cited(shown, tuple(_citations(work)), tuple(removed))
    bare = {where: _MARKER.sub("", text) for where, text in shown.items()}
    return Cited(bare, (), (*removed, Removed("", "", "citations in broken code can't be verified")))


def without_markers(text: str) -> str:
    """Returns `text` without its citations."""
    if "[" not in text:
        return text
    kept, position = [], 0
    for marker in _markers(masked(text, _IN_CODE), None):
        kept.append(text[position : marker.start()])
        position = marker.end()
    return "".join([*kept, text[position:]])


def markers(text: str, declared: Collection[int] | None = None) -> list[int]:
    """Returns the numbers that `text` cites, in order.

    `declared`: the numbers that stand for a citation; None if that isn't known.
    """
    if "[" not in text:
        return []
    return [number for marker in _markers(masked(text, _IN_CODE), declared) for number in _cited_numbers(marker)]


def renumbered(text: str, new: Mapping[int, int]) -> str:
    """Returns `text` with each number that it cites replaced by its new one, if `new` has one."""
    kept, position = [], 0
    for marker in _markers(masked(text, _IN_CODE), None):
        digits = marker.group(1)
        shown = _DIGITS.sub(lambda number: str(new.get(int(number.group()), number.group())), digits)
        kept += [text[position : marker.start(1)], shown]
        position = marker.end(1)
    return "".join([*kept, text[position:]])


def _markers(text: str, declared: Collection[int] | None) -> list[regex.Match[str]]:
    found = [marker for marker in _MARKER.finditer(text) if _is_citation(marker, text, declared)]
    if not found:
        return found
    formulas = delimited(text)
    return [marker for marker in found if not _is_part(marker, text, formulas)]


def _is_part(marker: regex.Match[str], text: str, formulas: Sequence[tuple[int, int]]) -> bool:
    """Returns whether brackets are part of a formula, such as an index or an interval, and no citation at its end."""
    before = bisect_left(formulas, (marker.start(), 0)) - 1
    if before < 0 or formulas[before][1] <= marker.start():
        return False
    end = formulas[before][1]
    at_end = _CLOSING.fullmatch(text, marker.end(), end) is not None
    return not (at_end and marker.group()[0].isspace() and len(_cited_numbers(marker)) == 1)


def _is_citation(marker: regex.Match[str], text: str, declared: Collection[int] | None) -> bool:
    """Returns whether brackets with numbers cite something: `[0, 1]` may be an interval, and `a[1]` part of an array.

    `declared`: the numbers that stand for a citation; None if that isn't known.
    """
    cited = _cited_numbers(marker)
    known = [number for number in cited if declared is None or number in declared]
    if 0 in cited or text[marker.end() : marker.end() + 1] in ("(", "{"):
        return False  # of `\sqrt[3]{8}` too, wherever it stands
    if marker.group().startswith("["):
        word = _LAST_WORD.search(text, max(0, marker.start() - 30), marker.start())
        if word:
            return len(word.group()) >= 4 and word.group().isalpha() and len(known) == len(cited)
    if len(cited) == 1:
        return True
    ends = not _GOES_ON.match(text, marker.end())
    return bool(known) and (ends or (len(cited) == 2 and len(known) == 2))


def is_cited(sentence: str, declared: Collection[int] | None = None) -> bool:
    """Returns whether a sentence carries a citation."""
    return bool(markers(sentence, declared))


def known_names(texts: Iterable[str]) -> frozenset[str]:
    """Returns the words that have a capital inside some sentence and are nowhere without one."""
    found: set[str] = set()
    lower: set[str] = set()
    for text in texts:
        found.update(_NAME.findall(text))
        lower.update(_LOWER.findall(text))
    return frozenset(name for name in found if name.casefold() not in lower)


def unsupported_facts(
    sentence: str, passages: Sequence[Passage], language: str, names: frozenset[str] = frozenset()
) -> list[str]:
    """Returns the numbers and proper names of `sentence` that occur in none of `passages`.

    The first word has a capital in any case, so it is taken for a name only if it is one of `names`.
    """
    given = [_given(passage, language) for passage in passages]
    plain = without_markers(sentence)
    unsaid = missing(plain, frozenset().union(*(it.numbers for it in given)), language)
    if language.partition("-")[0] not in _NAMELESS:
        stems = frozenset().union(*(it.stems for it in given))
        beginnings = frozenset().union(*(it.beginnings for it in given))
        first = _FIRST_WORD.match(plain)
        opening = [first.group(1)] if first and first.group(1) in names else []
        for name in dict.fromkeys((*opening, *_NAME.findall(plain))):
            parts = words(name.replace("-", " "))
            if not all(
                stem(part, language) in stems or (len(part) >= 5 and _beginning(part) in beginnings) for part in parts
            ):
                unsaid.append(name)
    return unsaid


@dataclass(frozen=True, slots=True)
class _Given:
    """The numbers and words of a passage, which sentences are compared with."""

    numbers: frozenset[str]
    counted: frozenset[str]
    """The stems of the things that it counts."""
    stems: frozenset[str]
    beginnings: frozenset[str]
    """The first four and five letters of each stem."""


@lru_cache(maxsize=512)  # many sentences of a course are compared with the same passages
def _given(passage: Passage, language: str) -> _Given:
    text = f"{passage.text} {passage.section} {passage.document}"
    stems = frozenset(stem(word, language) for word in words(text))
    # A passage that says "Genoese" names Genoa too.
    beginnings = frozenset(word[:length] for word in stems for length in (4, 5) if len(word) >= length)
    counted = frozenset().union(*(things for _, things in counts(passage.text, language)))
    return _Given(values(text, language), counted, stems, beginnings)


def miscounted(sentence: str, passages: Sequence[Passage], language: str) -> list[str]:
    """Returns the numbers in which `sentence` counts something that `passages` count too, but never in that number.

    So a number word is compared with a passage only if both count the same thing. Most of what a sentence counts in
    words ("these two parts") is its own sum of what it was given.
    """
    plain = without_markers(sentence)
    said = counts(plain, language)
    if not said:
        return []
    given = [_given(passage, language) for passage in passages]
    counted = frozenset().union(*(it.counted for it in given))
    known = frozenset().union(*(it.numbers for it in given))
    known |= {reading for it in written(plain, language) for reading in it.readings}  # these have been compared
    return [min(readings) for readings, things in said if things & counted and not readings & known]


def other_numbers(sentence: str, quotes: str, language: str) -> list[str]:
    """Returns the numbers of `sentence`, if its quotations give numbers too and not one of them is the same."""
    said = written(without_markers(sentence), language)
    unsaid = missing(without_markers(sentence), values(quotes, language), language)
    return unsaid if said and len(unsaid) == len({it.text for it in said}) and written(quotes, language) else []


def _beginning(word: str) -> str:
    return word[: 5 if len(word) > 5 else 4]


def _shown(text: str, where: str, work: _Verification) -> str:
    outside_code = masked(text, _IN_CODE)
    found_here = _markers(outside_code, work.drafts)
    kept: list[str] = []
    position = 0
    for sentence in sentences(outside_code):
        found = [marker for marker in found_here if sentence.start < marker.end() <= sentence.end]
        good = _that_hold(sentence.text, [_cited_numbers(marker) for marker in found], where, work) if found else set()
        for marker in found:
            left = dict.fromkeys(
                work.order.setdefault(number, len(work.order) + 1)
                for number in _cited_numbers(marker)
                if number in good
            )
            space = " " if left and outside_code[marker.start() - 1 : marker.start()] != "]" else ""
            kept += [text[position : marker.start()], space, *(f"[{number}]" for number in left)]
            position = marker.end()
    return "".join([*kept, text[position:]])


def _that_hold(sentence: str, cited: list[list[int]], where: str, work: _Verification) -> set[int]:
    """Returns the numbers that may be shown, among those that the markers of `sentence` cite; notes the others.

    `cited` has the numbers of each marker.
    """
    used = [number for numbers_cited in cited for number in numbers_cited]
    good = {number for number in used if isinstance(_quotation(number, work), Located)}
    passages = [work.passages[work.drafts[number].passage - 1] for number in sorted(good)]
    facts = unsupported_facts(sentence, passages, work.language, work.names) if good else []
    quotes = " ".join(work.drafts[number].quote for number in sorted(good))
    reason_of_all = f"its passage does not say {', '.join(map(repr, facts))}"
    if not facts and (facts := other_numbers(sentence, quotes, work.language)):
        reason_of_all = f"its quote has other numbers than {', '.join(facts)}"
    if not facts and good and (facts := miscounted(sentence, passages, work.language)):
        reason_of_all = f"its passage counts otherwise than {', '.join(facts)}"
    if facts:
        good = set()
    plain = excerpt(without_markers(sentence))
    for number in used:
        if number not in good:
            why = _quotation(number, work)
            reason = why if isinstance(why, str) else reason_of_all
            work.removed.append(Removed(where, plain, f"citation [{number}]: {reason}"))
    return good


def _cited_numbers(marker: regex.Match[str]) -> list[int]:
    return [int(number) for number in _DIGITS.findall(marker.group(1))]


def _quotation(number: int, work: _Verification) -> Located | str:
    if number not in work.located:
        work.located[number] = _found(work.drafts.get(number), work.passages, work.language)
    return work.located[number]


def _found(draft: CitationDraft | None, passages: Sequence[Passage], language: str) -> Located | str:
    if draft is None:
        return "no citation has that number"
    if not 1 <= draft.passage <= len(passages):
        return f"no passage has the number {draft.passage}"
    if is_too_short(draft.quote):
        return f"the quote {excerpt(draft.quote)} is too short"
    return (
        locate(draft.quote, passages[draft.passage - 1].text, language)
        or f"the quote {excerpt(draft.quote)} is not in passage {draft.passage}"
    )


def _citations(work: _Verification) -> Iterable[Citation]:
    for number, new in work.order.items():
        passage = work.passages[work.drafts[number].passage - 1]
        place = work.located[number]
        assert isinstance(place, Located)
        yield Citation(
            number=new,
            document=passage.document,
            section=passage.section,
            start=passage.start + place.start,
            end=passage.start + place.end,
            quote=passage.text[place.start : place.end],
            score=round(place.score, 1),
            version=passage.version,
            title=passage.title,
        )
