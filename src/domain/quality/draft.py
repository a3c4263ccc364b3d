"""The lesson under review, in the forms in which the gates look at it; each is made once for all of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain

import regex

from src.domain.citation import Citation
from src.domain.language_tag import primary_subtag
from src.domain.lesson import LessonText
from src.domain.markdown_syntax import without_blocks
from src.domain.outline import LessonPlan
from src.domain.quality.choice_words import ends_with_question_mark
from src.domain.quality.citations import without_markers
from src.domain.quality.claimed_numbers import repeated_numbers
from src.domain.quality.judged_text import is_calculation, is_example, is_made_up
from src.domain.quality.readability import grade_of_parts
from src.domain.quality.verification import Removed
from src.domain.request import CourseBrief
from src.domain.sentences import LIST_SIGN, Sentence, sentences
from src.domain.source import Passage
from src.domain.stored_course import StoredLesson
from src.domain.words import NO_SPACES, carries_content, has_no_spaces, stem, words

_MARKUP = "*_`#>"
_BULLET = re.compile(r"^[ \t]*(?:[-+•]|\d+[.)])[ \t]+", re.MULTILINE)
_LINK = regex.compile(r"!?\[([^\]]{0,500})\]\([^)]{0,500}\)")

_BLOCKQUOTE = regex.compile(r"(?m)^[ \t]{0,3}>.*(?:\n(?![ \t]*\n).*)*")
# Three lines or more that end long before the edge of the page, none of them of a list or table.
_LINE_OF_VERSE = r"[ \t]*(?![-*+•|>#]\s|\d+[.)]\s|\|)[^\n]{1,50}?"
_VERSE = regex.compile(rf"(?m)^{_LINE_OF_VERSE}(?:\n{_LINE_OF_VERSE}){{2,}}(?=\n[ \t]*\n|\s*\Z)")

Grams = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Draft:
    """A lesson whose citations are verified, and what it was written from."""

    brief: CourseBrief
    plan: LessonPlan
    text: LessonText
    passages: Sequence[Passage]
    citations: Sequence[Citation]
    removed: Sequence[Removed]
    must_cite: bool
    """Whether the lesson fails without a single verified citation."""
    others: Mapping[int, Grams]
    """The `grams` of the course's other finished lessons, by lesson number."""
    statements: Mapping[int, Sequence[bool]] = field(default_factory=dict)
    """The `statement_keys` of the course's other finished lessons, by lesson number."""

    @cached_property
    def declared(self) -> frozenset[int]:
        """The numbers that stand for a verified citation."""
        return frozenset(citation.number for citation in self.citations)

    @cached_property
    def fields(self) -> dict[str, str]:
        """The parts by path, in reading order, with their citations."""
        return self.text.fields()

    @cached_property
    def prose(self) -> dict[str, str]:
        """The running text of each part as it is read aloud, without definitions, citations, code and markup."""
        return {where: plain(text) for where, text in self.fields.items() if not where.startswith("key_terms.")}

    @cached_property
    def all_prose(self) -> str:
        """All of `prose` in one text."""
        return "\n\n".join(self.prose.values())

    @cached_property
    def lesson_text(self) -> str:
        """The text that an answer may rest on: prose, headings, terms and their definitions."""
        headed = [f"{part.heading}\n\n{plain(part.content)}" for part in self.text.sections]
        terms = [f"{term.term}: {plain(term.definition)}" for term in self.text.key_terms]
        others = (plain(text) for text in (self.text.introduction, self.text.applications, self.text.summary))
        return "\n\n".join([*others, *headed, *terms])

    @cached_property
    def told(self) -> tuple[str, ...]:
        """The words of `lesson_text` in order."""
        prose = self.prose
        texts = [prose["introduction"], prose["applications"], prose["summary"]]
        for number, part in enumerate(self.text.sections, start=1):
            texts += [part.heading, prose[f"sections.{number}"]]
        for term in self.text.key_terms:
            texts += [term.term, plain(term.definition)]
        return tuple(chain.from_iterable(map(words, texts)))

    @cached_property
    def evidence_text(self) -> str:
        """The text in which evidence may stand: all that is shown but the questions, code and formulas included."""
        headed = [f"{part.heading}\n\n{part.content}" for part in self.text.sections]
        terms = [f"{term.term}: {term.definition}" for term in self.text.key_terms]
        shown = (self.text.introduction, *headed, *terms, self.text.applications, self.text.summary)
        return without_markers("\n\n".join(shown))

    @cached_property
    def stems(self) -> frozenset[str]:
        """The content stems of `lesson_text`."""
        language = self.brief.language
        told = frozenset(self.told)
        content = {word for word in told if carries_content(word, language)}
        return frozenset(stem(word, language) for word in content or told)

    @cached_property
    def subject(self) -> str:
        """What the lesson is about, by the request and its plan."""
        plan = self.plan
        return "\n".join(
            (self.brief.topic, plan.title, plan.description, *plan.key_concepts, *plan.learning_objectives)
        )

    @cached_property
    def words(self) -> Sequence[str]:
        """The words of the prose."""
        return tuple(chain.from_iterable(map(words, self.prose.values())))

    @cached_property
    def reading_grade(self) -> float | None:
        """The grade that the prose reads like, as in `readability.reading_grade`."""
        return grade_of_parts(tuple(self.prose.values()), self.brief.language)

    @cached_property
    def everything(self) -> dict[str, str]:
        """Every text of the lesson by path as the model wrote it, headings, terms and questions included."""
        texts = dict(self.fields)
        for number, part in enumerate(self.text.sections, start=1):
            texts[f"sections.{number}.heading"] = part.heading
        for number, term in enumerate(self.text.key_terms, start=1):
            texts[f"key_terms.{number}.term"] = term.term
        for number, check in enumerate(self.text.checks, start=1):
            shown = (check.question, *(check.choices or ()), check.answer, check.evidence, check.explanation)
            texts[f"checks.{number}"] = "\n".join(shown)
        return texts

    @cached_property
    def shown(self) -> tuple[tuple[str, str], ...]:
        """Every text that a learner sees, each with the path of its part; the evidence of a key isn't shown."""
        texts = list(self.fields.items())
        texts += [(f"sections.{number}", part.heading) for number, part in enumerate(self.text.sections, start=1)]
        texts += [(f"key_terms.{number}", term.term) for number, term in enumerate(self.text.key_terms, start=1)]
        for number, check in enumerate(self.text.checks, start=1):
            asked = dict.fromkeys((check.question, *(check.choices or ()), check.answer, check.explanation))
            texts += [(f"checks.{number}", text) for text in asked]
        return tuple(texts)

    @cached_property
    def repeated_numbers(self) -> frozenset[str]:
        """The numbers that the lesson has more than once: it works with them."""
        texts = (*self.fields.values(), *(f"{check.question} {check.answer}" for check in self.text.checks))
        return repeated_numbers(texts, self.brief.language)

    @cached_property
    def factual_sentences(self) -> tuple[Sentence, ...]:
        """The sentences of sections and definitions that surely state a fact, and so should carry a citation.

        What introduction and summary state is in the sections too, and applications are about the learner's own world.
        """
        language = self.brief.language
        stated: list[Sentence] = []
        for where, text in self.fields.items():
            if where.startswith(("sections.", "key_terms.")):
                for paragraph in prose_paragraphs(without_blocks(text), language):
                    stated += [it for it in sentences(paragraph) if states_something(it.text, language)]
        return tuple(stated)


