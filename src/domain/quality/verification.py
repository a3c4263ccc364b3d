"""Verifies citations: what the text marks with `[1]` must be said by the passage that the citation names.

A citation is shown only if its quotation is found in the passage, and if nothing in the sentence that it stands in
surely says something else: another number or unit, a name that stands nowhere, the contrary. Every other marker is
taken out of the text and counted. The rest are numbered anew from 1, in the order in which a reader meets them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from src.domain.citation import Citation, CitationDraft
from src.domain.finding import excerpt
from src.domain.markdown_syntax import masked
from src.domain.quality.citations import IN_CODE, Marker, bare, drafted, without_markers
from src.domain.quality.claimed_names import KnownNames, capitalised, named, strange_names, text_of
from src.domain.quality.claimed_numbers import miscounted, repeated_numbers, wrong_numbers, wrong_units
from src.domain.quality.denials import denied
from src.domain.quality.judged_text import cited_cells
from src.domain.quality.quotes import Located, is_too_short, locate
from src.domain.sentences import sentences
from src.domain.source import Passage
from src.domain.words import stem, words

_MOST_PASSES = 5


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


@dataclass(frozen=True)
class Told:
    """What a lesson and its passages tell as a whole. Each answer is found when it is first asked for."""

    fields: Mapping[str, str]
    passages: Sequence[Passage]
    language: str
    beside: str
    """What else the lesson is written from."""

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """All that each passage says."""
        return tuple(map(text_of, self.passages))

    @cached_property
    def names(self) -> KnownNames:
        """The names that the lesson and its passages have inside sentences."""
        return KnownNames((*self.fields.values(), *(passage.text for passage in self.passages)))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers that the lesson has more than once."""
        return repeated_numbers(self.fields.values(), self.language)

    @cached_property
    def _often(self) -> frozenset[str]:
        """The stems of the words with a capital that the lesson has more than once."""
        return _repeated(word for text in self.fields.values() for word in capitalised(text, self.language))

    @cached_property
    def _given(self) -> frozenset[str]:
        """The stems of the words of all passages, and of what else the lesson is written from."""
        return frozenset().union(*(named(text, self.language).stems for text in (*self.texts, self.beside)))

    def has(self, name: str) -> bool:
        """Returns whether a name stands in another place too."""
        stems = {stem(part, self.language) for part in words(name.replace("-", " "))}
        return stems <= self._given or stems <= self._often


@dataclass(slots=True)
class _Verification:
    """One pass over all parts of a lesson."""

    drafts: Mapping[int, CitationDraft]
    passages: Sequence[Passage]
    language: str
    told: Told
    is_settled: bool
    """Whether the text was verified before, and is looked at once more."""
    located: dict[int, Located | str] = field(default_factory=dict)
    """What became of each draft's quotation: its place, or why it has none."""
    order: dict[int, int] = field(default_factory=dict)
    """The new number of each draft that is shown."""
    removed: list[Removed] = field(default_factory=list)


def verified(
    fields: Mapping[str, str],
    drafts: Iterable[CitationDraft],
    passages: Sequence[Passage],
    language: str = "en",
    beside: str = "",
) -> Cited:
    """Returns `fields`, the parts of a lesson by path in reading order, with the citations that hold and no others.

    `beside`: what else the lesson is written from, such as its plan; what it names needs no passage.
    """
    known: dict[int, CitationDraft] = {}
    for draft in drafts:
        known.setdefault(draft.number, draft)
    told = Told(fields, passages, language, beside)
    shown, removed = dict(fields), list[Removed]()
    # The second pass nearly always changes nothing. But taking out a marker may end or begin what looks like code, and
    # so bring another marker to light that nobody has verified.
    for count in range(_MOST_PASSES):
        work = _Verification(known, passages, language, told, is_settled=count > 0)
        before, shown = shown, {where: _shown(text, where, work) for where, text in shown.items()}
        removed += work.removed
        known = {new: known[number].model_copy(update={"number": new}) for number, new in work.order.items()}
        if shown == before:
            return Cited(shown, tuple(_citations(work)), tuple(removed))
    without = {where: bare(text) for where, text in shown.items()}
    return Cited(without, (), (*removed, Removed("", "", "citations in broken code can't be verified")))


def _repeated(items: Iterable[str]) -> frozenset[str]:
    return frozenset(item for item, times in Counter(items).items() if times > 1)


def _shown(text: str, where: str, work: _Verification) -> str:
    found_here = list(drafted(text, work.drafts, is_settled=work.is_settled))
    if not found_here:
        return text
    outside_code = masked(text, IN_CODE)
    kept: list[str] = []
    position = 0
    for sentence in sentences(outside_code):
        found = [marker for marker in found_here if sentence.start < marker.end <= sentence.end]
        good = _that_hold(sentence.text, found, where, work) if found else set()
        for marker in found:
            left = dict.fromkeys(
                work.order.setdefault(number, len(work.order) + 1) for number in marker.numbers if number in good
            )
            kept += [text[position : marker.start], _as_shown(left, kept, text[position : marker.start])]
            position = marker.end
    return "".join([*kept, text[position:]])


def _as_shown(numbers: Iterable[int], kept: Sequence[str], before: str) -> str:
    """Returns markers as they are shown: apart from the word before them, but close to one another."""
    digits = "".join(f"[{number}]" for number in numbers)
    follows_marker = before == "" and bool(kept) and kept[-1].endswith("]")
    return digits if follows_marker or not digits else f" {digits}"


def _that_hold(sentence: str, found: Sequence[Marker], where: str, work: _Verification) -> set[int]:
    """Returns the numbers that may be shown, among those that the markers of `sentence` cite; notes the others."""
    used = [number for marker in found for number in marker.numbers]
    good = {number for number in used if isinstance(_quotation(number, work), Located)}
    plain = without_markers(sentence)
    reason_of_all = _fault(without_markers(cited_cells(sentence)), sorted(good), work) if good else None
    if reason_of_all:
        good = set()
    for number in used:
        if number not in good:
            why = _quotation(number, work)
            reason = why if isinstance(why, str) else reason_of_all
            work.removed.append(Removed(where, excerpt(plain), f"citation [{number}]: {reason}"))
    return good


def _fault(sentence: str, numbers: Sequence[int], work: _Verification) -> str | None:
    """Returns why a sentence surely isn't what its quotations and passages say; None if it may be."""
    drafts = [work.drafts[number] for number in numbers]
    cited = dict.fromkeys(draft.passage - 1 for draft in drafts)
    texts = tuple(work.told.texts[index] for index in cited)
    quotes = "\n".join(draft.quote for draft in drafts)
    passages = [work.passages[index] for index in cited]
    strange = strange_names(sentence, passages, quotes, work.told.names, work.language)
    names = [name for name in strange if not work.told.has(name)]
    if facts := [*wrong_numbers(sentence, quotes, texts, work.language, lambda: work.told.numbers), *names]:
        return f"its passage does not say {', '.join(map(repr, facts))}"
    if facts := wrong_units(sentence, quotes, texts, work.language):
        return f"its quote gives {', '.join(map(repr, facts))} in another unit"
    if facts := miscounted(sentence, quotes, texts, work.language):
        return f"its quote counts otherwise than {', '.join(facts)}"
    if len(drafts) == 1 and (clause := denied(sentence, quotes, work.language)):
        return f"its quote says the contrary of {excerpt(clause)}"
    return None


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
