"""Each gate finds what it is for in a lesson that is good otherwise, and says where."""

import json
from typing import Any, ClassVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from src.domain.finding import Finding, Severity
from src.domain.lesson import LessonText
from src.domain.markdown import lesson_markdown
from src.domain.outline import LessonPlan
from src.domain.quality.draft import grams_of_lesson
from src.domain.quality.review import Reviewed, review_lesson
from src.domain.request import CourseBrief
from src.domain.source import Passage
from src.domain.stored_course import StoredLesson, StoredSection, stored_lesson
from src.domain.text import has_visible_characters
from tests.lessons import BRIEF, CHECK, ORIGIN, PARTS, PASSAGES, PLAN, TEXT, TRUE, reviewed, stored, text

FIRST, SECOND = TEXT["sections"]
GERMAN = (
    "Eine Zelle ist die kleinste Einheit des Lebens. Alle Pflanzen und alle Tiere bestehen aus Zellen, und auch dein"
    " eigener Körper besteht aus ihnen. Manche Lebewesen haben nur eine einzige Zelle, andere haben sehr viele davon."
)
SOURCE = Passage(
    "c.md", "", "word " * 20 + "and then the river runs down from the hill to the old mill by the sea " * 3, 1.0
)


def section(content: str, heading: str = "Cells") -> dict[str, Any]:
    return {"sections": [{"heading": heading, "content": content}, SECOND]}


def checks(*changed: dict[str, Any]) -> dict[str, Any]:
    return {"checks": [*changed, *(CHECK, PARTS, TRUE)[len(changed) :]]}


def only(found: Reviewed[Any], gate: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.gate == gate]


def test_the_good_lesson_has_no_finding() -> None:
    assert reviewed().findings == ()


