"""Faults of the form of a lesson's text, and of how its parts agree."""

from collections.abc import Callable
from random import Random

import regex

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.planting import Fault, chosen, digits, fault, is_strange, other_number, section_paths, vocabulary
from src.domain.formulas import delimited
from src.domain.lesson import KeyTerm
from src.domain.quality.citations import markers
from src.domain.sentences import sentences

_Change = Callable[[Random, str], str | None]
_Plant = Callable[[Random, Case], Case | None]


def _in_section(change: _Change) -> _Plant:
    """Returns a planter that changes one section, if there is one in which `change` has something to change."""

    def plant(random: Random, case: Case) -> Case | None:
        for where in random.sample(paths := section_paths(case), len(paths)):
            changed = change(random, case.text.fields()[where])
            if changed is not None:
                return case.with_part(where, changed)
        return None

    return plant


def _with_paragraph(random: Random, text: str, added: str) -> str:
    """Returns the text with one more paragraph, before or between the others."""
    parts = text.split("\n\n")
    parts.insert(random.randrange(len(parts)), added)
    return "\n\n".join(parts)


def _table(random: Random, case: Case) -> list[list[str]]:
    names = [term.term.replace("|", "/") for term in case.text.key_terms]
    return [[random.choice(names), str(random.randint(2, 99)), random.choice(names)] for _ in range(4)]


def _own_table(change: Callable[[Random, list[str]], list[str]]) -> _Plant:
    """Returns a planter that breaks a table of the lesson; if it has none, one that is put into it."""

    def plant(random: Random, case: Case) -> Case | None:
        found = [
            (where, table)
            for where in section_paths(case)
            for table in regex.finditer(
                r"(?m)^\|[^\n]*\|\n\|[-:| ]+\|\n(?:\|[^\n]*\|(?:\n|\Z)){2,}", case.text.fields()[where]
            )
        ]
        if found and random.random() < 0.7:
            where, table = random.choice(found)
            text = case.text.fields()[where]
            lines = change(random, table.group().rstrip("\n").split("\n"))
            return case.with_part(where, text[: table.start()] + "\n".join(lines) + "\n" + text[table.end() :])
        picked = chosen(random, section_paths(case))
        if picked is None:
            return None
        rows = [f"| {' | '.join(row)} |" for row in _table(random, case)]
        lines = change(random, [rows[0], "|---|---|---|", *rows[1:]])
        return case.with_part(picked, _with_paragraph(random, case.text.fields()[picked], "\n".join(lines)))

    return plant


