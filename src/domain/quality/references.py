"""Finds what a text refers to by number or place: lessons, figures, tables and sections, in many languages."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import regex

from src.domain.language_tag import primary_subtag
from src.domain.numerals import values

Kind = Literal[
    "lesson", "figure", "table", "section", "chapter", "figure here", "table here", "lesson before", "lesson after"
]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a text refers to."""

    kind: Kind
    """`here` is what stands above, below or beside the text; `before` and `after` mean the neighbours of a lesson."""
    number: int | None
    text: str


# A number in digits of any script, such as "7" and "2.3", in which the first counts; or in Chinese signs, or in words.
_NUMBER = r"(?P<number>\p{Nd}{1,3}|[一二三四五六七八九十]{1,3})(?:[.\-–]\p{Nd}{1,2})?(?![\p{Nd}%°]|[.,]\p{Nd}|\s?%)"
_ENGLISH_NUMBERS = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_SIGN = r"(?:\s?(?:№|[Nn]o\.|[Nn]r\.|n\.?[oº]|number|número|numéro|رقم|क्रमांक|מספר|번호|លេខ|ቁጥር))?\s?"
# "Section 5 of the Act" and "Lesson 7 of his book" are somebody else's.
_OF_ANOTHER = {
    "en": r"(?!,? (?:of|in|from) (?:the|his|her|their|an?|[A-Z]))",
    "de": r"(?! (?:des|der|von|aus) )",
    "fr": r"(?! (?:de|du|des|d’|d')\s?)",
    "es": r"(?! (?:de|del) )",
    "pt": r"(?! (?:de|da|do) )",
    "it": r"(?! (?:del|della|di) )",
}
_SEE = r"(?i:see|in|from|at|on|to|under|of|and|\()\s?"

