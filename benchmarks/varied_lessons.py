"""Variations of lessons without a fault, which have none either; and the lessons that the gates are tried on.

A variation has less in it, in another order and in other typographic forms. Only what leaves every lesson as good as it
was is varied, in any subject and language: a section that others point to stays where it is.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import regex

from benchmarks.clean_lessons import Case, by_hand, stand_in_cases
from src.domain.lesson import Check, LessonText
from src.domain.markdown_syntax import code_spans, without_code
from src.domain.numerals import values
from src.domain.quality.citations import without_markers
from src.domain.quality.draft import plain
from src.domain.quality.readability import grade_number, reading_grade
from src.domain.sentences import sentences
from src.domain.words import NO_SPACES, content_stems, words

_STAND_IN_SHARE = 5
"""One lesson in so many is by the stand-in."""
_FEWEST_WORDS = 200
_LEAST_CITED = 0.6
# What another part may point to: a table, a list, a formula or a block of code, verse or speech.
_BLOCK = regex.compile(r"^\s*(?:\||>|[-*+•]\s|\d+[.)]\s|```|~~~)|\$\$|\\\[|\\begin", regex.MULTILINE)
# Words that point to another part of a lesson. Where they aren't known, what could be pointed to stays in its place.
_POINTS = {
    "en": r"above|below|earlier|previous|(?:last|next|first|second|third) (?:section|part|step)|we (?:saw|met)|again"
    r"|table|figure",
    "de": r"oben|unten|vorig\w*|tabelle|abbildung|noch einmal",
    "fr": r"ci-dessus|ci-dessous|plus haut|plus bas|tableau|figure|encore",
    "es": r"arriba|abajo|anterior\w*|tabla|figura|otra vez",
    "pt": r"acima|abaixo|anterior\w*|tabela|figura|de novo",
    "tr": r"yukarıda\w*|aşağıda\w*|tablo\w*|şekil\w*|yine",
    "ru": r"выше|ниже|таблиц\w*|рисун\w*|снова",
    "el": r"παραπάνω|παρακάτω|πίνακα\w*|ξανά",
    "he": r"לעיל|להלן|[בה]?טבלה|שוב",
    "ar": r"أعلاه|أدناه|[وب]?الجدول|مرة أخرى",
    "hi": r"ऊपर|नीचे|तालिका|फिर से",
}
_MARK = r"[\p{Sentence_Break=STerm}\p{Sentence_Break=ATerm}]"
_MARKER = regex.compile(r"\[(\d+)\](?!\()")
_CITED = r"(?:[ \t]?\[\d+\])+"
_MARK_THEN_CITED = regex.compile(rf"(?<=[^\s\p{{P}}\p{{Nd}}])({_MARK})({_CITED})(?=\s|$)")
_CITED_THEN_MARK = regex.compile(rf"(?<=[^\s\p{{P}}])({_CITED})({_MARK})(?=\s|$)")
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "’": "'"})
_NAME = regex.compile(r"(?<=\p{Ll}\s)\p{Lu}[\p{L}\p{M}]+")


def clean_cases(random: Random, number: int) -> list[Case]:
    """Returns `number` lessons: first each that was written by hand, then variations of these and of the stand-in's."""
    cases = list(by_hand())[:number]
    stand_in = stand_in_cases(random)
    while len(cases) < number:
        written = next(stand_in) if len(cases) % _STAND_IN_SHARE == 0 else random.choice(by_hand())
        cases.append(varied(random, written))
    return cases


def varied(random: Random, case: Case) -> Case:
    """Returns the same lesson, as good as it was, with less in it, in another order and in other forms."""
    changed = _fewer_terms(random, _fewer_questions(random, _fewer_sections(random, case)))
    told = " ".join(words(_named(changed.text)))
    is_whole = len(told) == len(" ".join(words(_named(case.text))))
    named = [concept for concept in case.plan.key_concepts if is_whole or " ".join(words(concept)) in told]
    checks = tuple(_choices_shuffled(random, check) for check in changed.text.checks)
    changed = replace(
        changed.with_text(checks=checks), plan=changed.plan.model_copy(update={"key_concepts": tuple(named)})
    )
    for change in (_passages_shuffled, _renumbered, _citations_moved, _plain_quotation_marks):
        changed = change(random, changed)
    return changed


