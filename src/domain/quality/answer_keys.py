"""The gate for answer keys: what the lesson's own text must bear out."""

from collections.abc import Iterator

import regex

from src.domain.finding import Finding, excerpt, hard
from src.domain.lesson import Check
from src.domain.numerals import missing, values
from src.domain.quality.citations import without_markers
from src.domain.quality.draft import Draft, plain
from src.domain.quality.quotes import locate
from src.domain.words import content_stems, negations, stem, words

LEAST_SUPPORT = 0.5
"""The share of an answer's words that the lesson must have."""

_NEGATIVE = regex.compile(
    r"\b(?:not|never|except|false|incorrect|least|nicht|kein\w*|außer)\b|नहीं|गलत|ليس|خطأ", regex.IGNORECASE
)


def answer_unsupported(draft: Draft) -> Iterator[Finding]:
    """Finds answers that the lesson's own text doesn't bear out."""
    for number, check in enumerate(draft.text.checks, start=1):
        for message in key_faults(check, draft.lesson_text, draft.stems, draft.brief.language):
            yield hard("answer_unsupported", f"checks.{number}", message)


def key_faults(check: Check, lesson_text: str, stems: frozenset[str], language: str) -> list[str]:
    """Returns why the key of a question can't be trusted, given the lesson's text and its content stems.

    The evidence must stand in the lesson. Multiple choice: evidence and explanation must speak of the key, and of no
    other choice more. True or false: a statement that the evidence makes is true, and one with other numbers or
    negations is not. Short answer: its words and numbers must be the lesson's.
    """
    if locate(without_markers(check.evidence), lesson_text, language) is None:
        return [f"the evidence {excerpt(check.evidence)} is no sentence of this lesson"]
    evidence = plain(check.evidence)
    if (told := _told(check, language)) not in (None, check.answer):
        return [f"the key is {excerpt(check.answer)}, but the explanation says {excerpt(str(told))}"]
    match check.kind:
        case "multiple_choice":
            return _choice_faults(check, evidence, language)
        case "true_false":
            return _statement_faults(check, evidence, language)
        case _:
            return _short_answer_faults(check, evidence, stems, language)


def _told(check: Check, language: str) -> str | None:
    """Returns the choice that is right according to the explanation; None if that can't be told.

    It is the choice that the explanation begins with, as the prompt asks for; or, of true and false, the only one that
    it names.
    """
    for choice in check.choices or ():
        mark = r"\b" if check.kind == "true_false" else r"[\"'”’»]?\s*[:：]"
        if regex.match(rf"[\"'“‘«„]?{regex.escape(choice)}{mark}", check.explanation, regex.IGNORECASE):
            return choice
    if check.kind != "true_false" or negations(check.explanation, language):
        return None  # "It is not true that …" says that it is false
    said = set(words(check.explanation))
    named = [choice for choice in check.choices or () if said & set(words(choice))]
    return named[0] if len(named) == 1 else None


def _choice_faults(check: Check, evidence: str, language: str) -> list[str]:
    assert check.choices is not None
    if {word.casefold() for word in _NEGATIVE.findall(check.question)} - set(words(evidence)):
        return []  # the question asks for what is not so, and the evidence may speak of the wrong choices
    support = {choice: _support(choice, evidence, check, language) for choice in check.choices}
    wrong = max((choice for choice in check.choices if choice != check.answer), key=lambda choice: support[choice])
    if support[wrong] > support[check.answer]:
        return [f"the key is {excerpt(check.answer)}, but the evidence speaks of {excerpt(wrong)}"]
    if support[check.answer] == 0:
        return [f"neither evidence nor explanation speaks of the key {excerpt(check.answer)}"]
    return []


def _support(choice: str, evidence: str, check: Check, language: str) -> float:
    """Returns how far a choice is borne out, from 0 to 3: by the evidence, which counts twice, and the explanation.

    Words that the question has, or all choices, say nothing about one of them. If a choice has no others, half of its
    support is for these words, and half for standing there word for word, which tells it from a choice of the same
    words.
    """
    assert check.choices is not None
    question = set(content_stems(check.question, language))
    shared = set.intersection(*(set(content_stems(other, language)) for other in check.choices))
    telling = [word for word in content_stems(choice, language) if word not in question | shared]
    telling += sorted(values(choice, language) - {"1"} - set(telling))  # "ten times" and "six times"
    own = telling or content_stems(choice, language)
    shares = []
    for text in (evidence, plain(check.explanation)):
        given = {stem(word, language) for word in words(text)} | values(text, language)
        share = sum(word in given for word in own) / len(own) if own else 0.0
        if not telling:
            share = (share + (" ".join(words(choice)) in " ".join(words(text)))) / 2
        shares.append(share)
    return 2 * shares[0] + shares[1]


def _statement_faults(check: Check, evidence: str, language: str) -> list[str]:
    assert check.choices is not None
    # "True or false?" before the statement isn't part of it.
    label = {stem(word, language) for choice in check.choices for word in words(choice)}
    stated, given = set(content_stems(check.question, language)) - label, set(content_stems(evidence, language))
    same_numbers = not missing(check.question, values(evidence, language), language)
    same_negation = _is_denied(check.question, language) == _is_denied(evidence, language)
    is_stated = same_numbers and same_negation and len(stated & given) >= 0.9 * len(stated)
    if check.key == 2 and is_stated:
        return ["the key is false, but the evidence says just what the statement says"]
    if check.key == 1 and not same_numbers:
        return ["the key is true, but the evidence has not the numbers of the statement"]
    if check.key == 1 and len(stated & given) >= 0.9 * len(stated) and not same_negation:
        return ["the key is true, but the evidence denies the statement"]
    if check.key == 1 and len(stated & given) < LEAST_SUPPORT * len(stated):
        return ["the key is true, but the evidence hardly speaks of what is stated"]
    return []


def _short_answer_faults(check: Check, evidence: str, stems: frozenset[str], language: str) -> list[str]:
    own = content_stems(plain(check.answer), language)
    if own and sum(word in stems for word in own) < LEAST_SUPPORT * len(own):
        return [f"the lesson says little of the answer {excerpt(check.answer)}"]
    if not set(own) & set(content_stems(f"{evidence} {check.question}", language)):
        return [f"the evidence {excerpt(evidence)} has nothing of the answer {excerpt(check.answer)}"]
    given = values(evidence, language) | values(check.question, language)
    unknown = missing(check.answer, given, language)
    return [f"the evidence doesn't give the number {', '.join(unknown)}"] if unknown else []


def _is_denied(text: str, language: str) -> bool:
    return (negations(text, language) or 0) % 2 == 1


KEY_GATES = (answer_unsupported,)
