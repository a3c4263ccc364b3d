"""What a reader would see of a lesson's Markdown: faults of its form are found, and other uses of its signs are not."""

import pytest

from src.domain.finding import Finding, Severity
from src.domain.quality.form_gates import FORM_GATES
from tests.drafts import draft_of

HARD, SOFT = Severity.HARD, Severity.SOFT


def found(text: str, language: str = "en") -> list[Finding]:
    draft = draft_of(language, introduction=text)
    return [finding for gate in FORM_GATES for finding in gate(draft)]


LONG = "The second paragraph is here so that the first one stands inside the part."


@pytest.mark.parametrize(
    ("gate", "severity", "text"),
    [
        ("broken_table", SOFT, "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |"),
        ("broken_table", SOFT, "| a | b |\n|---|---|\n| 1 | 2 | 3 |"),
        ("broken_table", SOFT, "> | a | b |\n> |---|---|\n> | 1 |"),
        ("broken_table", SOFT, "| a | b |\n|---|---|\n| 1 | 2 |\nThe table shows it."),
        ("broken_table", SOFT, "| a | b |\n|---|---|\n| `x || y` | 2 |"),
        ("broken_table", SOFT, "Here it is:\n\n|---|---|\n| 1 | 2 |"),
        ("broken_table", SOFT, "| Name | Age |\n| Ann | 12 |\n| Ben | 13 |"),
        ("broken_table", HARD, "| a | b |\n|---|---|---|\n| 1 | 2 |"),
        ("broken_formula", HARD, r"A half is $\frac{1}{2} of it."),
        ("broken_formula", HARD, r"A half is \frac{1}{2} of it."),
        ("broken_formula", HARD, r"A half is $\frac{1}{2$ of it."),
        ("broken_formula", HARD, r"$$\sqrt{b^2 - 4ac}}$$"),
        ("broken_formula", HARD, r"\begin{align} a &= b"),
        ("broken_formula", HARD, r"$$\begin{cases} a \end{align}$$"),
        ("broken_formula", HARD, r"a &= b \end{align}"),
        ("broken_formula", HARD, r"So $\left( x + 1$ is it."),
        ("broken_formula", HARD, r"\[ x = \frac{1}{2} and so on."),
        ("broken_formula", SOFT, "So $x = 5 and no more."),
        ("broken_formula", SOFT, "So x^2$ is it."),
        ("broken_formula", SOFT, "$$E = mc^2 is the law."),
        ("broken_formula", SOFT, r"The angle \alpha is small."),
        ("broken_formula", SOFT, r"So 2 \times 3 is six."),
        ("broken_formula", SOFT, "It is 10^{6} times as much."),
        ("unclosed_emphasis", SOFT, "**Note: read this."),
        ("unclosed_emphasis", SOFT, "Note:** read this."),
        ("unclosed_emphasis", SOFT, "- **One: it\n- **Two:** it is"),
        ("unclosed_emphasis", SOFT, "| **a | b |\n|---|---|\n| 1 | 2 |"),
        ("unclosed_emphasis", SOFT, "Say “I **b**urn”, and it is **alliteration."),
        ("unclosed_emphasis", SOFT, "__Note: read this."),
        ("unclosed_emphasis", SOFT, "The *nucleus is in the middle."),
        ("unclosed_emphasis", SOFT, "The _nucleus is in the middle."),
        ("unclosed_emphasis", SOFT, "这是**重要的。"),
        ("mojibake", HARD, "The cafÃ© is open."),
        ("mojibake", HARD, "Itâ€™s open."),
        ("mojibake", HARD, "ÐŸÑ€Ð¸Ð²ÐµÑ‚ Ð¼Ð¸Ñ€"),
        ("mojibake", HARD, "РџСЂРёРІРµС‚"),
        ("mojibake", HARD, "The caf\ufffd is open."),
        ("mojibake", SOFT, "In UTF-8 the word cafÃ© has five bytes."),
        ("broken_off", SOFT, f"The moon goes round the Earth once a month, and then it\n\n{LONG}"),
        ("broken_off", SOFT, f"The moon goes round the Earth once a month, and it [2]\n\n{LONG}"),
        ("broken_off", HARD, f"The light that we see comes from the sun and the\n\n{LONG}"),
    ],
)
def test_a_fault_of_form_is_found(gate: str, severity: Severity, text: str) -> None:
    assert {(it.gate, it.severity, it.where) for it in found(text)} >= {(gate, severity, "introduction")}