def _fewer_sections(random: Random, case: Case) -> Case:
    """Returns the lesson without some of its sections, the others in any order, if no part points to another one."""
    if _may_point(case):
        return case
    for part in random.sample(case.text.sections, random.randint(0, max(0, len(case.text.sections) - 2))):
        shorter = _without(case, part.heading)
        case = shorter if _is_as_good(shorter, case) else case
    return case.with_text(sections=tuple(random.sample(case.text.sections, len(case.text.sections))))


def _may_point(case: Case) -> bool:
    told, points = "\n\n".join(case.text.fields().values()), _POINTS.get(case.language)
    if points is None:
        return _BLOCK.search(told) is not None
    return regex.search(rf"(?<![\p{{L}}\p{{M}}])(?:{points})(?![\p{{L}}\p{{M}}])", told, regex.IGNORECASE) is not None


def _without(case: Case, heading: str) -> Case:
    """Returns the lesson without a section, and without the terms, questions and objectives that need it."""
    text = case.text.model_copy(
        update={"sections": tuple(part for part in case.text.sections if part.heading != heading)}
    )
    told = _told(text)
    body = set(content_stems(_body(text), case.language))
    terms = tuple(term for term in text.key_terms if set(content_stems(term.term, case.language)) <= body)
    checks = tuple(check for check in text.checks if _bare(check.evidence) in told)
    tested = sorted({check.objective for check in checks})
    aims = tuple(case.plan.learning_objectives[number - 1] for number in tested)
    checks = tuple(it.model_copy(update={"objective": tested.index(it.objective) + 1}) for it in checks)
    shorter = case.with_text(sections=text.sections, key_terms=terms or text.key_terms, checks=checks)
    return replace(shorter, plan=case.plan.model_copy(update={"learning_objectives": aims}))


def _is_as_good(shorter: Case, case: Case) -> bool:
    """Returns whether nothing that is left needs what was taken out, and enough of the lesson is left."""
    text, language = shorter.text, case.language
    ends = "\n\n".join((text.introduction, text.applications, text.summary))
    lost_numbers = values(ends, language) & values(_body(case.text), language) - values(_body(text), language)
    lost_names = set(_NAME.findall(ends)) & set(_NAME.findall(_body(case.text))) - set(_NAME.findall(_body(text)))
    return (
        not lost_numbers
        and not lost_names
        and _length(_told(text)) >= _FEWEST_WORDS
        and _cited_share(text) >= min(_LEAST_CITED, _cited_share(case.text))
        and _is_as_easy(shorter, case)
        and _serves_as_before(shorter, case)
        and _questions_hold(shorter, case)
    )


def _fewer_questions(random: Random, case: Case) -> Case:
    checks = case.text.checks
    fewer = case.with_text(checks=tuple(random.sample(checks, random.randint(min(3, len(checks)), len(checks)))))
    return fewer if _questions_hold(fewer, case) else case


def _fewer_terms(random: Random, case: Case) -> Case:
    terms = case.text.key_terms
    fewer = random.sample(terms, random.randint(max(1, len(terms) - 1), len(terms)))
    shorter = case.with_text(key_terms=tuple(fewer))
    told = _told(shorter.text)
    rests = all(_bare(check.evidence) in told for check in shorter.text.checks)  # a definition may be the evidence
    return shorter if rests and _serves_as_before(shorter, case) else case


def _serves_as_before(shorter: Case, case: Case) -> bool:
    """Returns whether the shorter lesson has all words of its objectives that the whole one has."""
    kept, had = _stems(shorter.text, case.language), _stems(case.text, case.language)
    aims = [set(content_stems(objective, case.language)) for objective in shorter.plan.learning_objectives]
    return all(aim & kept == aim & had for aim in aims)


def _is_as_easy(shorter: Case, case: Case) -> bool:
    grades = [reading_grade(plain("\n\n".join(it.text.fields().values())), it.brief.language) for it in (shorter, case)]
    wanted = grade_number(case.brief.grade_level)
    return wanted is None or grades[0] is None or grades[0] <= max(wanted, grades[1] or 0)


