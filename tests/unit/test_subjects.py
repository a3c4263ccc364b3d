"""Small inputs from real subjects, through the whole review: what was refused though good, or passed though wrong."""

from typing import Any

import pytest

from src.domain.citation import CitationDraft
from src.domain.finding import Finding
from src.domain.quality.verification import verified
from src.domain.request import CourseBrief
from src.domain.source import Passage
from tests.lessons import BRIEF, CHECK, PARTS, PLAN, TEXT, TRUE, reviewed

FIRST, SECOND = TEXT["sections"]
FRENCH = (
    "Une cellule est la plus petite unité de la vie. Toutes les plantes et tous les animaux sont faits de cellules, et"
    " ton propre corps en est fait aussi. Certains êtres vivants n'ont qu'une seule cellule, d'autres en ont beaucoup."
)


def found(*gates: str, brief: CourseBrief = BRIEF, plan: dict[str, Any] = PLAN, **changes: Any) -> set[str]:
    """The severities of what these gates find in the good lesson with `changes`; of any gate if none is named."""
    findings: tuple[Finding, ...] = reviewed(brief=brief, plan=plan, **changes).findings
    return {str(finding.severity) for finding in findings if not gates or finding.gate in gates}


def ending(end: str) -> dict[str, Any]:
    return {"sections": [FIRST, {**SECOND, "content": f"{SECOND['content']}\n\n{end}"}]}


def asked(*checks: dict[str, Any]) -> dict[str, Any]:
    return {"checks": [*checks, PARTS, TRUE]}


class TestEndsOfParts:
    @pytest.mark.parametrize(
        "end",
        [
            r"The formula is \[ x = \frac{-b \pm \sqrt{b^2-4ac}}{2a} \]",
            r"Both sides are even, so \(x = 2\)",
            "\\begin{align}\na &= b \\\\\nb &= 2\n\\end{align}",
            "$$E = mc^2$$",
            "The answer is $x = -7$",
            "> The sheep stood still.\n>\n> — Anna Example, 1890",
            "**Key date:** 14 July 1789",
            "The answer is **four**",
            "Read more at [the museum](https://example.org/museum)",
            "*Timeline: 1789-1799*",
            "Look at the sheep now! 🐑",
        ],
    )
    def test_a_part_may_end_as_good_texts_of_its_subject_do(self, end: str) -> None:
        assert found("cut_off", "broken_formula", **ending(end)) == set()

    @pytest.mark.parametrize(
        ("language", "said"),
        [
            ("th", "เซลล์คือหน่วยที่เล็กที่สุดของสิ่งมีชีวิต พืชและสัตว์ทุกชนิดประกอบด้วยเซลล์"),
            ("am", "ሕዋስ የሕይወት ትንሹ ክፍል ነው። ሁሉም ተክሎች ከሕዋስ የተሠሩ ናቸው።"),
            ("hy", "Բջիջը կյանքի ամենափոքր միավորն է։ Բոլոր բույսերը կազմված են բջիջներից։"),
            ("km", "កោសិកាគឺជាឯកតាតូចបំផុតនៃជីវិត។ រុក្ខជាតិទាំងអស់មានកោសិកា។"),
            ("my", "ဆဲလ်သည် သက်ရှိတို့၏ အသေးဆုံး ယူနစ်ဖြစ်သည်။ အပင်အားလုံးတွင် ဆဲလ်များရှိသည်။"),
            ("el", "Τα φυτά έχουν κύτταρα. Μήπως έχεις κι εσύ;"),
            ("ja", "細胞は生命の最小の単位である．植物はすべて細胞からできている．"),
        ],
    )
    def test_in_any_script(self, language: str, said: str) -> None:
        parts: dict[str, Any] = {"introduction": said, "applications": said, "summary": said}
        sections = [{"heading": "1", "content": said}]
        assert (
            found("cut_off", brief=BRIEF.model_copy(update={"language": language}), sections=sections, **parts) == set()
        )

    def test_a_part_that_breaks_off_is_cut_off(self) -> None:
        assert found("cut_off", summary=f"{TEXT['summary']} It divides, and the cell then begins to") == {"hard"}