STATEMENTS = [
    {**TRUE, "question": "All plants are made of cells.", "objective": 1},
    {**TRUE, "question": "Animals are made of cells.", "objective": 2},
]
TOO_HARD: dict[str, Any] = {
    "applications": "Notwithstanding considerable methodological heterogeneity, contemporary"
    " investigations of intracellular compartmentalisation, incorporating biochemical, electrophysiological and"
    " computational perspectives, systematically demonstrate extraordinarily sophisticated organisational principles"
    " underlying multicellular differentiation, proliferation and environmental responsiveness, particularly"
    " throughout developmental trajectories characterised by exceptional metabolic requirements, interdependence and"
    " considerable morphological reorganisation of specialised populations in heterogeneous microenvironments."
}
HARD = Severity.HARD
SOFT = Severity.SOFT
CASES: list[tuple[str, Severity, str, dict[str, Any]]] = [
    ("leak", HARD, "introduction", {"introduction": "As an AI language model I love cells. Look at a leaf."}),
    ("leak", HARD, "summary", {"summary": "<think>Now the summary.</think> A cell is a unit of life."}),
    ("leak", HARD, "sections.1", section("Lesson plan for today. A cell is a unit of life. [1]")),
    ("leak", HARD, "sections.1", section("A cell is a unit of life. [1] [Insert picture here]")),
    ("leak", HARD, "sections.1", section("A cell is a unit of life, as passage 2 says. [1]")),
    ("leak", HARD, "introduction", {"introduction": "Sure, let us begin. Look at a leaf."}),
    ("leak", HARD, "sections.1.heading", section(FIRST["content"], "Warm-up (10 minutes)")),
    ("leak", SOFT, "checks.1", checks({**CHECK, "explanation": "I hope this helps: a cell is a unit of life."})),
    ("raw_html", HARD, "sections.1", section("A cell is a <b>unit of life</b>. [1]")),
    ("raw_html", HARD, "applications", {"applications": "Doctors look.<script>alert(1)</script> Farmers choose."}),
    ("raw_html", HARD, "key_terms.1", {"key_terms": [{"term": "cell", "definition": "A <img src=x onerror=y> thing"}]}),
    ("unclosed_fence", HARD, "sections.1", section("A cell is a unit of life. [1]\n\n```\nx = 1\n\nIt is small.")),
    ("mangled_formula", HARD, "sections.1", section("Here $2 \times 3 \neq \rho$ holds. " + FIRST["content"])),
    ("mangled_formula", HARD, "sections.1", section("Here $\\\\frac{1}{2}$ is a half. " + FIRST["content"])),
    ("mangled_formula", HARD, "sections.1", section("Here $frac{1}{2}$ is a half. " + FIRST["content"])),
    ("mangled_formula", HARD, "key_terms.1", {"key_terms": [{"term": "cell", "definition": "It is 2 \times 3 wide."}]}),
    ("mangled_formula", SOFT, "sections.1", section("The angle \tau is small. " + FIRST["content"])),
    ("mangled_formula", HARD, "checks.1", checks({**CHECK, "explanation": "It is so, as $2 \neq 3$ says."})),
    ("heading_in_text", SOFT, "sections.1", section("More of this\nand that\n====\n\n" + FIRST["content"])),
    ("heading_in_text", SOFT, "sections.1", section("It is a rule.\n---\n\n" + FIRST["content"])),
    ("heading_in_text", SOFT, "sections.2", section(FIRST["content"], SECOND["heading"])),
    ("cut_off", HARD, "sections.1", section("A cell is a unit of life. [1] All plants and all animals are ma")),
    ("cut_off", HARD, "summary", {"summary": "A cell is a unit of life. Its membrane keeps its parts together and"}),
    ("length", SOFT, "", {"applications": "They look at cells often.", "summary": "A cell is a unit of life."}),
    ("length", SOFT, "introduction", {"introduction": "[1]"}),
    ("length", SOFT, "sections.1", section("A cell is a unit of life. [1]")),
    ("readability", SOFT, "", TOO_HARD),
    ("wrong_language", HARD, "applications", {"applications": GERMAN}),
    ("repetition", SOFT, "sections.2", {"sections": [FIRST, {**SECOND, "content": SECOND["content"] + " All plants and"
     " all animals are made of cells. [2]"}]}),
    ("citation_removed", SOFT, "sections.1", section(FIRST["content"] + " Cells were seen in 1665. [1]")),
    ("citation_removed", SOFT, "sections.1", section(FIRST["content"] + " They are small. [9]")),
    ("uncited", HARD, "", {"citations": []}),
    ("uncited", SOFT, "", section("A cell is a unit of life. [1] It is much smaller than a grain of sand."
     " Nobody had ever seen one before. It was far too small for that. A lens had to be made first of all. Glass was"
     " ground and polished by hand. It was held very close to the eye. Even then little could be seen at once. Much"
     " light was needed to see anything at all. Some of the drawings from then are still good.")),
    ("unknown_number", SOFT, "sections.1", section(FIRST["content"] + " A hand has some 5000 kinds of them.")),
    ("answer_unsupported", HARD, "checks.1", checks({**CHECK, "answer": "A rock"})),
    ("answer_unsupported", HARD, "checks.1", checks({**CHECK, "evidence": "Cells were named by monks long ago."})),
    ("answer_unsupported", HARD, "checks.3", checks(CHECK, PARTS, {**TRUE, "answer": "False", "question": "All plants"
     " and all animals are made of cells."})),
    ("answer_unsupported", HARD, "checks.3", checks(CHECK, PARTS, {**TRUE, "question": "All 7 plants have cells."})),
    ("answer_unsupported", HARD, "checks.3", checks(CHECK, PARTS, {**TRUE, "question": "All plants and all animals are"
     " not made of cells."})),
    ("key_unproven", SOFT, "checks.2", checks(CHECK, {**PARTS, "answer": "Volcanoes erupt because of magma."})),
    ("key_unproven", SOFT, "checks.2", checks(CHECK, {**PARTS, "answer": "The 12 membranes keep it together."})),
    ("longest_is_key", SOFT, "checks.1", checks({**CHECK, "answer": "A unit of life that is made of some parts",
     "choices": ["A unit of life that is made of some parts", "Some rock", "A star"]})),
    ("all_or_none", SOFT, "checks.1", checks({**CHECK, "choices": ["A unit of life", "None of the above", "A star"]})),
    ("duplicate_question", SOFT, "checks.2", checks(CHECK, {**PARTS, "question": "What, then, is a cell?"})),
    ("question_language", HARD, "checks.1", checks({**CHECK, "explanation": GERMAN, "question": "Was ist das hier?"})),
    ("not_true_and_false", SOFT, "checks.3", checks(CHECK, PARTS, {**TRUE, "choices": ["False", "True"]})),
    ("one_sided_keys", SOFT, "checks.3", checks(*STATEMENTS, {**TRUE, "question": "A cell is a unit of life."})),
    ("unknown_objective", HARD, "checks.1", checks({**CHECK, "objective": 3})),
]  # fmt: skip