# By language: patterns of references, with `#` in place of a number.
_PATTERNS: dict[str, dict[Kind, str]] = {
    "en": {
        "lesson": r"(?i:\blessons?) #",
        "figure": rf"(?:\b(?:Figs?\.|Figures?|Diagrams?|Pictures?|Images?|Illustrations?|Photos?|Charts?|Graphs?|Maps?)"
        rf"|\b{_SEE}(?:fig\.|figure|diagram|picture|image|illustration|photo|chart|graph)) ?#",
        "table": r"(?:\bTables?|\b(?:see|in|from) table) #",
        "section": r"(?:\b(?i:see|saw in|in|from)|\() ?[Ss]ection #",
        "chapter": r"(?:\b(?i:see|(?:discussed|covered|described|explained|saw|seen|introduced)[\p{L} ]{0,12} in)"
        r"|\() ?[Cc]hapter #",
        "figure here": r"\b(?:figure|diagram|picture|image|photo|photograph|illustration|drawing|map|graph)s?"
        r" (?:above|below|opposite|on the (?:left|right))\b(?! (?:zero|\d|an?|the|all|average|his|her)\b)",
        "table here": r"\btables? (?:above|below)\b(?! (?:an?|the|his|her)\b)"
        r"|\bthe (?:following|above|below) table\b",
        "lesson before": r"\b(?:in|from|of) (?:the|our) (?:previous|last|preceding|earlier) lessons?\b",
        "lesson after": r"\b(?:in|of) (?:the|our) (?:next|following|coming) lessons?\b",
    },
    "de": {
        "lesson": r"\b(?:Lektion(?:en)?|Unterrichtsstunde) #|\b#\. Lektion",
        "figure": r"\b(?:Abbildung(?:en)?|Abb\.|Bild|Grafik|Diagramm|Schaubild|Skizze|Foto|Karte) ?#",
        "table": r"\b(?:Tabelle|Tab\.) ?#",
        "section": r"(?:\b(?i:siehe|s\.|in|im|aus)|\() ?Abschnitt #",
        "chapter": r"(?:\b(?i:siehe|s\.)|\() ?Kapitel #",
        "figure here": r"\b(?:Abbildung|Bild|Foto|Grafik|Diagramm|Skizze|Zeichnung|Karte) (?:oben|unten|links|rechts)\b"
        r"|\b(?:obige|untenstehende|obenstehende|nebenstehende)[nmrs]?"
        r" (?:Abbildung|Bild|Foto|Grafik|Diagramm|Skizze|Karte)",
        "table here": r"\bTabelle (?:oben|unten)\b|\b(?:obige|untenstehende|obenstehende)[nr]? Tabelle",
        "lesson before": r"\b(?:vorigen|letzten|vorherigen|vergangenen) (?:Lektion|Unterrichtsstunde)\b",
        "lesson after": r"\bnächsten? (?:Lektion|Unterrichtsstunde)\b",
    },
    "fr": {
        "lesson": r"\b(?i:leçons?|cours n°) ?#",
        "figure": r"\b(?:(?i:figure|fig\.|schéma|image|illustration|photo)|Carte) #",
        "table": r"\b(?i:tableau) #",
        "section": r"(?:\b(?i:voir|dans)(?: la)?|\() ?[Ss]ection #",
        "chapter": r"(?:\b(?i:voir)(?: le)?|\() ?[Cc]hapitre #",
        "figure here": r"\b(?:figure|image|schéma|photo|carte|illustration|dessin) ci-(?:dessus|dessous|contre|après)",
        "table here": r"\btableau ci-(?:dessus|dessous|contre|après)",
        "lesson before": r"\bleçon précédente\b",
        "lesson after": r"\b(?:prochaine leçon|leçon suivante)\b",
    },
    "es": {
        "lesson": r"\b(?i:lección|lecciones) #",
        "figure": r"\b(?:(?i:figura|fig\.|imagen|ilustración|foto|diagrama|gráfico)|Mapa) #",
        "table": r"\b(?:Tabla|(?i:la|ver|véase) tabla|Cuadro) #",
        "section": r"(?:\b(?i:véase|ver|en)(?: la)?|\() ?[Ss]ección #",
        "chapter": r"(?:\b(?i:véase|ver)(?: el)?|\() ?[Cc]apítulo #",
        "figure here": r"\b(?:figura|imagen|foto|diagrama|mapa|ilustración|dibujo)"
        r" (?:de (?:arriba|abajo|la (?:derecha|izquierda))|anterior|siguiente)\b",
        "table here": r"\btabla (?:de (?:arriba|abajo)|anterior|siguiente)\b",
        "lesson before": r"\b(?:lección anterior|última lección)\b",
        "lesson after": r"\b(?:próxima lección|lección siguiente|siguiente lección)\b",
    },
    "pt": {
        "lesson": r"\b(?i:lição|aula) #",
        "figure": r"\b(?:Figura|figura|Fig\.|fig\.|Imagem|imagem|Ilustração|Foto|foto|Diagrama|Mapa|Gráfico|gráfico) #",
        "table": r"\b(?:Tabela|(?i:a|na|ver) tabela|Quadro) #",
        "section": r"(?:\b(?i:ver|veja|na)(?: a)?|\() ?[Ss]e[cç]?ção #",
        "figure here": r"\b(?:figura|imagem|foto|diagrama|mapa|ilustração|desenho) (?:acima|abaixo|ao lado)\b",
        "table here": r"\btabela (?:acima|abaixo)\b",
        "lesson before": r"\b(?:lição|aula) (?:anterior|passada)\b",
        "lesson after": r"\b(?:próxima (?:lição|aula)|(?:lição|aula) seguinte)\b",
    },
    "it": {
        "lesson": r"\b(?i:lezione|lezioni) #",
        "figure": r"\b(?:Figura|figura|Fig\.|fig\.|Immagine|immagine|Foto|foto|Diagramma|Grafico) #",
        "table": r"\b(?i:tabella) #",
        "figure here": r"\b(?:figura|immagine|foto|mappa) (?:qui )?(?:sopra|sotto|a (?:destra|sinistra))\b",
        "table here": r"\btabella (?:qui )?(?:sopra|sotto)\b",
        "lesson before": r"\blezione precedente\b",
        "lesson after": r"\bprossima lezione\b",
    },
    "nl": {
        "lesson": r"\b(?:[Ll]es) #",
        "figure": r"\b(?:[Ff]iguur|[Aa]fbeelding|[Ff]ig\.) #",
        "table": r"\b[Tt]abel #",
        "figure here": r"\b(?:figuur|afbeelding|foto|kaart) (?:hierboven|hieronder|hiernaast)\b",
        "table here": r"\btabel (?:hierboven|hieronder)\b",
        "lesson before": r"\bvorige les\b",
        "lesson after": r"\bvolgende les\b",
    },
    "tr": {
        "lesson": r"\b(?i:ders) #|\b#\. ders",
        "figure": r"\b(?:[Şş]ekil|[Rr]esim|[Gg]örsel|[Gg]rafik|[Hh]arita) #",
        "table": r"\b[Tt]ablo #",
        "figure here": r"\b(?i:yukarıdaki|aşağıdaki|yandaki) (?:şekil|resim|şekl|resm|görsel|harita|grafi[kğ])",
        "table here": r"\b(?:[Yy]ukarıdaki|[Aa]şağıdaki) tablo",
        "lesson before": r"\b(?i:önceki|geçen) ders",
        "lesson after": r"\b(?i:sonraki|gelecek) ders",
    },
    "ru": {
        "lesson": r"\b(?i:урок(?:а|е|у|ом|и|ах)?) #|\b#-(?:й|го|м|ом|му)? урок",
        "figure": r"\b(?i:рис(?:\.|унок|унке|унка|унку)|схем[аеуы]|илл?юстраци[яию]|фото|карт[аеу]) ?#",
        "table": r"\b(?i:табл(?:\.|иц[аеуы])) ?#",
        "section": r"(?:\b(?i:см\.|в)|\() ?раздел[ае]? #",
        "chapter": r"(?:\b(?i:см\.|смотри)|\() ?глав[ауые] #",
        "figure here": r"\b(?:рисунк|схем|фото|карт|иллюстраци)\w* (?:выше|ниже|слева|справа)\b",
        "table here": r"\bтаблиц\w* (?:выше|ниже)\b",
        "lesson before": r"\b(?:прошл|предыдущ)\w+ урок",
        "lesson after": r"\bследующ\w+ урок",
    },
    "el": {
        "lesson": r"\b(?i:μάθημα|μαθήματος) #",
        "figure": r"\b(?i:σχήμα|εικόνα|εικόνας|διάγραμμα|χάρτη) #",
        "table": r"\b(?i:πίνακα|πίνακας) #",
        "figure here": r"\b(?:εικόνα|σχήμα|διάγραμμα) (?:παραπάνω|παρακάτω)"
        r"|\b(?:παραπάνω|παρακάτω) (?:εικόνα|σχήμα|διάγραμμα)",
        "table here": r"\bπίνακα (?:παραπάνω|παρακάτω)|\b(?:παραπάνω|παρακάτω) πίνακα",
        "lesson before": r"\bπροηγούμεν\w+ μ[άα]θήμ?[αά]",
        "lesson after": r"\bεπόμεν\w+ μ[άα]θήμ?[αά]",
    },
    "hy": {
        "lesson": r"\b(?i:դաս)\p{Ll}* #|\b#-(?:րդ|ին) դաս",
        "figure": r"\b(?i:նկար|պատկեր|գծապատկեր)\p{Ll}* #",
        "table": r"\b(?i:աղյուսակ)\p{Ll}* #",
        "lesson before": r"\bնախորդ դաս",
        "lesson after": r"\bհաջորդ դաս",
    },
    "ar": {
        "lesson": r"\b[وبفل]?ا?ل?درس #",
        "figure": r"\b[وبفك]?(?:الشكل|الصورة|الرسم|المخطط) #",
        "table": r"\b[وبف]?الجدول #",
        "figure here": r"(?:الشكل|الصورة|الرسم|المخطط) (?:أعلاه|أدناه|المجاور|المجاورة)",
        "table here": r"الجدول (?:أعلاه|أدناه)",
        "lesson before": r"الدرس (?:السابق|الماضي)",
        "lesson after": r"الدرس (?:التالي|القادم|المقبل)",
    },
    "he": {
        "lesson": r"\b[בהול]?ה?שיעור #",
        "figure": r"\b[בהול]?ה?(?:איור|תרשים|תמונה|גרף) #",
        "table": r"\b[בהול]?ה?טבלה #",
        "figure here": r"(?:איור|תרשים|תמונה) (?:שלמעלה|שלמטה|למעלה|למטה|משמאל|מימין)",
        "table here": r"טבלה (?:שלמעלה|שלמטה|למעלה|למטה)",
        "lesson before": r"שיעור הקודם",
        "lesson after": r"שיעור הבא",
    },
    "hi": {
        "lesson": r"\b(?:पाठ|अध्याय) #",
        "figure": r"\b(?:चित्र|आकृति|रेखाचित्र|मानचित्र) #",
        "table": r"\b(?:तालिका|सारणी) #",
        "figure here": r"(?:ऊपर|नीचे)(?: दिए गए| दिये गये| के)? (?:चित्र|आकृति|मानचित्र)",
        "table here": r"(?:ऊपर|नीचे)(?: दी गई| की)? (?:तालिका|सारणी)",
        "lesson before": r"पिछले पाठ",
        "lesson after": r"अगले पाठ",
    },
    "zh": {
        "lesson": r"第 ?# ?[课課]",
        "figure": r"(?<![\p{Han}--[见見如在由从從看和与與及]])[图圖] ?#(?![个個张張幅])",
        "table": r"(?<![\p{Han}--[见見如在由从從看和与與及]])表 ?#(?![个個张張])",
        "section": r"第 ?# ?[节節]",
        "figure here": r"[上下左右][图圖]|如[图圖]所示",
        "table here": r"(?<!\p{Han}[\p{Han}])[上下]表(?!\p{Han}{0,1}[面示现現达達])",
        "lesson before": r"上一?[节節]?[课課](?!程)",
        "lesson after": r"下一?[节節]?[课課](?!程)",
    },
    "ja": {
        "lesson": r"第 ?# ?[課回]|レッスン ?#",
        "figure": r"(?<!\p{Han})図 ?#",
        "table": r"(?<!\p{Han})表 ?#",
        "section": r"第 ?# ?節",
        "figure here": r"(?:[上下左右次]の|[上下])図(?!書)|図のように",
        "table here": r"(?:[上下次]の)表(?!現|面|情)",
        "lesson before": r"(?:前回|前)の(?:レッスン|授業|課)",
        "lesson after": r"(?:次回|次)の(?:レッスン|授業|課)",
    },
    "ko": {
        "lesson": r"(?<!\p{Hangul})제?#(?:과|단원|차시)(?!\p{Hangul}{3})|(?<!\p{Hangul})(?:수업|레슨) #",
        "figure": r"(?<!\p{Hangul})(?:그림|도표|사진) #",
        "table": r"(?<!\p{Hangul})표 #",
        "figure here": r"(?<!\p{Hangul})(?:위|아래|왼쪽|오른쪽)의? (?:그림|사진|도표)",
        "table here": r"(?<!\p{Hangul})(?:위|아래)의? 표(?!\p{Hangul}{2})",
        "lesson before": r"(?<!\p{Hangul})(?:지난|이전) (?:시간|수업|단원|레슨)에",
        "lesson after": r"(?<!\p{Hangul})다음 (?:시간|수업|단원|레슨)에",
    },
    "th": {
        "lesson": r"บท(?:เรียน)?(?:ที่)? ?#",
        "figure": r"(?:รูป|ภาพ|แผนภาพ)(?:ที่)? ?#",
        "table": r"ตาราง(?:ที่)? ?#",
        "figure here": r"(?:รูป|ภาพ)(?:ด้าน|ข้าง)(?:บน|ล่าง|ซ้าย|ขวา)",
        "table here": r"ตาราง(?:ด้าน|ข้าง)(?:บน|ล่าง)",
        "lesson before": r"บทเรียน(?:ก่อน|ที่แล้ว)",
        "lesson after": r"บทเรียน(?:ถัดไป|หน้า|ต่อไป)",
    },
    "km": {
        "lesson": r"មេរៀន(?:ទី)? ?#",
        "figure": r"រូប(?:ភាព)?(?:ទី)? ?#",
        "table": r"តារាង(?:ទី)? ?#",
        "lesson before": r"មេរៀនមុន",
        "lesson after": r"មេរៀន(?:បន្ទាប់|ក្រោយ)",
    },
    "am": {
        "lesson": r"ትምህርት #",
        "figure": r"(?:ምስል|ሥዕል|ስዕል) #",
        "table": r"(?:ሠንጠረዥ|ሰንጠረዥ) #",
        "lesson before": r"(?:ባለፈው|በቀደመው) ትምህርት",
        "lesson after": r"(?:በሚቀጥለው|በቀጣዩ) ትምህርት",
    },
}  # fmt: skip


