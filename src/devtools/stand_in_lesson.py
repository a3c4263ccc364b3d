"""Writes the stand-in's lessons extractively, from the sentences of the passages it is given.

For demos, tests and benchmarks: what it writes is made of real sentences in a sensible order, each with its citation.
That is more than random text and much less than a lesson. Without passages it writes labelled filler. It translates
nothing, does no I/O, and leaves nothing to chance.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import regex

from src.devtools.stand_in_phrases import Phrases, phrases
from src.devtools.stand_in_sentences import (
    Sentence,
    hashed,
    sentences_about,
    sentences_of,
    topic_stems,
    topic_words,
    without_markup,
)
from src.domain.quality.citations import markers

_USES = regex.compile(
    r"\b(use|used|uses|people|human|food|medicine|disease|health|industry|farm|everyday|water|energy)\b",
    regex.IGNORECASE,
)

_ENOUGH_SENTENCES = 15


@dataclass(slots=True)
class _Page:
    """A lesson in the making: the sentences that are used, and the citations so far."""

    say: Phrases
    citations: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def cited(self, sentence: Sentence) -> str:
        """Returns the sentence with its citation, which gets a number if it has none yet."""
        if not sentence.passage:
            return sentence.text
        number = self.numbers.get(sentence.quote)
        if number is None:
            number = self.numbers[sentence.quote] = len(self.numbers) + 1
            self.citations.append({"number": number, "passage": sentence.passage, "quote": sentence.quote})
        return f"{sentence.text} [{number}]"

    def prose(self, sentences: Sequence[Sentence]) -> str:
        """Returns paragraphs of three sentences.

        Words are put between neighbours in the source, which together would be a copy of it.
        """
        self.used.update(sentence.text for sentence in sentences)
        shown = []
        for before, sentence in zip([None, *sentences], sentences, strict=False):
            follows = before is not None and (before.passage, before.place + 1) == (sentence.passage, sentence.place)
            shown.append(
                f"{self.say.also} {self.cited(sentence)}" if follows and sentence.passage else self.cited(sentence)
            )
        return "\n\n".join(" ".join(shown[start : start + 3]) for start in range(0, len(shown), 3))

    def fresh(self, sentences: Iterable[Sentence], most: int) -> list[Sentence]:
        """Returns up to `most` of `sentences` that are not used yet, in the order of the source."""
        found = [sentence for sentence in dict.fromkeys(sentences) if sentence.text not in self.used][:most]
        return sorted(found, key=lambda sentence: (sentence.passage, sentence.place))


def write_lesson(course: dict[str, Any], number: int, passages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns an answer of the shape `LessonText` for lesson `number` of a course (the JSON of its outline)."""
    plan = course["lessons"][number - 1]
    page = _Page(phrases(str(course.get("language", "en"))))
    concepts = [str(concept) for concept in plan["key_concepts"]]
    found = sentences_of(passages)
    sentences = _own(found, course, number) if found else list(_filler(concepts, number, page.say))
    per_section = max(1, min(5, len(sentences) // 4))
    sections, leads = [], []
    for concept in concepts[:3]:
        chosen = page.fresh([*sentences_about(sentences, concept), *sentences], per_section) or sentences[:1]
        leads.append(chosen[0])
        sections.append({"heading": concept[:1].upper() + concept[1:], "content": page.prose(chosen)})
    useful = [sentence for sentence in sentences if _USES.search(sentence.text)]
    applied = page.fresh([*useful, *sentences], 3) or page.fresh(found, 2) or sentences[:1]
    definitions: dict[str, Sentence] = {}
    for concept in concepts:
        definitions[concept] = _definition(sentences, concept, taken=definitions.values())
    return {
        "introduction": _introduction(plan, concepts, bool(found), page.say),
        "sections": sections,
        "key_terms": [
            {"term": concept, "definition": page.cited(sentence)} for concept, sentence in definitions.items()
        ],
        "applications": page.prose(applied),
        "summary": page.prose(sorted(set(leads), key=lambda sentence: -len(sentence.text))),
        "checks": _checks(definitions, sentences, page.say),
        "citations": page.citations,
    }


def parts_of(lesson: dict[str, Any], wanted: Collection[str]) -> dict[str, Any]:
    """Returns the `wanted` parts of an answer of the shape `LessonText`, as one of the shape `LessonParts`.

    Of the citations it has those whose numbers stand in these parts, as that question asks.
    """
    single = {name: lesson[name] if name in wanted else None for name in ("introduction", "applications", "summary")}
    several = {
        name: [
            {"number": number, **part}
            for number, part in enumerate(lesson[name], start=1)
            if f"{name}.{number}" in wanted
        ]
        for name in ("sections", "key_terms", "checks")
    }
    told = [text for text in single.values() if text is not None]
    told += [section["content"] for section in several["sections"]]
    told += [term["definition"] for term in several["key_terms"]]
    used = {number for text in told for number in markers(text)}
    return {**single, **several, "citations": [it for it in lesson["citations"] if it["number"] in used]}


def _introduction(plan: dict[str, Any], concepts: Sequence[str], has_sources: bool, say: Phrases) -> str:
    about = say.about.format(_listed(concepts, say))
    return about if has_sources else f"{say.filler_lesson.format(without_markup(str(plan['title'])))} {about}"


def _own(sentences: Sequence[Sentence], course: dict[str, Any], number: int) -> list[Sentence]:
    """Returns the sentences that fit lesson `number` best: lessons are written apart, and shouldn't say the same.

    Sentences that fit no lesson are shared out. If a lesson has fewer than eight, others follow, up to ten in all.
    """
    subjects = [topic_stems(f"{plan['title']} {' '.join(plan['key_concepts'])}") for plan in course["lessons"]]

    def lesson_of(sentence: Sentence) -> int:
        fits = [len(sentence.stems & subject) for subject in subjects]
        best = [index for index, fit in enumerate(fits) if fit == max(fits)]
        return best[hashed(sentence.text) % len(best)] + 1

    own = _simplest([sentence for sentence in sentences if lesson_of(sentence) == number])
    rest = sorted(set(sentences) - set(own), key=lambda sentence: hashed(f"{number}/{sentence.text}"))
    return own if len(own) >= 8 else [*own, *_simplest(rest)][:10]


def _simplest(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Returns the simplest of `sentences`, in their order, if there are more than a lesson needs.

    Words can't be changed here, and a textbook may be for another grade than the course.
    """
    simple = sorted(sentences, key=lambda sentence: sum(map(len, sentence.text.split())))[:_ENOUGH_SENTENCES]
    return [sentence for sentence in sentences if sentence in simple]


def _definition(sentences: Sequence[Sentence], concept: str, taken: Collection[Sentence]) -> Sentence:
    """Returns the sentence that says best what a concept is.

    Those that begin with it go first, then those that name it as it is, then the shorter ones. A sentence that is
    `taken` for another concept is returned only if there is no other.
    """
    begins = regex.compile(rf"^(an? |the |der |die |das |ein |eine )?{regex.escape(concept)}", regex.IGNORECASE)
    exact = regex.compile(rf"(?<![\p{{L}}\p{{M}}]){regex.escape(concept)}(?![\p{{L}}\p{{M}}])", regex.IGNORECASE)
    about = sentences_about(sentences, concept) or list(sentences)
    return min(about, key=lambda it: (it in taken, not begins.match(it.text), not exact.search(it.text), len(it.text)))


def _checks(definitions: dict[str, Sentence], sentences: Sequence[Sentence], say: Phrases) -> list[dict[str, Any]]:
    """Returns a gap to fill, a statement to judge and a question to answer, one for each objective."""
    (first, filled), (second, judged), (third, told) = list(definitions.items())[:3]
    return [
        _gap(first, filled, definitions, sentences, say) or _question(first, filled, 1, say),
        _statement(judged, say) if judged != filled else _question(second, judged, 2, say),
        _question(third, told, 3, say),
    ]


def _gap(
    concept: str, sentence: Sentence, concepts: Iterable[str], sentences: Sequence[Sentence], say: Phrases
) -> dict[str, Any] | None:
    """Returns a multiple-choice question; None if the sentence doesn't name the concept, or too few choices differ."""
    # The concept must stand there as it is: a plural wouldn't fit the choices, and "an" before the gap would tell it.
    gap = regex.compile(
        rf"(?<!\ban )(?<![\p{{L}}\p{{M}}]){regex.escape(concept)}(?![\p{{L}}\p{{M}}])", regex.IGNORECASE
    )
    if not gap.search(sentence.text):
        return None
    others = [word for other in sentences for word in topic_words(other.text)]
    wrong: dict[str, str] = {}
    for word in (*concepts, *(word.casefold() for word, _ in Counter(others).most_common(40))):
        if topic_stems(word) - sentence.stems and topic_stems(word) != topic_stems(concept) and not gap.search(word):
            wrong.setdefault(" ".join(sorted(topic_stems(word))), word)
    if len(wrong) < 3:
        return None
    return {
        "kind": "multiple_choice",
        "question": say.gap.format(gap.sub("_____", sentence.text)),
        "choices": [*list(wrong.values())[:3], concept],
        "answer": concept,
        "evidence": sentence.text,
        "explanation": say.gap_explanation.format(sentence.text),
        "objective": 1,
    }


def _statement(sentence: Sentence, say: Phrases) -> dict[str, Any]:
    return {
        "kind": "true_false",
        "question": say.statement.format(sentence.text),
        "choices": list(say.true_and_false),
        "answer": say.true_and_false[0],
        "evidence": sentence.text,
        "explanation": say.statement_explanation.format(sentence.text),
        "objective": 2,
    }


def _question(concept: str, sentence: Sentence, objective: int, say: Phrases) -> dict[str, Any]:
    return {
        "kind": "short_answer",
        "question": say.what.format(concept),
        "choices": None,
        "answer": sentence.text,
        "evidence": sentence.text,
        "explanation": say.what_explanation,
        "objective": objective,
    }


def _filler(concepts: Sequence[str], number: int, say: Phrases) -> Iterator[Sentence]:
    """Yields sentences for a lesson without sources, none of which claims a fact."""
    for place in range(26):
        concept = concepts[place % len(concepts)]
        drawn = hashed(f"{number}/{place}/{concept}")
        who, does = say.who[drawn % len(say.who)], say.does[drawn // 16 % len(say.does)]
        text = say.filler.format(who, does, number * 100 + place, concept)
        yield Sentence(text, 0, place, text, topic_stems(concept))


def _listed(items: Sequence[str], say: Phrases) -> str:
    return f"{', '.join(items[:-1])}{say.conjunction}{items[-1]}" if len(items) > 1 else items[0]
