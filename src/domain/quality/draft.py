"""The lesson under review, in the forms in which the gates look at it; each is made once for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import regex

from src.domain.citation import Citation
from src.domain.lesson import LessonText
from src.domain.markdown_syntax import without_blocks
from src.domain.outline import LessonPlan
from src.domain.quality.citations import Removed, without_markers
from src.domain.request import CourseBrief
from src.domain.sentences import Sentence, sentences
from src.domain.source import Passage
from src.domain.stored_course import StoredLesson
from src.domain.words import content_stems, words

_MARKUP = regex.compile(r"[*_`#>]+|^[ \t]*(?:[-+•]|\d+[.)])[ \t]+", regex.MULTILINE)
_LINK = regex.compile(r"!?\[([^\]]{0,500})\]\([^)]{0,500}\)")

# No quotation is longer. Without a bound, the search would run from each opening sign to the end of the text.
_QUOTED = regex.compile(r"“[^”]{0,1000}”|\"[^\"]{0,1000}\"|„[^“”]{0,1000}[“”]|«[^»]{0,1000}»|「[^」]{0,1000}」")

Grams = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Draft:
    """A lesson whose citations are verified, and what it was written from."""

    brief: CourseBrief
    plan: LessonPlan
    text: LessonText
    passages: Sequence[Passage]
    citations: Sequence[Citation]
    removed: Sequence[Removed]
    must_cite: bool
    """Whether the lesson fails without a single verified citation."""
    others: Mapping[int, Grams]
    """The `grams` of the course's other finished lessons, by lesson number."""
    statements: Mapping[int, Sequence[bool]] = field(default_factory=dict)
    """The `statement_keys` of the course's other finished lessons, by lesson number."""

    @cached_property
    def declared(self) -> frozenset[int]:
        """The numbers that stand for a verified citation."""
        return frozenset(citation.number for citation in self.citations)

    @cached_property
    def fields(self) -> dict[str, str]:
        """The parts by path, in reading order, with their citations."""
        return self.text.fields()

    @cached_property
    def prose(self) -> dict[str, str]:
        """The running text of each part as it is read aloud, without definitions, citations, code and markup."""
        return {where: plain(text) for where, text in self.fields.items() if not where.startswith("key_terms.")}

    @cached_property
    def all_prose(self) -> str:
        """All of `prose` in one text."""
        return "\n\n".join(self.prose.values())

    @cached_property
    def lesson_text(self) -> str:
        """The text that an answer may rest on: prose, headings, terms and their definitions."""
        headed = [f"{part.heading}\n\n{plain(part.content)}" for part in self.text.sections]
        terms = [f"{term.term}: {plain(term.definition)}" for term in self.text.key_terms]
        others = (plain(text) for text in (self.text.introduction, self.text.applications, self.text.summary))
        return "\n\n".join([*others, *headed, *terms])

    @cached_property
    def stems(self) -> frozenset[str]:
        """The content stems of `lesson_text`."""
        return frozenset(content_stems(self.lesson_text, self.brief.language))

    @cached_property
    def words(self) -> Sequence[str]:
        """The words of the prose."""
        return words(self.all_prose)

    @cached_property
    def everything(self) -> dict[str, str]:
        """Every text of the lesson by path as the model wrote it, headings, terms and questions included."""
        texts = dict(self.fields)
        for number, part in enumerate(self.text.sections, start=1):
            texts[f"sections.{number}.heading"] = part.heading
        for number, term in enumerate(self.text.key_terms, start=1):
            texts[f"key_terms.{number}.term"] = term.term
        for number, check in enumerate(self.text.checks, start=1):
            shown = (check.question, *(check.choices or ()), check.answer, check.evidence, check.explanation)
            texts[f"checks.{number}"] = "\n".join(shown)
        return texts

    def factual_sentences(self) -> list[Sentence]:
        """Returns the sentences of sections and definitions that state something and so should carry a citation.

        What introduction and summary state is in the sections too, and applications are about the learner's own world.
        """
        stated: list[Sentence] = []
        for where, text in self.fields.items():
            if where.startswith(("sections.", "key_terms.")):
                stated += [sentence for sentence in sentences(without_blocks(text)) if _states_something(sentence.text)]
        return stated


_LEAST_WORDS_OF_A_STATEMENT = 6
# A sentence with one of these speaks to the learner or of the lesson, and states nothing.
_ADDRESS = regex.compile(
    r"\b(?:you|your|we|us|our|let's|let us|imagine|think of|this lesson|du|dein\w*|ihr|wir|uns|diese lektion)\b"
    r"|आप|तुम|हम |أنت|نحن|هذا الدرس|इस पाठ",
    regex.IGNORECASE,
)


def _states_something(sentence: str) -> bool:
    bare = without_markers(sentence)
    if bare.rstrip("\"'”’»)* ").endswith(("?", "؟", "？", ":")) or _ADDRESS.search(bare):
        return False
    return len(words(bare)) >= _LEAST_WORDS_OF_A_STATEMENT


def plain(text: str) -> str:
    """Returns Markdown as it is read aloud, without markers, code blocks and markup."""
    return _MARKUP.sub("", _LINK.sub(r"\1", without_markers(without_blocks(text)))).strip()


def unquoted(text: str) -> str:
    """Returns a text with empty quotation marks in place of its quotations."""
    return _QUOTED.sub(" “” ", text)


def grams(text: str, size: int = 5) -> Grams:
    """Returns all runs of `size` words of a text."""
    found = words(text)
    return frozenset(tuple(found[start : start + size]) for start in range(len(found) - size + 1))


def grams_of_lesson(lesson: StoredLesson) -> Grams:
    """Returns the `grams` of the prose of a lesson that is finished."""
    texts = [part.content for part in lesson.sections if part.kind != "key_terms"]
    return grams("\n\n".join(map(plain, [*texts, lesson.content_md or ""])))


def statement_keys(lesson: StoredLesson) -> tuple[bool, ...]:
    """Returns whether each true-or-false statement of a lesson that is finished is true."""
    return tuple(check.key == 1 for check in lesson.checks if check.kind == "true_false" and check.key)