@pytest.mark.parametrize(
    ("gate", "severity", "where", "change"), CASES, ids=[f"{case[0]} {number}" for number, case in enumerate(CASES)]
)
def test_a_gate_finds_what_it_is_for(gate: str, severity: Severity, where: str, change: dict[str, Any]) -> None:
    found = only(reviewed(**change), gate)
    assert [(finding.severity, finding.where) for finding in found] == [(severity, where)]
    assert found[0].message


class TestPlan:
    def test_a_key_concept_that_is_not_named(self) -> None:
        plan = {**PLAN, "key_concepts": ["cell", "photosynthesis"]}
        (found,) = reviewed(plan=plan).findings
        assert (found.gate, found.severity) == ("concept_missing", SOFT)
        assert "photosynthesis" in found.message

    @pytest.mark.parametrize("concept", ["Cells", "the membrane", "living thing", "membranes of cells"])
    def test_one_that_is_named_in_another_form(self, concept: str) -> None:
        assert reviewed(plan={**PLAN, "key_concepts": [concept]}).findings == ()

    def test_an_objective_that_no_question_tests(self) -> None:
        found = only(reviewed(checks=[CHECK, TRUE, {**PARTS, "objective": 1}]), "objective_not_served")
        assert [finding.where for finding in found] == ["checks.3"]  # the first objective has two questions besides
        assert "Name its parts" in found[0].message

    def test_an_objective_that_no_section_speaks_of(self) -> None:
        plan = {**PLAN, "learning_objectives": ["Describe a cell", "Calculate interest rates of mortgages"]}
        found = only(reviewed(plan=plan), "objective_not_served")
        assert "mortgages" in found[0].message


class TestOtherLessons:
    def overlap(self, others: dict[int, frozenset[tuple[str, ...]]]) -> list[Finding]:
        found = review_lesson(text(), BRIEF, LessonPlan.model_validate(PLAN), PASSAGES, others, ORIGIN, must_cite=True)
        return only(found, "overlap")

    def test_a_lesson_that_is_another_one_again(self) -> None:
        (found,) = self.overlap({4: grams_of_lesson(stored())})
        assert found.severity is HARD and "100%" in found.message and "lesson 4" in found.message

    def test_one_that_shares_a_good_part(self) -> None:
        numbers = " ".join(f"River {number} carries sand {number} and mud {number}." for number in range(40))
        other = stored(
            sections=[FIRST, {"heading": "Other", "content": numbers}], summary=numbers, introduction=numbers
        )
        (found,) = self.overlap({2: grams_of_lesson(other)})
        assert found.severity is SOFT

    def test_one_that_shares_next_to_nothing(self) -> None:
        section = StoredSection(content="Rivers carry sand and mud to the sea. " * 9)
        other = StoredLesson(lesson_number=2, title="T", sections=[section])
        empty = StoredLesson(lesson_number=3, title="T")
        assert self.overlap({2: grams_of_lesson(other), 3: grams_of_lesson(empty)}) == []

    def test_one_that_another_program_wrote_in_one_piece(self) -> None:
        plain = StoredLesson(lesson_number=2, title="T", content_md=lesson_markdown(stored()))
        (found,) = self.overlap({2: grams_of_lesson(plain)})
        assert "lesson 2" in found.message


