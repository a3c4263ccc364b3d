"""Gates on the text of a lesson. Each is a pure function from a draft to its findings, under one name."""

from collections.abc import Iterator

import regex
from rapidfuzz import fuzz

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.language_recognition import language_name, other_language
from src.domain.language_tag import primary_subtag
from src.domain.markdown_syntax import has_open_block, without_code
from src.domain.quality.citations import is_cited
from src.domain.quality.draft import Draft, grams
from src.domain.quality.leaks import leaks
from src.domain.quality.readability import grade_number, reading_grade, without_tables
from src.domain.words import NO_SPACES, content_stems, numbers, sentences, stem, words, written_numbers

FEWEST_WORDS, MOST_WORDS = 150, 3000
"""Of a lesson's prose. Chinese, Japanese and Thai have no spaces and are measured by characters, two for a word."""
SECTION_WORDS, PART_WORDS = 15, 5
"""What has fewer says next to nothing: of a section, and of any other part."""
LEAST_COVERAGE = 0.5
"""The share of factual sentences that should carry a citation."""
GRADES_ABOVE = 1.0
"""How far above the wanted grade a text may read."""
GRADES_FAR_ABOVE = 6.0
"""How far above it a text is no lesson for that grade."""
FIRST_GRADE_TO_TELL = 3
"""Below it the formula says little: every long name of a subject weighs more than how a text is written."""
DUPLICATE, SIMILAR = 0.6, 0.2
"""Shares of a lesson's runs of five words that another one has."""
REPEATED_WORDS = 6
"""A shorter sentence may stand twice."""
LONGEST_COPY = 30
"""Words in a row that may stand in a source too, outside quotation marks."""
LEAST_LANGUAGE_CHARACTERS = 200
NEAR = 12
"""Words between the first and the last one of a key concept, at most."""

# What a browser may take for a tag, a comment or a declaration: "<" and at once a letter, or a sign that begins one.
# `a < b and b > c` is mathematics. "x<y" alone is let be; with a ">" after it, it would swallow what is between.
_HTML = regex.compile(
    r"</?[a-z][a-z0-9:-]{0,40}(?=[\s/>])[^<>]{0,2000}>|<(?:script|style|iframe|object|embed|svg|img)\b|<[!?][a-z\[-]"
    r"|<[a-z][^<>]{0,2000}[\s/\"']on[a-z]{3,30}\s*=|\b(?:javascript|vbscript):|\bdata:text/html",
    regex.IGNORECASE,
)
_IMAGE = regex.compile(r"!\[[^\]\n]{0,500}\]\(")
_HEADING = regex.compile(r"^ {0,3}#{1,6}[ \t]|^[^\n]+\n {0,3}(?:={3,}|-{3,})[ \t]*$", regex.MULTILINE)
_ENDED = regex.compile(r"[.!?…。！？؟।॥۔][\"'”’»)\]*_]*(?:\s?\[\d+\])*\s*$|[。！？][”」』]?$")
_ARTICLES = frozenset({"the", "and", "for", "der", "die", "das", "den", "des", "und"})
_ITEM = regex.compile(r"^\s*(?:[-*+•]|\d+[.)])\s")
_NO_PROSE = regex.compile(r"^\s*\||^\s*(?:```|~~~)|^\s*\$\$")
# No quotation is longer; without a bound an opening sign after the other would be looked at to the end of the text.
_QUOTED = regex.compile(r"“[^”]{0,1000}”|\"[^\"]{0,1000}\"|„[^“”]{0,1000}[“”]|«[^»]{0,1000}»|「[^」]{0,1000}」")


def leak(draft: Draft) -> Iterator[Finding]:
    """Words that were meant for somebody other than the learner: thinking, notes for teachers, placeholders."""
    yield from leaks("leak", draft.everything, f"{draft.brief.topic}\n{draft.plan.title}", draft.passages)


def raw_html(draft: Draft) -> Iterator[Finding]:
    """HTML or script, outside code."""
    for where, text in draft.everything.items():
        yield from html(text, where)