_LEAST_WORDS_OF_A_STATEMENT = 6
_LEAST_CHARACTERS_OF_A_STATEMENT = 12
"""Of a statement in a script without spaces."""
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_DISPLAYED = re.compile(r"\s*(?:\$\$|\\\[|\\begin|```|~~~|\|)")
_ANNOUNCES = re.compile(r"[:：][\"'”’»)* ]*$")
# Lines that are no sentences of prose: of a table, a quotation, a list, a heading.
_NO_PROSE = re.compile(rf"\s*(?:[|>#]|{LIST_SIGN}[ \t]|\*\*[^*\n]{{1,40}}(?::\*\*|\*\*:))")
# A sentence with one of these speaks to the learner or of the lesson, and states nothing.
_ADDRESS = {
    "en": "you your we us our let's imagine think lesson section",
    "de": "du dein deine deinen deinem deiner dich dir ihr euch wir uns unser unsere lektion abschnitt",
    "fr": "tu ton ta tes te toi vous votre vos nous notre nos on leçon",
    "es": "tú tu tus te ti usted ustedes nosotros nuestro nuestra lección puedes tienes",
    "pt": "você vocês seu teu tua nós nosso nossa lição podemos",
    "it": "tu tuo tua voi vostro noi nostro nostra lezione",
    "nl": "je jij jouw jullie we wij ons onze les",
    "tr": "sen senin siz sizin biz bizim ders derste",
    "ru": "ты тебе тебя твой вы вам вас ваш мы нам нас наш уроке",
    "el": "εσύ σου σας εσείς μας εμείς μάθημα",
    "he": "אתה אתם אתן לכם שלך אנחנו לנו שלנו השיעור נסו חשבו",
    "hi": "आप आपके आपकी तुम तुम्हारे हम हमारे हमारी पाठ लगाइए देखिए कीजिए सोचिए",
    "ar": "أنت أنتم نحن الدرس لديك عندك",
    "hy": "դու քո ձեր մենք մեր դաս",
    "am": "አንተ እናንተ እኛ ትምህርት",
    "ko": "우리 우리는 우리가 여러분 여러분은 여러분이 너 당신 이번",
}
_ADDRESS_UNSPACED = {
    "zh": "你 您 我们 咱们 本课",
    "ja": "あなた みなさん 皆さん 私たち わたしたち ましょう",
    "th": "เรา คุณ นักเรียน",
    "km": "អ្នក យើង",
}


