"""The normal form in which texts are compared: spellings of the same words, formulas and numbers have the same one.

What a reader takes for the same is the same in it: case, forms of quotation marks and dashes, Markdown's marks, sub-
and superscripts (CO2 and CO₂, 10^6 and 10⁶), LaTeX's signs (`$x_1 \\times 2$` and x₁ × 2), digits of any script, and
separators in numbers (17 000 and 17,000). A sign that changes what is meant stays: -2 is not 2, nor 10⁶ 106.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

import regex

_DASHES = "‐‑‒–—―−﹘﹣－"
_SINGLE_QUOTES = "‘’‚‛′´ʹʼ＇"
_DOUBLE_QUOTES = "“”„‟″«»〝〞＂"
_HIDDEN = "\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
_SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"
_OPERATORS = "=<>≤≥≠≈→⇌+÷/"

# Letters of which the small form has more characters than one, such as ß.
_LONG_IN_SMALL = "".join(char for char in map(chr, range(0x80, 0x10000)) if len(char.casefold()) != 1)

# What LaTeX writes in words. Others, such as `\sin`, are read by their names.
_SIGNS_OF_LATEX = {
    "div": "÷", "pm": "±", "mp": "∓", "neq": "≠", "ne": "≠",
    "leq": "≤", "le": "≤", "leqslant": "≤", "geq": "≥", "ge": "≥", "geqslant": "≥", "approx": "≈", "sim": "~",
    "infty": "∞", "circ": "°", "degree": "°", "percent": "%", "to": "→", "rightarrow": "→", "longrightarrow": "→",
    "Rightarrow": "⇒", "rightleftharpoons": "⇌", "leftrightarrow": "↔", "in": "∈", "notin": "∉", "subset": "⊂",
    "cup": "∪", "cap": "∩", "mid": "|", "vert": "|", "sum": "∑", "int": "∫", "partial": "∂", "nabla": "∇",
    "sqrt": "√", "cdots": "…", "ldots": "…", "dots": "…",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "Delta": "Δ", "epsilon": "ε", "varepsilon": "ε",
    "theta": "θ", "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ", "Sigma": "Σ", "tau": "τ",
    "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Omega": "Ω", "eta": "η",
}  # fmt: skip
_LAYOUT_OF_LATEX = frozenset(
    """text textrm textbf textit mathrm mathbf mathit mathsf mathbb operatorname left right big Big bigl bigr Bigl
    Bigr displaystyle quad qquad ce unit si SI begin end dfrac tfrac frac""".split()  # noqa: SIM905
)
# Letters and marks that stand for themselves in the normal form, or for their small ones: most of those that do.
_LETTERS = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00de\u00e0-\u00f6\u00f8-\u012f\u0388-\u038f\u0391-\u03af\u03b1-\u03ce\u0400-\u0481"
    "\u0483-\u052f\u0531-\u0556\u0561-\u0586\u05b0-\u05ea\u060b-\u065f\u0900-\u0957\u0960-\u0965\u0e01-\u0e32"
    "\u0e34-\u0e4e\u1200-\u1368\u1780-\u17b3\u17b6-\u17d3\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3\ue000"
)
# Signs beside which a piece may begin. `re` looks for these places, as it passes over all else many times as fast as
# `regex` would try each kind of piece. A space begins one only beside another, an operator, a dash or a sign of
# multiplication; a comma only between digits; a digit only where more of them follow in groups.
_SIGN = re.compile(rf"[^{_LETTERS}0-9 ,.;:!?()\[\]\"'&#@|^]")
_SPACES = re.compile(" (?= )")
_SEPARATED = re.compile(r"[0-9](?=[0-9]{0,2}(?:[ \u00a0\u2009\u202f'’٬,.]|\{,\}|\\,)[0-9])")
_PIECE = regex.compile(
    # The signs of list items. One that begins the text and has no word behind it may be a minus.
    r"(?P<edge>\A\s*[-*+•][ \t]+(?=[^\n]*\p{L}{2})|\A\s+)"
    r"|(?P<bullet>\s*\n[^\S\n]*[-*+•][ \t]+)"
    r"|(?:"
    # Digits in groups: 17 000, 17'000, 1.000.000, 1,00,000. One comma or full stop may be that of a decimal fraction.
    r"(?P<grouped>(?<![\p{Nd}.,^])(?!0)\p{Nd}{1,3}(?:"
    r"(?:[ \u00a0\u2009\u202f]\p{Nd}{3})+|(?:(?:['’٬]|\{,\}|\\,)\p{Nd}{3})+|(?:,\p{Nd}{3}){2,}|(?:\.\p{Nd}{3}){2,}"
    r"|(?:,\p{Nd}{2})+,\p{Nd}{3}|(?:\.\p{Nd}{3})+(?=,\p{Nd}{1,2}(?!\p{Nd})))(?!\p{Nd}))"
    r"|(?<=\p{Nd})(?P<point>[,٫])(?=\p{Nd}{1,2}(?![\p{Nd},])|\p{Nd}{4})"
    rf"|(?P<raised>[{_SUPERSCRIPT}]+)"
    r"|\\[dt]?frac\s*\{(?P<above>[^{}]{1,80})\}\s*\{(?P<below>[^{}]{1,80})\}"
    r"|(?P<product>(?<=[\p{Nd})])\s*[*·⋅×✕]\s*(?=[\p{Nd}(])|\s[*·⋅×]\s|\s*\\(?:times|cdot|ast)(?![A-Za-z])\s*)"
    r"|\\(?P<command>[A-Za-z]+)\s?"
    r"|(?P<thin>\\[,;:! ]|\\\\)"
    rf"|(?P<dash>\s+[-{_DASHES}]\s+|[{_DASHES}])"
    rf"|(?P<around>\s+(?=\\?[{_OPERATORS}%°])|(?<=[{_OPERATORS}])\s+)"
    r"|(?P<space>[^\S ]\s*| \s+)"
    rf"|(?P<dropped>(?:[*_`${{}}~{_HIDDEN}]|\\[()\[\]]|\\(?![A-Za-z]))+)"
    rf"|(?P<single>[{_SINGLE_QUOTES}])|(?P<double>[{_DOUBLE_QUOTES}])|(?P<dots>…)"
    rf"|(?P<long>[{_LONG_IN_SMALL}])"
    r"|(?P<compatible>\p{NFKC_Quick_Check=No}+))"
)
_LAST_DIGIT = 0x20000
"""Unicode has no digits beyond its second plane, which holds signs of all kinds."""
_DIGITS = {
    number: str(unicodedata.decimal(chr(number))) for number in range(0x80, _LAST_DIGIT) if chr(number).isdecimal()
} | {ord("٪"): "%", ord("％"): "%"}
# What lies beyond the first plane is seldom, and may be a digit.
_NO_ASCII_DIGIT = re.compile(f"[{''.join(chr(number) for number in _DIGITS if number < 0x10000)}\U00010000-\U0010ffff]")
_SEPARATORS = regex.compile(r"\P{Nd}+")


@dataclass(frozen=True, slots=True)
class Normal:
    """A text in its normal form."""

    text: str
    _begins: tuple[int, ...]
    """Where each piece begins in `text`; a piece is a stretch that stands there as it was, or one that was replaced."""
    _sources: tuple[tuple[int, int], ...]
    """The start and end of each piece in the text as it was."""

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Returns where `text[start:end]`, of one character or more, stood in the text as it was."""
        return self._source(start)[0], self._source(end - 1)[1]

    def _source(self, position: int) -> tuple[int, int]:
        piece = bisect_right(self._begins, position) - 1
        begin, (first, last) = self._begins[piece], self._sources[piece]
        after = self._begins[piece + 1] if piece + 1 < len(self._begins) else len(self.text)
        if after - begin != last - first:
            return first, last
        return first + position - begin, first + position - begin + 1


