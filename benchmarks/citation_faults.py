"""Faults of citations, and of the sentences that carry them."""

from itertools import count
from random import Random

import regex

from benchmarks import planting
from benchmarks.clean_lessons import Case
from benchmarks.planting import Fault, Place, chosen, cited, digits, fault, other_number, replaced
from benchmarks.quotation_faults import (
    IN_SIGNS,
    denied_quote,
    false_quote,
    marker_without_citation,
    measure_in_another_unit,
    no_such_passage,
    quote_from_nowhere,
    quote_of_another_passage,
    quote_with_another_number,
    sentence_that_denies_its_quotation,
)
from src.domain.normal_form import normal_text
from src.domain.numerals import values, written
from src.domain.quality.citations import markers, without_markers
from src.domain.quality.claimed_names import calendar, text_of
from src.domain.quality.draft import states_something
from src.domain.quality.judged_text import is_calculation, is_example, is_made_up
from src.domain.words import words

_COUNTS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNT = regex.compile(rf"\b(?:{'|'.join(_COUNTS)})\b", regex.IGNORECASE)
# Names, but no ions and other signs of chemistry.
_NAME = regex.compile(r"\b\p{Lu}\p{Ll}++(?: \p{Lu}\p{Ll}++)*+(?![⁺⁻\p{N}])")
_FIRST = ("Bogdan", "Chidi", "Jorge", "Kwame", "Oksana", "Rashid", "Tove", "Wanda", "Ximena", "Yusuf", "Zofia")
_LAST = (
    "Bjornstad", "Dvorak", "Ferreira", "Haddad", "Kowalczyk", "Lindqvist", "Nakamura", "Okonkwo", "Papadakis",
    "Quintero", "Tsvetkov", "Ximenes", "Yildirim", "Zhukovsky",
)  # fmt: skip
_IN_WORD = regex.compile(r"[\p{Latin}₀-₉]*\p{Nd}")
_INSIDE = regex.compile(r"[\p{Ll}\p{M}\d,;)]\s$")
# Titles and terms, which may be of another language, and what is quoted.
_SET_APART = regex.compile(r"(?<![*_\w])([*_]{1,3})(?=\S)[^*_]+\1|“[^”]*(?:”|$)|\"[^\"]*(?:\"|$)|‘[^’]*(?:’|$)")
_FEWEST_CITATIONS = 10
_GATES = "citation_removed uncited"


def number_in_cited_sentence(random: Random, case: Case) -> Case | None:
    """Changes a number in a cited sentence, which its passage has in digits, to one that it hasn't got."""
    return _counted_otherwise(random, case, is_from_the_passage=False)


def number_that_is_spelled(random: Random, case: Case) -> Case | None:
    """Changes a number in a cited sentence that its passage gives in words."""
    return _counted_otherwise(random, case, is_from_the_passage=False, is_in_words=True)


def number_of_the_same_passage(random: Random, case: Case) -> Case | None:
    """Changes a number in a cited sentence to another one of its passage."""
    return _counted_otherwise(random, case, is_from_the_passage=True)


def _counted_otherwise(random: Random, case: Case, is_from_the_passage: bool, is_in_words: bool = False) -> Case | None:
    told = [(place, found) for place in cited(case) for found in _told_digits(place, case, is_in_words)]
    if not told:
        return None
    place, found = random.choice(told)
    given, language = _given(case, place), case.brief.language
    if is_from_the_passage:
        other = chosen(random, [it.group() for it in digits(given) if values(it.group()) != values(found.group())])
    else:
        # Twice or ten times as much may be reckoned from what the passage says, and a round number may be rounded.
        other = other_number(random, found.group(), is_near=not is_in_words)
        if not is_in_words and other[-1].isdecimal() and int(other[-1]) == 0:
            return None
        own = "\n".join(case.text.fields().values())  # whose numbers may be said anywhere in it
        other = None if values(other, language) & {"0", "1", *values(f"{given}\n{own}", language)} else other
    return None if other is None else place.replaced(case, replaced(place.sentence.text, found, other))


def _told_digits(place: Place, case: Case, is_in_words: bool) -> list[regex.Match[str]]:
    """Returns the numbers that a sentence has from its passages: none of a formula, a sum, a table or an example."""
    sentence, language = place.sentence.text, case.brief.language
    if IN_SIGNS.search(sentence) or is_calculation(sentence) or is_made_up(sentence, language):
        return []
    passages = _given(case, place)
    in_digits = {reading for it in written(passages, language) for reading in it.readings}
    given = values(passages, language) - in_digits if is_in_words else in_digits
    return [
        it
        for it in digits(sentence)
        if it.group() not in ("0", "1")  # which may be said of anything
        and values(it.group(), language) & given
        and not _IN_WORD.match(sentence, it.end())
    ]


def _given(case: Case, place: Place) -> str:
    """Returns the texts of the passages that a sentence cites."""
    passages = {it.number: text_of(case.passages[it.passage - 1]) for it in case.text.citations}
    return " ".join(passages[number] for number in markers(place.sentence.text))