def html(text: str, where: str, asked: str = "") -> Iterator[Finding]:
    """`raw_html` of one text. Images are wanted no more: they would be fetched from wherever they point to.

    What stands in `asked`, the words of the request, may be said: it is shown and has no effect (`domain.markdown`).
    """
    outside_code = without_code(text)
    found = _HTML.search(outside_code)
    if found and found.group() not in asked:
        yield hard("raw_html", where, f"no HTML is wanted: {excerpt(found.group())}")
    if found := _IMAGE.search(outside_code):
        yield hard("raw_html", where, f"no images are wanted: {excerpt(found.group())}")


def unclosed_fence(draft: Draft) -> Iterator[Finding]:
    """A code block without its end, which would swallow the rest of the course."""
    for where, text in draft.everything.items():
        if has_open_block(text):
            yield hard("unclosed_fence", where, "a code block is opened and not closed")


def heading_in_text(draft: Draft) -> Iterator[Finding]:
    """Headings inside a part: they would stand beside or above those of the lesson."""
    for where, text in draft.fields.items():
        if found := _HEADING.search(without_code(text)):
            yield soft("heading_in_text", where, f"a part has no headings of its own: {excerpt(found.group())}")
    seen: set[str] = set()
    for number, part in enumerate(draft.text.sections, start=1):
        if part.heading.casefold() in seen:
            yield soft("heading_in_text", f"sections.{number}", f"two sections are called {excerpt(part.heading)}")
        seen.add(part.heading.casefold())


def cut_off(draft: Draft) -> Iterator[Finding]:
    """A part that ends without the end of a sentence.

    Definitions and lists may do without full stops, all of them; one that alone has none may have been cut off.
    """
    definitions = [where for where in draft.fields if where.startswith("key_terms.")]
    ended = {where: bool(_ENDED.search(draft.fields[where].rstrip())) for where in definitions}
    for where, text in draft.fields.items():
        last = text.rstrip().rpartition("\n")[2]
        if where in ended:
            if not ended[where] and sum(ended.values()) == len(ended) - 1 > 0:
                yield soft("cut_off", where, f"the others end with a full stop: {excerpt(last[-80:])}")
        elif _ITEM.match(last):
            items = [line for line in text.splitlines() if _ITEM.match(line)]
            if not _ENDED.search(last) and items[1:] and all(map(_ENDED.search, items[:-1])):
                yield soft("cut_off", where, f"the list may end in mid-sentence: {excerpt(last[-80:])}")
        elif not _NO_PROSE.match(last) and not _ENDED.search(last):
            yield hard("cut_off", where, f"the text ends in mid-sentence: {excerpt(last[-80:])}")


def length(draft: Draft) -> Iterator[Finding]:
    """A lesson that is hardly one, or too much for one; and sections of next to nothing."""
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
    """Key concepts of the plan that the lesson doesn't name."""
    told = words(draft.lesson_text)
    for concept in draft.plan.key_concepts:
        named = [word for word in words(concept) if len(word) >= 3 and word not in _ARTICLES] or words(concept)
        if not _stand_together(frozenset(named), told, primary_subtag(draft.brief.language)):
            yield soft("concept_missing", "", f"the key concept {excerpt(concept)} is not explained")


def _stand_together(wanted: frozenset[str], told: list[str], language: str) -> bool:
    """Whether forms of all these words stand within `NEAR` words: scattered they are no concept."""
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
    if stem(word) == stem(other):
        # "resist" is no form of "resistance", nor "chloroplast" of "chlorophyll".
        return fuzz.ratio(word, other) >= 80
    if language != "en" and len(word) > len(other) >= (4 if other.isascii() else 2):
        return fuzz.partial_ratio(other, word) >= 90  # with a prefix, as in Arabic, or in a compound, as in German
    return len(other) >= 5 and fuzz.ratio(word, other) >= 90  # in another spelling; "unsorted" is not "sorted"


def objective_not_served(draft: Draft) -> Iterator[Finding]:
    """Objectives that no section speaks of, or that no question tests."""
    for number, objective in enumerate(draft.plan.learning_objectives, start=1):
        wanted = content_stems(objective)  # with its verb, which is the learner's
        if sum(stem in draft.stems for stem in wanted) * 3 < len(wanted):
            yield soft("objective_not_served", "", f"no section speaks of objective {number}, {excerpt(objective)}")
        if not any(check.objective == number for check in draft.text.checks):
            yield soft("objective_not_served", "checks", f"no question tests objective {number}, {excerpt(objective)}")


