"""Writes outlines and lessons extractively, from the sentences of the passages it is given. No I/O, no chance.

For demos, tests and benchmarks: what it writes is made of real sentences in a sensible order, each with its citation,
which is more than random text and much less than a lesson. It translates nothing. Without passages it writes labelled
filler.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import regex

from src.devtools.stand_in_phrases import STOP_WORDS, Phrases, phrases
from src.domain import words as text_words
from src.domain.words import stem

LABEL = "stand-in"

_ASIDE = regex.compile(r"\s*\((?:see )?(?:Figure|Table|Fig\.|Abb\.)[^)]*\)")
# Sentences that lean on the one before them, or on a picture, say little alone.
_LEANING = regex.compile(
    r"^(this|these|those|that|it|its|they|their|he|she|his|her|such|however|therefore|thus|instead|also|but|and|or"
    r"|both|another|others?|for example|in addition|as a result|similarly|unlike|some of|one of|check|click|see"
    r"|dies\w*|er|sie|es|aber|und|auch|daher|dadurch|deshalb|so|यह|ये|वह|वे|इस|इन|لكن|هذا|هذه|ذلك|وهي|وهو)\b",
    regex.IGNORECASE,
)
_NOT_PROSE = regex.compile(
    r"figure|table \d|https?://|chapter:|source:|website|video|[|*#<>\[\]{}`]|[?؟:]$", regex.IGNORECASE
)
_GENERIC_HEADINGS = regex.compile(
    r"^(introduction|summary|key terms?|check your understanding|learning objectives|link to learning|attribution"
    r"|clinical focus.*|part \d+|page \d+|conclusion|references|further reading)$",
    regex.IGNORECASE,
)
_NUMBERING = regex.compile(r"^[\d.]+\s+")
# The last word before what ends a group of words: "the last phase of" is about a phase.
_NOUN_PLACE = regex.compile(
    r"\b(?:the|an?|of|by|into|called|each|every|most|many|all|and|or)\s+(?:\w+\s+){0,2}?(\w+)"
    r"(?=[.,;:)]|\s+(?:is|are|was|were|has|have|can|of|in|on|that|which|to|with|from|and|or|by)\b)",
    regex.IGNORECASE,
)
_GERMAN_NOUN = regex.compile(r"(?<=[\p{Ll},]\s)(\p{Lu}\p{Ll}{3,})")
_USES = regex.compile(
    r"\b(use|used|uses|people|human|food|medicine|disease|health|industry|farm|everyday|water|energy)\b",
    regex.IGNORECASE,
)
_UNFIT = regex.compile(r"[<>\[\]{}`*#_|\\]+")
# A run of words that long would be more than a quotation (the gate allows some more).
_MOST_WORDS = 28


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    passage: int
    """Its number; 0: filler."""
    place: int
    """Which sentence of the passage it is."""
    quote: str
    """As it stands in the passage."""
    stems: frozenset[str]


@dataclass(slots=True)
class _Page:
    """A lesson in the making: which sentences are used, and the citations so far."""

    say: Phrases
    citations: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def cited(self, sentence: _Sentence) -> str:
        """The sentence with its citation."""
        if not sentence.passage:
            return sentence.text
        number = self.numbers.get(sentence.quote)
        if number is None:
            number = self.numbers[sentence.quote] = len(self.numbers) + 1
            self.citations.append({"number": number, "passage": sentence.passage, "quote": sentence.quote})
        return f"{sentence.text} [{number}]"

    def prose(self, sentences: Sequence[_Sentence]) -> str:
        """Paragraphs of three sentences. Neighbours in the source are kept apart: together they would be a copy."""
        self.used.update(sentence.text for sentence in sentences)
        shown = []
        for before, sentence in zip([None, *sentences], sentences, strict=False):
            follows = before is not None and (before.passage, before.place + 1) == (sentence.passage, sentence.place)
            shown.append(
                f"{self.say.also} {self.cited(sentence)}" if follows and sentence.passage else self.cited(sentence)
            )
        return "\n\n".join(" ".join(shown[start : start + 3]) for start in range(0, len(shown), 3))

    def fresh(self, sentences: Iterable[_Sentence], most: int) -> list[_Sentence]:
        """Up to `most` that are not used yet, in the order of the source."""
        found = [sentence for sentence in dict.fromkeys(sentences) if sentence.text not in self.used][:most]
        return sorted(found, key=lambda sentence: (sentence.passage, sentence.place))


def write_outline(course: dict[str, Any], passages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An answer of the shape `Outline`."""
    topic, count, language = str(course["topic"]), int(course["num_lessons"]), str(course.get("language", "en"))
    say = phrases(language)
    sentences = _sentences(passages)
    nouns = _nouns(sentences, language)
    lessons: list[dict[str, Any]] = []
    taken: set[str] = set()
    for title, own in _themes(topic, count, passages, sentences, nouns, say):
        concepts = _key_concepts(title, own, nouns, taken, say) if own else _filler_concepts(title, say)
        taken.update(concepts)
        lessons.append(
            {
                "lesson_number": len(lessons) + 1,
                "title": title,
                "description": own[0].text if own else say.filler_lesson.format(_fit(title)),
                "key_concepts": concepts,
                "learning_objectives": [objective.format(*concepts) for objective in say.objectives],
            }
        )
    return {
        "title": topic[:1].upper() + topic[1:],
        "description": say.compiled.format(len(passages)) if passages else say.filler_course,
        "lessons": lessons,
    }