class TestLanguages:
    @pytest.mark.parametrize(
        "said",
        [
            "Read it aloud:\n\n> — ¡Hola, Mateo! ¿Cómo estás?\n> — Muy bien, gracias. ¿Y tú, cómo te llamas ahora?\n\n"
            "Both speakers know each other.",
            "Here is a text for you.\n\n> Meine Familie wohnt in einem kleinen Haus am Rand der Stadt. Mein Vater"
            " arbeitet in einer Bäckerei, und meine Mutter ist Lehrerin an meiner Schule. Am Abend kochen wir"
            " zusammen.\n\nWho cooks?",
            "Learn these.\n\n| Chinese | English |\n|---|---|\n| 你好 | hello |\n| 谢谢 | thanks |\n| 再见 | bye |",
        ],
    )
    def test_texts_in_the_language_that_is_taught(self, said: str) -> None:
        brief = CourseBrief(topic="A foreign language for beginners", num_lessons=1)
        assert found("wrong_language", "question_language", brief=brief, **ending(said)) == set()

    @pytest.mark.parametrize(
        ("question", "choices"),
        [
            ("How do you greet a teacher politely?", ["¿Cómo está usted?", "¿Cómo estás?", "¿Qué tal, amigo?"]),
            (
                "Who painted The Night Watch?",
                ["Rembrandt van Rijn", "Johannes Vermeer", "Jan van Eyck", "Pieter Bruegel"],
            ),
            ("Which ruler did Pizarro capture?", ["Atahualpa", "Pachacuti", "Túpac Amaru", "Huáscar"]),
            (
                "Which serenade did Mozart write in 1787?",
                ["*Eine kleine Nachtmusik*", "*Die Zauberflöte*", "*Così fan tutte*"],
            ),
            ("What is the plural of *cheval*?", ["*chevaux*", "*chevals*", "*chevales*"]),
        ],
    )
    def test_names_works_and_words_of_another_language_are_no_question_in_it(
        self, question: str, choices: list[str]
    ) -> None:
        check = {
            **CHECK,
            "question": question,
            "choices": choices,
            "answer": choices[0],
            "explanation": f"{choices[0]}.",
        }
        assert found("question_language", **asked(check)) == set()

    def test_a_section_in_another_language_is_found(self) -> None:
        sections = [FIRST, {"heading": "Parts of a Cell", "content": f"{FRENCH} {FRENCH.replace('cellule', 'partie')}"}]
        assert found("wrong_language", sections=sections) == {"hard"}


class TestWordsOfOtherSubjects:
    @pytest.mark.parametrize(
        ("topic", "said"),
        [
            ("Programming in C++", "A list is a `std::vector<int>`, and the first line is `#include <stdio.h>`."),
            ("Planning your work", "What waits is in the column TODO, and a card moves to DONE when it is finished."),
            ("Artificial intelligence", "A system prompt tells an AI model how to behave."),
            ("Artificial intelligence", "As an AI model learns, its errors shrink."),
            ("The treaties of 1648", "In passage 2 of the treaty the princes promise peace."),
            ("Museums", "The museum gave an exit ticket of the museum to every visitor."),
        ],
    )
    def test_they_are_no_leak_and_no_markup_that_fails_a_course(self, topic: str, said: str) -> None:
        brief = CourseBrief(topic=topic, num_lessons=1)
        assert "hard" not in found("leak", "raw_html", brief=brief, **ending(said))


