"""Answer keys: what the lesson's own evidence bears out, what it refutes, and what can't be told from it."""

from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

import pytest

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.gates import LEAST_CAUGHT, scores
from benchmarks.key_faults import KEY_FAULTS, question_of_another_lesson
from src.domain.finding import Severity
from src.domain.lesson import Check
from src.domain.quality.answer_keys import key_verdict
from src.domain.quality.key_texts import Standing, given_values
from src.domain.quality.statement_words import tokens
from tests.lessons import CHECK, PARTS, TRUE, reviewed

HARD, SOFT, OPEN, PROVEN = Standing.REFUTED, Standing.UNPROVEN, Standing.OPEN, Standing.PROVEN
REST = "This lesson has another sentence too."
KEY_GATES = {"answer_unsupported", "key_unproven"}


def verdict(lesson: str, language: str = "en", **fields: Any) -> Standing:
    given = {"choices": None, "explanation": "…", "objective": 1, **fields}
    return key_verdict(Check(**given), f"{lesson}\n\n{REST}", language).standing


def of_choice(question: str, evidence: str, key: str, *others: str, language: str = "en", why: str = "…") -> Standing:
    fields = {"question": question, "choices": (key, *others), "answer": key, "evidence": evidence, "explanation": why}
    return verdict(evidence, language, kind="multiple_choice", **fields)


def of_statement(statement: str, evidence: str, is_true: bool, language: str = "en", why: str = "…") -> Standing:
    fields = {"question": statement, "choices": ("T", "F"), "answer": "T" if is_true else "F", "evidence": evidence}
    return verdict(evidence, language, kind="true_false", explanation=why, **fields)


def of_answer(question: str, evidence: str, answer: str, language: str = "en", why: str = "…") -> Standing:
    fields = {"question": question, "answer": answer, "evidence": evidence, "explanation": why}
    return verdict(evidence, language, kind="short_answer", **fields)


UNIT = "In which unit is electric current measured?"
AMPERES = "Electric current is the flow of charge, and it is measured in amperes."
SOLUTIONS = "The root of 9 is 3, so x_1 = -2 and x_2 = -5."
ROOTS = ("x = 2 and x = 5", "x = -2 and x = -5", "x = -2 and x = 5", "x = 2 and x = -5")
PRINTF = 'The line `printf("%d", x);` prints the value of `x` as a whole number.'
YEARS = "The Revolution began in 1789, and the king was executed in 1793."