@lru_cache(maxsize=4096)
def normal(text: str) -> Normal:
    """Returns the normal form of a text, with the places of what it was made from."""
    form = _form(text)
    return Normal(form.text.casefold(), form._begins, form._sources)


def normal_text(text: str) -> str:
    """Returns the normal form of a text."""
    return normal(text).text


def with_capitals(text: str) -> str:
    """Returns the normal form of a text, but with its capitals."""
    return _form(text).text


@lru_cache(maxsize=1024)
def _form(text: str) -> Normal:
    if not text.isascii() and _NO_ASCII_DIGIT.search(text):
        text = text.translate(_DIGITS)  # which changes no position
    kept: list[str] = []
    begins: list[int] = []
    sources: list[tuple[int, int]] = []
    length = position = 0
    match = _PIECE.match
    for place in _places(text):
        found = None if place < position else match(text, place)
        if found is None:
            continue
        start, end = found.span()
        if start > position:
            kept.append(text[position:start])
            begins.append(length)
            sources.append((position, start))
            length += start - position
        by = _replaced(found, kept[-1] if kept else "")
        position = end
        if by:
            kept.append(by)
            begins.append(length)
            sources.append((start, end))
            length += len(by)
    if position < len(text):
        kept.append(text[position:])
        begins.append(length)
        sources.append((position, len(text)))
    return Normal("".join(kept).rstrip(" "), tuple(begins), tuple(sources))


def _places(text: str) -> list[int]:
    """Returns the places where pieces may begin, in order."""
    places = [0] if text[:1] in "-+ " else []
    for found in _SIGN.finditer(text):
        place = found.start()
        if text[place - 1 : place] == " ":
            places.append(place - 1)
        places.append(place)
        if text[place] in _OPERATORS and text[place + 1 : place + 2] == " ":
            places.append(place + 1)
    number = len(places)
    for found in _SEPARATED.finditer(text):
        places += (found.start(), found.end()) if text[found.end()] == "," else (found.start(),)
    if "  " in text:
        places += [found.start() for found in _SPACES.finditer(text)]
    return sorted(places) if len(places) > number else places


def _replaced(found: regex.Match[str], before: str) -> str:
    """Returns what stands for a piece of text in the normal form; `before` is the piece before it."""
    kind, piece = found.lastgroup, found.group()
    match kind:
        case "grouped":
            return _SEPARATORS.sub("", piece)
        case "point":
            return "."
        case "raised":
            plain = unicodedata.normalize("NFKC", piece).replace("−", "-")
            return f"^{plain}" if before[-1:].isalnum() or before[-1:] in (")", "°") else plain
        case "below":
            return f"{_inner(found['above'])}/{_inner(found['below'])}"
        case "command":
            name = found["command"]
            return "" if name in _LAYOUT_OF_LATEX else _SIGNS_OF_LATEX.get(name, f"{name} ")
        case "dash":
            return "-"
        case "product":
            return "×"
        case "space" | "thin" | "bullet":
            return " " if before and before[-1] != " " else ""
        case "single":
            return "'"
        case "double":
            return '"'
        case "dots":
            return "..."
        case "compatible":
            plain = unicodedata.normalize("NFKC", piece).replace("\u2044", "/")
            return f" {plain}" if "/" in plain and before[-1:].isdecimal() else plain  # 2½ is not 21/2
        case "long":
            return "I" if piece == "İ" else piece.casefold()  # its small form in Turkish is the plain letter
        case _:
            return ""


def _inner(part: str) -> str:
    return _form(part).text
