"""The repair of a lesson: the parts at fault are asked for again, and no more, and put into the lesson."""

from collections.abc import Collection, Iterator, Sequence
from itertools import count
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from src.domain.citation import CitationDraft
from src.domain.finding import Finding
from src.domain.lesson import Check, KeyTerm, LessonText, Section
from src.domain.quality.citations import markers, renumbered, without_markers
from src.domain.quality.quotes import locate
from src.domain.quality.repair_choice import part_of
from src.domain.text import Prose

_Number = Annotated[int, Field(ge=1, description="Which one it is, counted from 1")]
# A model that isn't asked for a part may leave it out, or send null or an empty text.
_IfAsked = Annotated[
    Prose | None, BeforeValidator(lambda given: given or None), Field(description="null where it isn't asked for")
]


class NumberedSection(Section):
    """A section by its number."""

    number: _Number


class NumberedTerm(KeyTerm):
    """A term by its number."""

    number: _Number


class NumberedCheck(Check):
    """A question by its number."""

    number: _Number


class LessonParts(BaseModel):
    """Parts of a lesson, as the language model is asked for them."""

    model_config = ConfigDict(frozen=True)

    introduction: _IfAsked = None
    sections: tuple[NumberedSection, ...] = ()
    key_terms: tuple[NumberedTerm, ...] = ()
    applications: _IfAsked = None
    summary: _IfAsked = None
    checks: tuple[NumberedCheck, ...] = ()
    citations: Annotated[
        tuple[CitationDraft, ...], Field(max_length=60, description="What the numbers in these parts stand for")
    ] = ()

    def put_into(self, text: LessonText, wanted: Collection[str]) -> LessonText:
        """Returns `text` with those of these parts put in whose paths are `wanted`.

        The parts come with citations of their own. A citation that `text` has too gets its number there, and any other
        gets a number that `text` doesn't use.
        """
        numbers, added = self._numbered(text)
        changed: dict[str, Any] = {
            name: renumbered(part, numbers)
            for name in ("introduction", "applications", "summary")
            if name in wanted and (part := getattr(self, name)) is not None
        }
        for name, prose in (("sections", "content"), ("key_terms", "definition"), ("checks", None)):
            parts = list(getattr(text, name))
            for new in getattr(self, name):
                if f"{name}.{new.number}" in wanted and new.number <= len(parts):
                    update = {prose: renumbered(getattr(new, prose), numbers)} if prose else {}
                    fields = new.model_dump(exclude={"number"}) | update
                    parts[new.number - 1] = parts[new.number - 1].model_copy(update=fields)
            changed[name] = tuple(parts)
        return text.model_copy(update={**changed, "citations": (*text.citations, *added)})

    def _numbered(self, text: LessonText) -> tuple[dict[int, int], list[CitationDraft]]:
        """Returns a number in `text` for each number of a citation here, and the citations that `text` hasn't got."""
        stands: dict[int, CitationDraft] = {}
        for citation in text.citations:
            stands.setdefault(citation.number, citation)  # the first one counts, as in the review
        known = {(citation.passage, citation.quote): number for number, citation in stands.items()}
        # Numbers that stand for nothing count as used too: they mustn't come to stand for something.
        texts = [*text.fields().values(), *self._texts()]
        used = {*stands, *(number for part in texts for number in markers(part))}
        free = (number for number in count(1) if number not in used)
        numbers: dict[int, int] = {}
        new: list[CitationDraft] = []
        for citation in self.citations:
            if citation.number in numbers:
                continue
            number = known.get((citation.passage, citation.quote)) or next(free)
            numbers[citation.number] = number
            if number not in stands:
                new.append(citation.model_copy(update={"number": number}))
        return numbers, new

    def _texts(self) -> Iterator[str]:
        yield from (part for part in (self.introduction, self.applications, self.summary) if part is not None)
        yield from (section.content for section in self.sections)
        yield from (term.definition for term in self.key_terms)


def parts_at_fault(text: LessonText, findings: Sequence[Finding], language: str) -> list[str]:
    """Returns the paths of the parts with findings, in reading order; none if a finding is about the whole lesson.

    Questions whose evidence stands in such a part are included, as the evidence is gone if the part is worded anew.
    """
    named = {part_of(finding) for finding in findings}
    fields = text.fields()
    every = [*fields, *(f"checks.{number}" for number in range(1, len(text.checks) + 1))]
    if not named <= set(every):
        return []
    changing = "\n\n".join(without_markers(part) for where, part in fields.items() if where in named)
    named |= {
        f"checks.{number}"
        for number, check in enumerate(text.checks, start=1)
        if locate(check.evidence, changing, language)
    }
    return [where for where in every if where in named]
