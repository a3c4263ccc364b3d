"""Judges the model answer of a short-answer question: the evidence must have its words and numbers."""

from src.domain.finding import excerpt
from src.domain.normal_form import normal_text
from src.domain.number_words import language_of
from src.domain.numerals import is_given
from src.domain.quality.key_texts import (
    OPEN,
    PROVEN,
    Asked,
    Verdict,
    all_stems,
    given_values,
    numerals,
    told,
    unproven,
)
from src.domain.words import carries_content, content_stems, stem, words

LEAST_SUPPORT = 0.5
"""The share of an answer's words that its evidence must have."""
_FEWEST_TO_TELL = 3
LEAST_TRACE = 0.25
"""The share of an answer's words under which it has nothing to do with its evidence."""


def answer_verdict(asked: Asked) -> Verdict:
    """Returns what the evidence says of the answer to an open question."""
    answer, language = asked.check.answer, asked.language
    evidence, question = all_stems(asked.evidence, language), set(content_stems(asked.check.question, language))
    numbers = language_of(language).numbers
    content = [
        stem(word, language) for word in words(answer) if carries_content(word, language) and word not in numbers
    ]
    content = [word for word in content if not word[0].isdecimal()]
    own = [word for word in content if word not in question]
    figures, given = given_values(answer, language), asked.given | given_values(asked.check.question, language)
    if _compact(answer) in _compact(asked.evidence):
        return PROVEN
    unknown = [it for it in numerals(answer, language) if not is_given(it, given)]
    if unknown and asked.is_calculated(answer):
        return OPEN
    known = evidence | question | all_stems(asked.check.explanation, language)
    is_spoken_of = not content or sum(word in known for word in content) >= LEAST_TRACE * len(content)
    if not is_spoken_of and not (len(figures) > 1 and figures <= asked.given):
        return _verdict_without_trace(asked, own)
    if unknown:
        named = ", ".join(it.text for it in unknown)
        if content and all(is_given(it, given_values(asked.lesson, language)) for it in unknown):
            return OPEN
        reason = f"evidence and explanation don't give the number {named}"
        return unproven(reason)  # it may be worked out from what is said in words or drawn
    found = sum(word in evidence for word in own) + len(figures & asked.given)
    size = len(own) + len(figures - given_values(asked.check.question, language))
    if not size or found < LEAST_SUPPORT * size:
        return OPEN if is_spoken_of else _verdict_without_trace(asked, own)
    return PROVEN


def _compact(text: str) -> str:
    return normal_text(text).strip(" .").replace(" ", "")


def _verdict_without_trace(asked: Asked, own: list[str]) -> Verdict:
    """Returns the verdict where the evidence has next to none of the answer's words."""
    answer, language = asked.check.answer, asked.language
    if own and set(own) <= told(asked.around, language):
        return OPEN
    known = all_stems(asked.lesson, language) | all_stems(asked.check.explanation, language)
    if len(own) >= _FEWEST_TO_TELL and not any(word in known for word in own) and asked.knows_negations:
        # Not refuted: learners may be asked for an example of their own, or for a translation.
        return unproven(f"the lesson says nothing of the answer {excerpt(answer)}")
    return unproven(f"the evidence {excerpt(asked.evidence)} has nothing of the answer {excerpt(answer)}")
