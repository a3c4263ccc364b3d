"""The gates for the text of a lesson. Each is a pure function from a draft to findings with the gate's name."""

from collections.abc import Iterator, Mapping, Sequence, Set

import regex
from rapidfuzz import fuzz

from src.domain.finding import Finding, Severity, excerpt, hard, soft
from src.domain.language_recognition import is_named, language_name, other_language, other_script
from src.domain.language_tag import primary_subtag
from src.domain.markdown_syntax import has_open_block, without_code
from src.domain.normal_form import normal_text
from src.domain.quality.draft import Draft, grams, plain
from src.domain.quality.leaks import leaks
from src.domain.quality.mangled_formulas import mangled_formula
from src.domain.quality.own_words import own_words
from src.domain.quality.part_ends import breaks_the_row, cut_off_severity, has_marks
from src.domain.quality.readability import grade_number, without_tables
from src.domain.sentences import sentences
from src.domain.words import NO_SPACES, content_stems, has_no_spaces, stem, words

FEWEST_WORDS, MOST_WORDS = 150, 3000
"""How many words a lesson's prose should have.

Scripts without spaces are measured by characters: two for a word, five where they are letters, as in Thai.
"""
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
LIKE_IT = 0.75
"""The share of a key concept that must stand in a row, in a script without spaces."""
_LIKE, _LIKE_WITH_STEM = 90, 80
"""How alike two words are, in percent, if they are forms of one: by their letters alone, and with the same stem."""
_FEWEST_TO_COMPARE = 50
"""Fewer runs of words are too short a text to tell whether it says what another one does."""

# The elements of HTML, old ones too (https://html.spec.whatwg.org/multipage/indices.html and obsolete.html), and
# those of pictures and formulas. `std::vector<T>` and `List<String>` have other names.
_ELEMENTS = """
    a abbr acronym address applet area article aside audio b base bdi bdo big blink blockquote body br button
    canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed
    fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i
    iframe img input ins kbd label legend li link main map mark marquee math menu meta meter nav nobr noscript
    object ol optgroup option output p param picture pre progress q rp rt ruby s samp script search section
    select slot small source span strike strong style sub summary sup svg table tbody td template textarea tfoot
    th thead time title tr track tt u ul var video wbr
""".split()  # noqa: SIM905
# What a browser may take for a tag, a comment or a declaration: "<" directly before a name, or before a sign that
# begins one of them. `a < b and b > c` is mathematics. "x<y" is left alone unless a ">" follows: then a browser would
# swallow what is between.
_HTML = regex.compile(
    rf"</?(?P<name>{'|'.join(_ELEMENTS)})(?=[\s/>])[^<>]{{0,2000}}>|<(?:script|style|iframe|object|embed|svg|img)\b(?=[\s/>])"
    r"|</?(?!https?:)[a-z][a-z0-9:-]{0,40}[\s/][^<>]{0,2000}=[^<>]{0,2000}>|<![a-z\[-]|<\?[a-z]"
    # "In JavaScript: …" is prose; what is dangerous is the target of a link.
    r"|<[a-z][^<>]{0,2000}[\s/\"']on[a-z]{3,30}\s*=|(?:\]\(|\]:|[<=\"'])\s*<?(?:javascript|vbscript):|\bdata:text/html",
    regex.IGNORECASE,
)
# A type with its parameter, such as `vector<a>`, has no end tag.
_PARAMETER = regex.compile(r"(?<=\w)<[\w, ]{1,40}>")
_ONLY_A_TAG = regex.compile(r"</?[a-z][a-z0-9]{0,20}\s*/?>", regex.IGNORECASE)
_IMAGE = regex.compile(r"!\[[^\]\n]{0,500}\]\(")
_HEADING = regex.compile(r"^ {0,3}#{1,6}[ \t]|^[^\n]+\n {0,3}(?:={3,}|-{3,})[ \t]*$", regex.MULTILINE)
_IDEOGRAPH = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\u30fc]")
_QUOTED_LINE = regex.compile(r"^[ \t]*>.*$", regex.MULTILINE)
_SAYS_AGAIN = frozenset({"introduction", "summary"})
"""Parts that may say again what a section says."""
_ARTICLES = frozenset({"the", "and", "for", "der", "die", "das", "den", "des", "und"})


def leak(draft: Draft) -> Iterator[Finding]:
    """Finds words that were meant for somebody other than the learner: thinking, notes for teachers, placeholders."""
    yield from leaks("leak", draft.everything, draft.subject, draft.passages)


