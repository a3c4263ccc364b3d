import json
import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from src.domain.latex import _NOT_ORDINARY, _mended, latex_kept
from src.domain.latex_commands import COMMANDS
from tests.latex import FORMULAS, PROSE, doubly, rightly, singly

SENTENCES = ("{}", "So {} holds.", "It costs $5. {}\n\nThen {}, and $6 are left.", "- {}\n- {}\n\n```\nx = 1\n```")
TEXTS = [(language, text) for language, texts in PROSE.items() for text in texts]


def read(source: str, language: str = "en") -> str:
    """What a parser gives of a JSON string that was mended."""
    return str(json.loads(latex_kept(f'{{"text": {source}}}', language))["text"])


class TestFormulas:
    def test_there_are_sixty(self) -> None:
        assert len(set(FORMULAS)) == 60

    @pytest.mark.parametrize("escaped", [singly, rightly, doubly])
    @pytest.mark.parametrize("formula", FORMULAS)
    def test_it_comes_out_as_it_was_meant_however_it_is_escaped(
        self, formula: str, escaped: Callable[[str], str]
    ) -> None:
        for sentence in SENTENCES:
            text = sentence.format(*[formula] * 2)
            for language in ("en", "sv", "hi", "xx"):
                assert read(escaped(text), language) == text

    @pytest.mark.parametrize("formula", FORMULAS)
    def test_what_is_escaped_rightly_stays(self, formula: str) -> None:
        for sentence in SENTENCES:
            source = json.dumps({"text": sentence.format(*[formula] * 2)})
            assert latex_kept(source, "en") == source

    @pytest.mark.parametrize("formula", FORMULAS)
    def test_what_was_mended_once_stays(self, formula: str) -> None:
        for escaped in (singly, doubly):
            mended = latex_kept(escaped(f"So {formula}."), "en")
            assert latex_kept(mended, "en") == mended

    def test_every_command_is_known_in_a_formula(self) -> None:
        for name in COMMANDS:
            assert read(singly(rf"$x \{name} y$")) == rf"$x \{name} y$"

    @given(st.lists(st.tuples(st.sampled_from(FORMULAS), st.sampled_from([singly, rightly, doubly])), min_size=1))
    def test_formulas_that_are_escaped_in_different_ways_are_told_apart(
        self, parts: list[tuple[str, Callable[[str], str]]]
    ) -> None:
        # In one without a certain command, two backslashes are what is usual in the answer.
        told = [(formula, escaped) for formula, escaped in parts if re.search(r"\\(?![nrt])[A-Za-z]{2}", formula)]
        source = "; ".join(escaped(formula)[1:-1] for formula, escaped in told)
        assert read(f'"{source}"') == "; ".join(formula for formula, _ in told)


class TestProse:
    def test_there_are_sixty_in_ten_languages(self) -> None:
        assert len(PROSE) == 10 and len({text for _, text in TEXTS}) == 60

    @pytest.mark.parametrize(("language", "text"), TEXTS)
    def test_line_breaks_and_tabs_before_the_rest_of_a_command_stay(self, language: str, text: str) -> None:
        for ensure_ascii in (True, False):
            source = json.dumps({"text": text}, ensure_ascii=ensure_ascii)
            assert latex_kept(source, language) == source

    @pytest.mark.parametrize(("language", "text"), TEXTS)
    def test_they_stay_beside_formulas_too(self, language: str, text: str) -> None:
        for formula in (r"$\frac{1}{2}$", r"\(x \to 0\)", r"$$\nu = \frac{1}{T}$$"):
            assert read(singly(f"{formula}.\n\n")[:-1] + rightly(text)[1:], language) == f"{formula}.\n\n{text}"

    @given(st.text().filter(lambda text: "\\" not in text))
    def test_text_without_backslashes_stays(self, text: str) -> None:
        assume(not re.search(r"[\b\f\n\r\t][A-Za-z]+", text))
        source = json.dumps({"text": text})
        assert latex_kept(source, "en") == source

    @given(
        st.lists(
            st.sampled_from(["\n", "\t", "\n\n", " ", "i", "e", "u", "o", "a", "word", "Ü", ".", "$5", "$ ", "(3)"])
        )
    )
    def test_line_breaks_before_ordinary_words_stay(self, parts: list[str]) -> None:
        text = "".join(f"{part}" if part.isspace() else f"{part} " for part in parts)
        assume(not text.startswith("\t"))  # no text does
        assume(not re.search(r"\$\s+\t[a-z] \$", text))  # it may be a formula: $ \to $
        source = json.dumps({"text": text})
        assert latex_kept(source, "it") == source

    @pytest.mark.parametrize(
        ("language", "source", "text"),
        [
            ("en", r"the angle \theta is", r"the angle \theta is"),
            ("sv", r"\theta och \tau", "\\theta och \tau"),
            ("it", r"\rho e \ne", "\\rho e \ne"),
            ("hi", r"कोण \theta है", r"कोण \theta है"),
            ("sv", r"den\theta tiden", "den\theta tiden"),
            ("sv", r"så är \alpha + \theta = 3", r"så är \alpha + \theta = 3"),
            ("xx", r"of \theta or", "of \theta or"),
            ("xx", r"of \theta_1 or", r"of \theta_1 or"),
            ("tr", r"bir\nabla var", "bir\nabla var"),
            ("de", r"Das ist \nabla f", r"Das ist \nabla f"),
            ("en", r"so\nexists", "so\nexists"),
            ("en", r"\textra", "\textra"),
            ("en", r"a \text{b} c", r"a \text{b} c"),
            ("en", r"2 \times 3 \neq \alpha", r"2 \times 3 \neq \alpha"),
            ("it", r"le \alpha.\ni mitocondri", "le \\alpha.\ni mitocondri"),
            ("it", r"fra \\alpha\ne gli altri", "fra \\alpha\ne gli altri"),
            ("it", r"fra \alpha\ne gli altri", "fra \\alpha\ne gli altri"),
            ("fr", r"puis\ni\u00e9na", "puis\niéna"),
        ],
    )
    def test_outside_formulas_the_language_decides(self, language: str, source: str, text: str) -> None:
        assert read(f'"{source}"', language) == text