def readability(draft: Draft) -> Iterator[Finding]:
    """Text above the grade that was asked for: soft, and hard where it is far above. Simple text is no fault."""
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
    """Text in another language than the one asked for. What is quoted may be in the source's."""
    language = draft.brief.language
    for where, text in {"": draft.all_prose, **draft.prose}.items():
        unquoted = _QUOTED.sub("", text)
        if len(unquoted) >= LEAST_LANGUAGE_CHARACTERS and (other := other_language(unquoted, language)):
            yield hard("wrong_language", where, f"the text is in {other}, not in {language_name(language)}")
            return


def repetition(draft: Draft) -> Iterator[Finding]:
    """Sentences that stand twice in the body of the lesson."""
    seen: set[tuple[str, ...]] = set()
    for where, text in draft.prose.items():
        if where in ("introduction", "summary"):
            continue  # they may say again what a section says
        for sentence in sentences(text):
            said = tuple(words(sentence.text))
            if len(said) >= REPEATED_WORDS and said in seen:
                yield soft("repetition", where, f"this is said twice: {excerpt(sentence.text)}")
            seen.add(said)


def overlap(draft: Draft) -> Iterator[Finding]:
    """A lesson that says what another one of the course says."""
    own = grams(draft.all_prose)
    for number, other in sorted(draft.others.items()):
        shared = len(own & other) / max(1, min(len(own), len(other)))
        if shared >= SIMILAR and len(own) >= 50:
            finding = hard if shared >= DUPLICATE else soft
            yield finding("overlap", "", f"{shared:.0%} of the lesson's text stands in lesson {number} too")


def copied(draft: Draft) -> Iterator[Finding]:
    """Long stretches of a source, outside quotation marks."""
    if not draft.passages:
        return
    given = frozenset().union(*(grams(passage.text, LONGEST_COPY + 1) for passage in draft.passages))
    for where, text in draft.prose.items():
        taken = grams(_QUOTED.sub(" “” ", text), LONGEST_COPY + 1) & given
        if taken:
            run = next(iter(sorted(taken)))
            yield soft(
                "copied", where, f"more than {LONGEST_COPY} words in a row are the source's: {excerpt(' '.join(run))}"
            )


def citation_removed(draft: Draft) -> Iterator[Finding]:
    """Citations that could not be verified."""
    for removed in draft.removed:
        yield soft("citation_removed", removed.where, f"{removed.reason}; in {removed.sentence}")


def uncited(draft: Draft) -> Iterator[Finding]:
    """A lesson with passages to rest on that rests on none, or on few."""
    if not draft.passages:
        return
    if not draft.references:
        # Without a wish for these sources, a lesson that doesn't rest on what was found is one without sources.
        finding = hard if draft.must_cite else soft
        yield finding("uncited", "", "no citation could be verified: cite the passages with numbers such as [1]")
        return
    factual = draft.factual_sentences()
    cited = sum(is_cited(sentence.text, draft.declared) for sentence in factual)
    if factual and cited / len(factual) < LEAST_COVERAGE:
        example = next(sentence.text for sentence in factual if not is_cited(sentence.text, draft.declared))
        yield soft(
            "uncited",
            "",
            f"{cited} of {len(factual)} factual sentences carry a citation; at least {LEAST_COVERAGE:.0%} should. One"
            f" without: {excerpt(example)}",
        )


def unknown_number(draft: Draft) -> Iterator[Finding]:
    """Numbers of two digits and more that no passage gives."""
    if not draft.passages:
        return
    known = numbers(" ".join(f"{passage.text} {passage.section}" for passage in draft.passages))
    for where, text in draft.prose.items():
        unknown = sorted(number for number in written_numbers(text) - known if len(number) > 1)
        if unknown:
            yield soft("unknown_number", where, f"no passage gives {', '.join(unknown)}")


TEXT_GATES = (
    leak,
    raw_html,
    unclosed_fence,
    heading_in_text,
    cut_off,
    length,
    concept_missing,
    objective_not_served,
    readability,
    wrong_language,
    repetition,
    overlap,
    copied,
    citation_removed,
    uncited,
    unknown_number,
)