class TestChoices:
    @pytest.mark.parametrize("why", ["…", "Kilograms: current is measured in them.", "In kilograms."])
    def test_a_unit_that_the_evidence_does_not_name_is_refuted_whatever_the_explanation_says(self, why: str) -> None:
        assert of_choice(UNIT, AMPERES, "kilograms", "volts", "ohms", "watts", why=why) is HARD
        assert of_choice(UNIT, AMPERES, "In kilograms", "In volts", "In amperes", why=why) is HARD

    def test_the_unit_that_it_names_is_borne_out(self) -> None:
        assert of_choice(UNIT, AMPERES, "amperes", "volts", "ohms", "kilograms") is PROVEN
        assert of_choice("Welche Einheit hat der Strom?", "Der Strom wird in Ampere gemessen.", "Ampere", "Volt", "Ohm",
                         language="de") is PROVEN  # fmt: skip

    def test_signs_of_numbers_tell_choices_apart(self) -> None:
        question = "What are the solutions of x² + 7x + 10 = 0?"
        found = [of_choice(question, SOLUTIONS, key, *(it for it in ROOTS if it != key)) for key in ROOTS]
        assert found == [HARD, PROVEN, HARD, HARD]

    def test_evidence_may_be_code(self) -> None:
        key, other = "prints the value of x as a whole number", "adds one to x"
        question = 'What does `printf("%d", x);` do?'
        assert of_choice(question, PRINTF, key, other, "reads x") is PROVEN
        assert of_choice(question, PRINTF, other, key, "reads x") is HARD

    @pytest.mark.parametrize("why", ["…", "4: 1793 − 1789 = 4.", "Subtract 1789 from 1793."])
    def test_a_number_that_is_worked_out_is_never_refuted(self, why: str) -> None:
        assert of_choice("How many years lay between 1789 and 1793?", YEARS, "4", "5", "14", why=why) in (OPEN, SOFT)

    @pytest.mark.parametrize(
        ("language", "question", "evidence", "key", "other", "third"),
        [
            ("de", "Woraus bestehen Lettern?", "Er goss die Lettern aus Metall.", "Aus Metall", "Aus Holz", "Aus Ton"),
            ("fr", "Quand la royauté est-elle abolie ?", "La royauté est abolie le 21 septembre 1792.",
             "Le 21 septembre 1792", "Le 5 mai 1789", "Le 10 août 1793"),
            ("es", "¿Quién fundó el imperio?", "El imperio lo fundó Pachacútec.", "Pachacútec", "Huáscar", "Pizarro"),
            ("pt", "O que caiu em agosto?", "A inflação caiu em agosto.", "A inflação", "O salário", "A moeda"),
            ("ru", "Кто измерил давление?", "Давление измерил Торричелли.", "Торричелли", "Ньютон", "Паскаль"),
            ("el", "Τι βγάζει το φυτό;", "Το φυτό βγάζει οξυγόνο.", "Οξυγόνο", "Άζωτο", "Νερό"),
            ("he", "מה פולט הצמח?", "הצמח פולט חמצן.", "חמצן", "חנקן", "מימן"),
            ("ar", "ماذا ينتج النبات؟", "النبات ينتج الأكسجين في النهار.", "الأكسجين", "النيتروجين", "الماء"),
            ("hi", "पौधा क्या छोड़ता है?", "पौधा ऑक्सीजन छोड़ता है।", "ऑक्सीजन", "नाइट्रोजन", "पानी"),
            ("tr", "Bitki ne üretir?", "Bitki oksijen üretir.", "Oksijen", "Azot", "Hidrojen"),
            ("zh", "植物放出什么气体？", "植物放出氧气。", "氧气", "氮气", "氢气"),
            ("ja", "植物は何を出すか。", "植物は酸素を出す。", "酸素", "窒素", "水素"),
            ("ko", "식물은 무엇을 내보냅니까?", "식물은 산소를 내보냅니다.", "산소", "질소", "수소"),
            ("th", "พืชปล่อยแก๊สใด", "พืชปล่อยออกซิเจนออกมา", "ออกซิเจน", "ไนโตรเจน", "ไฮโดรเจน"),
            ("km", "តើរុក្ខជាតិបញ្ចេញអ្វី?", "រុក្ខជាតិបញ្ចេញអុកស៊ីសែន។", "អុកស៊ីសែន", "អាសូត", "ទឹក"),
        ],
    )  # fmt: skip
    def test_the_key_is_told_from_the_others_in_every_language(
        self, language: str, question: str, evidence: str, key: str, other: str, third: str
    ) -> None:
        assert of_choice(question, evidence, key, other, third, language=language) is PROVEN
        assert of_choice(question, evidence, other, key, third, language=language) is HARD

    def test_where_a_language_s_negations_are_unknown_nothing_is_refuted_by_the_evidence(self) -> None:
        question, evidence = "Ո՞ր գետն է սկիզբ առնում լճից։", "Լճից սկիզբ է առնում Հրազդանը։"
        assert of_choice(question, evidence, "Հրազդանը", "Մասրիկը", "Արփան", language="hy") is PROVEN
        assert of_choice(question, evidence, "Մասրիկը", "Հրազդանը", "Արփան", language="hy") is SOFT

    @pytest.mark.parametrize("mark", [":", "：", "፦", "៖", " :"])
    def test_an_explanation_that_begins_with_another_choice_refutes_the_key_in_any_script(self, mark: str) -> None:
        evidence, choices = "The gas is oxygen, or it is nitrogen.", ("Nitrogen", "Helium")
        assert of_choice("Which gas is it?", evidence, "Oxygen", *choices, why=f"« Nitrogen{mark} so it is.") is HARD
        assert of_choice("Which gas is it?", evidence, "Oxygen", *choices, why=f"Oxygen{mark} so it is.") is not HARD

    def test_a_question_for_what_is_not_so_may_have_evidence_of_all_that_is(self) -> None:
        question, evidence = "Which of these is NOT in DNA?", "A unit of DNA has a sugar, a base and a phosphate."
        assert of_choice(question, evidence, "Amino acid", "Sugar", "Base", "Phosphate") is PROVEN
        assert of_choice(question, evidence, "Sugar", "Amino acid", "Base", "Phosphate") is HARD
        found = of_choice("What should you NOT put on a burn?", "Do not use ice.", "Ice", "Water", "Film")
        assert found in (PROVEN, OPEN)

    def test_evidence_that_contrasts_a_wrong_choice_refutes_nothing(self) -> None:
        evidence = "Unlike a fish, it has warm blood."
        assert of_choice("Which animal has warm blood?", evidence, "A whale", "A fish", "A frog") in (OPEN, SOFT)

    def test_the_clause_of_the_question_decides_between_two_choices_that_are_named(self) -> None:
        evidence = "A million elements take at most 20 comparisons, and a billion take at most 30."
        question = "At most how many comparisons do a million elements take?"
        assert of_choice(question, evidence, "20", "30", "1000") is PROVEN
        assert of_choice(question, evidence, "30", "20", "1000") is not PROVEN

    def test_a_gap_is_filled_by_the_evidence_alone(self) -> None:
        question = "Which word is missing? _____ division replaces cells that are worn out."
        evidence = "Cell division replaces cells that are worn out."
        assert of_choice(question, evidence, "cell", "organism", "tissue") is PROVEN
        assert of_choice(question, evidence, "tissue", "organism", "cell") is HARD

    def test_a_minus_in_words_is_one(self) -> None:
        evidence, question = "מפלסו נמוך ממינוס 430 מ'.", "באיזה גובה נמצא המפלס?"
        assert of_choice(question, evidence, "-430 מ'", "+430 מ'", "0 מ'", language="he") in (PROVEN, OPEN)

    def test_evidence_that_introduces_a_list_stands_for_it(self) -> None:
        lesson = "It has three parts:\n\n- the root\n- the stem\n- the leaf\n\nMore follows."
        fields = {"question": "What is a part of the plant?", "evidence": "It has three parts:", "explanation": "…"}
        asked: dict[str, Any] = {**fields, "kind": "multiple_choice", "choices": ("The stem", "The wheel", "The wing")}
        assert verdict(lesson, answer="The stem", **asked) is not HARD
        assert verdict(lesson, answer="The wheel", **asked) is HARD


