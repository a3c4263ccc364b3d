"""The gates for the text of a lesson. Each is a pure function from a draft to findings with the gate's name."""

from collections.abc import Iterator, Sequence

import regex
from rapidfuzz import fuzz

from src.domain.finding import Finding, Severity, excerpt, hard, soft
from src.domain.language_recognition import language_name, other_language
from src.domain.language_tag import primary_subtag
from src.domain.markdown_syntax import has_open_block, without_code
from src.domain.quality.draft import Draft, grams, unquoted
from src.domain.quality.leaks import leaks
from src.domain.quality.mangled_formulas import mangled_formula
from src.domain.quality.part_ends import breaks_the_row, broken_off, has_marks
from src.domain.quality.readability import grade_number, reading_grade, without_tables
from src.domain.sentences import sentences
from src.domain.words import NO_SPACES, content_stems, stem, words

FEWEST_WORDS, MOST_WORDS = 150, 3000
"""How many words a lesson's prose should have. Scripts without spaces are measured by characters, two for a word."""
SECTION_WORDS, PART_WORDS = 15, 5
"""The fewest words with which a section, and any other part, says something."""
GRADES_ABOVE = 1.0
"""How many grades above the wanted one a text may read."""
GRADES_FAR_ABOVE = 6.0
"""A text that reads more grades above the wanted one than this is no lesson for that grade."""
FIRST_GRADE_TO_TELL = 3
"""Below this grade the formula tells little: each long name of the subject weighs more than how the text is written."""
DUPLICATE, SIMILAR = 0.6, 0.2
"""The shares of common runs of five words from which on two lessons say the same, or much of the same."""
REPEATED_WORDS = 6
"""The fewest words of a sentence that may not stand twice."""
LEAST_LANGUAGE_CHARACTERS = 200
"""The shortest text whose language is looked at, in characters."""
NEAR = 12
"""The words of a key concept must stand within so many words."""

# What a browser may take for a tag, a comment or a declaration: "<" directly before a letter, or before a sign that
# begins one of them. `a < b and b > c` is mathematics. "x<y" is left alone unless a ">" follows: then a browser would
# swallow what is between.
_HTML = regex.compile(
    r"</?[a-z][a-z0-9:-]{0,40}(?=[\s/>])[^<>]{0,2000}>|<(?:script|style|iframe|object|embed|svg|img)\b|<[!?][a-z\[-]"
    r"|<[a-z][^<>]{0,2000}[\s/\"']on[a-z]{3,30}\s*=|\b(?:javascript|vbscript):|\bdata:text/html",
    regex.IGNORECASE,
)
_IMAGE = regex.compile(r"!\[[^\]\n]{0,500}\]\(")
_HEADING = regex.compile(r"^ {0,3}#{1,6}[ \t]|^[^\n]+\n {0,3}(?:={3,}|-{3,})[ \t]*$", regex.MULTILINE)
_ARTICLES = frozenset({"the", "and", "for", "der", "die", "das", "den", "des", "und"})


def leak(draft: Draft) -> Iterator[Finding]:
    """Finds words that were meant for somebody other than the learner: thinking, notes for teachers, placeholders."""
    yield from leaks("leak", draft.everything, f"{draft.brief.topic}\n{draft.plan.title}", draft.passages)


def raw_html(draft: Draft) -> Iterator[Finding]:
    """Finds HTML, scripts and images outside code."""
    for where, text in draft.everything.items():
        yield from html(text, where)


def html(text: str, where: str, asked: str = "") -> Iterator[Finding]:
    """Finds what `raw_html` does, in one text. Images aren't wanted either: they would be fetched from any server.

    HTML that stands in `asked`, the words of the request, may be said: it is shown as text and has no effect
    (`domain.markdown`).
    """
    outside_code = without_code(text)
    found = _HTML.search(outside_code)
    if found and found.group() not in asked:
        yield hard("raw_html", where, f"no HTML is wanted: {excerpt(found.group())}")
    if found := _IMAGE.search(outside_code):
        yield hard("raw_html", where, f"no images are wanted: {excerpt(found.group())}")