def _without_cell(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(2, len(lines))
    cells = lines[at].strip().strip("|").split("|")
    del cells[random.randrange(len(cells))]
    return [*lines[:at], f"|{'|'.join(cells)}|", *lines[at + 1 :]]


def _without_rule(_: Random, lines: list[str]) -> list[str]:
    return [lines[0], *lines[2:]]


def _with_short_rule(random: Random, lines: list[str]) -> list[str]:
    rule = random.choice((lines[1] + "---|", lines[1][lines[1].index("|", 1) :]))
    return [lines[0], rule, *lines[2:]]


_FORMULAS = (
    r"v = \frac{s}{t}",
    r"a^{2} + b^{2} = c^{2}",
    r"x_{1} = \sqrt{9}",
    r"F = m \cdot \text{a}",
    r"\rho = \frac{m}{V}",
    r"\frac{1}{2} + \frac{1}{4}",
)


def _unclosed_dollar(random: Random, text: str) -> str:
    """Takes one of the dollar signs of a formula away."""
    own = [(start, end) for start, end in delimited(text) if _is_clear(text[start:end])]
    if own and random.random() < 0.7:
        start, end = random.choice(own)
        if random.random() < 0.5:
            return text[: end - 1] + text[end:]
        return text[:start] + text[start + 1 :]
    formula = random.choice(_FORMULAS)
    return _with_paragraph(random, text, f"{random.choice((f'${formula}', f'{formula}$'))} ({random.randint(1, 9)}).")


def _is_clear(formula: str) -> bool:
    """Returns whether half of a formula is still one: what `$x$` or `$5$` loses is lost without a trace."""
    return formula[0] == "$" != formula[1] and regex.search(r"^\$-?\w+ ?[=^_+]|^\$\\[A-Za-z]{2}", formula) is not None


def _unclosed_brace(random: Random, text: str) -> str:
    own = [(start, end) for start, end in delimited(text) if regex.search(r"(?<!\\)[{}]", text[start:end])]
    if own and random.random() < 0.7:
        start, end = random.choice(own)
        braces = [start + it.start() for it in regex.finditer(r"(?<!\\)[{}]", text[start:end])]
        at = random.choice(braces)
        return text[:at] + text[at + 1 :]
    formula = random.choice(_FORMULAS)
    at = random.choice([it.start() for it in regex.finditer(r"[{}]", formula)])
    return _with_paragraph(random, text, f"$${formula[:at]}{formula[at + 1 :]}$$")


def _unended_environment(random: Random, text: str) -> str:
    name = random.choice(("align", "cases", "pmatrix", "equation"))
    opening = random.choice(("$$", ""))
    body = rf"\begin{{{name}}} a &= 1 \\ b &= 2"
    return _with_paragraph(random, text, f"{opening}{body}{opening}")


def _bare_command(random: Random, text: str) -> str | None:
    r"""Takes the delimiters of a formula with an argument away, or adds `\frac` without any."""
    own = [(start, end) for start, end in delimited(text) if regex.match(r"\$[^$]*\\[A-Za-z]{2,}\{", text[start:end])]
    if own and random.random() < 0.7:
        start, end = random.choice(own)
        return text[:start] + text[start + 1 : end - 1] + text[end:]
    bare = random.choice(
        (r"\frac{1}{2}", r"\sqrt{16} = 4", r"v = \frac{s}{t}", r"3 \times 4", r"\alpha = 2", r"x \leq 5")
    )
    return _with_paragraph(random, text, f"{bare}.")


def _unclosed_bracket(random: Random, text: str) -> str:
    opening = random.choice(("\\[", "\\("))
    return _with_paragraph(random, text, f"{opening} {random.choice(_FORMULAS)} ({random.randint(1, 9)}).")


def _unclosed_strong(random: Random, text: str) -> str | None:
    """Takes the stars before or behind strong words away; if there are none, a word gets them before it."""
    found = list(regex.finditer(r"(?<![*\w])\*\*([^*\n]{2,80})\*\*(?![*\w])", text))
    if found and random.random() < 0.8:
        strong = random.choice(found)
        kept = random.choice((f"**{strong[1]}", f"{strong[1]}**"))
        return text[: strong.start()] + kept + text[strong.end() :]
    return _marked(random, text, "**")


def _unclosed_light(random: Random, text: str) -> str | None:
    found = list(regex.finditer(r"(?<![*\w\n])([*_])([^*_\n]{2,80})\1(?![*\w])", text))
    if found and random.random() < 0.8:
        light = random.choice(found)
        return text[: light.start()] + light[1] + light[2] + text[light.end() :]
    return None if "*" in text or "_" in text else _marked(random, text, random.choice("*_"))


def _marked(random: Random, text: str, sign: str) -> str | None:
    place = chosen(random, list(regex.finditer(r"(?<=[\p{L}\p{M},] )(?=\p{L}{3})", text)))
    if place is None:
        return None
    return text[: place.start()] + sign + text[place.start() :]


def _misread(encoding: str) -> _Plant:
    """Returns a planter that reads the UTF-8 of a part in another encoding."""

    def plant(random: Random, case: Case) -> Case | None:
        paths = [where for where, text in case.text.fields().items() if len(regex.findall(r"[^\x00-\x7f]", text)) > 1]
        where = chosen(random, paths)
        if where is None:
            return None
        data = case.text.fields()[where].encode()
        # What the encoding lacks is shown as the control character of that number, as browsers do.
        read = "".join(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in data)
        return case.with_part(where, read)

    return plant


def _replaced_character(random: Random, text: str) -> str | None:
    place = chosen(random, list(regex.finditer(r"(?<=\p{L})[^\x00-\x7f](?=\p{L})|(?<=\p{L}{2})\p{L}(?=\p{L})", text)))
    return None if place is None else text[: place.start()] + "\ufffd" + text[place.end() :]


def broken_off(random: Random, case: Case) -> Case | None:
    """Cuts a paragraph inside a part off in the middle of its last sentence."""
    if case.language in ("th", "lo"):
        return None  # whose sentences have no marks
    split = {
        where: case.text.fields()[where].split("\n\n")
        for where in ("introduction", "applications", *section_paths(case))
    }
    found = [
        (where, parts, at)
        for where, parts in split.items()
        for at in range(len(parts) - 1)
        if all(map(_is_prose, parts[at : at + 2]))
    ]
    place = chosen(random, found)
    if place is None:
        return None
    where, parts, at = place
    last = sentences(parts[at])[-1]
    spaces = [it.start() for it in regex.finditer(r" (?=\p{L})|(?<=\p{Han}|\p{Hiragana})(?=\p{Han})", last.text)]
    cut = chosen(random, spaces[len(spaces) // 2 : -1])
    if cut is None or not regex.search(r"[\p{L}\p{M}\p{N},]$", last.text[:cut]):
        return None
    parts[at] = parts[at][: last.start + cut]
    return case.with_part(where, "\n\n".join(parts))


def _is_prose(part: str) -> bool:
    return "\n" not in part and len(part) > 80 and part[0].isalpha() and "$" not in part and "`" not in part


def term_unused(random: Random, case: Case) -> Case | None:
    """Adds a key term that the lesson has no use for: another lesson's in its language, or a word of its sources."""
    told = "\n".join([*case.text.fields().values(), *(part.heading for part in case.text.sections)]).casefold()
    others = [term.term for other in by_hand() if other.language == case.language for term in other.text.key_terms]
    strange = [word for word in others if is_strange(word, told)]
    term = chosen(random, strange or [word for word in vocabulary(case.language) if is_strange(word, told)])
    if term is None:
        return None
    terms = list(case.text.key_terms)
    terms.insert(random.randrange(len(terms) + 1), KeyTerm(term=term, definition=random.choice(terms).definition))
    return case.with_text(key_terms=tuple(terms))


def number_in_summary(random: Random, case: Case) -> Case | None:
    """Changes a number of the summary, or adds one."""
    found = [sentence for sentence in sentences(case.text.summary) if not markers(sentence.text)]
    sentence = chosen(random, found)
    if sentence is None or any(sign in sentence.text for sign in "`\\"):
        return None
    told = "\n".join(case.text.fields().values())
    long = [it for it in digits(sentence.text) if len(it.group()) > 2 and it.group().isdecimal()]
    if long and "$" not in sentence.text:
        number = random.choice(long)
        other = other_number(random, number.group())
        changed = sentence.text[: number.start()] + other + sentence.text[number.end() :]
    else:
        other = str(random.randint(1000, 9999))
        changed = regex.sub(r"([.!?。।।։።။…]?[\"”»)*]*)$", rf" ({other})\1", sentence.text, count=1)
    if other in told:
        return None
    text = case.text.summary
    return case.with_part("summary", text[: sentence.start] + changed + text[sentence.end :])


_NAMES = {
    "el": ("Παπαναστασίου", "Θεσσαλονίκη", "Ξενάκης"),
    "ru": ("Щербаков", "Вышеградов", "Цюрупинск"),
    "hy": ("Ղուկասյան", "Ջրվեժցի", "Ձորագյուղ"),
}
_LATIN_NAMES = ("Kowalczyk", "Wzgorze", "Fibonacci", "Zhukovsky", "Quetzal", "Yamamoto", "Uzbekistan")


def name_in_summary(random: Random, case: Case) -> Case | None:
    """Adds a name to the summary, in languages in which names are told by their capitals."""
    if case.language in ("de", "ar", "he", "hi", "zh", "ja", "ko", "th", "km", "am"):
        return None
    found = [sentence for sentence in sentences(case.text.summary) if not markers(sentence.text)]
    places = [
        sentence.start + it.start()
        for sentence in found
        for it in regex.finditer(r"(?<=\p{Ll}{2} )(?=\p{Ll})", sentence.text)
        if not any(sign in sentence.text for sign in "`$\\")
    ]
    place = chosen(random, places)
    if place is None:
        return None
    name = random.choice(_NAMES.get(case.language, _LATIN_NAMES))
    text = case.text.summary
    return case.with_part("summary", f"{text[:place]}{name} {text[place:]}")


# Sentences that refer to a lesson, a figure and a table by number.
_REFERRING = {
    "en": ("As we saw in Lesson {}, this matters.", "Figure {} shows this.", "See Table {} for more."),
    "de": ("Das kennst du aus Lektion {}.", "Das zeigt Abbildung {}.", "Mehr steht in Tabelle {}."),
    "fr": ("Nous l’avons vu dans la leçon {}.", "La figure {} le montre.", "Le tableau {} en donne d’autres."),
    "es": ("Lo vimos en la lección {}.", "La figura {} lo muestra.", "La tabla {} lo resume."),
    "pt": ("Vimos isso na lição {}.", "A figura {} mostra isso.", "A tabela {} resume tudo."),
    "ru": ("Мы видели это в уроке {}.", "Это показано на рисунке {}.", "Остальное приведено в таблице {}."),
    "el": ("Το είδαμε στο μάθημα {}.", "Αυτό δείχνει η εικόνα {}.", "Τα υπόλοιπα βρίσκονται στον πίνακα {}."),
    "tr": ("Bunu Ders {} içinde gördük.", "Bunu Şekil {} gösterir.", "Gerisi Tablo {} içindedir."),
    "hy": ("Սա տեսանք դաս {}-ում։", "Սա երևում է նկար {}-ում։", "Մնացածը տես աղյուսակ {}-ում։"),
    "ar": ("رأينا ذلك في الدرس {}.", "يبين الشكل {} ذلك.", "انظر الجدول {} للمزيد."),
    "he": ("ראינו זאת בשיעור {}.", "איור {} מראה זאת.", "ראו עוד בטבלה {}."),
    "hi": ("यह हमने पाठ {} में देखा था।", "यह चित्र {} में दिखता है।", "बाकी तालिका {} में है।"),
    "zh": ("我们在第{}课学过。", "见图{}。", "其余见表{}。"),
    "ja": ("これは第{}課で学んだ。", "これは図{}に示した。", "残りは表{}にある。"),
    "ko": ("이것은 {}과에서 배웠다.", "이것은 그림 {}에 나온다.", "나머지는 표 {}에 있다."),
    "th": ("เราเห็นเรื่องนี้ในบทที่ {} แล้ว", "ดูรูปที่ {} ประกอบ", "ดูตารางที่ {} เพิ่มเติม"),
    "km": ("យើងបានឃើញវានៅក្នុងមេរៀនទី {} ។", "សូមមើលរូបភាពទី {} ។", "សូមមើលតារាងទី {} ។"),
    "am": ("ይህን በትምህርት {} አይተናል።", "ይህ በምስል {} ይታያል።", "ቀሪው በሠንጠረዥ {} አለ።"),
}


def _referring(kind: int) -> _Plant:
    def plant(random: Random, case: Case) -> Case | None:
        where = chosen(random, section_paths(case))
        if where is None or case.language not in _REFERRING:
            return None
        number = case.brief.num_lessons + random.randint(1, 5) if kind == 0 else random.randint(5, 12)
        told = _REFERRING[case.language][kind].format(number)
        return case.with_part(where, _with_paragraph(random, case.text.fields()[where], told))

    return plant


FORM_FAULTS: tuple[Fault, ...] = (
    fault("table row with a cell missing", "broken_table", _own_table(_without_cell)),
    fault("table without its separator line", "broken_table", _own_table(_without_rule)),
    fault("separator line of another width", "broken_table", _own_table(_with_short_rule)),
    fault("$ unclosed", "broken_formula", _in_section(_unclosed_dollar)),
    fault("brace of a formula missing", "broken_formula", _in_section(_unclosed_brace)),
    fault("environment begun and not ended", "broken_formula", _in_section(_unended_environment)),
    fault("command outside any formula", "broken_formula", _in_section(_bare_command)),
    fault("\\[ or \\( unclosed", "broken_formula", _in_section(_unclosed_bracket)),
    fault("** unclosed", "unclosed_emphasis", _in_section(_unclosed_strong)),
    fault("* or _ unclosed", "unclosed_emphasis", _in_section(_unclosed_light)),
    fault("UTF-8 read as Latin-1", "mojibake", _misread("latin-1")),
    fault("UTF-8 read as Windows-1252", "mojibake", _misread("cp1252")),
    fault("character replaced by U+FFFD", "mojibake", _in_section(_replaced_character)),
    fault("paragraph cut off inside a part", "broken_off", broken_off),
    fault("key term never used", "term_unused", term_unused),
    fault("number in the summary only", "summary_beyond", number_in_summary),
    fault("name in the summary only", "summary_beyond", name_in_summary),
    fault("reference to a lesson that isn't there", "dangling_reference", _referring(0)),
    fault("reference to a figure that isn't there", "dangling_reference", _referring(1)),
    fault("reference to a table that isn't there", "dangling_reference", _referring(2)),
)