def raw_html(draft: Draft) -> Iterator[Finding]:
    """Finds HTML, scripts and images outside code."""
    for where, text in draft.everything.items():
        yield from html(text, where)


def html(text: str, where: str, asked: str = "") -> Iterator[Finding]:
    """Finds what `raw_html` does, in one text. Images aren't wanted either: they would be fetched from any server.

    HTML that stands in `asked`, the words of the request, may be said: it is shown as text and has no effect
    (`domain.markdown`). So may a tag alone, as the name of an element in a choice, a term or a heading.
    """
    if "<" not in text and "![" not in text and ":" not in text:
        return
    outside_code = without_code(text)
    found = next((it for it in _HTML.finditer(outside_code) if not _is_shown(outside_code, it, where)), None)
    if found and found.group() not in asked:
        yield hard("raw_html", where, f"no HTML is wanted: {excerpt(found.group())}")
    if found := _IMAGE.search(outside_code):
        yield hard("raw_html", where, f"no images are wanted: {excerpt(found.group())}")


def _is_shown(text: str, found: regex.Match[str], where: str) -> bool:
    """Returns whether a tag is a type's parameter, or all of a choice, a term or a heading."""
    if found["name"] and _PARAMETER.match(text, found.start()) and f"</{found['name']}>" not in text:
        return True
    if not where.startswith("checks.") and not where.endswith((".term", ".heading")):
        return False
    line = text[text.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0]
    return _ONLY_A_TAG.fullmatch(line.strip()) is not None


def unclosed_fence(draft: Draft) -> Iterator[Finding]:
    """Finds a code block without an end, which would swallow the rest of the course."""
    for where, text in draft.everything.items():
        if ("```" in text or "~~~" in text) and has_open_block(text):
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
        elif (severity := cut_off_severity(text, language, is_marked)) is Severity.HARD:
            yield hard("cut_off", where, f"the text ends in mid-sentence: {last}")
        elif severity is not None:
            yield soft("cut_off", where, f"the text may end in mid-sentence: {last}")


def length(draft: Draft) -> Iterator[Finding]:
    """Finds a lesson that is too short or too long, and parts that say next to nothing."""
    total = _length(draft.all_prose, draft.words)
    if not FEWEST_WORDS <= total <= MOST_WORDS:
        yield soft("length", "", f"the lesson has {total} words; {FEWEST_WORDS} to {MOST_WORDS} are wanted")
    for where, text in draft.prose.items():
        if _length(text, words(text)) < (SECTION_WORDS if where.startswith("sections.") else PART_WORDS):
            yield soft("length", where, f"the part says next to nothing: {excerpt(text)}")


def _length(text: str, found: Sequence[str]) -> int:
    """Returns how many words a text has, given its `words`."""
    if not has_no_spaces(text):
        return len(found)
    dense = len(NO_SPACES.findall(text))
    ideographs = len(_IDEOGRAPH.findall(text))
    return len(words(NO_SPACES.sub(" ", text))) + ideographs // 2 + (dense - ideographs) // 5


def concept_missing(draft: Draft) -> Iterator[Finding]:
    """Finds key concepts of the plan that the lesson doesn't name."""
    told, language = draft.told, primary_subtag(draft.brief.language)
    distinct, spaced = frozenset(told), f" {' '.join(told)} "
    for concept in draft.plan.key_concepts:
        if f" {' '.join(words(concept))} " in spaced or _is_in_a_row(concept, draft):
            continue
        named = [word for word in words(concept) if len(word) >= 3 and word not in _ARTICLES] or words(concept)
        forms = {word: {other for other in distinct if _is_form(other, word, language)} for word in named}
        if not _stand_together(forms, told):
            yield soft("concept_missing", "", f"the key concept {excerpt(concept)} is not explained")


def _is_in_a_row(concept: str, draft: Draft) -> bool:
    """Returns whether most of a concept stands in a row, in a script without spaces."""
    wanted = normal_text(concept)
    return (
        bool(NO_SPACES.search(wanted)) and fuzz.partial_ratio(wanted, normal_text(draft.lesson_text)) >= 100 * LIKE_IT
    )