def unclosed_fence(draft: Draft) -> Iterator[Finding]:
    """Finds a code block without an end, which would swallow the rest of the course."""
    for where, text in draft.everything.items():
        if has_open_block(text):
            yield hard("unclosed_fence", where, "a code block is opened and not closed")


def heading_in_text(draft: Draft) -> Iterator[Finding]:
    """Finds headings inside a part, which would pass for headings of the lesson, and two sections with one heading."""
    for where, text in draft.fields.items():
        if found := _HEADING.search(without_code(text)):
            yield soft("heading_in_text", where, f"a part has no headings of its own: {excerpt(found.group())}")
    seen: set[str] = set()
    for number, part in enumerate(draft.text.sections, start=1):
        if part.heading.casefold() in seen:
            yield soft("heading_in_text", f"sections.{number}", f"two sections are called {excerpt(part.heading)}")
        seen.add(part.heading.casefold())


def cut_off(draft: Draft) -> Iterator[Finding]:
    """Finds a part that ends in the middle of a sentence.

    Definitions and items of a list may all do without a full stop; but if only one has none, it may have been cut off.
    """
    language = draft.brief.language
    definitions = {where: text for where, text in draft.fields.items() if where.startswith("key_terms.")}
    parts = {where: text for where, text in draft.fields.items() if where not in definitions}
    is_marked = any(map(has_marks, parts.values()))
    for where, text in draft.fields.items():
        last = excerpt(text.rstrip().rpartition("\n")[2][-80:])
        if where in definitions:
            others = [other for path, other in definitions.items() if path != where]
            if breaks_the_row(text, others, language):
                yield soft("cut_off", where, f"the others end with a full stop: {last}")
        elif (severity := broken_off(text, language, is_marked)) is Severity.HARD:
            yield hard("cut_off", where, f"the text ends in mid-sentence: {last}")
        elif severity is not None:
            yield soft("cut_off", where, f"the text may end in mid-sentence: {last}")


def length(draft: Draft) -> Iterator[Finding]:
    """Finds a lesson that is too short or too long, and parts that say next to nothing."""
    total = _length(draft.all_prose)
    if not FEWEST_WORDS <= total <= MOST_WORDS:
        yield soft("length", "", f"the lesson has {total} words; {FEWEST_WORDS} to {MOST_WORDS} are wanted")
    for where, text in draft.prose.items():
        if _length(text) < (SECTION_WORDS if where.startswith("sections.") else PART_WORDS):
            yield soft("length", where, f"the part says next to nothing: {excerpt(text)}")


def _length(text: str) -> int:
    dense = len(NO_SPACES.findall(text))
    return len(words(text)) if not dense else len(words(NO_SPACES.sub(" ", text))) + dense // 2


def concept_missing(draft: Draft) -> Iterator[Finding]:
    """Finds key concepts of the plan that the lesson doesn't name."""
    told = words(draft.lesson_text)
    for concept in draft.plan.key_concepts:
        named = [word for word in words(concept) if len(word) >= 3 and word not in _ARTICLES] or words(concept)
        if not _stand_together(frozenset(named), told, primary_subtag(draft.brief.language)):
            yield soft("concept_missing", "", f"the key concept {excerpt(concept)} is not explained")


def _stand_together(wanted: frozenset[str], told: Sequence[str], language: str) -> bool:
    """Returns whether forms of all these words stand within `NEAR` words; scattered they would be no concept."""
    last: dict[str, int] = {}
    for position, word in enumerate(told):
        found = [other for other in wanted if _is_form(word, other, language)]
        last |= dict.fromkeys(found, position)
        if found and len(last) == len(wanted) and position - min(last.values()) < NEAR:
            return True
    return not wanted  # a sign, such as "+"