def counted_in_cited_sentence(random: Random, case: Case) -> Case | None:
    """Changes a number word in a cited sentence."""
    if case.language != "en":
        return None
    place = chosen(random, (place for place in cited(case) if _COUNT.search(place.sentence.text)))
    found = place and _COUNT.search(place.sentence.text)
    if place is None or not found:
        return None
    other = random.choice([count for count in _COUNTS if count != found.group().casefold()])
    other = other.capitalize() if found.group()[0].isupper() else other
    return place.replaced(case, replaced(place.sentence.text, found, other))


def name_in_cited_sentence(random: Random, case: Case) -> Case | None:
    """Changes a name inside a cited sentence to a person's that stands nowhere in the lesson and its passages."""
    return _named_otherwise(random, case, is_from_the_passage=False)


def name_that_begins_a_cited_sentence(random: Random, case: Case) -> Case | None:
    """Changes a name that begins a cited sentence, where any word has a capital, to one that its passage hasn't got."""
    return _named_otherwise(random, case, is_from_the_passage=False, is_first=True)


def name_of_the_same_passage(random: Random, case: Case) -> Case | None:
    """Changes a name in a cited sentence to another one of its passage."""
    return _named_otherwise(random, case, is_from_the_passage=True)


def _named_otherwise(random: Random, case: Case, is_from_the_passage: bool, is_first: bool = False) -> Case | None:
    if case.language != "en" or not (known := _names(case)):
        return None
    found = [
        (place, name)
        for place in cited(case)
        if "|" not in place.sentence.text  # a cell may stand beside the one that is cited
        for name in _NAME.finditer(_SET_APART.sub(lambda it: " " * len(it.group()), place.sentence.text))
        if name.group() in known
        and name.group().casefold() not in calendar("en")
        and (name.start() == 0 and " " not in name.group()) == is_first
        and (is_first or _INSIDE.search(place.sentence.text[: name.start()]))
    ]
    if not found:
        return None
    place, name = random.choice(found)
    own = name.group().split()
    if is_from_the_passage:
        given = _given(case, place)
        others = [
            other
            for other in sorted(known)
            if len(other.split()) == len(own)
            and not set(other.split()) & set(own)
            and all(part in given for part in other.split())
        ]
    else:
        others = _strangers(case, is_whole=len(own) > 1)
    other = chosen(random, others)
    return None if other is None else place.replaced(case, replaced(place.sentence.text, name, other))


def _strangers(case: Case, is_whole: bool) -> list[str]:
    """Returns names of persons, whole ones or family names, that no word of the lesson and its passages begins like."""
    whole = " ".join([*map(text_of, case.passages), *case.text.fields().values(), case.brief.topic])
    begun = {word[:3] for word in words(whole)}
    first, last = ([name for name in names if normal_text(name)[:3] not in begun] for names in (_FIRST, _LAST))
    return [f"{one} {two}" for one in first for two in last] if is_whole else last


def _names(case: Case) -> set[str]:
    """Returns the names in the passages: words with a capital inside sentences."""
    given = " ".join(passage.text for passage in case.passages)
    lower = set(regex.findall(r"\b\p{Ll}+\b", given))
    inside = regex.findall(r"(?<=\p{Ll},? )\p{Lu}\p{Ll}+(?: \p{Lu}\p{Ll}+)*", given)
    return {name for name in inside if not {part.casefold() for part in name.split()} & lower}


def markers_swapped(random: Random, case: Case) -> Case | None:
    """Gives a sentence the citation of another one, which is good by itself."""
    found = [place for place in cited(case) if len(markers(place.sentence.text)) == 1]
    if len(found) < 2:
        return None
    place = random.choice(found)
    others = [other for other in found if markers(other.sentence.text) != markers(place.sentence.text)]
    other = chosen(random, others)
    return (
        None
        if other is None
        else place.replaced(case, regex.sub(r"\[\d+\]", f"[{markers(other.sentence.text)[0]}]", place.sentence.text))
    )


def uncited(random: Random, case: Case) -> Case | None:
    """Takes out every citation."""
    fields = {where: without_markers(text) for where, text in case.text.fields().items()}
    return case.with_text(**vars(case.text.with_fields(fields))) if case.text.citations else None


def hardly_cited(random: Random, case: Case) -> Case | None:
    """Leaves one citation in five."""
    plain = [
        it
        for it in cited(case, "sections.")
        if states_something(it.sentence.text, case.language) and not _WORKS_WITH_NUMBERS.search(_paragraph(case, it))
    ]
    if len(plain) < _FEWEST_CITATIONS:
        return None
    seen = count(random.randint(1, 4))
    fields = {
        where: regex.sub(r"\s?\[\d+\]", lambda it: it.group() if next(seen) % 5 == 0 else "", text)
        for where, text in case.text.fields().items()
    }
    return case.with_text(**vars(case.text.with_fields(fields)))


