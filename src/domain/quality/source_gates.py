"""The gates for what a lesson takes from its sources. Each is a pure function from a draft to findings."""

from collections.abc import Iterator

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.numerals import missing, values
from src.domain.quality.citations import is_cited
from src.domain.quality.draft import Draft, grams, unquoted

LEAST_COVERAGE = 0.5
"""The share of factual sentences that should carry a citation, at least."""
LONGEST_COPY = 30
"""How many words in a row, outside quotation marks, may stand in a source too."""


def copied(draft: Draft) -> Iterator[Finding]:
    """Finds long stretches of a source outside quotation marks."""
    if not draft.passages:
        return
    given = frozenset().union(*(grams(passage.text, LONGEST_COPY + 1) for passage in draft.passages))
    for where, text in draft.prose.items():
        taken = grams(unquoted(text), LONGEST_COPY + 1) & given
        if taken:
            run = next(iter(sorted(taken)))
            yield soft(
                "copied", where, f"more than {LONGEST_COPY} words in a row are the source's: {excerpt(' '.join(run))}"
            )


def citation_removed(draft: Draft) -> Iterator[Finding]:
    """Finds citations that couldn't be verified."""
    for removed in draft.removed:
        yield soft("citation_removed", removed.where, f"{removed.reason}; in {removed.sentence}")


def uncited(draft: Draft) -> Iterator[Finding]:
    """Finds a lesson that has passages to rest on, but cites none, or too few for what it states."""
    if not draft.passages:
        return
    if not draft.citations:
        # If nobody wished for these sources, a lesson that cites none of them passes as one without sources.
        finding = hard if draft.must_cite else soft
        yield finding("uncited", "", "no citation could be verified: cite the passages with numbers such as [1]")
        return
    factual = draft.factual_sentences()
    cited = sum(is_cited(sentence.text, draft.declared) for sentence in factual)
    if factual and cited / len(factual) < LEAST_COVERAGE:
        example = next(sentence.text for sentence in factual if not is_cited(sentence.text, draft.declared))
        yield soft(
            "uncited",
            "",
            f"{cited} of {len(factual)} factual sentences carry a citation; at least {LEAST_COVERAGE:.0%} should. One"
            f" without: {excerpt(example)}",
        )


def unknown_number(draft: Draft) -> Iterator[Finding]:
    """Finds numbers of two or more digits that no passage gives."""
    if not draft.passages:
        return
    language = draft.brief.language
    known = values(" ".join(f"{passage.text} {passage.section}" for passage in draft.passages), language)
    for where, text in draft.prose.items():
        unknown = sorted(number for number in missing(text, known, language) if len(number) > 1)
        if unknown:
            yield soft("unknown_number", where, f"no passage gives {', '.join(unknown)}")


SOURCE_GATES = (
    copied,
    citation_removed,
    uncited,
    unknown_number,
)
