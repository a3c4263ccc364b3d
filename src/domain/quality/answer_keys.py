"""The gates for answer keys: what the lesson's own text must bear out."""

from collections.abc import Iterator
from functools import lru_cache

import regex

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.lesson import Check
from src.domain.normal_form import normal_text
from src.domain.quality.choice_keys import choice_verdict
from src.domain.quality.citations import without_markers
from src.domain.quality.draft import Draft, plain
from src.domain.quality.key_texts import Asked, Standing, Verdict, is_part, refuted, unproven
from src.domain.quality.quotes import Located, locate
from src.domain.quality.short_answers import answer_verdict
from src.domain.quality.statements import statement_verdict
from src.domain.sentences import ends_a_sentence, sentences
from src.domain.words import negations, words

# Signs that stand between a choice and why it is right, and the signs that may stand around the choice.
_MARK = regex.compile(r"[\"')\]\s]*[:：፦៖]")
_OPENING = "\"'( "
_INTRODUCES = regex.compile(r"[:：፦៖][*_ ]*$")
_LONGEST_BLOCK = 400


def answer_unsupported(draft: Draft) -> Iterator[Finding]:
    """Finds answers against which the lesson's own text speaks."""
    for number, verdict in enumerate(key_verdicts(draft), start=1):
        if verdict.standing is Standing.REFUTED:
            yield hard("answer_unsupported", f"checks.{number}", verdict.reason)


def key_unproven(draft: Draft) -> Iterator[Finding]:
    """Finds answers with which their evidence seems to have nothing to do."""
    for number, verdict in enumerate(key_verdicts(draft), start=1):
        if verdict.standing is Standing.UNPROVEN:
            yield soft("key_unproven", f"checks.{number}", verdict.reason)


def proven_keys(draft: Draft) -> int:
    """Returns how many questions have a key that the lesson's own text bears out."""
    return sum(verdict.standing is Standing.PROVEN for verdict in key_verdicts(draft))


def key_verdicts(draft: Draft) -> tuple[Verdict, ...]:
    """Returns the verdicts on the keys of a lesson's questions, in order."""
    return tuple(key_verdict(check, draft.evidence_text, draft.brief.language) for check in draft.text.checks)


@lru_cache(maxsize=64)
def key_verdict(check: Check, lesson_text: str, language: str) -> Verdict:
    """Returns the verdict on the key of a question, given all text that it may rest on."""
    wanted = without_markers(check.evidence)
    place = locate(wanted, lesson_text, language)
    if place is None:
        return refuted(f"the evidence {excerpt(check.evidence)} is no sentence of this lesson")
    told = _told(check, language)
    if told is not None and told != check.answer:
        return refuted(f"the key is {excerpt(check.answer)}, but the explanation says {excerpt(told)}")
    asked = Asked(check, language, _whole(wanted, lesson_text, place), _around(lesson_text, place), lesson_text)
    verdict = _JUDGES[check.kind](asked)
    is_proven = verdict.standing is Standing.PROVEN
    if (is_proven or verdict.standing is Standing.OPEN) and not asked.is_about_the_question(is_proven):
        return unproven(f"the evidence {excerpt(check.evidence)} has nothing to do with the question")
    return verdict


_JUDGES = {"multiple_choice": choice_verdict, "true_false": statement_verdict, "short_answer": answer_verdict}


def _whole(evidence: str, lesson_text: str, place: Located) -> str:
    """Returns the evidence, with the block that follows it where it introduces one."""
    follows = lesson_text[place.end :].lstrip(" \n*_:：፦៖")
    if _INTRODUCES.search(evidence) or (not ends_a_sentence(evidence) and follows.startswith(("$$", "\\["))):
        block, _, _ = follows.partition("\n\n")
        return f"{evidence}\n{block[:_LONGEST_BLOCK]}"
    return evidence


def _around(lesson_text: str, place: Located) -> str:
    """Returns the sentence before the evidence, the evidence, and the sentence behind it."""
    before = sentences(lesson_text[max(0, place.start - _LONGEST_BLOCK) : place.start])[-1:]
    behind = sentences(lesson_text[place.end : place.end + _LONGEST_BLOCK])[:1]
    beside = (*before, *behind)
    return "\n".join((lesson_text[place.start : place.end], *(sentence.text for sentence in beside)))


def _told(check: Check, language: str) -> str | None:
    """Returns the choice that is right according to the explanation; None if that can't be told.

    It is the choice that the explanation begins with, as the prompt asks for; or, of true and false, the only one that
    it names.
    """
    explanation = normal_text(check.explanation).lstrip(_OPENING)
    for choice in sorted(check.choices or (), key=len, reverse=True):
        wanted = normal_text(choice).lstrip(_OPENING)
        if explanation.startswith(wanted):
            after = explanation[len(wanted) :]
            is_whole = not is_part(after[:1]) if check.kind == "true_false" else _MARK.match(after) is not None
            if is_whole:
                return choice
    if check.kind != "true_false" or negations(check.explanation, language) is None:
        return None
    if negations(plain(check.explanation), language):
        return None  # "It is not true that …" says that it is false
    said = set(words(check.explanation))
    named = [choice for choice in check.choices or () if said & set(words(choice))]
    return named[0] if len(named) == 1 else None


KEY_GATES = (answer_unsupported, key_unproven)
