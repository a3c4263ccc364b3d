"""Faults of the text of a lesson."""

import json
from dataclasses import replace
from random import Random

import regex

from benchmarks.clean_lessons import Case, by_hand, text_grams
from benchmarks.planting import Fault, Place, chosen, fault, foreign, other_languages, places, section_paths, vocabulary
from src.domain.quality.draft import plain
from src.domain.quality.readability import grade_number, reading_grade
from src.domain.sentences import ends_a_sentence, sentences
from src.domain.words import NO_SPACES

_TOO_HARD_BY = 4
_LONG_WORDS = {
    "use": "utilization", "help": "facilitation", "show": "demonstration", "start": "initialization",
    "part": "constituent", "change": "transformation", "people": "individuals", "many": "innumerable",
    "small": "infinitesimal", "big": "considerable", "make": "manufacture", "see": "visualize", "way": "methodology",
    "find": "identification", "need": "necessitate", "keep": "preservation", "new": "unprecedented",
    "often": "characteristically", "also": "additionally", "called": "denominated", "because": "inasmuch as",
    "so": "consequently", "but": "nevertheless", "and": "in conjunction with", "has": "incorporates",
    "more": "proportionately increasing", "always": "invariably", "first": "preliminary",
}  # fmt: skip
_LONG_WORD = regex.compile(rf"\b(?:{'|'.join(_LONG_WORDS)})\b", regex.IGNORECASE)


def too_hard(random: Random, case: Case) -> Case | None:
    """Joins sentences and makes common words long, until the text reads four grades above the wanted one."""
    wanted = grade_number(case.brief.grade_level)
    if case.language != "en" or wanted is None:
        return None
    hard = case
    for joined in (2, 3, 4, 6, 9):
        fields = case.text.fields()
        for where in ["introduction", *section_paths(case), "applications", "summary"]:
            fields[where] = _joined(
                _LONG_WORD.sub(lambda it: _LONG_WORDS[it.group().casefold()], fields[where]), joined
            )
        hard = replace(case, text=case.text.with_fields(fields))
        prose = "\n\n".join(plain(text) for where, text in fields.items() if not where.startswith("key_terms."))
        grade = reading_grade(prose, "en")
        if grade is not None and grade >= wanted + _TOO_HARD_BY:
            return hard
    return None


def _joined(text: str, number: int) -> str:
    paragraphs = []
    for paragraph in text.split("\n\n"):
        parts = [sentence.text for sentence in sentences(paragraph)]
        runs = [parts[start : start + number] for start in range(0, len(parts), number)]
        paragraphs.append(" ".join(_run(run) for run in runs))
    return "\n\n".join(paragraphs)


def _run(parts: list[str]) -> str:
    # Citations move to the end of the joined sentence, where they still stand for all of it.
    cited = "".join(regex.findall(r"\s?\[\d+\]", " ".join(parts)))
    bare = [regex.sub(r"\s?\[\d+\]", "", part).strip().rstrip(".!?") for part in parts]
    return ", notwithstanding the aforementioned considerations, ".join(bare) + "." + cited


# What may be another's in a passage: what stands in quotation marks, and verse.
_QUOTED = regex.compile(r"[\"“”„«»「」『』>|/]")


def copied(random: Random, case: Case) -> Case | None:
    """Adds forty or more words in a row from a passage, of which none are quoted there, to a section."""
    passage = random.choice(case.passages).text
    if _QUOTED.search(passage):
        return None
    found = [it.text for it in sentences(passage)]
    start = random.randrange(len(found))
    taken = " ".join(found[start:])
    if len(taken.split()) < 40:
        taken = " ".join(found)
    if len(taken.split()) < 40:
        return None
    where = chosen(random, section_paths(case))
    return None if where is None else case.with_part(where, f"{case.text.fields()[where]}\n\n{taken}")


_INFLECTED = frozenset({"el", "es", "fr", "hy", "pt", "ru", "tr"})
_ALL_OF_IT = {
    "am": "ይህ ሁሉ", "ar": "كل ذلك", "de": "das Ganze", "el": "όλα αυτά", "en": "all of it", "es": "todo eso",
    "fr": "tout cela", "he": "כל זה", "hi": "यह सब", "hy": "այդ ամենը", "ja": "これ", "km": "របស់នេះ", "ko": "그것",
    "pt": "tudo isso", "ru": "всё это", "th": "สิ่งนี้", "tr": "bunların hepsi", "zh": "这一切",
}  # fmt: skip


