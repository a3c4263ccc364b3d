"""Writes outlines and lessons extractively, from the sentences of the passages it is given. No I/O, no chance.

For demos, tests and benchmarks: what it writes is made of real sentences in a sensible order, which is more than random
text and much less than a lesson. Without passages it writes labelled filler.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LABEL = "stand-in"

_SENTENCE_END = re.compile(r"(?<=[.!?。।؟])\s+(?=[^\sa-z])")
_ASIDE = re.compile(r"\s*\((?:see )?(?:Figure|Table|Fig\.)[^)]*\)|\[\d+\]")
_WORD = re.compile(r"[^\W\d_]{4,}")
# Sentences that lean on the one before them, or on a picture, say little alone.
_LEANING = re.compile(
    r"^(this|these|those|that|it|its|they|their|he|she|his|her|such|however|therefore|thus|instead|also|but|and|or"
    r"|both|another|others?|for example|in addition|as a result|similarly|unlike|some of|one of|check|click|see)\b",
    re.IGNORECASE,
)
_NOT_PROSE = re.compile(r"figure|table \d|https?://|chapter:|source:|website|video|[|*#\[\]{}]|\?$|:$", re.IGNORECASE)
_GENERIC_HEADINGS = re.compile(
    r"^(introduction|summary|key terms?|check your understanding|learning objectives|link to learning|attribution"
    r"|clinical focus.*|part \d+|conclusion|references|further reading)$",
    re.IGNORECASE,
)
_NUMBERING = re.compile(r"^[\d.]+\s+")
_NOUN_PLACE = re.compile(
    r"\b(?:the|an?|of|by|into|called|each|every|most|many|all)\s+(\w+)|(\w+)s\b(?=\s+(?:are|have|can))", re.I
)
_USES = re.compile(
    r"\b(use|used|uses|people|human|food|medicine|disease|health|industry|farm|everyday|water|energy)\b", re.IGNORECASE
)
_STOP_WORDS = frozenset(
    """about above after again against almost along already also although always among another anything around away
    became because become becomes been before begin being below between both called came cannot carry cause causes
    certain change changes common commonly could different does doing done during each either enough even ever every
    example examples find first form found from gave give given gives goes great group groups have having hold holds
    however important include includes including inside into itself just keep kind kinds know known large larger least
    less like likely little live lives living long made main make makes making many material materials means might
    more most much must named near nearly need needs never normally number often once only other others outside over
    part parts place places point produce protect rather same several should simple since single small smaller some
    something sometimes start still such take takes than that their them then there these they thing things this those
    though three through thus together took toward turn type types under unlike until upon usually various very want
    water well were what when where which while whole whose will with within without word words work works would year
    years your scientists people time term terms using based able""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    passage: int
    words: frozenset[str]