def write_lesson(course: dict[str, Any], number: int, passages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An answer of the shape `LessonText`."""
    plan = course["lessons"][number - 1]
    page = _Page(phrases(str(course.get("language", "en"))))
    concepts = [str(concept) for concept in plan["key_concepts"]]
    found = _sentences(passages)
    sentences = _own(found, course, number) if found else list(_filler(concepts, number, page.say))
    per_section = max(1, min(5, len(sentences) // 4))
    sections, leads = [], []
    for concept in concepts[:3]:
        chosen = page.fresh([*_about(sentences, concept), *sentences], per_section) or sentences[:1]
        leads.append(chosen[0])
        sections.append({"heading": concept[:1].upper() + concept[1:], "content": page.prose(chosen)})
    useful = [sentence for sentence in sentences if _USES.search(sentence.text)]
    applied = page.fresh([*useful, *sentences], 3) or page.fresh(found, 2) or sentences[:1]
    definitions: dict[str, _Sentence] = {}
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
    """These parts of an answer of the shape `LessonText`, as one of the shape `LessonParts`."""
    single = {name: lesson[name] if name in wanted else None for name in ("introduction", "applications", "summary")}
    several = {
        name: [
            {"number": number, **part}
            for number, part in enumerate(lesson[name], start=1)
            if f"{name}.{number}" in wanted
        ]
        for name in ("sections", "key_terms", "checks")
    }
    return {**single, **several, "citations": lesson["citations"]}


def _introduction(plan: dict[str, Any], concepts: Sequence[str], has_sources: bool, say: Phrases) -> str:
    about = say.about.format(_listed(concepts, say))
    return about if has_sources else f"{say.filler_lesson.format(_fit(str(plan['title'])))} {about}"


def _own(sentences: Sequence[_Sentence], course: dict[str, Any], number: int) -> list[_Sentence]:
    """The sentences that fit this lesson better than any other one: lessons are written apart, and shouldn't say the
    same. Those that fit none are shared out; where few are left, the rest follows."""
    subjects = [_stems(f"{plan['title']} {' '.join(plan['key_concepts'])}") for plan in course["lessons"]]

    def lesson_of(sentence: _Sentence) -> int:
        fits = [len(sentence.stems & subject) for subject in subjects]
        best = [index for index, fit in enumerate(fits) if fit == max(fits)]
        return best[_drawn(sentence.text) % len(best)] + 1

    own = [sentence for sentence in sentences if lesson_of(sentence) == number]
    rest = sorted(set(sentences) - set(own), key=lambda sentence: _drawn(f"{number}/{sentence.text}"))
    return own if len(own) >= 8 else [*own, *rest][:10]


def _themes(
    topic: str,
    count: int,
    passages: Sequence[dict[str, Any]],
    sentences: Sequence[_Sentence],
    nouns: Sequence[str],
    say: Phrases,
) -> list[tuple[str, list[_Sentence]]]:
    """What each lesson is about: first the headings of the passages, then their most frequent nouns."""
    themes: dict[str, tuple[str, list[_Sentence]]] = {}
    for passage in passages:
        heading = _NUMBERING.sub("", str(passage.get("section", ""))).strip()
        own = [sentence for sentence in sentences if sentence.passage == passage["number"]]
        if heading and own and not _GENERIC_HEADINGS.match(heading):
            themes.setdefault(heading.casefold(), (heading, []))[1].extend(own)
    named = set().union(*(_stems(title) for title, _ in themes.values()))
    for noun in nouns[:count]:
        if stem(noun) not in named:
            themes[noun] = (say.more_about.format(noun), _about(sentences, noun))
    for number in range(1, count + 1):
        # No more words than the topic has: a search would find passages that share them, whatever they are about.
        themes[str(number)] = (f"{topic[:200]} ({number})", [])
    return list(themes.values())[:count]


def _nouns(sentences: Sequence[_Sentence], language: str) -> list[str]:
    """Words that carry a subject, the most frequent first: of English and German those that mostly stand where nouns
    stand, else the longer ones."""
    seen: Counter[str] = Counter()
    forms: dict[str, Counter[str]] = {}
    as_noun: Counter[str] = Counter()
    for sentence in sentences:
        for word in _content(sentence.text):
            seen[stem(word.casefold())] += 1
            forms.setdefault(stem(word.casefold()), Counter())[word] += 1
        if language.startswith("de"):
            as_noun.update(stem(word.casefold()) for word in _GERMAN_NOUN.findall(sentence.text))
        elif language.startswith("en"):
            as_noun.update(stem(found.casefold()) for found in _NOUN_PLACE.findall(sentence.text))
        else:
            as_noun.update(stem(word) for word in _content(sentence.text) if len(word) >= 4)
    ranked = sorted(seen, key=lambda word: (-seen[word], word))
    return [forms[word].most_common(1)[0][0] for word in ranked if as_noun[word] * 3 >= seen[word]]


def _key_concepts(
    title: str, own: Sequence[_Sentence], nouns: Sequence[str], taken: set[str], say: Phrases
) -> list[str]:
    """Four terms of one lesson: from its title and its own sentences, rather not those of other lessons."""
    counted = Counter(word for sentence in own for word in sentence.stems)
    known = {stem(noun.casefold()): noun for noun in nouns}
    candidates = [word for word in _content(title) if stem(word.casefold()) in counted]
    candidates += [
        known[word] for word, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])) if word in known
    ]
    candidates = [word if word in nouns else word.casefold() for word in candidates]
    fresh = [word for word in candidates if word not in taken]
    distinct: dict[str, str] = {}
    for word in (*fresh, *candidates, *nouns, *_filler_concepts(title, say)):
        distinct.setdefault(" ".join(map(stem, word.casefold().split())), word)
    return list(distinct.values())[:4]


def _filler_concepts(title: str, say: Phrases) -> list[str]:
    return [idea.format(_fit(title)[:60]) for idea in say.ideas]


def _checks(definitions: dict[str, _Sentence], sentences: Sequence[_Sentence], say: Phrases) -> list[dict[str, Any]]:
    """A gap to fill, a statement to judge and a question to answer, one for each objective."""
    (first, filled), (second, judged), (third, told) = list(definitions.items())[:3]
    return [
        _gap(first, filled, definitions, sentences, say) or _question(first, filled, 1, say),
        _statement(judged, say) if judged != filled else _question(second, judged, 2, say),
        _question(third, told, 3, say),
    ]


def _gap(
    concept: str, sentence: _Sentence, concepts: Iterable[str], sentences: Sequence[_Sentence], say: Phrases
) -> dict[str, Any] | None:
    # The word as it is: a plural would not fit the choices, and "an" before the gap would give it away.
    gap = regex.compile(
        rf"(?<!\ban )(?<![\p{{L}}\p{{M}}]){regex.escape(concept)}(?![\p{{L}}\p{{M}}])", regex.IGNORECASE
    )
    if not gap.search(sentence.text):
        return None
    others = [word for other in sentences for word in _content(other.text)]
    wrong: dict[str, str] = {}
    for word in (*concepts, *(word.casefold() for word, _ in Counter(others).most_common(40))):
        if _stems(word) - sentence.stems and _stems(word) != _stems(concept) and not gap.search(word):
            wrong.setdefault(" ".join(sorted(_stems(word))), word)
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


def _statement(sentence: _Sentence, say: Phrases) -> dict[str, Any]:
    return {
        "kind": "true_false",
        "question": say.statement.format(sentence.text),
        "choices": list(say.true_and_false),
        "answer": say.true_and_false[0],
        "evidence": sentence.text,
        "explanation": say.statement_explanation.format(sentence.text),
        "objective": 2,
    }


def _question(concept: str, sentence: _Sentence, objective: int, say: Phrases) -> dict[str, Any]:
    return {
        "kind": "short_answer",
        "question": say.what.format(concept),
        "choices": None,
        "answer": sentence.text,
        "evidence": sentence.text,
        "explanation": say.what_explanation,
        "objective": objective,
    }


def _sentences(passages: Sequence[dict[str, Any]]) -> list[_Sentence]:
    found: dict[str, _Sentence] = {}
    for passage in passages:
        for place, (text, quote, stems) in enumerate(_split(str(passage["text"]))):
            if _stands_alone(text):
                found.setdefault(text, _Sentence(text, int(passage["number"]), place, quote, stems))
    if not found:
        # Passages without a single good sentence: better a clumsy lesson about them than none.
        for passage in passages:
            quote = " ".join(str(passage["text"]).split())[:160]
            text = f"{_fit(quote)}."
            found[text] = _Sentence(text, int(passage["number"]), 0, quote, _stems(quote))
    return list(found.values())


@lru_cache(maxsize=4096)
def _split(text: str) -> tuple[tuple[str, str, frozenset[str]], ...]:
    split = []
    for sentence in text_words.sentences(text):
        quote = " ".join(sentence.text.split())
        plain = _ASIDE.sub("", quote).replace("**", "").strip()
        split.append((plain, quote, _stems(plain)))
    return tuple(split)


def _stands_alone(sentence: str) -> bool:
    whole = 25 <= len(sentence) <= 240 and sentence[-1] in ".!।۔。" and len(sentence.split()) <= _MOST_WORDS
    return whole and not _LEANING.match(sentence) and not _NOT_PROSE.search(sentence)


def _content(text: str) -> list[str]:
    """The words of a text that it may be about, as they stand."""
    return [
        word
        for word in _WORD.findall(text)
        if len(word) >= 3 + word.isascii() and word.casefold() not in STOP_WORDS and not word.endswith("ly")
    ]


_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\u200c\u200d]+")


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word.casefold()) for word in _content(text))


def _about(sentences: Iterable[_Sentence], concept: str) -> list[_Sentence]:
    wanted = _stems(concept)
    return [sentence for sentence in sentences if sentence.stems & wanted]


def _definition(sentences: Sequence[_Sentence], concept: str, taken: Collection[_Sentence]) -> _Sentence:
    """The sentence that says best what a concept is: the shortest that begins with it, else the shortest about it.

    Rather none that is `taken` for another concept.
    """
    begins = regex.compile(rf"^(an? |the |der |die |das |ein |eine )?{regex.escape(concept)}", regex.IGNORECASE)
    exact = regex.compile(rf"(?<![\p{{L}}\p{{M}}]){regex.escape(concept)}(?![\p{{L}}\p{{M}}])", regex.IGNORECASE)
    about = _about(sentences, concept) or list(sentences)
    return min(about, key=lambda it: (it in taken, not begins.match(it.text), not exact.search(it.text), len(it.text)))


def _filler(concepts: Sequence[str], number: int, say: Phrases) -> Iterator[_Sentence]:
    """Sentences for a lesson without sources. Each says what it is, and none claims a fact."""
    for place in range(26):
        concept = concepts[place % len(concepts)]
        drawn = _drawn(f"{number}/{place}/{concept}")
        who, does = say.who[drawn % len(say.who)], say.does[drawn // 16 % len(say.does)]
        text = say.filler.format(who, does, number * 100 + place, concept)
        yield _Sentence(text, 0, place, text, _stems(concept))


def _fit(text: str) -> str:
    """What somebody else wrote, without what would be markup in a lesson."""
    return " ".join(_UNFIT.sub(" ", text).split()).rstrip(".") or "—"


def _drawn(what: str) -> int:
    return int.from_bytes(hashlib.sha256(what.encode(errors="replace")).digest()[:6])


def _listed(items: Sequence[str], say: Phrases) -> str:
    return f"{', '.join(items[:-1])}{say.conjunction}{items[-1]}" if len(items) > 1 else items[0]