def _stand_together(forms: Mapping[str, Set[str]], told: Sequence[str]) -> bool:
    """Returns whether a form of each word stands within `NEAR` words; scattered they would be no concept."""
    last: dict[str, int] = {}
    known = frozenset().union(*forms.values())
    for position, word in enumerate(told):
        if word not in known:
            continue
        last |= {wanted: position for wanted, those in forms.items() if word in those}
        if len(last) == len(forms) and position - min(last.values()) < NEAR:
            return True
    return not forms  # a sign, such as "+"


def _is_form(word: str, other: str, language: str) -> bool:
    if word == other:
        return True
    if stem(word, language) == stem(other, language):
        # A stem isn't enough: "resist" is no form of "resistance", nor "chloroplast" of "chlorophyll".
        return fuzz.ratio(word, other) >= _LIKE_WITH_STEM
    if language != "en" and len(word) > len(other) >= (4 if other.isascii() else 2):
        return fuzz.partial_ratio(other, word) >= _LIKE  # with a prefix, as in Arabic, or in a compound, as in German
    return len(other) >= 5 and fuzz.ratio(word, other) >= _LIKE  # in another spelling; "unsorted" isn't "sorted"


def objective_not_served(draft: Draft) -> Iterator[Finding]:
    """Finds objectives that no section speaks of, or that no question tests."""
    for number, objective in enumerate(draft.plan.learning_objectives, start=1):
        wanted = content_stems(objective, draft.brief.language)
        # Its verb, and words such as "order", say what the learner does; a lesson needn't have them.
        if draft.stems.isdisjoint(wanted):
            yield soft("objective_not_served", "", f"no section speaks of objective {number}, {excerpt(objective)}")
        if not any(check.objective == number for check in draft.text.checks):
            # The last question for an objective that has more than one can be given up for it.
            tested = [check.objective for check in draft.text.checks]
            spare = [place for place, other in enumerate(tested, start=1) if tested.count(other) > 1]
            where = f"checks.{spare[-1]}" if spare else "checks"
            yield soft("objective_not_served", where, f"no question tests objective {number}, {excerpt(objective)}")


def readability(draft: Draft) -> Iterator[Finding]:
    """Finds text above the grade that was asked for, a hard finding if far above it. Simple text is no fault."""
    wanted, measured = grade_number(draft.brief.grade_level), draft.reading_grade
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
    """Finds text in another language than the one asked for, in what the lesson says in its own words.

    In a course on a language, its texts, dialogues and phrases are in that one; so it is judged by how it begins and
    ends.
    """
    language = draft.brief.language
    told = {where: own_words(text) for where, text in draft.fields.items() if not where.startswith("key_terms.")}
    for where, text in {"": "\n\n".join(told.values()), **told}.items():
        least = LEAST_LANGUAGE_CHARACTERS
        other = other_language(text, language) if len(text) >= least else other_script(text, language)
        if other and is_named(other, draft.subject, language):
            where = ""
            text = own_words(f"{draft.text.introduction}\n\n{draft.text.summary}", are_items_shown=True)
            other = other_language(text, language)
        if other:
            yield hard("wrong_language", where, f"the text is in {other}, not in {language_name(language)}")
            return


def repetition(draft: Draft) -> Iterator[Finding]:
    """Finds sentences that stand twice in the body of the lesson."""
    body = {where: text for where, text in draft.prose.items() if where not in _SAYS_AGAIN}
    if not _has_run_twice([word for text in body.values() for word in words(text)]):
        return
    seen: set[tuple[str, ...]] = set()
    for where, text in body.items():
        if ">" in draft.fields[where]:
            text = plain(_QUOTED_LINE.sub("", draft.fields[where]))  # what is quoted is spoken of in its own words
        for sentence in sentences(text):
            said = words(sentence.text)
            if len(said) >= REPEATED_WORDS and said in seen:
                yield soft("repetition", where, f"this is said twice: {excerpt(sentence.text)}")
            seen.add(said)


def _has_run_twice(found: Sequence[str]) -> bool:
    """Returns whether some run of as many words as a sentence has that may not stand twice does so."""
    runs = [*zip(*(found[start:] for start in range(REPEATED_WORDS)), strict=False)]
    return len(set(runs)) < len(runs)


def overlap(draft: Draft) -> Iterator[Finding]:
    """Finds a lesson that says what another lesson of the course says."""
    own = grams(draft.all_prose) if draft.others else frozenset()
    for number, other in sorted(draft.others.items()):
        shared = len(own & other) / max(1, min(len(own), len(other)))
        if shared >= SIMILAR and len(own) >= _FEWEST_TO_COMPARE:
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