def _questions_hold(shorter: Case, case: Case) -> bool:
    """Returns whether at least three questions test every objective, rest on the lesson and have keys as before."""
    text, told = shorter.text, _told(shorter.text)
    tested = {check.objective for check in text.checks}
    return (
        len(text.checks) >= 3
        and tested == set(range(1, len(shorter.plan.learning_objectives) + 1))
        and all(_bare(check.evidence) in told for check in text.checks)
        and _keys(text) == _keys(case.text)
    )


def _keys(text: LessonText) -> set[str]:
    return {check.answer for check in text.checks if check.kind == "true_false"}


def _body(text: LessonText) -> str:
    return "\n\n".join(f"{part.heading}\n\n{part.content}" for part in text.sections)


def _told(text: LessonText) -> str:
    return _bare("\n\n".join(text.fields().values()))


def _bare(text: str) -> str:
    return " ".join(without_markers(text).split())


def _length(text: str) -> int:
    return len(words(text)) // (2 if NO_SPACES.search(text) else 1)


def _cited_share(text: LessonText) -> float:
    said = [sentence.text for part in text.sections for sentence in sentences(part.content)]
    return sum(_MARKER.search(sentence) is not None for sentence in said) / len(said)


def _stems(text: LessonText, language: str) -> set[str]:
    return set(content_stems(_named(text), language))


def _named(text: LessonText) -> str:
    """Returns the text with its headings and terms."""
    names = [*(part.heading for part in text.sections), *(term.term for term in text.key_terms)]
    return "\n\n".join([*text.fields().values(), *names])


def _choices_shuffled(random: Random, check: Check) -> Check:
    if check.kind != "multiple_choice" or check.choices is None:
        return check
    return check.model_copy(update={"choices": tuple(random.sample(check.choices, len(check.choices)))})


def _passages_shuffled(random: Random, case: Case) -> Case:
    order = random.sample(range(len(case.passages)), len(case.passages))
    citations = [
        citation.model_copy(update={"passage": order.index(citation.passage - 1) + 1})
        for citation in case.text.citations
    ]
    moved = case.with_text(citations=tuple(citations))
    return replace(moved, passages=tuple(case.passages[index] for index in order))


def _renumbered(random: Random, case: Case) -> Case:
    """Returns the lesson with other numbers for its citations, in any order and with gaps, without unused citations.

    Where a text has other numbers in brackets, these could be taken for the new ones: it keeps its numbers.
    """
    declared = {citation.number for citation in case.text.citations}
    told = (without_code(text) for text in case.text.fields().values())
    used = {int(number) for text in told for number in _MARKER.findall(text)}
    if not used <= declared:
        return case
    new = dict(zip(sorted(used), random.sample(range(1, 2 * len(used) + 1), len(used)), strict=True))
    citations = [
        citation.model_copy(update={"number": new[citation.number]})
        for citation in case.text.citations
        if citation.number in used
    ]
    shown = _with_prose(case, lambda prose: _MARKER.sub(lambda marker: f"[{new[int(marker[1])]}]", prose))
    return shown.with_text(citations=tuple(citations))


def _citations_moved(random: Random, case: Case) -> Case:
    """Returns the lesson with its citations where they were, all before the marks that end sentences, or all behind."""
    pattern = random.choice((None, _MARK_THEN_CITED, _CITED_THEN_MARK))
    if pattern is None:
        return case
    return _with_prose(case, lambda prose: pattern.sub(r"\2\1", prose))


def _plain_quotation_marks(random: Random, case: Case) -> Case:
    """Returns the lesson, one time in three, with typewriter's marks for quotations and apostrophes."""
    if random.random() < 2 / 3:
        return case
    return _with_prose(case, lambda prose: prose.translate(_STRAIGHT))


def _with_prose(case: Case, change: Callable[[str], str]) -> Case:
    """Returns the lesson with something changed in each part, but not in code."""
    fields = {}
    for where, text in case.text.fields().items():
        kept, position = [], 0
        for start, end in code_spans(text):
            kept += [change(text[position:start]), text[start:end]]
            position = end
        fields[where] = "".join([*kept, change(text[position:])])
    return replace(case, text=case.text.with_fields(fields))
