"""Faults of answer keys: a key, a statement or an evidence that doesn't fit the others."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from random import Random

import regex

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.planting import Fault, Place, chosen, digits, fault, other_number, places, replaced
from src.domain.lesson import Check
from src.domain.quality.citations import without_markers
from src.domain.quality.draft import plain
from src.domain.sentences import ends_a_sentence
from src.domain.words import NO_SPACES, carries_content, content_stems, negations, words

_GATES = "answer_unsupported key_unproven"
# What is put in place of what stands in a sentence so that it is denied. No word of Amharic or Armenian is known for
# certain to deny, so that nothing is claimed there.
_DENIED: dict[str, tuple[tuple[str, str], ...]] = {
    "en": ((r"\b(is|are|was|were|can|must|will|could)\b", r"\1 not"),),
    "de": ((r"\b(ist|sind|war|waren|wird|werden|hat|haben|kann|können)\b", r"\1 nicht"),),
    "fr": ((r"\b(est|sont|était|étaient|a|ont|peut)\b", r"n'\1 pas"),),
    "es": ((r"\b(es|son|era|eran|tiene|tienen|se|está|fue)\b", r"no \1"),),
    "pt": ((r"\b(é|são|era|foi|tem|se)\b", r"não \1"),),
    "ru": ((r"\b(был\w*|является|может|стоит|стали|это|есть)\b", r"не \1"),),
    "el": ((r"\b(είναι|ήταν|έχει|έχουν|έγινε)\b", r"δεν \1"),),
    "tr": ((r"\b(\w+d[ıiuü]r)\b", r"\1 değil"), (r"(\S+)([.])$", r"\1 değil\2")),
    "he": ((r"(?<!\p{L})(הוא|היא|הם|הן|היה|היו|יש)(?!\p{L})", r"לא \1"),),
    "ar": ((r"(?<!\p{L})(هو|هي|كان|كانت|يمكن|تكون|يكون)(?!\p{L})", r"ليس \1"),),
    "hi": ((r"(है|हैं|था|थे|थी)(?=[।|.]|$)", r"नहीं \1"),),
    "zh": ((r"(是|有|能|会)", r"不\1"),),
    "ja": ((r"です(?=[。．])", r"ではありません"), (r"である(?=[。．])", r"ではない"), (r"ます(?=[。．])", r"ません")),
    "ko": ((r"(\S+)습니다(?=\.)", r"\1지 않다"), (r"이다(?=\.)", r"이 아니다"), (r"한다(?=\.)", r"하지 않는다")),
    "th": ((r"(เป็น|มี|ต้อง|คือ|ใช้)", r"ไม่\1"),),
    "km": ((r"(គឺ|មាន|ជា|ហូរ)", r"មិន\1"),),
}
# What holds both ways round: exchanged sides say the same.
_BOTH_WAYS = regex.compile(
    r"^(?:=|equal|same|simil|differ|togeth|identi|equiv|unlike|like|near|next|meet|marr|gleich|égal|igual|同|等|相)"
)
_LONE_WORD = r"(?<![\p{L}\p{N}'’-])[\p{L}\p{M}]{4,}(?![\p{L}\p{N}'’-])"
_AND = regex.compile(r"^(?:and|or|und|oder|et|ou|y|e|o|и|или|και|ή|ve|veya|و|أو|और|या|եւ|և|կամ|እና|ወይም|및)$")
_FEWEST_WORDS, _MOST_WORDS = 4, 26
_FEWEST_STATEMENTS = 3


def _index(random: Random, case: Case, *kinds: str) -> int | None:
    return chosen(random, [index for index, check in enumerate(case.text.checks) if check.kind in kinds])


def _others(case: Case) -> list[Case]:
    """Returns the other lessons in the same language."""
    return [other for other in by_hand() if other.language == case.language and other.plan.title != case.plan.title]


def wrong_key(random: Random, case: Case) -> Case | None:
    """Makes another choice the answer of a multiple-choice question."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    return case.with_check(index, answer=random.choice([it for it in check.choices or () if it != check.answer]))


