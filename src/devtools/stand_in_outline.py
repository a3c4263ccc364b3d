"""Writes the stand-in's outlines from the headings and the frequent nouns of its passages.

Without passages it writes labelled filler. It translates nothing, does no I/O, and leaves nothing to chance.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import regex

from src.devtools.stand_in_phrases import Phrases, phrases
from src.devtools.stand_in_sentences import (
    Sentence,
    sentences_about,
    sentences_of,
    topic_stems,
    topic_words,
    without_markup,
)
from src.domain.words import stem

_GENERIC_HEADINGS = regex.compile(
    r"^(introduction|summary|key terms?|check your understanding|learning objectives|link to learning|attribution"
    r"|clinical focus.*|part \d+|page \d+|conclusion|references|further reading)$",
    regex.IGNORECASE,
)
_NUMBERING = regex.compile(r"^[\d.]+\s+")
# The last word of a group of words is mostly a noun: "the last phase of" is about a phase.
_NOUN_PLACE = regex.compile(
    r"\b(?:the|an?|of|by|into|called|each|every|most|many|all|and|or)\s+(?:\w+\s+){0,2}?(\w+)"
    r"(?=[.,;:)]|\s+(?:is|are|was|were|has|have|can|of|in|on|that|which|to|with|from|and|or|by)\b)",
    regex.IGNORECASE,
)
_GERMAN_NOUN = regex.compile(r"(?<=[\p{Ll},]\s)(\p{Lu}\p{Ll}{3,})")


def write_outline(course: dict[str, Any], passages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns an answer of the shape `Outline` for a course, which is the JSON of its brief, from numbered passages."""
    topic, count, language = str(course["topic"]), int(course["num_lessons"]), str(course.get("language", "en"))
    say = phrases(language)
    sentences = sentences_of(passages)
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
                "description": own[0].text if own else say.filler_lesson.format(without_markup(title)),
                "key_concepts": concepts,
                "learning_objectives": [objective.format(*concepts) for objective in say.objectives],
            }
        )
    return {
        "title": topic[:1].upper() + topic[1:],
        "description": say.compiled.format(len(passages)) if passages else say.filler_course,
        "lessons": lessons,
    }


def _themes(
    topic: str,
    count: int,
    passages: Sequence[dict[str, Any]],
    sentences: Sequence[Sentence],
    nouns: Sequence[str],
    say: Phrases,
) -> list[tuple[str, list[Sentence]]]:
    """Returns the titles of `count` lessons, each with its sentences.

    Titles are made from the headings of the passages, then from nouns, then from the topic with a number.
    """
    themes: dict[str, tuple[str, list[Sentence]]] = {}
    for passage in passages:
        heading = _NUMBERING.sub("", str(passage.get("section", ""))).strip()
        own = [sentence for sentence in sentences if sentence.passage == passage["number"]]
        if heading and own and not _GENERIC_HEADINGS.match(heading):
            themes.setdefault(heading.casefold(), (heading, []))[1].extend(own)
    named = set().union(*(topic_stems(title) for title, _ in themes.values()))
    for noun in nouns[:count]:
        if stem(noun) not in named:
            themes[noun] = (say.more_about.format(noun), sentences_about(sentences, noun))
    for number in range(1, count + 1):
        # The title has no words but the topic's: a search would find passages that share the others by chance.
        themes[str(number)] = (f"{topic[:200]} ({number})", [])
    return list(themes.values())[:count]


def _nouns(sentences: Sequence[Sentence], language: str) -> list[str]:
    """Returns words that carry a subject, the most frequent first.

    In English and German these are words that often stand where nouns stand, in other languages the longer ones.
    """
    seen: Counter[str] = Counter()
    forms: dict[str, Counter[str]] = {}
    as_noun: Counter[str] = Counter()
    for sentence in sentences:
        for word in topic_words(sentence.text):
            seen[stem(word.casefold())] += 1
            forms.setdefault(stem(word.casefold()), Counter())[word] += 1
        if language.startswith("de"):
            as_noun.update(stem(word.casefold()) for word in _GERMAN_NOUN.findall(sentence.text))
        elif language.startswith("en"):
            as_noun.update(stem(found.casefold()) for found in _NOUN_PLACE.findall(sentence.text))
        else:
            as_noun.update(stem(word) for word in topic_words(sentence.text) if len(word) >= 4)
    ranked = sorted(seen, key=lambda word: (-seen[word], word))
    return [forms[word].most_common(1)[0][0] for word in ranked if as_noun[word] * 3 >= seen[word]]


def _key_concepts(
    title: str, own: Sequence[Sentence], nouns: Sequence[str], taken: set[str], say: Phrases
) -> list[str]:
    """Returns terms of one lesson, from its title and its own sentences: up to four that no other lesson has.

    If there are fewer than the objectives need, others make them up.
    """
    counted = Counter(word for sentence in own for word in sentence.stems)
    known = {stem(noun.casefold()): noun for noun in nouns}
    candidates = [word for word in topic_words(title) if stem(word.casefold()) in counted]
    candidates += [
        known[word] for word, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])) if word in known
    ]
    candidates = [word if word in nouns else word.casefold() for word in candidates]
    elsewhere = set(map(_form, taken))
    distinct: dict[str, str] = {}
    for word in candidates:
        distinct.setdefault(_form(word), word)
    kept = {form: word for form, word in distinct.items() if form not in elsewhere}
    kept = dict(list(kept.items())[:4])
    for word in (*distinct.values(), *nouns, *_filler_concepts(title, say)):
        if len(kept) < len(say.objectives):
            kept.setdefault(_form(word), word)
    return list(kept.values())


def _form(term: str) -> str:
    return " ".join(map(stem, term.casefold().split()))


def _filler_concepts(title: str, say: Phrases) -> list[str]:
    return [idea.format(without_markup(title)[:60]) for idea in say.ideas]