def write_outline(course: dict[str, Any], passages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An answer of the shape `Outline`."""
    topic, count = str(course["topic"]), int(course["num_lessons"])
    sentences = _sentences(passages)
    nouns = _nouns(sentences)
    lessons: list[dict[str, Any]] = []
    taken: set[str] = set()
    for title, own in _themes(topic, count, passages, sentences, nouns):
        concepts = _key_concepts(title, own, nouns, taken)
        taken.update(concepts)
        lessons.append(
            {
                "lesson_number": len(lessons) + 1,
                "title": title,
                "description": own[0].text if own else f"Filler lesson of the {LABEL} model on {topic}.",
                "key_concepts": concepts,
                "learning_objectives": [
                    f"Describe {concepts[0]} in your own words",
                    f"Explain what {concepts[1]} has to do with {concepts[0]}",
                    f"Identify true statements about {concepts[2]}",
                ],
            }
        )
    written_from = f"{len(passages)} passages of its sources" if passages else "no sources"
    return {
        "title": topic[:1].upper() + topic[1:],
        "description": f"Compiled by the {LABEL} model from {written_from}.",
        "lessons": lessons,
    }


def write_lesson(course: dict[str, Any], number: int, passages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An answer of the shape `LessonText`."""
    plan = course["lessons"][number - 1]
    concepts = [str(concept) for concept in plan["key_concepts"]]
    sentences = _sentences(passages) or _filler(concepts, str(plan["title"]))
    used: set[int] = set()

    def take(found: Iterable[_Sentence], most: int) -> list[_Sentence]:
        taken = list(found)[:most]
        used.update(sentence.passage for sentence in taken if sentence.passage)
        return taken

    left = list(sentences)
    sections, leads = [], []
    for concept in concepts[:3]:
        own = _about(left, _stems([concept])) or left or sentences
        chosen = take(own, 5)
        left = [sentence for sentence in left if sentence not in chosen]
        leads.append(chosen[0])
        sections.append({"heading": concept[:1].upper() + concept[1:], "content": _paragraphs(chosen)})
    applied = take([sentence for sentence in sentences if _USES.search(sentence.text)], 3) or take(sentences, 1)
    opening = take(_about(sentences, _stems([plan["title"]])) or sentences, 2)
    return {
        "introduction": f"{_joined(opening)} This lesson is about {_listed(concepts)}.",
        "sections": sections,
        "key_terms": [
            {"term": concept, "definition": take(_defining(sentences, concept), 1)[0].text} for concept in concepts
        ],
        "applications": _joined(applied),
        "summary": _joined(list(dict.fromkeys(leads))),
        "checks": _checks(concepts, sentences, len(plan["learning_objectives"])),
        "passages": sorted(used),
    }


def _themes(
    topic: str,
    count: int,
    passages: Sequence[dict[str, Any]],
    sentences: Sequence[_Sentence],
    nouns: Sequence[str],
) -> list[tuple[str, list[_Sentence]]]:
    """What each lesson is about: first the headings of the passages, then their most frequent nouns."""
    themes: dict[str, tuple[str, list[_Sentence]]] = {}
    for passage in passages:
        heading = _NUMBERING.sub("", str(passage.get("section", ""))).strip()
        own = [sentence for sentence in sentences if sentence.passage == passage["number"]]
        if heading and own and not _GENERIC_HEADINGS.match(heading):
            themes.setdefault(heading.casefold(), (heading, []))[1].extend(own)
    named = set(_stems(title for title, _ in themes.values()))
    for noun in nouns[:count]:
        if noun not in named:
            themes[noun] = (f"More about {noun}", _about(sentences, frozenset({noun})))
    for number in range(1, count + 1):
        # No more words than the topic has: a search would find passages that share them, whatever they are about.
        themes[str(number)] = (f"{topic[:200]} ({number})", [])
    return list(themes.values())[:count]


def _nouns(sentences: Sequence[_Sentence]) -> list[str]:
    """Words that mostly stand where nouns stand, the most frequent first."""
    seen: Counter[str] = Counter()
    as_noun: Counter[str] = Counter()
    for sentence in sentences:
        seen.update(sentence.words)
        as_noun.update(frozenset(_words(" ".join("".join(groups) for groups in _NOUN_PLACE.findall(sentence.text)))))
    return [word for word, times in seen.most_common() if as_noun[word] * 3 >= times]


def _key_concepts(title: str, own: Sequence[_Sentence], nouns: Sequence[str], taken: set[str]) -> list[str]:
    """Four terms of one lesson: from its title and its own sentences, rather not those of other lessons."""
    counted = Counter(word for sentence in own for word in sentence.words)
    known = frozenset(nouns)
    candidates = [word for word in _words(title) if word in counted]
    candidates += [word for word, _ in counted.most_common() if word in known]
    fresh = [word for word in candidates if word not in taken]
    filler = [f"{title[:60]} [{number}]" for number in range(1, 5)]
    return list(dict.fromkeys([*fresh, *candidates, *nouns, *filler]))[:4]


def _checks(concepts: Sequence[str], sentences: Sequence[_Sentence], objectives: int) -> list[dict[str, Any]]:
    checks = []
    others = [word for word, _ in Counter(word for sentence in sentences for word in sentence.words).most_common(30)]
    for index, concept in enumerate(concepts[:3]):
        stem = _defining(sentences, concept)[0].text
        # The word as it is: a plural would not fit the choices, and "an" before the gap would give it away.
        gap = re.compile(rf"(?<!\ban )\b{re.escape(concept)}\b", re.IGNORECASE)
        wrong = [word for word in dict.fromkeys([*concepts, *others]) if word != concept and not gap.search(word)]
        wrong = [word for word in wrong if not re.search(rf"\b{re.escape(word)}", stem, re.IGNORECASE)][:3]
        objective = index % objectives + 1
        if gap.search(stem) and len(wrong) == 3 and len(stem) < 400:
            choices = sorted([concept, *wrong], key=lambda choice: hashlib.sha256(f"{stem}{choice}".encode()).digest())
            checks.append(
                {
                    "question": f"Which word is missing? {gap.sub('_____', stem)}",
                    "choices": choices,
                    "answer": concept,
                    "explanation": f"The lesson says: {stem}",
                    "objective": objective,
                }
            )
        else:
            checks.append(
                {
                    "question": f"What does the lesson say about {concept}?",
                    "choices": None,
                    "answer": stem,
                    "explanation": "This sentence of the lesson says it.",
                    "objective": objective,
                }
            )
    return checks


def _sentences(passages: Sequence[dict[str, Any]]) -> list[_Sentence]:
    found: dict[str, _Sentence] = {}
    for passage in passages:
        for text, words in _split(str(passage["text"])):
            found.setdefault(text, _Sentence(text, int(passage["number"]), words))
    if not found:
        # Passages without a single good sentence: better a clumsy lesson about them than none.
        for passage in passages:
            text = " ".join(str(passage["text"]).split())[:320]
            found[text] = _Sentence(text, int(passage["number"]), frozenset(_words(text)))
    return list(found.values())


@lru_cache(maxsize=4096)
def _split(text: str) -> tuple[tuple[str, frozenset[str]], ...]:
    sentences = []
    for line in text.splitlines():
        for sentence in _SENTENCE_END.split(_ASIDE.sub("", line.strip().lstrip("-*• ").replace("**", ""))):
            sentence = sentence.strip()
            if _stands_alone(sentence):
                sentences.append((sentence, frozenset(_words(sentence))))
    return tuple(sentences)


def _stands_alone(sentence: str) -> bool:
    whole = 40 <= len(sentence) <= 320 and sentence[-1] in ".!।؟。"
    return whole and not _LEANING.match(sentence) and not _NOT_PROSE.search(sentence)


@lru_cache(maxsize=16384)
def _words(text: str) -> tuple[str, ...]:
    words = (word.casefold() for word in _WORD.findall(text))
    return tuple(_stem(word) for word in words if word not in _STOP_WORDS and not word.endswith("ly"))


def _stem(word: str) -> str:
    if word.endswith(("sses", "uses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _stems(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(stem for text in texts for stem in _words(text))


def _about(sentences: Sequence[_Sentence], stems: frozenset[str]) -> list[_Sentence]:
    return [sentence for sentence in sentences if sentence.words & stems]


def _defining(sentences: Sequence[_Sentence], concept: str) -> list[_Sentence]:
    """Sentences about a concept, those first that say what it is."""
    about = _about(sentences, _stems([concept])) or list(sentences)
    says_what = re.compile(rf"^(an? |the )?{re.escape(concept)}\w{{0,2}} (is|are|consists?|contains?)\b", re.IGNORECASE)
    return sorted(about, key=lambda sentence: (not says_what.match(sentence.text), len(sentence.text)))


def _filler(concepts: Sequence[str], title: str) -> list[_Sentence]:
    """Sentences for a course without sources. Each says what it is, and none claims a fact."""
    texts = []
    for concept in [*concepts, title]:
        texts += [
            f"Filler text of the {LABEL} model stands here in place of an explanation of {concept}.",
            f"A real model would now give learners an everyday example of {concept}.",
            f"Without sources the {LABEL} model knows nothing about {concept} and states nothing about it.",
        ]
    return [_Sentence(text, 0, frozenset(_words(text))) for text in texts]


def _paragraphs(sentences: Sequence[_Sentence]) -> str:
    parts = [_joined(sentences[start : start + 3]) for start in range(0, len(sentences), 3)]
    return "\n\n".join(parts)


def _joined(sentences: Iterable[_Sentence]) -> str:
    return " ".join(sentence.text for sentence in sentences)


def _listed(items: Sequence[str]) -> str:
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else items[0]