class TestCitations:
    @pytest.mark.parametrize(
        ("said", "passage"),
        [
            ("CO2", "CO₂"), ("CO₂", "CO2"), ("H2O", "H₂O"), ("H₂O", "H2O"), ("10^6", "10⁶"), ("10⁶", "10^6"),
            ("b^2", "b²"), ("b²", "b^2"), ("1914 to 1918", "1914–18"), ("the 19th century", "the nineteenth century"),
            ("1.5 million", "1,500,000"), ("Act 3", "Act III"), ("17 000", "17,000"), ("17\u2009000", "17,000"),
            ("17\u00a0000", "17,000"), ("17'000", "17,000"), ("1,00,000", "100000"), ("432 BCE", "432 BC"),
            ("the US", "the United States"), ("the Second World War", "World War II"),
        ],
    )  # fmt: skip
    def test_another_form_of_a_number_or_name_is_verified(self, said: str, passage: str) -> None:
        quote = f"all of it has to do with {passage} in many books"
        assert kept(f"It is so with {said}, as books say. [1]", quote) == [1]

    @pytest.mark.parametrize(
        ("said", "quote"),
        [
            ("The lake lies 4,170 km above the sea. [1]", "The lake lies 4,170 m above the sea."),
            (
                "Each lamp in the circuit does not get the full voltage. [1]",
                "Each lamp in the circuit gets the full voltage.",
            ),
        ],
    )
    def test_another_unit_and_the_contrary_are_not(self, said: str, quote: str) -> None:
        assert kept(said, quote) == []

    @pytest.mark.parametrize(
        ("text", "left"),
        [
            ("The Bastille fell[9].", "The Bastille fell."),
            ("It fell in 1789[9].", "It fell in 1789."),
            ("Water boils at 100 °C[9].", "Water boils at 100 °C."),
            ("这很重要[9]。", "这很重要。"),
            ("It is so.[^9]", "It is so."),
            ("这很重要【9】。", "这很重要。"),
        ],
    )
    def test_a_marker_without_a_citation_goes_wherever_it_stands(self, text: str, left: str) -> None:
        cited = verified({"sections.1": text}, [], [passage_of("It is so in all books of the world.")])
        assert (cited.fields["sections.1"], len(cited.removed)) == (left, 1)

    def test_markers_glued_to_words_are_numbered_with_the_others(self) -> None:
        quote = "每分钟心跳七十次左右，这对人很重要。"
        drafts = [CitationDraft(number=6, passage=1, quote=quote), CitationDraft(number=2, passage=1, quote=quote)]
        text = "心跳每分钟七十次左右[6]。这对人很重要[2]。"
        cited = verified({"sections.1": text}, drafts, [passage_of(quote)], "zh")
        assert [citation.number for citation in cited.citations] == [1, 2]
        assert "6" not in cited.fields["sections.1"] and cited.removed == ()

    @pytest.mark.parametrize(
        "text",
        [
            "`arr[0]` is first.",
            "He wrote it so [sic].",
            "He left […] early.",
            "On $[0, 1]$ and on the interval [0, 1] it grows.",
        ],
    )
    def test_other_brackets_are_no_citations(self, text: str) -> None:
        cited = verified({"sections.1": text}, [], [passage_of("It is so in all books of the world.")])
        assert (cited.fields["sections.1"], cited.removed) == (text, ())


def passage_of(text: str) -> Passage:
    return Passage("a.md", "", text, 1.0)


def kept(sentence: str, quote: str) -> list[int]:
    """The numbers of the citations that are shown of a sentence with one."""
    drafts = [CitationDraft(number=1, passage=1, quote=quote)]
    return [it.number for it in verified({"sections.1": sentence}, drafts, [passage_of(quote)]).citations]


KEPLER = "Kepler showed that the orbit of a planet is an ellipse"
AMPERES = "Electric current is the flow of charge, and it is measured in amperes."
ROOTS = "The equation has two roots, so x_1 = -2 and x_2 = -5."


def of_keys(evidence: str, **fields: Any) -> set[str]:
    """What is found of the key of a question, if the lesson has its evidence."""
    check = {**CHECK, "evidence": evidence, "explanation": "The lesson says so.", **fields}
    sections = [{**FIRST, "content": f"{FIRST['content']} {evidence}"}, SECOND]
    return found("answer_unsupported", "key_unproven", "choices_alike", sections=sections, **asked(check))