class TestCopies:
    COPY = " ".join(SOURCE.text.split()[20:60]).capitalize() + ". [1]"

    def found(self, content: str) -> list[Finding]:
        quote = {"number": 1, "passage": 3, "quote": "and then the river runs down from the hill"}
        return only(reviewed([*PASSAGES, SOURCE], citations=[*TEXT["citations"], quote], **section(content)), "copied")

    def test_a_long_stretch_of_a_source(self) -> None:
        assert [finding.where for finding in self.found(self.COPY)] == ["sections.1"]

    def test_one_in_quotation_marks_is_a_quotation(self) -> None:
        assert self.found(f"The book says: “{self.COPY[:-5]}.” [1]") == []

    def test_a_short_one_is_nothing(self) -> None:
        assert self.found("And then the river runs down from the hill to the old mill by the sea. [1]") == []


@pytest.mark.parametrize(
    "hostile",
    [
        "Type ``` to begin. <script>alert(1)</script> is so.",
        "Use \\`x <script>alert(1)</script> y\\` now.",
        "<marquee onstart=alert(1)>x</marquee> is so.",
        "<img/src=x onmouseover=alert(1)> is so.",
        "See <img src=x onpointerenter=alert(1) now.",
        "<xyz onmouseover=alert(1)> is so.",
        "<!-- hidden --> is so.",
        "![p](http://evil.example/x.png) is so.",
        "[x](data:text/html,alert) and [y](javascript:alert(1)) are so.",
    ],
)
def test_html_in_whatever_dress(hostile: str) -> None:
    assert only(reviewed(**section(f"{FIRST['content']} {hostile}")), "raw_html") != []


@pytest.mark.parametrize(("level", "severity"), [("Grade 6", SOFT), ("Grade 5", HARD), ("Kindergarten", HARD)])
def test_text_far_above_the_wanted_grade_is_no_lesson_for_it(level: str, severity: Severity) -> None:
    found = reviewed(brief=BRIEF.model_copy(update={"grade_level": level}), **TOO_HARD)  # reads like grade 11.1
    assert [finding.severity for finding in only(found, "readability")] == [severity]


def test_in_the_first_grades_what_is_far_above_is_counted_from_the_third() -> None:
    long_words = " Extraordinary microscopical investigation demonstrates biological organisation in individual"
    long_words += " multicellular organisms, and an experimental examination demonstrates even more of it."
    brief = BRIEF.model_copy(update={"grade_level": "Kindergarten"})
    found = reviewed(brief=brief, **section(FIRST["content"] + long_words * 2))
    assert 6 < (found.value.quality.reading_grade or 0) < 9
    assert [finding.severity for finding in only(found, "readability")] == [SOFT]


def test_true_or_false_questions_that_have_both_keys_or_are_two_say_nothing_by_their_keys() -> None:
    first, second = STATEMENTS
    denied = {
        **TRUE,
        "question": "A cell is not a unit of life.",
        "answer": "False",
        "explanation": "False: it is one.",
    }
    assert only(reviewed(**checks(first, second, denied)), "one_sided_keys") == []
    assert only(reviewed(**checks(first, second, PARTS)), "one_sided_keys") == []