# Pieces of the nouns above, without the letters that may be capitals: where none stands, nothing is referred to.
_PIECES = {
    "en": "esson fig. Fig figure iagram icture image Image llustration photo Photo chart Chart graph Graph drawing"
    " map Map table Table section Section chapter Chapter",
    "de": "ektion tunde bbildung bb. Bild rafik iagramm chaubild kizze oto Karte eichnung abelle Tab. bschnitt apitel",
    "fr": "eçon ours igure ig. chéma mage llustration hoto arte essin ableau ection hapitre",
    "es": "ecci igura ig. magen lustraci oto iagrama apa ráfico ibujo abla uadro apítulo",
    "pt": "ição ula igura ig. magem lustração oto iagrama apa ráfico esenho abela uadro ção",
    "it": "ezion igura ig. mmagine oto iagramma rafico appa abella",
    "nl": "les Les iguur fbeelding ig. oto aart abel",
    "tr": "ers ekil ekl esim esm örsel rafi arita ablo",
    "ru": "рок рис Рис хем люстраци ото арт абл аздел лав",
    "el": "μ σχήμ Σχήμ ικόν ιάγραμμ άρτη ίνακ",
    "hy": "դաս Դաս կար տկեր ղյուսակ",
    "ar": "درس شكل صورة رسم مخطط جدول",
    "he": "שיעור איור תרשים תמונה גרף טבלה",
    "hi": "पाठ अध्याय चित्र आकृति तालिका सारणी",
    "zh": "课 課 图 圖 表 节 節",
    "ja": "課 回 レッスン 授業 図 表 節",
    "ko": "과 단원 차시 수업 레슨 시간 그림 도표 사진 표",
    "th": "บท รูป ภาพ ตาราง",
    "km": "មេរៀន រូប តារាង",
    "am": "ትምህርት ምስል ሥዕል ስዕል ሠንጠረዥ ሰንጠረዥ",
}
_BEFORE, _BEHIND = 40, 60
"""In so many characters around a noun stands all that a reference is told by."""