def prose_paragraphs(text: str, language: str) -> Iterator[str]:
    """Yields the paragraphs that work with no numbers of their own, nor lead to a formula, code or a table."""
    found = _PARAGRAPH.split(text)
    for paragraph, following in zip(found, [*found[1:], ""], strict=True):
        if not is_example(paragraph, language) and not _DISPLAYED.match(following):
            yield paragraph


def states_something(sentence: str, language: str) -> bool:
    """Returns whether a sentence surely states a fact, no question, example, sum or line of a table."""
    bare = without_markers(sentence)
    if ends_with_question_mark(bare) or _ANNOUNCES.search(bare) or _NO_PROSE.match(bare):
        return False
    if is_calculation(bare) or is_made_up(bare, language) or _addresses(bare, primary_subtag(language)):
        return False
    if has_no_spaces(bare):
        return len(NO_SPACES.findall(bare)) >= _LEAST_CHARACTERS_OF_A_STATEMENT
    return len(words(bare)) >= _LEAST_WORDS_OF_A_STATEMENT


def _addresses(sentence: str, subtag: str) -> bool:
    if subtag in _ADDRESS_UNSPACED:
        return any(word in sentence for word in _ADDRESS_UNSPACED[subtag].split())
    found = words(sentence)
    return not _addressing(subtag).isdisjoint(found) or any(
        not _addressing(subtag).isdisjoint(word.split("'")) for word in found if "'" in word
    )


@lru_cache(maxsize=32)
def _addressing(subtag: str) -> frozenset[str]:
    return frozenset(words(_ADDRESS.get(subtag, "")))


@lru_cache(maxsize=256)  # several gates look at the same parts
def plain(text: str) -> str:
    """Returns Markdown as it is read aloud, without markers, code blocks and markup."""
    told = without_markers(without_blocks(text))
    if "](" in told:
        told = _LINK.sub(r"\1", told)
    told = _BULLET.sub("", told)
    for sign in _MARKUP:
        told = told.replace(sign, "")
    return told.strip()


def without_blockquotes_and_verse(text: str) -> str:
    """Returns a text without its blockquotes and verse."""
    text = _BLOCKQUOTE.sub("", text) if ">" in text else text
    return _VERSE.sub("", text) if text.count("\n") > 1 else text


def runs(text: str, size: int) -> Iterator[tuple[str, ...]]:
    """Yields the runs of `size` words of a text in order."""
    found = words(text)
    return zip(*(found[start:] for start in range(size)), strict=False)


def grams(text: str, size: int = 5) -> Grams:
    """Returns all runs of `size` words of a text."""
    return frozenset(runs(text, size))


def grams_of_lesson(lesson: StoredLesson) -> Grams:
    """Returns the `grams` of the prose of a lesson that is finished."""
    texts = [part.content for part in lesson.sections if part.kind != "key_terms"]
    return grams("\n\n".join(map(plain, [*texts, lesson.content_md or ""])))


def statement_keys(lesson: StoredLesson) -> tuple[bool, ...]:
    """Returns whether each true-or-false statement of a lesson that is finished is true."""
    return tuple(check.key == 1 for check in lesson.checks if check.kind == "true_false" and check.key)
