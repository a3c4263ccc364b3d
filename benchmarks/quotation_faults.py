"""Faults of quotations, and of markers and sentences that don't go with theirs."""

from random import Random

import regex

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.planting import Place, chosen, cited, digits, other_number, replaced, vocabulary
from src.domain.citation import CitationDraft
from src.domain.normal_form import normal_text
from src.domain.numerals import written
from src.domain.quality.citations import markers
from src.domain.quality.judged_text import is_calculation, is_made_up
from src.domain.sentences import sentences
from src.domain.words import content_stems, negations, stem, words

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]{3,}")
IN_SIGNS = regex.compile(r"[$\\|{}^₀-₉⁰¹²³⁴-⁹⁺⁻]|[\p{Latin}+/:][-–]?\p{Nd}|\p{Nd}\s?[:/-]\s?\p{Nd}")
"""Matches formulas, tables, and digits that belong to words or to one another."""
_FEWEST_TO_COMPARE = 4


def _with_quote(case: Case, citation: CitationDraft, **changes: object) -> Case:
    changed = citation.model_copy(update=changes)
    return case.with_text(citations=tuple(changed if it is citation else it for it in case.text.citations))


def _citation(random: Random, case: Case) -> CitationDraft | None:
    return chosen(random, case.text.citations)


def false_quote(random: Random, case: Case) -> Case | None:
    """Replaces one to three words of a quotation."""
    citation = _citation(random, case)
    if citation is None:
        return None
    quote = citation.quote
    found = list(_WORD.finditer(quote))
    passage = {stem(word) for word in words(case.passages[citation.passage - 1].text)}
    others = [word for word in vocabulary(case.language) if stem(word.casefold()) not in passage]
    others = others or list(vocabulary("en"))  # all words of a language may be this passage's
    if not found:
        return None
    for word in sorted(random.sample(found, min(len(found), random.randint(1, 3))), key=lambda it: -it.start()):
        quote = replaced(quote, word, random.choice(others))
    return _with_quote(case, citation, quote=quote)


def denied_quote(random: Random, case: Case) -> Case | None:
    """Puts a "not" into a quotation that the passage hasn't got."""
    citation = _citation(random, case)
    denial = citation and _denied(random, citation.quote, case.language)
    return _with_quote(case, citation, quote=denial) if citation and denial else None


# Verbs, and what denies them.
_DENIED = {
    "de": (r"\b(?:ist|sind|war|waren|kann|hat|haben|wird|werden|wurde)\b", "{} nicht"),
    "en": (r"\b(?:is|are|was|were|can|does|has|have|had|should|may)\b", "{} not"),
    "es": (r"\b(?:es|son|era|fue|tiene|puede|está)\b", "no {}"),
    "fr": (r"\b(?:est|sont|était|peut|a|ont)\b", "n'{} pas"),
    "pt": (r"\b(?:é|são|era|foi|tem|pode)\b", "não {}"),
    "ru": (r"\b(?:был|была|было|были|может|могут|является)\b", "не {}"),
    "hi": (r"(?<!\p{L})(?:है|हैं|था|थी|थे)(?![\p{L}\p{M}])", "नहीं {}"),
}


def _denied(random: Random, text: str, language: str) -> str | None:
    if language not in _DENIED:
        return None
    verbs, denial = _DENIED[language]
    found = chosen(random, regex.finditer(verbs, text))
    return replaced(text, found, denial.format(found.group())) if found else None


def sentence_that_denies_its_quotation(random: Random, case: Case) -> Case | None:
    """Puts the quotation itself, denied, in place of a sentence that cites it."""
    citations = {citation.number: citation for citation in case.text.citations}
    places_of_one = [place for place in cited(case) if len(markers(place.sentence.text)) == 1]
    place = chosen(random, places_of_one)
    if place is None or IN_SIGNS.search(place.sentence.text):
        return None
    (number,) = markers(place.sentence.text)
    said = regex.split(r"[.;:!?।]\s", citations[number].quote)[0].strip()
    denial = _denied(random, said, case.language)
    if regex.search(r"[,(—]", said):
        return None  # of several clauses, the one that is denied may be too short to compare
    if denial is None or negations(said, case.language) or len(content_stems(said, case.language)) < _FEWEST_TO_COMPARE:
        return None
    return place.replaced(case, f"{denial[:1].upper()}{denial[1:].rstrip('.')} [{number}].")