class TestChoices:
    def test_letters_before_the_choices_go_for_the_choices_are_drawn(self) -> None:
        lettered = {"choices": ["A) A unit of life", "B) A rock", "C) A star"], "answer": "A) A unit of life"}
        found = reviewed(**checks({**CHECK, **lettered}))
        assert found.findings == ()
        assert sorted(found.value.text.checks[0].choices or ()) == ["A rock", "A star", "A unit of life"]
        assert found.value.text.checks[0].answer == "A unit of life"

    @pytest.mark.parametrize(
        "told", ["Option B is a rock.", "The answer is A, as the lesson says.", "Choice (C) is wrong."]
    )
    def test_letters_in_the_explanation_would_name_another_choice(self, told: str) -> None:
        found = only(reviewed(**checks({**CHECK, "explanation": f"{CHECK['explanation']} {told}"})), "letter_named")
        assert [finding.severity for finding in found] == [HARD]

    @pytest.mark.parametrize(("one", "other"), [("A rock", "A rock."), ("`</p>`", "**`</p>`**")])
    def test_choices_that_differ_in_signs_alone(self, one: str, other: str) -> None:
        found = only(reviewed(**checks({**CHECK, "choices": ["A unit of life", one, other]})), "choices_alike")
        assert [finding.where for finding in found] == ["checks.1"]

    def test_citations_stand_in_the_text_of_the_lesson_alone(self) -> None:
        cited = {"choices": ["A unit of life [7]", "A rock", "A star"], "answer": "A unit of life [7]"}
        found = reviewed(**checks({**CHECK, **cited}, {**PARTS, "answer": f"{PARTS['answer']} [1]"})).value.text
        assert found.checks[0].answer == "A unit of life" in (found.checks[0].choices or ())
        assert found.checks[1].answer == PARTS["answer"]
        named = reviewed(**section(FIRST["content"], "Cells [9]")).value.text
        assert named.sections[0].heading == "Cells"


CHINESE: dict[str, Any] = {
    "introduction": "光合作用是植物利用阳光制造糖的过程。它在叶子里发生。",
    "sections": [{"heading": "过程", "content": "植物吸收二氧化碳和水。叶绿素吸收阳光。植物放出氧气。"}],
    "key_terms": [{"term": "光合作用", "definition": "植物利用阳光制造糖的过程。"}],
    "applications": "农民给温室里的植物更多的光,让它们长得更快。",
    "summary": "植物用阳光、水和二氧化碳制造糖,并放出氧气。",
    "checks": [
        {**CHECK, "question": "植物放出什么气体?", "choices": ["氧气", "氮气", "氢气"], "answer": "氧气",
         "evidence": "植物放出氧气。", "explanation": "氧气: 课文说植物放出氧气。"},
        {**PARTS, "question": "什么吸收阳光?", "answer": "叶绿素吸收阳光。", "evidence": "叶绿素吸收阳光。",
         "explanation": "课文这样说。"},
        {**TRUE, "question": "植物吸收二氧化碳和水。", "choices": ["对", "错"], "answer": "对",
         "evidence": "植物吸收二氧化碳和水。", "explanation": "对: 课文这样说。"},
    ],
    "citations": [],
}  # fmt: skip


class TestScriptsWithoutSpaces:
    brief = CourseBrief(topic="光合作用", language="zh", num_lessons=1)
    plan: ClassVar = {
        **PLAN,
        "title": "光合作用",
        "key_concepts": ["光合作用", "氧气"],
        "learning_objectives": ["描述光合作用", "说出氧气的来源"],
    }

    def test_a_good_lesson_is_only_short(self) -> None:
        found = reviewed([], self.plan, self.brief, **CHINESE)
        assert {finding.gate for finding in found.findings} == {"length"}

    def test_a_wrong_key_is_found(self) -> None:
        wrong = [{**CHINESE["checks"][0], "answer": "氮气", "explanation": "课文这样说。"}, *CHINESE["checks"][1:]]
        assert [
            it.where
            for it in only(reviewed([], self.plan, self.brief, **{**CHINESE, "checks": wrong}), "answer_unsupported")
        ] == ["checks.1"]


def test_without_a_wish_for_sources_a_lesson_that_cites_none_is_one_without_sources() -> None:
    found = review_lesson(
        text(citations=[]), BRIEF, LessonPlan.model_validate(PLAN), PASSAGES, {}, ORIGIN, must_cite=False
    )
    assert found.hard == () and stored_lesson(found.value).grounded is False