def wrong_key_explained(random: Random, case: Case) -> Case | None:
    """Makes another choice the answer, and lets the explanation say that it is right."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    answer = random.choice([it for it in check.choices or () if it != check.answer])
    return case.with_check(index, answer=answer, explanation=f"{answer}: {check.question}")


def flipped(random: Random, case: Case) -> Case | None:
    """Turns the answer of a true-or-false question round."""
    index = _index(random, case, "true_false")
    if index is None:
        return None
    check = case.text.checks[index]
    return case.with_check(index, answer=next(it for it in check.choices or () if it != check.answer))


def wrong_short_answer(random: Random, case: Case) -> Case | None:
    """Gives a question the answer of quite another question."""
    index = _index(random, case, "short_answer")
    others = [
        check.answer
        for other in _others(case)
        for check in other.text.checks
        if check.kind != "true_false" and len(words(check.answer)) >= 2
    ]
    answer = chosen(random, others)
    return None if index is None or answer is None else case.with_check(index, answer=answer)


def invented_evidence(random: Random, case: Case) -> Case | None:
    """Gives a question a sentence of another lesson as evidence."""
    index = random.randrange(len(case.text.checks))
    others = _others(case) or [other for other in by_hand() if other.language != case.language]
    place = random.choice(places(random.choice(others), "sections."))
    return case.with_check(index, evidence=without_markers(place.sentence.text))


def question_of_another_lesson(random: Random, case: Case) -> Case | None:
    """Asks what another lesson in the language has taught, and gives a sentence of this one as evidence.

    What has figures, a formula or code may be worked out by what any lesson says.
    """
    asked = [
        check
        for other in _others(case)
        for check in other.text.checks
        if not regex.search(r"[\p{N}$`=\\]", f"{check.question} {check.answer}")
    ]
    check, evidence = chosen(random, asked), chosen(random, _statements(case))
    if check is None or evidence is None:
        return None
    index = random.randrange(len(case.text.checks))
    objective = case.text.checks[index].objective
    return case.with_check(index, **{**vars(check), "evidence": evidence, "objective": objective})


def evidence_beside_the_answer(random: Random, case: Case) -> Case | None:
    """Gives a question a sentence of the lesson as evidence that has no word of the answer or its true evidence."""
    return _with_other_evidence(random, case, lambda check: f"{check.answer}\n{check.evidence}")


def evidence_beside_the_point(random: Random, case: Case) -> Case | None:
    """Gives a question a sentence of the lesson as evidence that has no word of question, answer or explanation."""
    return _with_other_evidence(
        random, case, lambda check: f"{check.question}\n{check.answer}\n{check.evidence}\n{check.explanation}"
    )


def _with_other_evidence(random: Random, case: Case, told: Callable[[Check], str]) -> Case | None:
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    known = _carrying(told(case.text.checks[index]), case)
    evidence = chosen(random, [it for it in _statements(case) if not _carrying(it, case) & known])
    return None if evidence is None else case.with_check(index, evidence=evidence)


def _carrying(text: str, case: Case) -> set[str]:
    """Returns the stems of the words that carry content; in scripts without spaces, runs of three characters."""
    bare = plain(text)
    if NO_SPACES.search(bare):
        return {bare[start : start + 3] for start in range(len(bare) - 2)}
    return {stem for stem in content_stems(bare, case.brief.language) if carries_content(stem, case.brief.language)}


def evidence_for_another_choice(random: Random, case: Case) -> Case | None:
    """Gives a question a sentence of the lesson as evidence that names a wrong choice, and not the right one."""
    found = [
        (index, sentence)
        for index, check in enumerate(case.text.checks)
        if check.kind == "multiple_choice" and not negations(check.question, case.brief.language)
        for sentence in _statements(case)
        for choice in check.choices or ()
        if choice != check.answer
        and sentence not in check.evidence
        and _names(sentence, choice)
        and not _carrying(sentence, case) & _told(check, case)
    ]
    one = chosen(random, found)
    return None if one is None else case.with_check(one[0], evidence=one[1])


def _names(sentence: str, choice: str) -> bool:
    wanted = choice.casefold()
    return len(wanted) > 3 and regex.search(rf"(?<!\w){regex.escape(wanted)}(?!\w)", sentence.casefold()) is not None


def _told(check: Check, case: Case) -> set[str]:
    """Returns what only the right choice has."""
    return _carrying(check.answer, case) - _carrying(check.question, case)


def _is_statement(text: str, language: str) -> bool:
    """Returns whether a sentence of the lesson may stand alone as a statement."""
    bare = plain(text)
    if not ends_a_sentence(bare) or regex.search(r"[`$\\|=→?!？！؟;:：\n]", bare) or regex.search(r"[“”\"«»]", bare):
        return False
    size = len(bare) / 4 if NO_SPACES.search(bare) else len(words(bare))
    return _FEWEST_WORDS <= size <= _MOST_WORDS


@lru_cache(maxsize=512)
def _statements_of(texts: tuple[str, ...], language: str) -> tuple[str, ...]:
    return tuple(text for text in texts if _is_statement(text, language))


def _statements(case: Case) -> tuple[str, ...]:
    """Returns the sentences of the sections that state something, without citations."""
    found: Iterator[Place] = iter(places(case, "sections."))
    stating = _statements_of(tuple(without_markers(it.sentence.text) for it in found), case.brief.language)
    return stating if len(stating) >= _FEWEST_STATEMENTS else ()  # Thai ends its sentences with no mark


def _stated(random: Random, case: Case, changed: Callable[[Random, str], str | None]) -> Case | None:
    """Returns the lesson with a changed sentence as a true-or-false question that is said to be true.

    The sentence itself is the evidence, so that only the change is wrong.
    """
    labels = [
        check.choices
        for other in by_hand()
        if other.language == case.language
        for check in other.text.checks
        if check.kind == "true_false" and check.choices
    ]
    found = [(changed(random, plain(it)), it) for it in _statements(case)]
    one = chosen(random, [(question, it) for question, it in found if question is not None and question != plain(it)])
    if one is None or not labels:
        return None
    index = random.randrange(len(case.text.checks))
    return case.with_check(
        index,
        kind="true_false",
        question=one[0],
        choices=labels[0],
        answer=labels[0][0],
        evidence=one[1],
        explanation=one[1],
    )


def negated_statement(random: Random, case: Case) -> Case | None:
    """States the contrary of a sentence of the lesson, and calls it true."""
    forms = _DENIED.get(case.language, ())
    language = case.brief.language

    def changed(_: Random, sentence: str) -> str | None:
        if negations(sentence, language):
            return None  # with another negation it would say what it says now
        for pattern, by in forms:
            denied = regex.sub(pattern, by, sentence, count=1)
            if denied != sentence and negations(denied, language) != negations(sentence, language):
                return denied
        return None

    return _stated(random, case, changed)


def changed_number(random: Random, case: Case) -> Case | None:
    """States a sentence of the lesson with another number, and calls it true."""

    def changed(random: Random, sentence: str) -> str | None:
        number = chosen(random, digits(sentence))
        return None if number is None else replaced(sentence, number, other_number(random, number.group()))

    return _stated(random, case, changed)


def changed_sign(random: Random, case: Case) -> Case | None:
    """States a sentence of the lesson with the other sign before a number, and calls it true."""

    def changed(random: Random, sentence: str) -> str | None:
        found = list(
            regex.finditer(r"(?<![\p{L}\p{N}.,/–−-])([-−]?)(\p{Nd}+(?:[.,]\p{Nd}+)?)(?![\p{L}\p{N}–−-])", sentence)
        )
        number = chosen(random, found)
        if number is None:
            return None
        return replaced(sentence, number, number.group(2) if number.group(1) else f"-{number.group(2)}")

    return _stated(random, case, changed)


def exchanged(random: Random, case: Case) -> Case | None:
    """States a sentence of the lesson with two of its words exchanged, so that who does what is wrong."""

    def changed(random: Random, sentence: str) -> str | None:
        pairs = list(_exchangeable(sentence, case))
        pair = chosen(random, pairs)
        if pair is None:
            return None
        (first, last), (other, end) = pair
        mine, its = sentence[first:last], sentence[other:end]
        return sentence[:first] + its + sentence[last:other] + mine + sentence[end:]

    return _stated(random, case, changed)


def _exchangeable(sentence: str, case: Case) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yields the places of two words with another word between them that carries content and doesn't hold both ways.

    In scripts without spaces the words are those of the lesson's terms and concepts.
    """
    language = case.brief.language
    if NO_SPACES.search(sentence):
        terms = {term.term for term in case.text.key_terms} | set(case.plan.key_concepts)
        found = [it.span() for term in terms for it in regex.finditer(regex.escape(term), sentence)]
    else:
        found = [it.span() for it in regex.finditer(_LONE_WORD, sentence)]
        found = [(start, end) for start, end in found if carries_content(sentence[start:end].casefold(), language)]
    for first in found:
        for second in found:
            between = words(sentence[first[1] : second[0]]) if first[1] < second[0] else ()
            content = [word for word in between if carries_content(word, language)]
            if not content or any(_BOTH_WAYS.match(word) or _AND.match(word) for word in between):
                continue
            mine, its = (content_stems(sentence[start:end], language) for start, end in (first, second))
            if mine != its and regex.search(r"[,;()–—、，和与或及와과]", sentence[first[1] : second[0]]) is None:
                yield first, second