HEN, COW = "A hen gives milk.", "A cow gives milk."
MOON, SUN = "The moon is larger than the sun.", "The sun is larger than the moon."
PRIOR = "P(A) is called the prior probability, and P(A given B) the posterior."
KEPLER = "Kepler showed that the orbit of a planet is an ellipse"
BASE = "A base takes up protons, and a solution of one feels slippery."


class TestStatements:
    @pytest.mark.parametrize(
        ("statement", "evidence", "if_true"),
        [
            (HEN, COW, HARD),
            (MOON, SUN, HARD),
            ("P(A) is called the posterior probability.", PRIOR, SOFT),
            ("A base never takes up protons.", BASE, HARD),
            ("An acid isn't a base.", "An acid is a base.", HARD),
            ("Water boils at 90 °C.", "Water boils at 100 °C.", HARD),
            ("Water boils at 0 °C.", "Water freezes at 0 °C and boils at 100 °C.", SOFT),
            ("The war ended in 1914.", "The war began in 1914 and ended in 1918.", SOFT),
            ("The shore lies at 430 m.", "The shore lies at −430 m.", HARD),
            ("The heart has three chambers.", "The heart has four chambers.", HARD),
            ("The tube carries blood to the heart.", "The tube carries blood from the heart.", HARD),
            ("The heart pumps the blood.", "The blood pumps the heart.", HARD),
            ("All 7 plants have cells.", "All plants and all animals are made of cells.", HARD),
            ("Acids turn litmus red.", "Acids turn litmus blue.", SOFT),
        ],
    )
    def test_what_the_evidence_says_of_something_else_is_no_truth(
        self, statement: str, evidence: str, if_true: Standing
    ) -> None:
        assert of_statement(statement, evidence, True) is if_true
        assert of_statement(statement, evidence, False) in (PROVEN, OPEN)

    @pytest.mark.parametrize(
        ("statement", "evidence"),
        [
            (f"{KEPLER}.", f"{KEPLER}, not a circle."),
            ("The wire carries current.", "The wire carries current without any loss."),
            ("Far from land, the waves are low.", "Far from land the waves are low."),
            ("Mars is a planet.", "Mars and Venus are planets."),
            ("Water boils at 100 °C.", "Water freezes at 0 °C and boils at 100 °C."),
            ("The war ended in 1918.", "The war began in 1914 and ended in 1918."),
            ("All plants make their own sugar.", "All plants and all algae make their own sugar."),
            ("Plants have cells.", "Plants, algae and fungi have cells."),
        ],
    )
    def test_what_the_evidence_says_is_borne_out(self, statement: str, evidence: str) -> None:
        assert of_statement(statement, evidence, True) is PROVEN

    def test_what_the_evidence_says_word_for_word_is_not_false(self) -> None:
        assert of_statement(f"{KEPLER}.", f"{KEPLER}, not a circle.", False) is HARD
        assert of_statement(COW, COW, False) is HARD

    @pytest.mark.parametrize(
        ("statement", "evidence"),
        [
            ("The capital of France is Paris.", "Paris is the capital of France."),
            ("The kelp was eaten by the urchins.", "The urchins ate the kelp."),
            ("Gold and silver are metals.", "Silver and gold are metals."),
            ("Red, green and blue are colors.", "Blue, green and red are colors."),
            ("Bats are blind.", "It is a myth that bats are blind."),
            ("Doctors cured the sick.", "Doctors did not only cure the sick, they taught."),
            ("A solution with a pH of 8.1 is basic.", "Below 7 a solution is acidic, above 7 it is basic."),
        ],
    )
    @pytest.mark.parametrize("is_true", [True, False])
    def test_the_same_words_in_another_order_or_frame_are_not_refuted(
        self, statement: str, evidence: str, is_true: bool
    ) -> None:
        assert of_statement(statement, evidence, is_true, why="Look at 8.1: it is above 7.") is not HARD

    @pytest.mark.parametrize(
        ("language", "statement", "evidence", "if_true"),
        [
            ("de", "Die Sonne ist kleiner als der Mond.", "Der Mond ist kleiner als die Sonne.", SOFT),
            ("de", "Den Mann beißt der Hund.", "Der Hund beißt den Mann.", SOFT),
            ("fr", "La lune est plus grande que le soleil.", "Le soleil est plus grand que la lune.", None),
            ("es", "El sol mueve la luna.", "La luna mueve el sol.", None),
            ("zh", "太阳比月亮小。", "月亮比太阳小。", HARD),
            ("zh", "母鸡产奶给人喝。", "奶牛产奶给人喝。", SOFT),
            ("de", "Eine Base nimmt nie Protonen auf.", "Eine Base nimmt Protonen auf.", HARD),
            ("fr", "La lune n'est pas une planète rouge.", "La lune est une planète rouge.", HARD),
            ("ru", "Луна не светит ночью сама.", "Луна светит ночью сама.", HARD),
            ("hi", "चाँद रात में नहीं चमकता है।", "चाँद रात में चमकता है।", HARD),
            ("ja", "水は百度で沸騰しない。", "水は百度で沸騰する。", SOFT),
            ("tr", "Su 90 derecede kaynar.", "Su 100 derecede kaynar.", HARD),
            ("ko", "물은 90도에서 끓는다.", "물은 100도에서 끓는다.", HARD),
        ],
    )
    def test_other_languages(self, language: str, statement: str, evidence: str, if_true: Standing | None) -> None:
        found = of_statement(statement, evidence, True, language)
        assert found is if_true if if_true else found is not PROVEN
        assert of_statement(statement, evidence, False, language) is not HARD

    @pytest.mark.parametrize(
        ("label", "evidence", "choices", "language"),
        [
            ("True or false? ", COW, ("True", "False"), "en"),
            ("صحيح أم خطأ؟ ", "يدخل السكر إلى الجسم مع الطعام.", ("صحيح", "خطأ"), "ar"),
            ("Σωστό ή λάθος; ", "Η Αθήνα είναι πόλη της Ελλάδας.", ("Σωστό", "Λάθος"), "el"),
            ("对还是错？", "水在一百度沸腾。", ("对", "错"), "zh"),
        ],
    )
    def test_the_words_that_ask_for_a_verdict_are_no_part_of_the_statement(
        self, label: str, evidence: str, choices: tuple[str, str], language: str
    ) -> None:
        asked = {"question": f"{label}{evidence}", "choices": choices, "answer": choices[0], "evidence": evidence}
        assert verdict(evidence, language, kind="true_false", **asked) is PROVEN

    def test_evidence_that_is_not_about_the_statement_is_noticed(self) -> None:
        assert of_statement("The heart pumps the blood.", "Rivers carry sand to the sea.", True) is SOFT
        assert of_statement("The heart pumps the blood.", "Rivers carry sand to the sea.", False) is SOFT

    def test_elided_words_and_signs_are_words_of_their_own(self) -> None:
        assert [it.text for it in tokens("L'eau bout à −5 °C", "fr")] == ["l", "eau", "bout", "à", "-5", "c"]
        assert [it.text for it in tokens("It isn't 5", "en")] == ["it", "isn't", "5"]