@dataclass(frozen=True, slots=True)
class _Language:
    """What is known of the references of a language."""

    pieces: tuple[str, ...]
    pattern: regex.Pattern[str]
    kinds: Mapping[str, Kind]
    """The kinds by the names of the groups of `pattern`."""


@lru_cache(maxsize=32)
def _known(subtag: str) -> _Language | None:
    if subtag not in _PATTERNS:
        return None
    number = _NUMBER + _OF_ANOTHER.get(subtag, "")
    if subtag == "en":
        number = number.replace("\\p{Nd}{1,3}|", rf"\p{{Nd}}{{1,3}}|(?:{_ENGLISH_NUMBERS})\b|")
    branches, kinds = [], dict[str, Kind]()
    for kind, given in _PATTERNS[subtag].items():
        name = kind.replace(" ", "_")
        kinds[name] = kind
        numbered = given if " " in kind else given.replace(" #", f"{_SIGN}#").replace("#", number)
        branches.append(f"(?P<{name}>{numbered})")
    return _Language(tuple(_PIECES[subtag].split()), regex.compile("|".join(branches), regex.V1), kinds)


def references(text: str, language: str) -> Iterator[Reference]:
    """Yields what a text refers to, in order; nothing if that isn't known of its language (a BCP 47 tag)."""
    known = _known(primary_subtag(language))
    end = 0
    for place in sorted({*_places(text, known.pieces)}) if known else ():
        found = known.pattern.search(text, max(end, place - _BEFORE), place + _BEHIND) if known else None
        if known and found and found.lastgroup:
            end = found.end()
            name = next(name for name in known.kinds if found[name] is not None)
            yield Reference(known.kinds[name], _value(found["number"], language), found.group())


def _places(text: str, pieces: Iterable[str]) -> Iterator[int]:
    for piece in pieces:
        place = text.find(piece)
        while place >= 0:
            yield place
            place = text.find(piece, place + 1)


def _value(number: str | None, language: str) -> int | None:
    if number is None:
        return None
    if number.isdecimal():
        return int(number)
    return max((int(value) for value in values(number, language) if value.isdecimal()), default=None)