@pytest.mark.parametrize(
    "text",
    [
        # Tables, and other uses of bars.
        "| a | b |\n|:-:|--:|\n| `x \\| y` | |\n\nText.",
        "a | b\n--|--\n1 | 2",
        "1. So:\n\n   | a | b |\n   |---|---|\n   | 1 | 2 |\n\n2. Then",
        "```\n| a | b |\n| 1 |\n```",
        "| C | G | Am | F |\n| C | F | G | C |",
        "P(A | B) = 0.5, |x| > 2, and --|--|--|--",
        # Formulas, sums of money, variables of a shell, paths and signs that are escaped.
        r"The formula is \[ x = \frac{-b \pm \sqrt{b^2-4ac}}{2a} \], so \(x = 2\).",
        r"\begin{align} a &= b \\ c &= d \end{align}",
        "$$E = mc^2$$ and $x = -7$.",
        r"$A = \{1, 2\}$ and $$\left\{ x \right\}$$",
        "It costs $5 or $10, and $1,200 a year; US$5m, $2k, 5$.",
        "Set $HOME and $PATH.",
        r"The path C:\temp\new\alpha, and \\server\share\times too.",
        r"Write \*, \_, \[1] and f\(x\) here; \$5 too.",
        r"In code, `\frac{1}{2}` is a half, and `$x` a variable.",
        "Let A = {1, 2}, x^2 and y_1.",
        # Stars and lines.
        "The names __init__ and snake_case_name, and *args and **kwargs.",
        "f(*args, **opts) and a*b*c, 2*3*4, 2**3 and x ** 2.",
        "int *p and char **argv; SELECT * and COUNT(*).",
        "The price* is low.\n\n* without tax",
        "The price** is low.\n\n** without tax",
        "Fill in: ____ and ___ is _____.",
        "Not *mouses and not *gooses, but mice and geese.",
        "* one\n* *two*\n* **three**",
        "Say “I **b**urn to **b**ring you home”.",
        "这是**重要。**的，**이온(ion)**은 전하를 띤다.",
        "> *To be, or not\n> to be*: that is it.",
        "***All*** of _one_ and __two__.",
        # Letters and signs of many languages.
        "« voilà », garçon, Ñandú, naïve, Åse, “Spaß”, ½ × ¼ ± 5 °C, Ægir, þorn, Øl, FIANCÉ’S “CAFÉ” OLÉ…",
        "Он сказал: «Нет»… – “да”",
        "The sign \ufffd stands for what can't be shown.",
        # Paragraphs that end without a mark, and rightly.
        f"There are two kinds of these, as the text says:\n\n- one\n- two\n\n{LONG}",
        "When I consider how my light is spent\nEre half my days\n\nAnd that one talent which is death to hide",
        f"As Shakespeare writes of the two lovers of Verona in his play,\n\n> It is the east\n\n{LONG}",
        f"So the whole of this long computation gives us x = 12\n\n{LONG}",
        f"**A label of more than a few words that stands alone**\n\n{LONG}",
        f"Anna: I have seen the moon and all the stars\n\n{LONG}",
        f"Look at all of the many sheep on the green hill now! 🐑\n\n{LONG}",
    ],
)
def test_other_uses_of_the_same_signs_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_language_without_marks_has_no_paragraph_broken_off() -> None:
    thai = "ดวงจันทร์โคจรรอบโลกทุกเดือนและเราเห็นมันในเวลากลางคืนเสมอ"
    assert found(f"{thai}\n\n{thai}\n\n{thai}", "th") == []