class TestQuestions:
    def test_the_evidence_names_another_unit(self) -> None:
        asks = {"question": "In which unit is electric current measured?"}
        assert of_keys(AMPERES, choices=["kilograms", "volts", "ohms", "watts"], answer="kilograms", **asks) == {"hard"}
        assert of_keys(AMPERES, choices=["amperes", "volts", "ohms", "watts"], answer="amperes", **asks) == set()

    @pytest.mark.parametrize(
        ("statement", "evidence", "if_true", "if_false"),
        [
            ("A hen gives milk.", "A cow gives milk.", {"hard"}, set()),
            ("The moon is larger than the sun.", "The sun is larger than the moon.", {"hard"}, set()),
            (
                "P(A) is called the posterior probability.",
                "P(A) is called the prior probability, and P(A given B) the posterior.",
                None,
                set(),
            ),
            (f"{KEPLER}.", f"{KEPLER}, not a circle.", set(), None),
            (
                "A base never takes up protons.",
                "A base takes up protons, and a solution of one feels slippery.",
                {"hard"},
                None,
            ),
        ],
    )
    def test_statements(
        self, statement: str, evidence: str, if_true: set[str] | None, if_false: set[str] | None
    ) -> None:
        for answer, expected in (("True", if_true), ("False", if_false)):
            fields = {"kind": "true_false", "question": statement, "choices": ["True", "False"], "answer": answer}
            assert expected is None or of_keys(evidence, **fields) == expected

    def test_signs_tell_roots_apart(self) -> None:
        choices = ["x = 2 and x = 5", "x = -2 and x = -5", "x = -2 and x = 5", "x = 2 and x = -5"]
        asks = {"question": "Which are the roots of x² + 7x + 10 = 0?", "choices": choices}
        assert of_keys(ROOTS, answer=choices[0], **asks) == {"hard"}
        assert of_keys(ROOTS, answer=choices[1], **asks) == set()

    def test_choices_that_differ_in_their_sign_differ(self) -> None:
        assert "soft" not in found(
            "choices_alike", **asked({**CHECK, "choices": ["-2", "2", "4", "-4"], "answer": "-2"})
        )

    def test_choices_that_differ_in_capitals_differ_if_they_are_signs(self) -> None:
        check = {**CHECK, "choices": ["Tt", "tt", "TT"], "answer": "Tt"}
        assert "soft" not in found("choices_alike", **asked(check))
        assert found(
            "choices_alike", **asked({**CHECK, "choices": ["A unit of life", "A UNIT OF LIFE", "A star"]})
        ) == {"soft"}

    def test_an_example_of_the_learner_s_own_is_never_refuted(self) -> None:
        check = {
            "kind": "short_answer",
            "question": "Give your own example of alliteration.",
            "choices": None,
            "answer": "Seven silly snakes slithered silently south.",
        }
        assert "hard" not in of_keys("In alliteration several words begin with the same sound.", **check)

    def test_a_comparison_may_be_true_of_another_number(self) -> None:
        fields = {"kind": "true_false", "choices": ["True", "False"], "answer": "True"}
        evidence = "About 4 % of Europeans carry a mutated copy."
        statement = "Fewer than 1 in 20 Europeans carry a mutated copy."
        assert "hard" not in of_keys(evidence, question=statement, **fields)

    def test_evidence_may_be_code(self) -> None:
        evidence = 'The line `printf("%d", x);` prints the value of `x` as a whole number.'
        choices = ["prints the value of x as a whole number", "reads a whole number into x", "rounds x down"]
        asks = {"question": 'What does `printf("%d", x);` do?', "choices": choices, "answer": choices[0]}
        assert of_keys(evidence, **asks) == set()

    def test_a_difference_of_given_years_is_never_refuted(self) -> None:
        evidence = "The Revolution began in 1789, and the king was executed in 1793."
        asks = {"question": "How many years lay between 1789 and 1793?", "choices": ["4", "3", "5"], "answer": "4"}
        assert "hard" not in of_keys(evidence, **asks)

    def test_a_question_of_another_lesson_is_not_valid(self) -> None:
        other = {"question": "Which king was executed in Paris?", "choices": ["Louis XVI", "Henry VIII", "Philip II"]}
        check = {**CHECK, **other, "answer": "Louis XVI", "explanation": "Louis XVI: he was executed in 1793."}
        found_there = reviewed(**asked(check))
        assert [
            finding.where for finding in found_there.findings if finding.gate in ("key_unproven", "answer_unsupported")
        ]
        assert found_there.value.quality.valid_keys < 3
