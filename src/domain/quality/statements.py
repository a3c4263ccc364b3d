"""Judges the key of a true-or-false question: what the evidence says of the statement."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import Literal

import regex

from src.domain.language_tag import primary_subtag
from src.domain.normal_form import normal_text
from src.domain.number_words import language_of
from src.domain.numerals import is_given
from src.domain.quality.key_texts import (
    CONTRAST,
    OPEN,
    PROVEN,
    Asked,
    Verdict,
    given_values,
    is_order_of_words,
    is_prose,
    numerals,
    refuted,
    unproven,
)
from src.domain.quality.statement_words import (
    CONJUNCTIONS,
    DOUBT,
    OPPOSITES,
    WITHOUT,
    Token,
    is_exchanged,
    is_number_of_another,
    joined,
    tokens,
)
from src.domain.words import NOT_ONLY, negations

# "True or false?" before a statement isn't part of it.
_LABEL = regex.compile(r"^[^.?!:؟;？：፧]{0,40}(?:[?:؟;፧]\s+|[？：]\s*)(?=\S)")
# "Fewer than 1 in 20" may be true of another number that is given.
_COMPARED = regex.compile(
    r"\b(?:fewer|less|more|greater|smaller|larger|under|over|above|below|least|most|up to|nearly|almost|about|around"
    r"|mehr|weniger|über|unter|mindestens|höchstens|fast|etwa|moins|plus|environ|presque|más|menos|casi|mais|più|meno"
    r"|более|менее|больше|меньше|около|почти)\b|\p{Nd} in \p{Nd}",
    regex.IGNORECASE,
)
_ALIKE, _MOSTLY, _SAID = 0.9, 0.7, 0.5
"""The share of a statement's words that its evidence has, in their order, if it says the same, nearly or in part."""
_STANDS_AS_IT_IS = 0.95
"""The share of a statement in a script without spaces that its evidence has sign by sign, if it says just that."""
_FEWEST_TO_COMPARE, _FEWEST_SIGNS = 2, 5
"""So many words that carry content, or signs of a script without spaces, are enough to compare."""
_FEWEST_AROUND = 3
"""So many words have to be the same around one that differs, so that this one stands in the other's place."""
_LONGEST_WORD, _LONGEST_LIST = 4, 5
"""How many signs, or words, what stands in another's place may have at most."""

_Said = Literal[
    "stated", "nearly stated", "mostly stated", "mostly denied", "denied", "perhaps denied", "other number",
    "no such number", "number of another", "other word", "perhaps other word", "other order", "perhaps other order",
    "spoken of", "not spoken of",
]  # fmt: skip
"""What the evidence says of a statement; `other word`: it says the same of something else."""


def statement_verdict(asked: Asked) -> Verdict:
    """Returns what the evidence says of the key of a true-or-false question."""
    said = _Comparison(asked).result
    is_true = asked.check.key == 1
    match said:
        case "stated":
            return PROVEN if is_true else refuted(_REASONS[said])
        case "nearly stated" | "mostly stated":
            return PROVEN if is_true else OPEN
        case "mostly denied":
            return unproven(_REASONS["perhaps denied"]) if is_true else PROVEN
        case "denied" | "other number" | "other word" | "other order":
            return refuted(_REASONS[said]) if is_true else PROVEN
        case "perhaps denied" | "perhaps other order" | "perhaps other word" | "no such number" | "number of another":
            return unproven(_REASONS[said]) if is_true else OPEN
        case "spoken of":
            return OPEN
        case _:
            return unproven("the evidence hardly speaks of what is stated")


_REASONS = {
    "stated": "the key is false, but the evidence says just what the statement says",
    "denied": "the key is true, but the evidence denies the statement",
    "perhaps denied": "the key is true, but the evidence seems to deny the statement",
    "other number": "the key is true, but the evidence has not the numbers of the statement",
    "no such number": "the key is true, but the evidence has not the numbers of the statement",
    "number of another": "the key is true, but in the evidence the number belongs to something else",
    "other word": "the key is true, but the evidence says the same of something else",
    "perhaps other word": "the key is true, but the evidence seems to say the same of something else",
    "other order": "the key is true, but the evidence says it the other way round",
    "perhaps other order": "the key is true, but the evidence seems to say it the other way round",
}


