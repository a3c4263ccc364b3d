"""Finds words that were meant for somebody other than the learner: thinking, notes for teachers, placeholders.

What a course on some subject may say (a "todo" in Spanish, an apology in a dialogue) is no leak. Wordings that nearly
always are a leak, but might be innocent, are soft findings: they are repaired and never fail a course. So are words
that a source says too, as a book about teaching has lesson plans, and words in quotation marks. A course on artificial
intelligence may quote what models and their prompts say. Code isn't looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import regex

from src.domain.finding import Finding, Severity, excerpt
from src.domain.markdown_syntax import without_code
from src.domain.quality.own_words import is_quoted
from src.domain.source import Passage

# The kind of leak that a source never excuses: such words are few, and some source says "sure, …" somewhere.
_NEVER_A_SOURCES = "talk around the answer"
# The kinds that a lesson may quote, and a lesson on AI also speak of.
_OF_MODELS = frozenset({"a model's own voice", "thinking", "an instruction"})
_QUOTABLE = frozenset({"a model's own voice", "talk around the answer", "an instruction", "a lesson plan"})
# Characters before a leak that some patterns match with it.
_BEFORE_A_LEAK = " \t\n*_#>-.!?"

_SURELY = {
    "a model's own voice": r"""\bas an? (?:ai|artificial intelligence|(?:large )?language model)
        (?: (?:language )?model| assistant| system| program| chatbot)?
        (?:,[^.!?\n]{0,40}?\b(?:(?-i:I)|my)\b|\s+(?-i:I)\b)
        |\bals (?:ki|sprachmodell)\b[^.!?\n]{0,40}\bich\b
        |\ben tant qu(?:e |')(?:ia\b|modèle de langage)[^.!?\n]{0,40}\bje\b
        |\bcomo (?:un )?(?:modelo de lenguaje|ia)\b[^.!?\n]{0,30}\b(?:puedo|tengo|soy|he|fui)\b
        |(?:एआई|भाषा) मॉडल के रूप में,? मैं|بصفتي نموذج|كنموذج لغوي،? (?:لا|لم|ليس|أنا)
        |\bI(?:'m| am) (?:just |only )?(?:an ai\b|a (?:large )?language model)
        |\bI(?:'m| am) (?:unable to (?:help|assist|provide|generate)|sorry, but (?:as|I can))
        |\bI can(?:'t|not) (?:assist|comply)\b|\bmy (?:last )?(?:training data|knowledge (?:cut-?off|update))\b""",
    "thinking": r"""</?\s*(?:think|thinking|reasoning|scratchpad)>|<\|[a-z_]{1,40}\|>
        |[\[◁]\s*/?\s*think(?:ing)?[\]▷]""",
    "talk around the answer": r"""\A\s*(?:sure[,!]|(?:certainly|of course)(?:!|[,.:] (?:here|below|I)\b))
        |\A\s*(?:gerne|natürlich)[,!.] hier (?:ist|kommt|finde\w*)\b
        |\b(?:here(?:'s| is)|below is) (?:your|the|a) (?:revised |corrected |requested )?lesson\b
        |\bI hope (?:this|that) helps[.!]?\s*\Z|\blet me know if you(?:'d| would| want| need)\b
        |\bI have (?:fixed|revised|corrected|addressed) the\b|यहाँ आपका पाठ है|إليك الدرس""",
    "a lesson plan": r"""^[ \t*_#>-]*(?:lesson plan|exit ticket|Unterrichts(?:entwurf|plan))\b(?!\w)
        |\b(?:exit ticket|Unterrichts(?:entwurf|plan))(?=[*_]*\s*:)
        |^[ \t*_#>-]*(?:teacher(?:'s|s'?)?|teaching) (?:notes?|guide)\b
        |\bteacher(?:'s|s'?)? (?:notes?|guide)(?=[*_]*\s*:)
        |\bnotes? (?:for|to) (?:the )?teachers?(?=[*_]*\s*:)|\b(?:Hinweise?|Notiz) für (?:die )?Lehr(?:er|kräfte|person)
        |शिक्षक(?:ों)? के लिए:|ملاحظ(?:ة|ات) للمعلم
        |^[ \t*_#>-]*(?:\d+[.)] )?(?:warm[- ]?up|starter|introduction|opening|hook|(?:main |group |closing )?activity
        |(?:group|pair) work|discussion|practice|plenary|wrap[- ]?up|closing|closure|conclusion|homework|Einstieg
        |Erarbeitung|Sicherung|Gruppenarbeit)\b[^\n()]{0,30}\(\d+\s*(?:min|minutes|Minuten)\.?\)""",
    "a placeholder": r"""\[(?:insert|your|todo|tbd|placeholder|image|diagram)\b[^\]]{0,200}\](?!\()
        |\[add\b[^\]]{0,100}\b(?:examples?|pictures?|images?|diagrams?|figures?|photos?|texts?|links?|sources?|names?|here)\]
        |\(insert (?:a |an |the )?(?:picture|image|diagram|figure|photo|example)\b|\bimage_url|\[[^\]]{0,60}\beinfügen\]
        |\[[^\]]{0,60}(?:जोड़ें|डालें)\]|\[أدخل[^\]]{0,60}\]|(?-i:\bTODO(?=\s*:|\W*\Z|[.!]?\s*\n)|\bTBD\b)
        |\blorem ipsum\b|(?-i:(?<!\w)<[A-Z_]{3,}>)""",
    "an instruction": r"""\b(?:the|my|your|this|our) system prompt\b
        |\bignore (?:all (?:of )?)?(?:the |your )?(?:(?:previous|above|prior|earlier) |(?<=all )(?:the )?)instructions\b
        |\bpassage (?:number )?\d+\b(?! of\b)|</?(?:course|lesson|passages)>""",
}
_LIKELY = {
    "a model's own voice": r"""(?:^|[.!?]\s+)as an? (?:ai|artificial intelligence|(?:large )?language model)
        (?: (?:language )?model| assistant)?,""",
    "talk around the answer": r"""\bI hope (?:this|that) helps\b""",
    "a lesson plan": r"""\blesson plan\b|\b(?:the|your|this) exit ticket\b
        |\bteacher(?:'s|s') (?:notes?|guide)\b|\bnotes? (?:for|to) (?:the )?teachers?\b|\bUnterrichts(?:entwurf|plan)\b
        |\b(?:students|learners|pupils) (?:will|should) be (?:able|encouraged|asked|given)\b
        |\b(?:ask|have|let|tell|remind|encourage) (?:the |your )?(?:students|learners|pupils)\b
        |\b(?:ask|have|tell|remind|encourage) (?:the|your) class\b
        |\bhand out\b.{0,40}\b(?:worksheets?|handouts?)\b|^[ \t*_#>-]*materials (?:needed|required)\b
        |^[^\n()|:]{1,60}\(\d+\s*(?:min|minutes|Minuten)\.?\)\s*:\s*$
        |^[ \t*_#>-]*(?:duration|time|Dauer):\s*\d+\s*min""",
    "a placeholder": r"""(?<![\w^}\\])\{\{\s*[\w .]{0,60}\}\}(?!\})|(?-i:\bX{4,}\b)
        |(?-i:\[(?:Name|Date|Place|Number|Title|Example|Topic) of [^\]]{1,60}\])""",
    "an instruction": r"""^(?:assistant|user|(?-i:system)):|\b(?:as|was|were) (?:requested|instructed)[,.]
        |\bgrade level of this (?:text|lesson)\b
        |\bthe (?:provided|given) (?:passages|sources|excerpts)\b|\b(?:provided|given) passages\b
        |\blearning objective (?:number )?\d|दिए गए (?:अंश|स्रोत)|المقاطع المعطاة|\bangegebenen (?:Passagen|Quellen)\b""",
}
# Of each kind, small letters of which one stands wherever its patterns find something. Looking for them is cheap.
_SIGNS = {
    "a model's own voice": """as an ai|artificial intelligence|language model|als ki|sprachmodell|en tant qu|modelo de
        |como ia|मॉडल|بصفتي|كنموذج|i'm |i am |i can't|i cannot|my training|my last|my knowledge""",
    "thinking": "think>|thinking>|think]|thinking]|think▷|thinking▷|reasoning>|scratchpad>|<|",
    "talk around the answer": """sure,|sure!|certainly|of course|gerne|natürlich|here is|here's|below is|helps
        |let me know|i have |यहाँ आपका|إليك""",
    "a lesson plan": """lesson plan|exit ticket|teacher|unterrichts|für lehr|für die lehr|शिक्षक|ملاحظ|min)|min.)
        |minutes)|minuten)|students|learners|pupils|the class|your class|hand out|materials needed|materials required
        |duration:|time:|dauer:|teaching note|teaching guide""",
    "a placeholder": """[insert|[your|[add|[todo|[tbd|[placeholder|[image|[diagram|(insert|image_url|einfügen]|जोड़ें]
        |डालें]|[أدخل|todo|tbd|lorem|<|{{|xxxx|[name|[date|[place|[number|[title|[example|[topic""",
    "an instruction": """system prompt|instructions|passage|<course|</course|<lesson|</lesson|assistant:|user:|system:
        |requested|instructed|grade level|sources|excerpts|learning objective|दिए गए|المقاطع|angegebenen""",
}
_OF_AI = regex.compile(
    r"\b(?-i:AI|KI|IA|LLMs?|GPT)\b|artificial intelligence|language models?|chatbots?|machine learning|neural networks?"
    r"|prompt(?:s|ing)?\b|künstliche\w* intelligenz|sprachmodell|intelligence artificielle|inteligencia artificial"
    r"|inteligência artificial|yapay zek|искусственн\w+ интеллект|τεχνητή νοημοσύνη|בינה מלאכותית|ذكاء (?:ال)?اصطناعي"
    r"|الذكاء الاصطناعي|कृत्रिम बुद्धि|एआई|人工智能|人工知能|인공지능|ปัญญาประดิษฐ์",
    regex.IGNORECASE,
)
_OFTEN = 5
# What nobody says in a dialogue: a model, or what was meant for one.
_MACHINE = regex.compile(
    r"\b(?-i:AI|KI|IA)\b|model|modèle|sprach|prompt|instruction|passage|lesson|मॉडल|نموذج|_", regex.IGNORECASE
)
# A lesson may number the passages of a text that it shows.
_NUMBERED_PASSAGE = regex.compile(r"^[\s>*_#-]*passage \d+[*_]*(?:\s*[:.—–-]|\s*$)", regex.IGNORECASE | regex.MULTILINE)


def _compiled(patterns: Mapping[str, str]) -> dict[str, regex.Pattern[str]]:
    flags = regex.IGNORECASE | regex.MULTILINE
    return {what: regex.compile(regex.sub(r"\n\s+", "", pattern), flags) for what, pattern in patterns.items()}


_PATTERNS = ((Severity.HARD, _compiled(_SURELY)), (Severity.SOFT, _compiled(_LIKELY)))
_SIGNS_OF = {
    what: tuple(part for part in regex.sub(r"\n\s+", "", signs).split("|") if part) for what, signs in _SIGNS.items()
}


def leaks(gate: str, texts: Mapping[str, str], asked: str, passages: Sequence[Passage] = ()) -> Iterator[Finding]:
    """Yields the leaks in `texts`, given by path, as findings of the gate `gate`: the gravest of each kind in a text.

    Words that stand in `asked`, the words of the request and the plan, are no leak. Words that a passage says too are a
    soft one, or none if they are hardly one by themselves.
    """
    told = "\n".join(texts.values()).replace("’", "'")
    small = told.lower()
    likely = [what for what, signs in _SIGNS_OF.items() if _has_one(small, signs)]
    if not likely:
        return
    for where, text in texts.items():
        said = without_code(text).replace("’", "'")
        small = said.lower()
        for what in likely:
            if not _has_one(small, _SIGNS_OF[what]):
                continue
            found = _gravest(said, what, asked, passages, told)
            if found:
                yield _finding(gate, found[0], where, what, found[1], found[2])


def _has_one(text: str, signs: Sequence[str]) -> bool:
    return any(sign in text for sign in signs)


@lru_cache(maxsize=16)
def _is_of_ai(asked: str, told: str) -> bool:
    """Returns whether a lesson is about artificial intelligence, by what was asked for or how often it speaks of it."""
    return _OF_AI.search(asked) is not None or len(_OF_AI.findall(told)) >= _OFTEN


def _gravest(
    said: str, what: str, asked: str, passages: Sequence[Passage], told: str
) -> tuple[Severity, str, str | None] | None:
    """Returns the gravest leak of a kind in a text: its severity, its words and the document that says them too.

    `told`: the whole lesson.
    """
    kept = None
    for severity, patterns in _PATTERNS:
        for found in patterns[what].finditer(said) if what in patterns else ():
            leak = found.group()
            is_models = what in _OF_MODELS and _is_of_ai(asked, told)
            begin = found.start() + len(leak) - len(leak.lstrip(_BEFORE_A_LEAK))
            quoted = what in _QUOTABLE and is_quoted(said, begin)
            is_speech = quoted and (is_models or severity is Severity.SOFT or not _MACHINE.search(leak))
            if _says(asked, leak) or is_speech or _is_spoken_of(leak, told, is_models):
                continue
            source = None if what == _NEVER_A_SOURCES else _source_of(leak, passages)
            if source is not None and severity is Severity.SOFT:
                continue
            if severity is Severity.HARD and source is None and not quoted and not (is_models and what == "thinking"):
                return Severity.HARD, leak, None
            kept = kept or (Severity.SOFT, leak, source)
    return kept


def _is_spoken_of(leak: str, told: str, is_models: bool) -> bool:
    """Returns whether a lesson on AI speaks of prompts, or a lesson of the passages that it shows."""
    small = leak.lower()
    return (is_models and "system prompt" in small) or (
        small.startswith("passage") and _NUMBERED_PASSAGE.search(told) is not None
    )


def _finding(gate: str, severity: Severity, where: str, what: str, leak: str, source: str | None) -> Finding:
    if source is None:
        return Finding(gate, severity, where, f"{what} is no part of a lesson: {excerpt(leak)}")
    message = f"{excerpt(leak)} stands in {source}, but reads like {what}: say it in other words, or leave it out"
    return Finding(gate, Severity.SOFT, where, message)


def _source_of(leak: str, passages: Sequence[Passage]) -> str | None:
    """Returns a document that says these words; None if no passage does."""
    said = (it.document for it in passages if _says(f"{it.section}\n{it.text}", leak))
    return next(said, None)


def _says(text: str, leak: str) -> bool:
    """Returns whether `text` has these words, as whole words and, if they are in capitals like `TODO`, in capitals."""
    wanted = r"\s+".join(map(regex.escape, leak.lstrip(_BEFORE_A_LEAK).split()))
    flags = 0 if leak.isupper() else regex.IGNORECASE
    return regex.search(rf"(?<!\w){wanted}(?!\w)", text.replace("’", "'"), flags) is not None