def _is_form(word: str, other: str, language: str) -> bool:
    if word == other:
        return True
    if stem(word, language) == stem(other, language):
        # A stem isn't enough: "resist" is no form of "resistance", nor "chloroplast" of "chlorophyll".
        return fuzz.ratio(word, other) >= 80
    if language != "en" and len(word) > len(other) >= (4 if other.isascii() else 2):
        return fuzz.partial_ratio(other, word) >= 90  # with a prefix, as in Arabic, or in a compound, as in German
    return len(other) >= 5 and fuzz.ratio(word, other) >= 90  # in another spelling; "unsorted" isn't "sorted"


def objective_not_served(draft: Draft) -> Iterator[Finding]:
    """Finds objectives that no section speaks of, or that no question tests."""
    for number, objective in enumerate(draft.plan.learning_objectives, start=1):
        wanted = content_stems(
            objective, draft.brief.language
        )  # its verb is one of them, but says what the learner does
        if sum(stem in draft.stems for stem in wanted) * 3 < len(wanted):
            yield soft("objective_not_served", "", f"no section speaks of objective {number}, {excerpt(objective)}")
        if not any(check.objective == number for check in draft.text.checks):
            yield soft("objective_not_served", "checks", f"no question tests objective {number}, {excerpt(objective)}")


def readability(draft: Draft) -> Iterator[Finding]:
    """Finds text above the grade that was asked for, a hard finding if far above it. Simple text is no fault."""
    wanted, measured = grade_number(draft.brief.grade_level), reading_grade(draft.all_prose, draft.brief.language)
    if wanted is not None and measured is not None and measured > wanted + GRADES_ABOVE:
        longest = max(sentences(without_tables(draft.all_prose)), key=lambda sentence: len(sentence.text)).text
        finding = hard if measured > max(wanted, FIRST_GRADE_TO_TELL) + GRADES_FAR_ABOVE else soft
        yield finding(
            "readability",
            "",
            f"the text reads like grade {measured}; grade {wanted} is wanted. Shorten sentences such as"
            f" {excerpt(longest, 300)}, and use common words",
        )


def wrong_language(draft: Draft) -> Iterator[Finding]:
    """Finds text in another language than the one asked for. Quotations may be in the language of the source."""
    language = draft.brief.language
    for where, text in {"": draft.all_prose, **draft.prose}.items():
        told = unquoted(text)
        if len(told) >= LEAST_LANGUAGE_CHARACTERS and (other := other_language(told, language)):
            yield hard("wrong_language", where, f"the text is in {other}, not in {language_name(language)}")
            return


def repetition(draft: Draft) -> Iterator[Finding]:
    """Finds sentences that stand twice in the body of the lesson."""
    seen: set[tuple[str, ...]] = set()
    for where, text in draft.prose.items():
        if where in ("introduction", "summary"):
            continue  # these may say again what a section says
        for sentence in sentences(text):
            said = words(sentence.text)
            if len(said) >= REPEATED_WORDS and said in seen:
                yield soft("repetition", where, f"this is said twice: {excerpt(sentence.text)}")
            seen.add(said)


def overlap(draft: Draft) -> Iterator[Finding]:
    """Finds a lesson that says what another lesson of the course says."""
    own = grams(draft.all_prose)
    for number, other in sorted(draft.others.items()):
        shared = len(own & other) / max(1, min(len(own), len(other)))
        if shared >= SIMILAR and len(own) >= 50:
            finding = hard if shared >= DUPLICATE else soft
            yield finding("overlap", "", f"{shared:.0%} of the lesson's text stands in lesson {number} too")


TEXT_GATES = (
    leak,
    raw_html,
    unclosed_fence,
    mangled_formula,
    heading_in_text,
    cut_off,
    length,
    concept_missing,
    objective_not_served,
    readability,
    wrong_language,
    repetition,
    overlap,
)