@dataclass(frozen=True)
class _Comparison:
    """A statement beside its evidence."""

    asked: Asked

    @cached_property
    def stated(self) -> tuple[Token, ...]:
        """The words of the statement."""
        question = self.asked.check.question
        choices = map(normal_text, self.asked.check.choices or ())
        if (found := _LABEL.match(question)) and any(map(normal_text(found.group()).__contains__, choices)):
            question = question[found.end() :]
        return tokens(question, self.asked.language)

    @cached_property
    def given(self) -> tuple[Token, ...]:
        """The words of the evidence."""
        return tokens(self.asked.evidence, self.asked.language)

    @property
    def result(self) -> _Said:
        """What the evidence says of the statement."""
        core = [token for token in self.stated if token.is_content]
        evidence = [token for token in self.given if token.is_content]
        if not core or not evidence:
            return self._spoken_of()
        matcher = SequenceMatcher(None, [it.stem for it in core], [it.stem for it in evidence], autojunk=False)
        blocks = [block for block in matcher.get_matching_blocks() if block.size]
        in_order = sum(block.size for block in blocks) / len(core)
        touched = {evidence[i].clause for block in blocks for i in range(block.b, block.b + block.size)}
        is_enough = len(core) >= (_FEWEST_SIGNS if core[0].is_sign else _FEWEST_TO_COMPARE) or self._is_word_for_word()
        other = self._order() or self._opposite() or self._replaced(core, evidence) or self._one_word_differs()
        if other is not None:
            if self._denies(touched):  # of two differences one may undo the other
                return "perhaps denied" if core[0].is_sign else "spoken of"
            return other
        if (number := self._number(in_order)) is not None:
            return number
        if is_number_of_another(core, evidence):
            return "number of another"
        if in_order >= _ALIKE and is_enough:
            return self._alike(touched)
        if core[0].is_sign and is_enough and in_order >= _MOSTLY and self._denies(touched):
            return "perhaps denied"
        bag = {token.stem for token in evidence}
        share = sum(token.stem in bag for token in core) / len(core)
        if share >= _MOSTLY and is_enough and not core[0].is_sign:
            differs = self._denies(touched)
            if differs is None or (differs and CONTRAST.search(self.asked.evidence)):
                return "spoken of"
            return "mostly denied" if differs else "mostly stated"
        return "spoken of" if share >= _SAID else self._spoken_of()

    def _replaced(self, core: list[Token], evidence: list[Token]) -> _Said | None:
        """Returns what the evidence says if it has one word or number in another's place; None if it hasn't."""
        found: _Said | None = None
        size = len(core)
        if size < _FEWEST_AROUND or core[0].is_sign:
            return None
        for start in range(len(evidence) - size + 1):
            part = evidence[start : start + size]
            differing = [at for at in range(size) if core[at].stem != part[at].stem]
            if not differing:
                return None
            pairs = {(core[at].text, part[at].text) for at in differing}
            numbers = [core[at].is_number + part[at].is_number for at in differing]
            if 2 * len(differing) <= size and all(number == 2 for number in numbers):
                found = "other number"
            elif len(pairs) == 1 and 2 * len(differing) < size and not any(numbers):
                ((mine, its),) = pairs
                place = part[differing[0]].place
                if self._is_listed(core[differing[0]].stem, place):
                    return None
                if mine[:3] != its[:3] and all(self._stands_alike(core, part, at) for at in differing):
                    spoken = language_of(self.asked.language).numbers
                    is_sure = differing[0] == 0 or (mine in spoken and its in spoken)
                    # What a sentence is about is one thing and no other; another word may have the same meaning.
                    found = "other word" if is_sure else "perhaps other word"
        return found

    def _is_listed(self, stem_of_word: str, place: int) -> bool:
        """Returns whether the evidence names a word beside the one at a place, as in "plants and animals"."""
        conjunctions = CONJUNCTIONS.get(primary_subtag(self.asked.language), "").split()
        for token in self.given:
            first, last = sorted((token.place, place))
            if token.stem == stem_of_word and last - first <= _LONGEST_LIST:
                return any(it.text in conjunctions for it in self.given[first:last])
        return False

    def _stands_alike(self, core: list[Token], part: list[Token], at: int) -> bool:
        """Returns whether the same words stand between a word and those beside it that carry content, in both texts."""
        for beside in (at - 1, at + 1):
            if 0 <= beside < len(core):
                first, last = sorted((at, beside))
                mine = self.stated[core[first].place + 1 : core[last].place]
                its = self.given[part[first].place + 1 : part[last].place]
                if [it.text for it in mine] != [it.text for it in its]:
                    return False
        return True

    def _opposite(self) -> _Said | None:
        """Returns what the evidence says if it has all words of the statement, but the opposite of one; None if not."""
        if any(it.is_sign for it in self.stated):
            return _signs_replaced(self.stated, self.given)
        pairs = self._only_differing
        if pairs is None:
            return None
        return "other word" if frozenset((pairs[0].text, pairs[1].text)) in OPPOSITES else None

    def _one_word_differs(self) -> _Said | None:
        """Returns what the evidence says if it has all words of a short statement but one of content; None if not."""
        pairs = self._only_differing
        if pairs is None or len(self.stated) < _FEWEST_AROUND + 1:
            return None
        mine, its = pairs
        if self._is_listed(mine.stem, its.place):
            return None
        is_other = mine.is_content and its.is_content and mine.text[:3] != its.text[:3]
        return "perhaps other word" if is_other and not mine.is_number else None

    @cached_property
    def _only_differing(self) -> tuple[Token, Token] | None:
        """The only word that differs from the evidence, and what that has in its place; None if there is none."""
        found = None
        for start in range(len(self.given) - len(self.stated) + 1):
            beside = zip(self.stated, self.given[start:], strict=False)
            differing = [(mine, its) for mine, its in beside if mine.text != its.text]
            if not differing:
                return None
            if len(differing) == 1:
                found = differing[0]
        return found

    def _is_word_for_word(self) -> bool:
        """Returns whether the evidence has all words of the statement but those that deny something."""
        own = {it.text for it in self.stated if not it.is_denial}
        return len(own) >= _FEWEST_AROUND and own <= {it.text for it in self.given}

    def _alike(self, touched: set[int]) -> _Said:
        denies = self._denies(touched)
        if denies is None:
            return "nearly stated"
        if denies:
            return "denied" if len(touched) == 1 else "perhaps denied"
        if DOUBT.search(self.asked.evidence) and not DOUBT.search(self.asked.check.question):
            return "spoken of"
        own, text = [it.text for it in self.stated], [it.text for it in self.given]
        blocks = [it for it in SequenceMatcher(None, own, text, autojunk=False).get_matching_blocks() if it.size]
        stands = sum(it.size for it in blocks) >= _STANDS_AS_IT_IS * len(own)
        # What stands before it may say that it is said or believed, and no more.
        begins = (
            not any(it.is_content and it.clause in touched for it in self.given[: blocks[0].b]) if blocks else False
        )
        return "stated" if stands and begins and len(touched) == 1 else "nearly stated"

    def _denies(self, touched: set[int]) -> bool | None:
        """Returns whether statement and the clauses of the evidence that it matches differ in a negation."""
        language = self.asked.language
        if not self.asked.knows_negations or NOT_ONLY.search(self.asked.evidence):
            return None
        texts = (joined(part) for part in (self.stated, [it for it in self.given if it.clause in touched]))
        own, given = (sum(negations(word, language) or 0 for word in text if word not in WITHOUT) for text in texts)
        return own % 2 != given % 2

    def _order(self) -> _Said | None:
        """Returns what the evidence says if it has the words of the statement in another order; None if it hasn't."""
        own, given = [it.stem for it in self.stated], [it.stem for it in self.given]
        size = len(own)
        if size > len(given) or size < 3:
            return None
        wanted = Counter(own)
        conjunctions = CONJUNCTIONS.get(primary_subtag(self.asked.language), "").split()
        for start in range(len(given) - size + 1):
            part = given[start : start + size]
            if part[0] not in wanted or Counter(part) != wanted:
                continue
            if part == own:
                return None
            if is_exchanged(self.stated, self.given[start : start + size], conjunctions):
                sure = is_order_of_words(self.asked.language)
                return "other order" if sure else "perhaps other order"
            return "spoken of"
        return None

    def _number(self, in_order: float) -> _Said | None:
        """Returns what the evidence says if it hasn't a number of the statement; None if it has them all."""
        asked = self.asked
        missing = [it for it in numerals(asked.check.question, asked.language) if not is_given(it, asked.given)]
        if not missing:
            return None
        if asked.is_calculated(asked.check.question, steps=False):
            return "spoken of"
        if _COMPARED.search(asked.check.question):
            return "no such number"
        elsewhere = given_values(asked.around, asked.language)
        if not is_prose(asked.evidence, asked.language):
            elsewhere = given_values(asked.lesson, asked.language)
        if all(is_given(it, elsewhere) for it in missing) and not _takes_its_place(self.stated, self.given):
            return "spoken of"
        if in_order >= _SAID and _takes_its_place(self.stated, self.given):
            return "other number"
        lesson = given_values(asked.lesson, asked.language) | given_values(asked.check.explanation, asked.language)
        return "other number" if not any(is_given(it, lesson) for it in missing) else "no such number"

    def _spoken_of(self) -> _Said:
        """Returns whether evidence and statement have to do with each other, or what explains and surrounds them."""
        asked = self.asked
        question, explanation = asked.check.question, asked.check.explanation
        if asked.links(question, asked.evidence) >= 1 or asked.links(explanation, asked.evidence) >= 1:
            return "spoken of"
        return "spoken of" if asked.links(question, asked.around) >= 2 else "not spoken of"