def measure_in_another_unit(random: Random, case: Case) -> Case | None:
    """Gives a measure in a cited sentence another unit of its kind: km instead of m."""
    units = {"m": "km", "km": "m", "kg": "g", "g": "kg", "cm": "m", "mm": "cm", "nm": "mm", "°C": "K"}
    found = [
        (place, unit)
        for place in cited(case)
        if not (is_calculation(place.sentence.text) or is_made_up(place.sentence.text, case.brief.language))
        for unit in regex.finditer(
            rf"(?<=\p{{Nd}}[ \u00a0\u202f]?)(?:{'|'.join(units)})(?![\p{{L}}²³/·^])", place.sentence.text
        )
        if not IN_SIGNS.search(place.sentence.text) and _is_measured(case, place, unit)
    ]
    if not found:
        return None
    place, unit = random.choice(found)
    return place.replaced(case, replaced(place.sentence.text, unit, units[unit.group()]))


def _is_measured(case: Case, place: Place, unit: regex.Match[str]) -> bool:
    """Returns whether the quotations of a sentence have the very number that stands before a unit, with a unit."""
    language = case.brief.language
    before = written(place.sentence.text[: unit.end()], language)
    drafts = {it.number: it.quote for it in case.text.citations}
    quoted = [it for number in markers(place.sentence.text) for it in written(drafts[number], language)]
    return bool(before) and any(it.unit == before[-1].unit and it.readings & before[-1].readings for it in quoted)


def quote_from_nowhere(random: Random, case: Case) -> Case | None:
    """Replaces a quotation by a sentence of quite another book."""
    citation = _citation(random, case)
    others = [other for other in by_hand() if other.language == case.language and other.passages != case.passages]
    others = [other for other in others if other.name != case.name] or [
        other for other in by_hand() if other.language != case.language
    ]
    passage = random.choice(random.choice(others).passages)
    quote = random.choice(sentences(passage.text)).text
    return None if citation is None else _with_quote(case, citation, quote=quote)


def quote_of_another_passage(random: Random, case: Case) -> Case | None:
    """Gives a citation the number of another passage."""
    citation = _citation(random, case)
    if citation is None:
        return None
    others = [
        number
        for number, passage in enumerate(case.passages, start=1)
        if number != citation.passage and normal_text(citation.quote) not in normal_text(passage.text)
    ]
    if not others:
        return None
    return _with_quote(case, citation, passage=random.choice(others))


def quote_with_another_number(random: Random, case: Case) -> Case | None:
    """Changes a number in a quotation."""
    citation = chosen(random, (citation for citation in case.text.citations if digits(citation.quote)))
    if citation is None:
        return None
    found = random.choice(digits(citation.quote))
    return _with_quote(case, citation, quote=replaced(citation.quote, found, other_number(random, found.group())))


def no_such_passage(random: Random, case: Case) -> Case | None:
    """Gives a citation a number that no passage has."""
    citation = _citation(random, case)
    return (
        None
        if citation is None
        else _with_quote(case, citation, passage=random.choice((0, -1, len(case.passages) + 1, 99)))
    )


def marker_without_citation(random: Random, case: Case) -> Case | None:
    """Cites with a number that stands for no citation."""
    place = chosen(random, cited(case))
    if place is None:
        return None
    number = max(citation.number for citation in case.text.citations) + random.randint(1, 20)
    marker = random.choice(
        (f" [{number}]", f"[{number}]", f"[^{number}]", f"【{number}】", f" [{number}, {number + 1}]")
    )
    told = place.sentence.text
    end = len(told.removesuffix("|").rstrip())  # behind the last cell of a row nothing is shown
    return place.replaced(case, told[:end] + marker + told[end:])