def of_something_else(random: Random, case: Case) -> Case | None:
    """States what the lesson says, but of something else, and calls it true."""
    terms = [it.term for it in case.text.key_terms] + list(case.plan.key_concepts)
    names = [it for it in terms if len(words(it)) == 1 and len(it) >= 3] if not NO_SPACES.search("".join(terms)) else []

    def changed(random: Random, sentence: str) -> str | None:
        known = [
            name for name in names if regex.search(rf"(?<!\w){regex.escape(name)}(?!\w)", sentence, regex.IGNORECASE)
        ]
        others = [name for name in names if name.casefold() not in sentence.casefold() and name[:3] not in sentence]
        name, other = chosen(random, known), chosen(random, others)
        if name is None or other is None or name[:3].casefold() == other[:3].casefold():
            return None
        return regex.sub(rf"(?<!\w){regex.escape(name)}(?!\w)", other, sentence, flags=regex.IGNORECASE)

    return _stated(random, case, changed)


KEY_FAULTS: tuple[Fault, ...] = (
    fault("wrong key", _GATES, wrong_key),
    fault("wrong key that the explanation repeats", _GATES, wrong_key_explained, is_gated=False),
    fault("true and false flipped", _GATES, flipped),
    fault("answer to another question", _GATES, wrong_short_answer),
    fault("evidence that isn't in the lesson", _GATES, invented_evidence),
    fault("evidence beside the point", _GATES, evidence_beside_the_point),
    fault("evidence beside the answer", _GATES, evidence_beside_the_answer, is_gated=False),
    fault("evidence for another choice", _GATES, evidence_for_another_choice),
    fault("question of another lesson", _GATES, question_of_another_lesson),
    fault("negated statement", _GATES, negated_statement),
    fault("statement with another number", _GATES, changed_number),
    fault("statement with another sign", _GATES, changed_sign),
    fault("statement with two words exchanged", _GATES, exchanged),
    fault("statement of something else", _GATES, of_something_else),
)
