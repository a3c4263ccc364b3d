"""The gates for questions, with real questions of many subjects and languages."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from src.domain.finding import Finding, Severity
from src.domain.lesson import Check, LessonText
from src.domain.outline import LessonPlan
from src.domain.quality.choice_words import answer_told, means_true_and_false, true_and_false
from src.domain.quality.draft import Draft, statement_keys
from src.domain.quality.question_gates import QUESTION_GATES
from src.domain.request import CourseBrief
from tests.lessons import CHECK, PLAN, TRUE, stored, text

GATES = {gate.__name__: gate for gate in QUESTION_GATES}


def draft(*checks: dict[str, Any], language: str = "en", **changes: Any) -> Draft:
    brief = CourseBrief(topic="Cells", num_lessons=3, language=language)
    given = tuple(Check.model_validate({**CHECK, **check}) for check in checks)
    written: LessonText = text().model_copy(update={"checks": given, **changes})
    return Draft(brief, LessonPlan.model_validate(PLAN), written, (), (), (), False, {})


def found(gate: str, *checks: dict[str, Any], language: str = "en", **changes: Any) -> list[Finding]:
    return list(GATES[gate](draft(*checks, language=language, **changes)))


def choice(question: str, answer: str, *wrong: str, explanation: str = "So it is.") -> dict[str, Any]:
    return {"question": question, "choices": (answer, *wrong), "answer": answer, "explanation": explanation}


def judged(choices: tuple[str, str], question: str = "All plants are made of cells.") -> dict[str, Any]:
    return {"kind": "true_false", "question": question, "choices": choices, "answer": choices[0]}


class TestAnswerInTheQuestion:
    @pytest.mark.parametrize(
        ("language", "check", "term"),
        [
            ("en", choice("Which gas, carbon dioxide, do plants take in?", "Carbon dioxide", "Oxygen", "Helium"), ""),
            ("en", choice("What is the thin membrane around it called?", "A thin membrane", "A wall", "A rock"), ""),
            ("en", choice("What is the pigment chlorophyll called?", "Chlorophyll", "Rust", "Ink"), "chlorophyll"),
            ("de", choice("Wie heißt das Zellplasma?", "Das Zellplasma", "Der Kern", "Die Wand"), "Zellplasma"),
            ("zh", choice("因式分解法又叫什么？", "因式分解法", "配方法", "公式法"), "因式分解法"),
        ],
    )  # fmt: skip
    def test_the_words_of_the_key_and_of_no_other_choice_are_found(
        self, language: str, check: dict[str, Any], term: str
    ) -> None:
        changes: dict[str, Any] = {}
        if term:
            changes["key_terms"] = (text().key_terms[0].model_copy(update={"term": term}),)
        findings = found("stem_gives_answer", check, language=language, **changes)
        assert [finding.severity for finding in findings] == [Severity.SOFT]

    @pytest.mark.parametrize(
        "check",
        [
            choice("What is the mole a unit of?", "Amount of substance", "Mass", "Volume"),
            choice("Which gas do plants take in, carbon dioxide or oxygen?", "Carbon dioxide", "Oxygen", "Both"),
            choice("When the temperature rises, what does the volume do?", "It rises", "It falls", "It stays"),
            choice("What is left of 12 V if nothing is lost?", "12 V", "6 V", "0 V"),
            choice("Two litres are heated. What volume is left?", "Two litres", "One litre", "Four litres"),
            choice("What does `print the value` do?", "Print the value", "Nothing", "An error"),
            choice("“The red fox runs.” Who runs?", "The red fox", "A dog", "A cat"),
            choice("Tom kicks the red ball. What does he kick?", "The red ball", "A stone", "A can"),
            choice("Which angle does a right triangle have?", "A right angle", "No angle", "Four sides"),
            choice("Which word is missing? A ____ is small, and the red fox is big.", "Red fox", "Dog", "Cat"),
            choice("Which is the negation of p ∧ q?", "¬p ∨ ¬q", "¬p ∧ ¬q", "p ∨ q"),
            choice("Which equals $a + b$?", "$a + b$", "$a - b$", "$ab$"),
        ],
    )
    def test_what_may_stand_in_a_good_question_is_not(self, check: dict[str, Any]) -> None:
        assert found("stem_gives_answer", check) == []


class TestExplanationForAnotherChoice:
    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ("The answer is volts.", "volts"),
            ("It drives the charge. So the correct answer is “volts”.", "volts"),
            ("The answer is amperes.", "amperes"),
            ("Die richtige Antwort ist Volt.", "Volt"),
            ("La bonne réponse est : Volt.", "Volt"),
            ("Правильный ответ: вольт.", "вольт"),
            ("答案是伏特。", "伏特"),
            ("คำตอบที่ถูกต้องคือ โวลต์", "โวลต์"),
            ("The answer is `</p>`.", "`</p>`"),
            ("The answer is -2.", "-2"),
            ("The answer is 1, 2, 3, 4, 5.", "1, 2, 3, 4, 5"),
        ],
    )
    def test_a_sentence_that_calls_a_choice_the_answer_is_understood(self, said: str, told: str) -> None:
        choices = ("volts", "amperes", "Volt", "вольт", "伏特", "โวลต์", "`</p>`", "`<p>`", "2", "-2", "1, 2, 3, 4")
        assert answer_told(said, (*choices, "1, 2, 3, 4, 5")) == told

    @pytest.mark.parametrize(
        "said",
        [
            "Many think that the answer is volts, but it is not.",
            "The answer is volts per ampere.",
            "Volts measure something else.",
            "The answer is 1.5.",
            "The answer is amperes. The answer is volts.",
        ],
    )
    def test_anything_else_is_not(self, said: str) -> None:
        assert answer_told(said, ("volts", "amperes", "1")) is None

    def test_another_choice_than_the_key_is_a_hard_finding(self) -> None:
        check = choice("Which unit?", "Amperes", "Volts", "Ohms", explanation="The answer is volts.")
        assert [it.severity for it in found("explanation_contradicts", check)] == [Severity.HARD]
        assert found("explanation_contradicts", {**check, "explanation": "The answer is amperes."}) == []


class TestTrueAndFalse:
    @pytest.mark.parametrize(
        ("language", "choices"),
        [
            ("en", ("Right", "Wrong")),
            ("en", ("T", "F")),
            ("en", ("Verdadero", "Falso")),  # in a lesson of Spanish
            ("de", ("Stimmt", "Stimmt nicht")),
            ("fr", ("Vrai", "Faux")),
            ("es", ("Verdadero.", "Falso.")),
            ("pt", ("Certo", "Errado")),
            ("it", ("Vero", "Falso")),
            ("ru", ("Верно", "Неверно")),
            ("el", ("Σωστό", "Λάθος")),
            ("tr", ("Doğru", "Yanlış")),
            ("he", ("נכון", "לא נכון")),
            ("ar", ("صواب", "خطأ")),
            ("hi", ("सही", "ग़लत")),
            ("am", ("እውነት", "ሐሰት")),
            ("hy", ("Ճիշտ է", "Սխալ է")),
            ("ja", ("○", "×")),
            ("ko", ("O", "X")),
            ("zh", ("对", "错")),
            ("th", ("ใช่", "ไม่ใช่")),
            ("km", ("ត្រូវ", "ខុស")),
            ("zh", ("✔️", "✖️")),
            ("sw", ("Kweli", "Uongo")),  # a language that isn't known
        ],
    )
    def test_the_words_and_signs_that_teachers_use_are_known(self, language: str, choices: tuple[str, str]) -> None:
        assert found("not_true_and_false", judged(choices), language=language) == []

    @pytest.mark.parametrize(
        ("language", "choices"),
        [
            ("en", ("False", "True")),
            ("en", ("Yes", "No")),
            ("fr", ("Faux", "Vrai")),
            ("ja", ("×", "○")),
            ("th", ("ไม่ใช่", "ใช่")),
            ("ru", ("А", "Б")),
        ],
    )
    def test_other_words_and_another_order_are_found(self, language: str, choices: tuple[str, str]) -> None:
        assert len(found("not_true_and_false", judged(choices), language=language)) == 1

    def test_yes_and_no_answer_a_question(self) -> None:
        assert found("not_true_and_false", judged(("Yes", "No"), "Are all plants made of cells?")) == []

    def test_the_usual_words_are_two(self) -> None:
        assert true_and_false("he-IL") == ("נכון", "לא נכון")
        assert means_true_and_false(("richtig", "falsch"), "Zellen leben.")


class TestLetters:
    @pytest.mark.parametrize(
        ("language", "said"),
        [
            ("en", "Option B is a rock."),
            ("fr", "La bonne réponse est C."),
            ("es", "La opción B es la correcta."),
            ("ru", "Верен вариант Б."),
            ("tr", "Doğru cevap C."),
            ("he", "תשובה ב' נכונה."),
            ("ar", "الخيار ب هو الصحيح."),
            ("hi", "विकल्प ख सही है।"),
            ("ja", "選択肢Bが正しい。"),
            ("ko", "보기 B가 맞다."),
            ("zh", "故选A。"),
            ("th", "ข้อ ข ถูกต้อง"),
        ],
    )
    def test_a_choice_that_is_named_by_its_letter_is_found(self, language: str, said: str) -> None:
        findings = found("letter_named", {"explanation": said}, language=language)
        assert [finding.severity for finding in findings] == [Severity.HARD]

    @pytest.mark.parametrize(
        "check",
        [
            choice("Which blood group is it?", "A", "B", "AB", explanation="The answer is A, as it has the antigen."),
            choice("Which plan is cheaper?", "Plan A", "Plan B", "Both", explanation="Option A costs less."),
            choice("Option B costs 4 a month, how much a year?", "48", "8", "16", explanation="Option B costs 4 · 12."),
            choice("What is the area?", "12", "7", "24", explanation="This gives the answer A = 12."),
        ],
    )
    def test_a_letter_that_is_a_name_is_none(self, check: dict[str, Any]) -> None:
        changes = {"summary": "There are two offers: option A, and option B."}
        assert found("letter_named", check, **changes) == []

    @pytest.mark.parametrize(
        "named", ["Both A and B", "A and B", "Alle Antworten", "Toutes les réponses", "以上都是", "ถูกทุกข้อ", "Hepsi"]
    )
    def test_a_choice_that_speaks_of_the_others_is_found(self, named: str) -> None:
        assert len(found("all_or_none", choice("What is a cell?", "A unit of life", "Rock", named))) == 1

    @pytest.mark.parametrize(
        "check",
        [
            choice("Which points lie on the line?", "A and B", "A and C", "B and C"),
            choice("Which points lie on the line through A?", "A and B", "None", "C"),
            choice("What do we see at full moon?", "All of the bright half", "None of it", "Half"),
        ],
    )
    def test_names_that_are_letters_speak_of_no_choice(self, check: dict[str, Any]) -> None:
        assert found("all_or_none", check) == []


class TestLength:
    def test_a_key_that_all_others_are_much_longer_than_is_found(self) -> None:
        long = ("It is a rock that lies in the mud of a pond", "It is a star that shines above all the ponds")
        assert [it.gate for it in found("shortest_is_key", choice("What is a cell?", "A unit of life", *long))] == [
            "shortest_is_key"
        ]
        assert found("shortest_is_key", choice("What is a cell?", "A unit of life", long[0], "A star")) == []
        assert found("shortest_is_key", choice("What may burn?", "Ice", "Cling film", "Running water")) == []


class TestAskedTwice:
    @pytest.mark.parametrize(
        ("first", "second", "twice"),
        [
            ("What is a cell?", "What, then, is a cell?", True),
            ("What is 2 + 3?", "Now: what is 2 + 3?", True),
            ("What is 7 + 3?", "What is 7 - 3?", False),
            ("What is 7 - 3?", "What is 3 - 7?", False),
            ("Differentiate x^2.", "Differentiate x^3.", False),
        ],
    )
    def test_the_same_words_with_other_figures_or_signs_ask_something_else(
        self, first: str, second: str, twice: bool
    ) -> None:
        checks = (choice(first, "one", "two", "three"), choice(second, "four", "five", "six"))
        assert bool(found("duplicate_question", *checks)) == twice

    def test_a_statement_behind_a_word_or_two_is_asked_again(self) -> None:
        again = {**TRUE, "question": f"Again: {TRUE['question']}"}
        assert [it.where for it in found("duplicate_question", TRUE, again)] == ["checks.2"]


class TestKeysOfACourse:
    ALL_TRUE: Mapping[int, tuple[bool, ...]] = MappingProxyType({1: (True, True), 3: (True, True)})

    def known(self, statements: Mapping[int, tuple[bool, ...]], *checks: dict[str, Any]) -> list[str]:
        given = replace(draft(*(checks or (CHECK, TRUE))), statements=statements)
        return [finding.where for finding in GATES["one_sided_course"](given)]

    def test_all_alike_are_found_in_the_lesson_that_is_reviewed_last(self) -> None:
        assert self.known(self.ALL_TRUE) == ["checks.2"]
        assert self.known({1: (False,) * 4, 3: ()}, {**TRUE, "answer": "False"}) == ["checks.1"]

    @pytest.mark.parametrize(
        "statements",
        [
            {1: (True, True, True, True)},  # another lesson is still being written
            {1: (True, True), 3: (True, False)},
            {1: (True, True), 3: (True,)},  # too few to tell
        ],
    )
    def test_it_is_silent_where_that_cant_be_told(self, statements: dict[int, tuple[bool, ...]]) -> None:
        assert self.known(statements) == []

    def test_a_lesson_without_statements_or_with_a_finding_of_its_own_is_left_alone(self) -> None:
        assert self.known(self.ALL_TRUE, CHECK) == []
        assert self.known(self.ALL_TRUE, TRUE, TRUE, TRUE) == []

    def test_what_is_stored_says_which_statements_are_true(self) -> None:
        false = {**TRUE, "question": "No plant is made of cells.", "answer": "False", "explanation": "False: all are."}
        assert statement_keys(stored(checks=[CHECK, TRUE, false])) == (True, False)