class TestPlaces:
    @pytest.mark.parametrize(
        ("source", "text"),
        [
            (r"$5 and $6\neq", "$5 and $6\neq"),
            (r"- costs $5\n- \nu costs $6", "- costs $5\n- \nu costs $6"),
            (r"5 $\ni 6 $", "5 $\ni 6 $"),
            (r"$5.\ni un 6$", "$5.\ni un 6$"),
            (r"da $5 con \\alpha.\ni mitocondri costano $6", "da $5 con \\alpha.\ni mitocondri costano $6"),
            (r"5 $ \ni $5", "5 $ \ni $5"),
            (r"`$HOME` and `$PATH\neq`", "`$HOME` and `$PATH\neq`"),
            (r"$a\n\n\neq b$", "$a\n\n\neq b$"),
            (r"\$5 $\times$ \$6", r"\$5 $\times$ \$6"),
            (r"$ 2 \times 3 $", r"$ 2 \times 3 $"),
            (r"3$\times$ as much", r"3$\times$ as much"),
            (r"$x$\neq$y$", "$x$\neq$y$"),
            (r"```go\n\times := 1\n```\n$x \times y$", "```go\n\times := 1\n```\n$x \\times y$"),
            (r"```math\nx \times y\n```", "```math\nx \\times y\n```"),
            (r"`\times` is a cross", r"`\times` is a cross"),
        ],
    )
    def test_where_a_formula_is_and_where_not(self, source: str, text: str) -> None:
        assert read(f'"{source}"') == text

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            (r"\d\.\*\_\(", r"\d\.\*\_\("),
            (r"it\'s", "it's"),
            (r"caf\u00e9 \u2013 \upsilon \underline{x}", r"café – \upsilon \underline{x}"),
            (r"\"a\" \/ b", '"a" / b'),
            (r"C:\\temp\\new and \\\\server\\text", r"C:\temp\new and \\server\text"),
            (r"between `\\\\[` and `\\\\]`", r"between `\\[` and `\\]`"),
            (
                r"\\begin{tikzpicture} \\def \\n {5} \\end{tikzpicture}",
                r"\begin{tikzpicture} \def \n {5} \end{tikzpicture}",
            ),
            (r"`\\bcat\\b`", r"`\bcat\b`"),
            (r"\beta, \forall", r"\beta, \forall"),
        ],
    )
    def test_what_is_no_formula_keeps_its_signs(self, source: str, text: str) -> None:
        assert read(f'"{source}"') == text

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            # rows that are written as they are, though the commands are escaped
            (r"$\\begin{pmatrix} 1 \\ 2 \\end{pmatrix}$", r"$\begin{pmatrix} 1 \\ 2 \end{pmatrix}$"),
            (r"$\\begin{cases} x\\ & y \\end{cases}$", r"$\begin{cases} x\ & y \end{cases}$"),
            (r"$\left\\{ x \right\\}$", r"$\left\{ x \right\}$"),
            (r"$a \\\frac{1}{2}$", r"$a \frac{1}{2}$"),
            (r"$$a = b \\\\ c = d$$", r"$$a = b \\ c = d$$"),
            (r"$\\alpha \ne \\beta$", r"$\alpha \ne \beta$"),
            (r"\\(x\\) \(y\) \\\\(z\\\\)", r"\(x\) \(y\) \(z\)"),
            (
                r"$\\begin{array}{c} 1 \\\\hline 2 \\\\ 3 \\end{array}$",
                r"$\begin{array}{c} 1 \\\hline 2 \\ 3 \end{array}$",
            ),
        ],
    )
    def test_ways_of_escaping_that_are_mixed(self, source: str, text: str) -> None:
        assert read(f'"{source}"') == text

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            (r"$$\nu = v + at\n$$", "$$\nu = v + at\n$$"),
            (r"$$\nu = \frac{1}{T}$$", "$$\\nu = \\frac{1}{T}$$"),
            (
                r"$$\n\\begin{aligned}\nu &= v + at \\\\\ne &= \\nu\n\\end{aligned}\n$$",
                "$$\n\\begin{aligned}\nu &= v + at \\\\\ne &= \\nu\n\\end{aligned}\n$$",
            ),
            (
                r"$$\n\begin{aligned}\nu &= v \\\nv &= 3\n\end{aligned}\n$$",
                "$$\n\\begin{aligned}\nu &= v \\\\\nv &= 3\n\\end{aligned}\n$$",
            ),
        ],
    )
    def test_a_formula_of_several_lines(self, source: str, text: str) -> None:
        assert read(f'"{source}"') == text