def unknown_number(random: Random, case: Case) -> Case | None:
    """Adds a sentence without a citation, with a figure from nowhere."""
    place = chosen(random, planting.places(case, "sections."))
    if place is None or case.language not in _STUDIED or _WORKS_WITH_NUMBERS.search(_paragraph(case, place)):
        return None
    if is_example(_paragraph(case, place), case.language):
        return None
    figure = str(random.randint(13, 99_999))
    return place.replaced(case, f"{place.sentence.text} {_STUDIED[case.language].format(figure)}")


# Sentences with a figure from nowhere.
_STUDIED = {
    "am": "ባለፉት ጥቂት ዓመታት ከ{} በላይ ሰዎች ይህን ጉዳይ በጥልቀት አጥንተዋል።",
    "ar": "وقد درس هذا الأمر أكثر من {} شخص في السنوات الأخيرة.",
    "de": "Über {} Menschen haben sich damit in den letzten Jahren befasst.",
    "el": "Περισσότεροι από {} άνθρωποι μελέτησαν αυτό το θέμα τα τελευταία χρόνια.",
    "en": "More than {} people have studied this in the last few years.",
    "es": "Más de {} personas han estudiado este asunto en los últimos años.",
    "fr": "Plus de {} personnes ont étudié cette question ces dernières années.",
    "he": "יותר מ-{} אנשים חקרו את הנושא הזה בשנים האחרונות.",
    "hi": "पिछले कुछ वर्षों में {} से अधिक लोगों ने इसका अध्ययन किया है।",
    "hy": "Վերջին տարիներին ավելի քան {} մարդ ուսումնասիրել է այս հարցը։",
    "ja": "ここ数年で{}人以上の研究者がこの問題をくわしく調べている。",
    "km": "ក្នុងរយៈពេលប៉ុន្មានឆ្នាំចុងក្រោយនេះ មនុស្សជាង {} នាក់បានសិក្សារឿងនេះ។",
    "ko": "지난 몇 년 동안 {} 명이 넘는 사람들이 이 문제를 연구했다.",
    "pt": "Mais de {} pessoas estudaram este assunto nos últimos anos.",
    "ru": "За последние годы этот вопрос изучили более {} человек.",
    "th": "ในช่วงไม่กี่ปีที่ผ่านมามีคนมากกว่า {} คนศึกษาเรื่องนี้อย่างละเอียด",
    "tr": "Son yıllarda {} kişiden fazla insan bu konuyu ayrıntılı olarak inceledi.",
    "zh": "最近几年有超过{}人详细研究过这个问题。",
}
# Beside a formula, a sum, code, a table or a list, a number may be the lesson's own.
_WORKS_WITH_NUMBERS = regex.compile(
    r"[$\\|`=×÷≈]|\p{Nd}\s*[+·*/:−-]\s*\p{Nd}|^\s*(?:[-*+•>]|\d+[.)])\s", regex.MULTILINE
)


def _paragraph(case: Case, place: Place) -> str:
    text = case.text.fields()[place.where]
    begin = text.rfind("\n\n", 0, place.sentence.start)
    end = text.find("\n\n", place.sentence.end)
    # What it leads to, a formula or a table, begins with one of the signs above.
    return text[max(begin, 0) : end + 5 if end >= 0 else len(text)]


CITATION_FAULTS: tuple[Fault, ...] = (
    fault("quote with other words", _GATES, false_quote),
    fault("quote with a denial", _GATES, denied_quote),
    fault("sentence that denies its quotation", _GATES, sentence_that_denies_its_quotation),
    fault("measure in another unit", _GATES, measure_in_another_unit),
    fault("quote from nowhere", _GATES, quote_from_nowhere),
    fault("quote of another passage", _GATES, quote_of_another_passage),
    fault("quote with another number", _GATES, quote_with_another_number),
    fault("passage that isn't there", _GATES, no_such_passage),
    fault("marker without a citation", _GATES, marker_without_citation),
    fault("number changed in a cited sentence", f"{_GATES} unknown_number", number_in_cited_sentence),
    fault("number changed that its passage spells", _GATES, number_that_is_spelled, is_gated=False),
    fault("number of the same passage", _GATES, number_of_the_same_passage, is_gated=False),
    fault("name swapped in a cited sentence", _GATES, name_in_cited_sentence),
    fault("name that begins a cited sentence", _GATES, name_that_begins_a_cited_sentence, is_gated=False),
    fault("name of the same passage", _GATES, name_of_the_same_passage, is_gated=False),
    fault("number word changed in a cited sentence", _GATES, counted_in_cited_sentence, is_gated=False),
    fault("citation of another sentence", _GATES, markers_swapped, is_gated=False),
    fault("no citation at all", "uncited", uncited),
    fault("hardly any citation", "uncited", hardly_cited),
    fault("number from nowhere", "unknown_number", unknown_number),
)