PART, MEMBRANE = "Which part keeps it together?", "A membrane keeps its parts together."


class TestShortAnswers:
    @pytest.mark.parametrize(
        ("question", "evidence", "answer", "why", "language", "expected"),
        [
            ("How wide is it?", "- red blood cell: 8 µm", "8 µm", "…", "en", PROVEN),
            ("How many are there?", "10 × 50 = 500 βουλευτές", "Πενήντα", "…", "el", PROVEN),
            ("¿En qué fecha?", "**La captura (16-11-1532).**", "El 16 de noviembre de 1532.", "…", "es", PROVEN),
            ("What is twice 11?", "Twice means two times.", "22", "It is 2 · 11 = 22.", "en", OPEN),
            ("In what year?", "Спустя четыре года он прислал письмо.", "В 1739 году", "Был 1735 год.", "ru", OPEN),
            ("What is it?", "Then `reader_id` is the foreign key.", "`reader_id`", "…", "en", PROVEN),
            ("ATGCCA の相手の鎖を答えよ。", "相手の鎖   T A C G G T", "TACGGT", "…", "ja", PROVEN),
            (PART, MEMBRANE, "The 12 membranes.", "…", "en", SOFT),
            (PART, MEMBRANE, "Volcanoes erupt magma.", "…", "en", SOFT),
            (PART, MEMBRANE, "Volcanoes.", "…", "en", SOFT),
        ],
    )  # fmt: skip
    def test_an_answer_is_held_against_its_evidence(
        self, question: str, evidence: str, answer: str, why: str, language: str, expected: Standing
    ) -> None:
        assert of_answer(question, evidence, answer, language, why) is expected


