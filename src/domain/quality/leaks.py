"""Finds words that were meant for somebody other than the learner: thinking, notes for teachers, placeholders.

What a course on some subject may say (a "todo" in Spanish, an apology in a dialogue) is no leak. Wordings that nearly
always are a leak, but might be innocent, are soft findings: they are repaired and never fail a course. So are words
that a source says too, as a book about teaching has lesson plans. Code isn't looked at.
"""

from collections.abc import Iterator, Mapping, Sequence

import regex

from src.domain.finding import Finding, Severity, excerpt
from src.domain.markdown_syntax import without_code
from src.domain.source import Passage

# The kind of leak that a source never excuses: such words are few, and some source says "sure, …" somewhere.
_NEVER_A_SOURCES = "talk around the answer"
# Characters before a leak that some patterns match with it.
_BEFORE_A_LEAK = " \t\n*_#>-.!?"

_SURELY = {
    "a model's own voice": r"""(?:^|[.!?]\s+)as an? (?:ai|artificial intelligence|(?:large )?language model)\b
        |\bas an? (?:ai|(?:large )?language model)[^.!?]{0,40}\bI\b
        |\bals (?:ki|sprachmodell)\b|\ben tant qu(?:e |')(?:ia\b|modèle de langage)|\bcomo (?:un )?modelo de lenguaje\b
        |(?:एआई|भाषा) मॉडल के रूप में|بصفتي نموذج|كنموذج لغوي
        |\bI(?:'m| am) (?:just |only )?(?:an ai\b|a (?:large )?language model)
        |\bI(?:'m| am) (?:unable to (?:help|assist|provide|generate)|sorry, but (?:as|I can))
        |\bI can(?:'t|not) (?:assist|comply)\b|\bmy (?:last )?(?:training data|knowledge (?:cut-?off|update))\b""",
    "thinking": r"""</?\s*(?:think|thinking|reasoning|scratchpad)\s*>|<\|[a-z_]{1,40}\|>
        |[\[◁]\s*/?\s*think(?:ing)?\s*[\]▷]""",
    "talk around the answer": r"""\A\s*(?:sure[,!]|(?:certainly|of course)(?:!|[,.:] (?:here|below|I)\b))
        |\A\s*(?:gerne|natürlich)[,!.] hier (?:ist|kommt|finde\w*)\b
        |\b(?:here(?:'s| is)|below is) (?:your|the|a) (?:revised |corrected |requested )?lesson\b
        |\bI hope (?:this|that) helps[.!]?\s*\Z|\blet me know if you(?:'d| would| want| need)\b
        |\bI have (?:fixed|revised|corrected|addressed) the\b|यहाँ आपका पाठ है|إليك الدرس""",
    "a lesson plan": r"""^[ \t*_#>-]*lesson plan\b|\bteacher'?s? (?:notes?|guide)\b
        |\bnotes? (?:for|to) (?:the )?teachers?\b
        |\bexit ticket\b|\bUnterrichts(?:entwurf|plan)\b|\b(?:Hinweise?|Notiz) für (?:die )?Lehr(?:er|kräfte)\b
        |शिक्षक(?:ों)? के लिए:|ملاحظ(?:ة|ات) للمعلم|\(\d+\s*(?:min|minutes|Minuten)\.?\)\s*:?\s*$""",
    "a placeholder": r"""\[(?:insert|your|add|todo|tbd|placeholder|image|diagram)\b[^\]]{0,200}\]
        |\(insert (?:a |an |the )?(?:picture|image|diagram|figure|photo|example)\b|\bimage_url|\[[^\]]{0,60}\beinfügen\]
        |\[[^\]]{0,60}(?:जोड़ें|डालें)\]|\[أدخل[^\]]{0,60}\]|(?-i:\b(?:TODO|TBD)\b)
        |\blorem ipsum\b|(?-i:<[A-Z_]{3,}>)""",
    "an instruction": r"""\bsystem prompt\b|\bignore (?:all |the )?(?:previous |above )?instructions\b
        |\bpassage (?:number )?\d+\b|</?(?:course|lesson|passages)>""",
}
_LIKELY = {
    "a model's own voice": r"""\bas an? (?:ai|(?:large )?language model)\b""",
    "talk around the answer": r"""\bI hope (?:this|that) helps\b""",
    "a lesson plan": r"""\blesson plan\b
        |\b(?:students|learners|pupils) (?:will|should) be (?:able|encouraged|asked|given)\b
        |\b(?:ask|have|let|tell|remind|encourage) (?:the |your )?(?:students|learners|pupils|class)\b
        |\bhand out\b.{0,40}\b(?:worksheets?|handouts?)\b|^[ \t*_#>-]*materials (?:needed|required)\b
        |^[ \t*_#>-]*(?:duration|time|Dauer)\s*:\s*\d+\s*min""",
    "a placeholder": r"""\{\{\s*[\w .]{0,60}\}\}|(?-i:\bX{4,}\b)
        |(?-i:\[(?:Name|Date|Place|Number|Title|Example|Topic) of [^\]]{1,60}\])""",
    "an instruction": r"""^(?:assistant|system|user)[ \t]*:|\b(?:as|was|were) (?:requested|instructed)[,.]
        |\bgrade level of this (?:text|lesson)\b
        |\b(?:provided|given) (?:passages?|sources?|excerpts?)\b|\blearning objective (?:number )?\d
        |दिए गए (?:अंश|स्रोत)|المقاطع المعطاة|\bangegebenen (?:Passagen|Quellen)\b""",
}


def _compiled(patterns: Mapping[str, str]) -> dict[str, regex.Pattern[str]]:
    flags = regex.IGNORECASE | regex.MULTILINE
    return {what: regex.compile(regex.sub(r"\n\s+", "", pattern), flags) for what, pattern in patterns.items()}


_PATTERNS = ((Severity.HARD, _compiled(_SURELY)), (Severity.SOFT, _compiled(_LIKELY)))


def leaks(gate: str, texts: Mapping[str, str], asked: str, passages: Sequence[Passage] = ()) -> Iterator[Finding]:
    """Yields the leaks in `texts`, given by path, as findings of the gate `gate`: the gravest of each kind in a text.

    Words that stand in `asked`, the words of the request, are no leak. Words that a passage says too are a soft one.
    """
    for where, text in texts.items():
        said = without_code(text).replace("’", "'")
        told: dict[str, Finding] = {}
        for severity, patterns in _PATTERNS:
            for what, pattern in patterns.items():
                for found in pattern.finditer(said):
                    if what in told and told[what].severity is Severity.HARD:
                        break
                    leak = found.group()
                    if _says(asked, leak):
                        continue
                    source = None if what == _NEVER_A_SOURCES else _source_of(leak, passages)
                    if (source is None and severity is Severity.HARD) or what not in told:
                        told[what] = _finding(gate, severity, where, what, leak, source)
        yield from told.values()


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