@pytest.mark.parametrize(
    "odd", ["a\n" + "\n" * 18_000 + "b.", "." * 18_000 + "a b.", "`" * 18_001, "\\`" * 9000, "“" * 18_000]
)
def test_degenerate_text_is_looked_through_in_linear_time(odd: str) -> None:
    """It hangs for minutes where it isn't. Such a text bears out no answer."""
    found = reviewed(introduction=odd, summary=odd, sections=[{"heading": "H", "content": odd}] * 3)
    assert [finding.where for finding in only(found, "answer_unsupported")] == ["checks.1", "checks.2", "checks.3"]


@pytest.mark.parametrize(
    "innocent",
    [
        "If a < b and b > c, then `<b>` is no tag here. [1]",
        "The Games of the XXX Olympiad, and a todo in Spanish: todo está bien. [1]",
        "He said: “I'm sorry, I can't help it.” Then he left. [1]",
        "The camera works as an AI helper, trained as a large language model is. [1]",
        "“I hope this helps”, said the nurse, and she wrote a lesson plan. [1]",
        "In the template, {{ name }} stands for a name. If x<y then y is greater. [1]",
        "Use `TODO` for what is to be done. [1]",
        "Water boils (after 10 minutes) and turns to steam. [1]",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "These are parts of it:\n\n- a membrane\n- a nucleus",
        "```\nprint(1)\n```",
        "This is how: $a_1 + b_1 = c$, as everybody knows. [1]",
    ],
)
def test_innocent_text_raises_no_hard_finding(innocent: str) -> None:
    assert [str(finding) for finding in reviewed(**section(f"{FIRST['content']}\n\n{innocent}")).hard] == []


TAUGHT = Passage("teaching/plans.md", "", "A lesson plan names its goals.\nAn exit\nticket’s answers come last.", 1.0)


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ("Lesson plan for today. A cell is a unit of life. [1]", SOFT),
        ("Exit ticket: name a cell. A cell is a unit of life. [1]", SOFT),
        ("Exit ticket: name a cell. Teacher's notes: show one. [1]", HARD),
        ("Teacher's notes: show a cell. A cell is a unit of life. [1]", HARD),
        ("Sure, a cell is a unit of life. [1]", HARD),
    ],
)
def test_what_a_source_says_is_soft_and_names_it(said: str, severity: Severity) -> None:
    passages = [*PASSAGES, TAUGHT, Passage("b.md", "", "Make sure, too, that it is named.", 1.0)]
    (finding,) = only(reviewed(passages=passages, **section(said)), "leak")
    assert finding.severity is severity
    assert ("stands in teaching/plans.md, but reads like" in finding.message) is (severity is SOFT)
    assert only(reviewed(**section(said)), "leak")[0].severity is HARD


@pytest.mark.parametrize(
    ("said", "other"),
    [
        ("As an AI, my view is that it is small. [1]", "A cell has an aim, and is used as an aid."),
        ("TODO: write more. [1]", "El método de todos los días."),
    ],
)
def test_no_part_of_a_word_excuses_a_leak(said: str, other: str) -> None:
    (finding,) = only(reviewed(passages=[*PASSAGES, Passage("d.md", "", other, 1.0)], **section(said)), "leak")
    assert finding.severity is HARD
    brief = BRIEF.model_copy(update={"topic": other})
    assert only(reviewed(brief=brief, **section(said)), "leak")[0].severity is HARD


def test_the_words_of_the_request_are_no_leak() -> None:
    brief = BRIEF.model_copy(update={"topic": "How to write a lesson plan"})
    change = section("A lesson plan is a cell of teaching. " + FIRST["content"])
    assert only(reviewed(brief=brief, **change), "leak") == []
    assert only(reviewed(**change), "leak") != []