def missing_concept(random: Random, case: Case) -> Case | None:
    """Takes the name of a key concept out of the lesson."""
    concept = chosen(random, case.plan.key_concepts)
    if concept is None:
        return None
    named = _mention(concept, case)
    instead = _ALL_OF_IT.get(case.language, "…")
    told = {where: named.sub(instead, text) for where, text in case.text.fields().items()}
    text = case.text.with_fields(told)
    sections = tuple(part.model_copy(update={"heading": named.sub(instead, part.heading)}) for part in text.sections)
    terms = tuple(term.model_copy(update={"term": named.sub(instead, term.term)}) for term in text.key_terms)
    changed = text.model_copy(update={"sections": sections, "key_terms": terms})
    left = [*told.values(), *(part.heading for part in sections), *(term.term for term in terms)]
    return None if _is_still_named(concept, "\n".join(left).casefold()) else replace(case, text=changed)


def _is_still_named(concept: str, told: str) -> bool:
    """Returns whether a text has words that begin like each word of a concept, which may be other forms of it.

    In scripts without spaces, it must have half of the concept's characters in a row.
    """
    if NO_SPACES.search(concept):
        least = -(-len(concept) // 2)
        return any(concept[at : at + least].casefold() in told for at in range(len(concept) - least + 1))
    return all(word[:4] in told for word in regex.findall(r"[\p{L}\p{M}\p{N}]+", concept.casefold()) if len(word) > 2)


def _mention(concept: str, case: Case) -> regex.Pattern[str]:
    """Returns a pattern for any form of a concept and of the rarest of its words; the others also occur by chance."""
    if NO_SPACES.search(concept):
        # Forms of such a word differ in what stands around it.
        middle = concept[len(concept) // 4 : -(len(concept) // 4) or None] if len(concept) > 4 else concept
        return regex.compile(f"{regex.escape(concept)}|{regex.escape(middle)}")
    forms = [_form(word, case.language) for word in regex.findall(r"[\p{L}\p{M}\p{N}'’]+", concept)] or [
        regex.escape(concept)
    ]
    told = "\n".join(case.text.fields().values())
    rarest = min(forms, key=lambda form: len(regex.findall(form, told, regex.IGNORECASE)))
    phrase = r"\P{L}+".join(forms)
    return regex.compile(f"{phrase}|{rarest}", regex.IGNORECASE)


def _form(word: str, language: str) -> str:
    bare = word[2:] if language == "ar" and word.startswith("ال") else word
    bare = bare.removesuffix("s") if language == "en" else bare
    bare = regex.sub(r"n$|en$", "", bare) if language == "de" else bare
    bare = bare[: max(4, len(bare) - 2)] if language in _INFLECTED else bare
    letters = regex.escape(bare)
    if language == "de":  # Blatt, Blätter
        letters = letters.replace("a", "[aä]").replace("o", "[oö]").replace("u", "[uü]")
    prefix = {"ar": "(?:و|ف|ب|ك|ل)?(?:ال|ل)?", "he": "[והבלכשמ]{0,2}", "am": "[የበለከእስ]?"}.get(language, "")
    return rf"(?<![\p{{L}}\p{{M}}]){prefix}{letters}[\p{{L}}\p{{M}}]*"


_LABEL = regex.compile("[:：៖]")


def cut_off(random: Random, case: Case) -> Case | None:
    """Cuts a part off in the middle of a sentence of its running prose, in a language whose sentences have ends."""
    paths = ["introduction", "applications", "summary", *section_paths(case)]
    found = [place for place in places(case) if place.where in paths and len(place.sentence.text) > 30]
    place = chosen(
        random, [place for place in found if ends_a_sentence(place.sentence.text) and _in_prose(case, place)]
    )
    if place is None or case.language in ("th", "lo"):
        return None  # whose sentences have no marks
    return _cut(random, case, place, longest_value=12)


def _in_prose(case: Case, place: Place) -> bool:
    """Returns whether a sentence stands in no list, table, quotation or formula."""
    line = case.text.fields()[place.where][: place.sentence.end].rpartition("\n")[2]
    return not regex.match(r"\s*(?:[-*+>|]\s|\||\d+[.)]\s|\$\$|\\)", line)


def cut_off_list(random: Random, case: Case) -> Case | None:
    """Cuts a list off in the middle of an item, behind others that end with a mark as this one did."""
    found = []
    for it in places(case):
        text = case.text.fields()[it.where]
        items = list(regex.finditer(r"(?m)^(?:[-*]|\d\.) .+$", text))
        before = [item for item in items if item.end() < it.sentence.start]
        if before and any(item.start() <= it.sentence.start < item.end() for item in items):
            ended = (regex.sub(r"\s*\[[\d, ]+\]$", "", item.group()) for item in before)
            found += [it] if all(map(ends_a_sentence, [*ended, it.sentence.text])) else []
    place = chosen(random, found)
    return None if place is None else _cut(random, case, place)


def cut_off_definition(random: Random, case: Case) -> Case | None:
    """Cuts a definition off in the middle of a sentence, where each of them ends with a mark."""
    definitions = [text for where, text in case.text.fields().items() if where.startswith("key_terms.")]
    cut = chosen(random, places(case, "key_terms."))
    return _cut(random, case, cut) if cut and all(map(ends_a_sentence, definitions)) else None


def _cut(random: Random, case: Case, place: Place, longest_value: int = 4) -> Case | None:
    """Cuts a part off behind a word of a sentence, but none that may be all of the value behind a label."""
    told = place.sentence.text
    bare = len(regex.sub(r"(?:\s?\[\d+\])*[.!?।]?(?:\s?\[\d+\])*$", "", told))
    spaces = [it.start() for it in regex.finditer(r"(?<=[\p{L}\p{M},]) ", told) if 8 < it.start() < bare]
    spaces = [
        it for it in spaces if not _LABEL.search(told[:it]) or len(_LABEL.split(told[:it])[-1].split()) > longest_value
    ]
    known = "\n".join([*case.text.fields().values(), *(passage.text for passage in case.passages)])
    # A sentence that ends elsewhere with the same words may end with them here too.
    end = chosen(random, [it for it in spaces if not _ends_so(told[:it], known)])
    if end is None:
        return None
    kept = case.text.fields()[place.where][: place.sentence.start + end]
    return case.with_part(place.where, kept)


def _ends_so(told: str, known: str) -> bool:
    last = regex.escape(told[-4:]) if NO_SPACES.search(told[-4:]) else r"\s+".join(map(regex.escape, told.split()[-3:]))
    return (
        regex.search(rf"{last}(?:\s?\[\d+\])*[\p{{Sentence_Break=STerm}}\p{{Sentence_Break=ATerm}}]", known) is not None
    )


def unclosed_fence(random: Random, case: Case) -> Case | None:
    """Leaves a code block open."""
    where = random.choice(list(case.text.fields()))
    text = case.text.fields()[where]
    if "```" in text:
        return case.with_part(where, text.replace("\n```\n\n", "\n\n", 1))
    return case.with_part(where, f"{text}\n\n{random.choice(('```', '```python', '~~~', '```text'))}\nx = 1.")


def heading_in_text(random: Random, case: Case) -> Case | None:
    """Puts a heading inside a part."""
    where = chosen(random, section_paths(case))
    title = random.choice(case.text.key_terms).term
    heading = random.choice((f"# {title}", f"## {title}", f"### {title}", f"{title}\n-----", f"{title}\n====="))
    if where is None:
        return None
    text = case.text.fields()[where]
    return case.with_part(
        where, random.choice((f"{heading}\n\n{text}", f"{text}\n\n{heading}\n\n{text.split('.')[0]}."))
    )


def twin_headings(random: Random, case: Case) -> Case | None:
    """Gives two sections the same heading."""
    if len(case.text.sections) < 2:
        return None
    sections = list(case.text.sections)
    first, second = random.sample(range(len(sections)), 2)
    sections[first] = sections[first].model_copy(update={"heading": sections[second].heading})
    return case.with_text(sections=tuple(sections))


def repeated_paragraph(random: Random, case: Case) -> Case | None:
    """Repeats a paragraph of prose, in the same section or another one. A table or list may well stand twice."""
    paragraphs = [
        paragraph
        for where in section_paths(case)
        for paragraph in case.text.fields()[where].split("\n\n")
        if len(paragraph.split()) >= 15 and not paragraph.startswith((">", "|", "-", "*", "1", "`", "$"))
    ]
    paragraph, where = chosen(random, paragraphs), chosen(random, section_paths(case))
    if paragraph is None or where is None:
        return None
    return case.with_part(where, f"{case.text.fields()[where]}\n\n{paragraph}")


def repeated_lesson(random: Random, case: Case) -> Case | None:
    """Adds a lesson to the course that says most of this one, in another order and with some words changed."""
    fields = case.text.fields()
    sections = section_paths(case)
    random.shuffle(sections)
    changed = {where: _reworded(random, case, fields[where]) for where in fields}
    text = case.text.with_fields({**fields, **changed})
    order = random.sample(text.sections, len(text.sections))
    text = text.model_copy(update={"sections": tuple(order), "introduction": "—", "applications": "—"})
    return replace(case, others={**case.others, 99: text_grams(text)})


def _reworded(random: Random, case: Case, text: str) -> str:
    strange = vocabulary(case.language)
    return regex.sub(
        r"(?<=\s)\p{Ll}[\p{L}\p{M}]{3,}(?=\s)",
        lambda it: random.choice(strange) if random.random() < 0.1 else it.group(),
        text,
    )


def whole_in_another_language(random: Random, case: Case) -> Case | None:
    """Puts the whole lesson into another language."""
    language = random.choice(other_languages(case))
    written = [other for other in by_hand() if other.language == language]
    if written:
        return replace(case, text=random.choice(written).text)
    section = foreign()[language]["section"]
    return replace(case, text=case.text.with_fields(dict.fromkeys(case.text.fields(), section)))


def section_in_another_language(random: Random, case: Case) -> Case | None:
    """Puts one section into another language."""
    language, where = random.choice(other_languages(case)), chosen(random, section_paths(case))
    written = [
        text
        for other in by_hand()
        if other.language == language
        for path, text in other.text.fields().items()
        if path.startswith("sections.") and "```" not in text
    ]
    return None if where is None else case.with_part(where, random.choice([*written, foreign()[language]["section"]]))


def next_to_nothing(random: Random, case: Case) -> Case | None:
    """Shortens a section to a few words, or the lesson to a few sentences."""
    if random.random() < 0.5 and (where := chosen(random, section_paths(case))):
        return case.with_part(where, sentences(case.text.fields()[where])[0].text[:60].rpartition(" ")[0] + ".")
    fields = {where: sentences(text)[0].text for where, text in case.text.fields().items()}
    short = case.text.with_fields(fields)
    return replace(case, text=short.model_copy(update={"sections": short.sections[:1]}))


_FORMULAS = (
    r"2 \times 3 = 6",
    r"a \neq b",
    r"\rho = \frac{m}{V}",
    r"\theta > 0",
    r"F = m \cdot \text{a}",
    r"\nabla f = 0",
)


def mangled_formula(random: Random, case: Case) -> Case | None:
    """Adds a formula as JSON reads it if its backslashes weren't escaped, or escaped twice, or were dropped."""
    where = chosen(random, section_paths(case))
    if where is None:
        return None
    formula = random.choice(_FORMULAS)
    once = {letter: json.loads(f'"\\{letter}"') for letter in "bfnrt"}
    lost = regex.sub(r"\\([bfnrt])", lambda it: once[it[1]], formula)
    mangled = random.choice((lost, formula.replace("\\", "\\\\")))
    return case.with_part(where, f"${mangled}$ {case.text.fields()[where]}")


TEXT_FAULTS: tuple[Fault, ...] = (
    fault("text four grades too hard", "readability", too_hard),
    fault("stretch copied from a source", "copied", copied),
    fault("key concept missing", "concept_missing", missing_concept),
    fault("cut-off end", "cut_off broken_formula", cut_off),
    fault("cut-off list", "cut_off broken_formula", cut_off_list),
    fault("cut-off definition", "cut_off", cut_off_definition),
    fault("unclosed code block", "unclosed_fence", unclosed_fence),
    fault("formula that lost its backslashes", "mangled_formula", mangled_formula),
    fault("heading inside a section", "heading_in_text heading", heading_in_text),
    fault("two sections with one heading", "heading_in_text", twin_headings),
    fault("paragraph said twice", "repetition", repeated_paragraph),
    fault("lesson said twice in the course", "overlap", repeated_lesson),
    fault("lesson in another language", "wrong_language", whole_in_another_language),
    fault("section in another language", "wrong_language", section_in_another_language),
    fault("hardly anything said", "length", next_to_nothing),
)