def test_indices_and_powers_of_letters_are_no_numbers() -> None:
    assert given_values("x_1 = -2, H₂O, 5 m² and x^{2}", "en") == {"-2", "5"}
    assert given_values("minus 4 degrees", "en") == {"4", "-4"}


CODE = (
    'Look:\n\n```c\nint x = a[0];\nprintf("%d", x);    /* prints 42 */\n```\n\nIt is **very** short: `#id` > `.class`.'
)
TABLE = "| tree | leaves |\n|---|---|\n| oak | lobed |\n\n> — Anna Example, 1890\n\n$$E = mc^2$$"


@pytest.mark.parametrize(
    "evidence",
    ['printf("%d", x); /* prints 42 */', "int x = a[0];", "`#id` > `.class`", "It is very short", "| oak | lobed |",
     "— Anna Example, 1890", "$E = mc^2$"],
)  # fmt: skip
def test_evidence_may_stand_in_code_tables_quotations_and_formulas(evidence: str) -> None:
    check = {**PARTS, "evidence": evidence}
    sections = [{"heading": "Cells", "content": f"{CODE}\n\n{TABLE}"}]
    found = reviewed(sections=sections, checks=[CHECK, check, TRUE]).findings
    assert not [it for it in found if it.where == "checks.2" and "no sentence of this lesson" in it.message]


def test_a_key_with_any_finding_is_not_counted_as_valid() -> None:
    beside = {**CHECK, "evidence": "A thin membrane keeps its parts together.", "explanation": "So it is."}
    found = reviewed(checks=[beside, PARTS, TRUE])
    (finding,) = [it for it in found.findings if it.gate in KEY_GATES]
    assert (finding.gate, finding.severity, finding.where) == ("key_unproven", Severity.SOFT, "checks.1")
    assert found.value.quality.valid_keys == 2
    assert reviewed().value.quality.valid_keys == 3


@pytest.mark.parametrize("case", by_hand(), ids=lambda case: case.name)
def test_no_key_of_a_good_lesson_is_refuted(case: Case) -> None:
    assert [it for it in case.findings if it.gate == "answer_unsupported"] == []


def test_hardly_a_key_of_a_good_lesson_is_unproven() -> None:
    found = {case.name for case in by_hand() if any(it.gate == "key_unproven" for it in case.findings)}
    assert len(found) <= 2, found


def test_faults_of_keys_are_caught_in_every_language() -> None:
    found = list(islice(scores(1, by_hand(), 40, KEY_FAULTS), len(KEY_FAULTS)))
    assert [(it.name, it.missed) for it in found if not it.is_enough] == []
    assert all(it.planted == 40 for it in found)


def test_a_question_of_another_lesson_is_noticed_and_not_valid() -> None:
    random, caught, planted = Random(2), 0, 0
    for case in [replace(it, others={}) for it in by_hand() if it.language in ("en", "de", "zh", "ar")]:
        asked = question_of_another_lesson(random, case)
        if asked is not None:
            planted += 1
            caught += bool({it.gate for it in asked.findings - case.findings} & KEY_GATES)
    assert caught >= LEAST_CAUGHT * planted