def test_without_passages_nothing_needs_a_citation() -> None:
    assert reviewed(passages=[], citations=[], **section(FIRST["content"].replace(" [1]", ""))).hard == ()


@pytest.mark.parametrize("language", ["de", "hi", "ar", "fr", "zh"])
def test_a_lesson_in_another_language_than_asked_for(language: str) -> None:
    found = reviewed(brief=BRIEF.model_copy(update={"language": language}))
    assert "wrong_language" in {finding.gate for finding in found.hard}
    assert found.value.quality.reading_grade is None


fragments = (
    "[1]",
    "[99]",
    "`",
    "```\n",
    "<b>",
    "# ",
    "- ",
    "\n\n",
    "|",
    "“",
    '"',
    "1.5",
    "١٢",
    "A. ",
    "कोशिका ",
    "خلية ",
)
more = (
    "\u200d",
    "\u0301",
    "𝕏",
    "🎓",
    ". ",
    "?",
    "a ",
    "Word ",
    "<think>",
    "(10 min)",
    "{{x}}",
    "not ",
    "\t",
    "[",
    "]",
    "true",
)
any_text = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=80)
proses = (any_text | st.lists(st.sampled_from([*fragments, *more]), max_size=40).map("".join)).filter(str.strip)
labels = proses.map(lambda value: " ".join(value.split()) or "x").filter(str.strip)
objectives = st.integers(1, 5)
explained = {"question": labels, "evidence": proses, "explanation": proses, "objective": objectives}


def choosing(kind: str, least: int, most: int) -> st.SearchStrategy[dict[str, Any]]:
    choices = st.lists(labels, min_size=least, max_size=most, unique_by=str.casefold)
    answered = choices.map(lambda found: {"kind": kind, "choices": found, "answer": found[0]})
    return st.tuples(answered, st.fixed_dictionaries(explained)).map(lambda parts: {**parts[0], **parts[1]})


short = st.fixed_dictionaries({"kind": st.just("short_answer"), "choices": st.none(), "answer": proses, **explained})
questions = short | choosing("multiple_choice", 3, 5) | choosing("true_false", 2, 2)
lessons = st.fixed_dictionaries(
    {
        "introduction": proses,
        "sections": st.lists(st.fixed_dictionaries({"heading": labels, "content": proses}), min_size=1, max_size=3),
        "key_terms": st.lists(st.fixed_dictionaries({"term": labels, "definition": proses}), min_size=1, max_size=3),
        "applications": proses,
        "summary": proses,
        "checks": st.lists(questions, min_size=3, max_size=5),
        "citations": st.lists(
            st.fixed_dictionaries({"number": st.integers(1, 3), "passage": st.integers(-2, 4), "quote": labels}),
            max_size=4,
        ),
    }
)
briefs = st.builds(
    CourseBrief,
    topic=labels.map(lambda value: value[:300].strip() or "x").filter(has_visible_characters),
    grade_level=labels.map(lambda value: value[:100]),
    language=st.sampled_from(["en", "de-AT", "ar", "xx", "zh-Hant-TW"]),
)
sources = st.lists(st.builds(Passage, any_text, any_text, any_text, st.just(1.0)), max_size=3)


@example({**TEXT, "summary": "`. ```\n[1]"}, BRIEF, PASSAGES, ["x"])  # a marker that only looked like code
@given(lessons, briefs, sources, st.lists(labels, min_size=1, max_size=3))
def test_no_gate_raises_whatever_the_lesson(
    fields: dict[str, Any], brief: CourseBrief, passages: list[Passage], said: list[str]
) -> None:
    plan = {**PLAN, "title": said[0], "key_concepts": said, "learning_objectives": said}
    found = reviewed(passages, plan, brief, **fields)
    assert json.loads(json.dumps(found.value.quality.as_json())) == found.value.quality.as_json()
    assert found.value.quality.citations == found.value.quality.citations_verified
    assert found.value.text == LessonText.model_validate(found.value.text.model_dump())