class TestSource:
    @pytest.mark.parametrize(
        ("source", "mended"),
        [
            ('Here:\n```json\n{"a": "$x \\times y$",}\n```', 'Here:\n```json\n{"a": "$x \\\\times y$",}\n```'),
            ("{'a': 'it\\'s $x \\times y$', 'b': '$5\\ni'}", "{'a': 'it\\'s $x \\\\times y$', 'b': '$5\\ni'}"),
            ("{“a”: “$x \\neq y$”, “b”: “$5”}", "{“a”: “$x \\\\neq y$”, “b”: “$5”}"),
            ('So {“a”}: {"a": "$x", "b": "y \\neq$"}', 'So {“a”}: {"a": "$x", "b": "y \\neq$"}'),
            ('{"a": "raw\n$$\nx \\times y\n$$"}', '{"a": "raw\n$$\nx \\\\times y\n$$"}'),
            ('{"a": "$5", "b": "x\\neq $y"}', '{"a": "$5", "b": "x\\neq $y"}'),
            ('{"a": "x \\alpha', '{"a": "x \\\\alpha'),
            ('{"a": "C:\\\\"}', '{"a": "C:\\\\"}'),
            ("", ""),
        ],
    )
    def test_json_with_other_faults_is_mended_too(self, source: str, mended: str) -> None:
        assert latex_kept(source, "en") == mended

    @given(st.text(st.sampled_from("\\\"$()[]{}nut eq0,:'`\n") | st.sampled_from("\\$n")))
    def test_nothing_but_backslashes_is_changed(self, source: str) -> None:
        mended = latex_kept(source, "en")
        assert mended.replace("\\", "") == source.replace("\\", "")

    @given(
        st.lists(
            st.sampled_from(["$", "\\alpha", "\\", "\\\\", "\\nu", "{", "}", "x", " ", "\\u00e9", "\\n", "\\frac"])
        ).map("".join)
    )
    def test_no_string_is_one_that_a_parser_refuses(self, source: str) -> None:
        assume(len(source) - len(source.rstrip("\\")) == 0)
        assert isinstance(read(f'"{source}"'), str)

    @pytest.mark.parametrize(
        "unit",
        [
            "\\",
            "\\n",
            "$",
            "$a ",
            "\\(",
            "\\begin{a}",
            "{",
            "\\frac{",
            '"',
            "```a\\n",
            "\\nu ",
            "$\\ne ",
            "\\alpha  ++",
        ],
    )
    def test_a_hostile_text_is_read_in_linear_time(self, unit: str) -> None:
        latex_kept('{"a": "' + unit * (500_000 // len(unit)), "en")  # where a search backtracks, the run hangs here


@given(st.lists(st.sampled_from(['\\"', "\\n", "\\u00e9", "\\/", "eq", "Leftarrow", "The", "a", " ", "'", '"', "{"])))
def test_what_needs_no_mending_is_told_at_once_and_stays(parts: list[str]) -> None:
    source = "".join(parts)
    if _NOT_ORDINARY.search(source) is None:
        assert _mended(source, "en") == source