def _signs_replaced(own: Sequence[Token], given: Sequence[Token]) -> _Said | None:
    """Returns what is said if signs of a script without spaces have others in their place; None if they haven't."""
    matcher = SequenceMatcher(None, [it.text for it in own], [it.text for it in given], autojunk=False)
    codes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    inner = [code for code in codes if not (code[0] == "insert" and code[1] in (0, len(own)))]
    if len(inner) != 1 or inner[0][0] != "replace":
        return None
    _, first, last, other, end = inner[0]
    clauses = {it.clause for it in given[other:end]}
    is_short = last - first <= _LONGEST_WORD and end - other <= _LONGEST_WORD
    is_most = len(own) - (last - first) >= max(_FEWEST_SIGNS, 0.6 * len(own))
    return "perhaps other word" if is_short and is_most and len(clauses) == 1 else None


def _takes_its_place(stated: Sequence[Token], given: Sequence[Token]) -> bool:
    """Returns whether a number of the statement stands where the evidence has another one."""
    matcher = SequenceMatcher(None, [it.stem for it in stated], [it.stem for it in given], autojunk=False)
    return any(
        tag == "replace"
        and any(it.is_number for it in stated[first:last])
        and any(it.is_number for it in given[other:end])
        for tag, first, last, other, end in matcher.get_opcodes()
    )
