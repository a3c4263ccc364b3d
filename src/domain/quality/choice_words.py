"""The words by which choices and questions speak of answers, in many languages: what `question_gates` looks for.

The tables say only what is sure. A language that isn't in one of them isn't judged by it.
"""

import regex

from src.domain.language_tag import primary_subtag
from src.domain.normal_form import normal_text

# The usual pair first. `_` stands for a space.
_TRUE_AND_FALSE = {
    "en": "true/false right/wrong correct/incorrect correct/wrong accurate/inaccurate t/f",
    "de": "richtig/falsch wahr/falsch wahr/unwahr stimmt/stimmt_nicht trifft_zu/trifft_nicht_zu korrekt/falsch r/f w/f",
    "fr": "vrai/faux juste/faux exact/inexact correct/incorrect v/f",
    "es": "verdadero/falso cierto/falso correcto/incorrecto verdadera/falsa cierta/falsa v/f",
    "pt": "verdadeiro/falso certo/errado correto/incorreto verdadeira/falsa correta/incorreta certo/falso v/f",
    "it": "vero/falso giusto/sbagliato corretto/errato corretto/scorretto esatto/errato vera/falsa v/f",
    "nl": "waar/onwaar juist/onjuist goed/fout juist/fout waar/niet_waar klopt/klopt_niet",
    "tr": "doğru/yanlış d/y",
    "ru": "верно/неверно правда/ложь правильно/неправильно истина/ложь истинно/ложно верно/ложно да/нет в/н",
    "el": "σωστό/λάθος αληθές/ψευδές σωστή/λάθος σωστή/λανθασμένη ορθό/λάθος σωστό/λανθασμένο αλήθεια/ψέμα σ/λ",
    "he": "נכון/לא_נכון אמת/שקר נכון/שגוי נכונה/לא_נכונה נכונה/שגויה",
    "ar": "صحيح/خطأ صواب/خطأ صح/خطأ صح/غلط صحيحة/خاطئة صحيح/خاطئ صحيح/غير_صحيح",
    "hi": "सही/गलत सत्य/असत्य सही/ग़लत सच/झूठ ठीक/गलत",
    "am": "እውነት/ሐሰት እውነት/ሀሰት ትክክል/ስህተት ትክክል/ስሕተት እውነት_ነው/ሐሰት_ነው እውነት_ነው/ሀሰት_ነው ትክክል_ነው/ስህተት_ነው",
    "hy": "ճիշտ_է/սխալ_է ճիշտ/սխալ ճիշտ_է/ճիշտ_չէ",
    "ja": "正しい/誤り 正しい/間違い 正しい/誤っている 正しい/間違っている 正しい/正しくない 正/誤 はい/いいえ",
    "ko": "맞다/틀리다 참/거짓 옳다/그르다 맞음/틀림 옳음/틀림 예/아니요 예/아니오 그렇다/아니다 맞습니다/틀립니다",
    "zh": "正确/错误 对/错 正確/錯誤 對/錯 真/假 是/否 是/不是 对/不对 對/不對 正确/不正确 正確/不正確",
    "th": "ใช่/ไม่ใช่ ถูก/ผิด จริง/เท็จ ถูกต้อง/ไม่ถูกต้อง จริง/ไม่จริง ถูกต้อง/ผิด",
    "km": "ត្រូវ/ខុស ពិត/មិនពិត ត្រឹមត្រូវ/មិនត្រឹមត្រូវ ត្រូវ/មិនត្រូវ ត្រឹមត្រូវ/ខុស",
}
_SIGNS = "○/× 〇/× ◯/× ○/✕ ✓/✗ ✔/✘ ✔/✖ ✓/✕ ✓/× √/× ✅/❌ ⭕/❌ o/x"
# These answer a question, but judge no statement.
_YES_AND_NO = (
    "yes/no ja/nein oui/non sí/no sim/não sì/no ja/nee evet/hayır да/нет ναι/όχι כן/לא نعم/لا हाँ/नहीं አዎ/አይደለም"
    " አዎ/አይ այո/ոչ はい/いいえ 예/아니요 네/아니요 是/不是 ใช่/ไม่ใช่ បាទ/ទេ"
)


def _pairs(written: str) -> frozenset[tuple[str, ...]]:
    pairs = (pair.replace("_", " ").split("/") for pair in written.split())
    return frozenset(tuple(map(normal_text, pair)) for pair in pairs)


_JUDGING = _pairs(" ".join((*_TRUE_AND_FALSE.values(), _SIGNS)))
_ANSWERING = _JUDGING | _pairs(_YES_AND_NO)
_VARIANT = regex.compile(r"[\ufe0e\ufe0f.!。]+$")


def true_and_false(language: str) -> tuple[str, str] | None:
    """Returns the usual words for true and false in a language; None if they aren't known."""
    usual = _TRUE_AND_FALSE.get(primary_subtag(language))
    if usual is None:
        return None
    true, false = usual.split()[0].replace("_", " ").split("/")
    return true, false


def means_true_and_false(choices: tuple[str, ...], question: str) -> bool:
    """Returns whether two choices are words or signs for true and false in any language, in this order.

    If the question is none but a statement, yes and no are not.
    """
    known = _ANSWERING if ends_with_question_mark(question) else _JUDGING
    return tuple(_VARIANT.sub("", normal_text(choice)) for choice in choices) in known


def ends_with_question_mark(question: str) -> bool:
    """Returns whether a text asks something, by the mark at its end."""
    return question.rstrip("\"'”’»)* ").endswith(("?", "؟", "？", ";", "՞", "፧"))


ALL_OR_NONE = regex.compile(
    r"\b(?:all|none|both|neither) (?:of )?(?:the |these )?(?:above|below|these|options|answers|choices)\b"
    r"|\b(?:alle|keine)s?(?: der)? (?:oben )?(?:genannten?|antworten)\b|^(?:alle|keine[rs]?) davon\W*$"
    r"|\btoutes (?:les |ces )?(?:réponses|propositions|options)\b"
    r"|\baucune (?:de ces |des )(?:réponses|propositions|options)\b"
    r"|\b(?:toutes|tous|aucune?|rien de tout) (?:ce qui (?:précède|est) )?ci-dessus\b|\baucune réponse (?:exacte|juste)"
    r"|\btod[ao]s? l[ao]s? (?:anterior(?:es)?|respuestas|opciones)\b|\btodo lo anterior\b"
    r"|\bningun[ao] de l[ao]s (?:anteriores|respuestas|opciones)\b"
    r"|\b(?:todas as|nenhuma das) (?:anteriores|alternativas|respostas|opções)\b"
    r"|\b(?:tutt[ei] (?:le|i)|nessun[ao] de(?:lle|i)) (?:precedenti|risposte|opzioni)\b"
    r"|\balle bovenstaande\b|\bgeen van (?:de )?bovenstaande\b"
    r"|\byukarıdakilerin (?:hepsi|tümü|hiçbiri)\b|^(?:hepsi|hiçbiri)\W*$"
    r"|\bвсе (?:выше)?(?:перечисленн|указанн|ответы|варианты)|\bни один из (?:вариантов|ответов|(?:выше)?перечисленн)"
    r"|\bничего из (?:выше)?перечисленного|\bвсё (?:выше)?перечисленное"
    r"|\bόλ(?:α|ες) (?:τα|οι) παραπάνω\b|\bόλες οι απαντήσεις\b"
    r"|\bκα(?:νένα|μία|μιά|νένας) από (?:τα|τις|τους) παραπάνω\b"
    r"|כל התשובות|אף תשובה|אף אחת מהתשובות|כל האמור לעיל|כל הנ[\"״]ל|אף אחד מהנ[\"״]ל"
    r"|(?:كل|جميع) ما سبق|لا شيء مما سبق|جميع الإجابات|لا شيء مما ذكر"
    r"|उपरोक्त सभी|उपर्युक्त सभी|इनमें से कोई नहीं|इनमें से सभी|उपरोक्त में से कोई नहीं"
    r"|ከላይ (?:የተ\p{L}+ |ያሉት )ሁሉ|ሁሉም መልስ|መልስ የለም"
    r"|վեր(?:ը նշված|ոնշյալ) բոլոր|բոլոր պատասխանները|վերոնշյալներից ոչ մեկը|նշվածներից ոչ մեկը"
    r"|上記の?(?:すべて|全て|いずれ)|すべて正しい|(?:いずれ|どれ)でもない|該当なし"
    r"|위의? ?모두|모두 ?(?:맞|옳|정답|해당)|위의 어느 것도|정답 ?없음|해당 ?없음"
    r"|(?:以上|上述)(?:都|皆|全|均|所有|选项)|^(?:都|全)(?:部)?(?:对|是|不对|不是|正确|不正确)\W*$"
    r"|ถูกทุกข้อ|ผิดทุกข้อ|ไม่มีข้อ(?:ใด)?ถูก|ทั้งหมดที่กล่าว|ถูกทั้งหมด"
    r"|ទាំងអស់ខាងលើ|ចម្លើយ\s?ទាំងអស់|គ្មានចម្លើយ|ខាងលើទាំងអស់",
    regex.IGNORECASE,
)
"""Choices that speak of the other ones."""

_LETTER = r"[A-FА-ДΑ-ΔԱ-Դאבגדأبجدकखगघሀለሐመก-งកខគឃアイウエ①-④㉠-㉣]"
TWO_LETTERS = regex.compile(
    rf"^\W*(?:(?i:both|only|nur|sowohl|les deux|seulement|solo|só|ข้อ) )?(?P<first>{_LETTER})\W*\s?"
    r"(?i:and|or|und|oder|als auch|et|ou|y|o|e|и|или|ve|en|και|ו|و|और|እና|և|と|와|과|和|และ|និង)[\s-]?"
    rf"(?i:ข้อ )?(?P<second>{_LETTER})\W*$"
)
"""Choices such as "A and B": two letters, which may be names of something as well."""

_LABEL = regex.compile(
    r"(?<!\p{L})[A-FА-ДΑ-ΔԱԲԳԴאבגדأبجدकखगघሀለሐመก-งកខគឃ](?![\p{L}\p{M}])|[A-DＡ-Ｄ①-④㉠-㉣アイウエ](?![A-Za-z])"
)
_LETTER_NAMED = regex.compile(
    r"(?:"
    r"\b(?i:option|choice|answer|antwort|antwortmöglichkeit|réponse|proposition|choix|opción|respuesta|alternativa|opção"
    r"|resposta|opzione|risposta|optie|antwoord)s? \(?(?P<letter>[A-F])\b(?!['’_^(-]|\s*[=≈<>+*/])"
    r"|\b(?i:the (?:right |correct )?(?:answer|key) is|la (?:bonne )?réponse est(?: la| le)?"
    r"|la respuesta (?:correcta )?es(?: la)?|a resposta (?:certa |correta )?é(?: a)?"
    r"|la risposta (?:giusta |corretta )?è(?: la)?"
    r"|die (?:richtige )?(?:antwort|lösung) (?:ist|lautet)) \(?(?P<letter>[A-F])\b(?! \p{Ll}|['’_^(-]|\s*[=≈<>+*/])"
    r"|\b(?i:вариант(?:е|а|у|ом)?(?: ответа)?) \(?(?P<letter>[А-ДA-F])\b"
    r"|\b(?i:επιλογή|απάντηση) (?P<letter>[Α-ΔA-D])\b"
    r"|\b(?P<letter>[A-E]) (?:seçeneği|şıkkı)|\b(?i:doğru (?:cevap|yanıt)):? (?P<letter>[A-E])\b(?!['’]?\p{L})"
    r"|(?:תשובה|אפשרות) (?P<letter>[אבגד])(?:['׳]|(?![\p{L}\"״]))"
    r"|(?:الخيار|الإجابة|الاختيار) \(?(?P<letter>[أبجد])(?!\p{L})"
    r"|(?:विकल्प|उत्तर) \(?(?P<letter>[A-Dकखगघ])(?![\p{L}\p{M}])"
    r"|(?:ምርጫ|አማራጭ) (?P<letter>[ሀለሐመ])(?!\p{L})"
    r"|(?i:տարբերակ\p{L}*) (?P<letter>[ԱԲԳԴA-D])(?!\p{L})"
    r"|選択肢 ?(?P<letter>[A-DＡ-Ｄアイウエ①-④])(?![A-Za-z0-9ァ-ヴー])"
    r"|(?:보기|선택지) ?(?P<letter>[A-D①-④㉠-㉣])(?![A-Za-z0-9])"
    r"|(?:选项|選項|答案(?:是|为|為|：|:)?|故选|应选|應選) ?(?P<letter>[A-DＡ-Ｄ])(?![A-Za-z0-9])"
    r"|(?:ข้อ|ตัวเลือก) (?P<letter>[ก-ง])(?![\p{L}\p{M}])"
    r"|(?:ចម្លើយ|ជម្រើស) (?P<letter>[កខគឃ])(?![\p{L}\p{M}])"
    r")"
)


def letter_named(text: str) -> regex.Match[str] | None:
    """Returns the first words of a text that name a choice by a letter, which is the match's group `letter`."""
    return _LETTER_NAMED.search(text) if _LABEL.search(text) else None


# What may follow a choice if it is all of the answer.
_ENDS = (
    r"(?=[\"')\]»」』]*\s*(?:[.,](?!\s?\d)|[;:!?。，、；：！？।۔؟،؛։՝፣፡።៖។]|$"
    r"|(?:because|since|weil|denn|car|porque|perché)\b))"
)
_ANSWER_IS = regex.compile(
    r"(?:^|[.!?;:।။።។։。．！？]\s*)(?:"
    r"(?:(?:so|thus|therefore|hence),? )?the (?:right |correct |best )?(?:answer|choice|solution) is"
    r"|(?:(?:also|daher) )?(?:die )?(?:richtige |korrekte )?(?:antwort|lösung) (?:ist|lautet|heißt)(?: also| daher)?"
    r"|richtig ist"
    r"|(?:donc )?la (?:bonne |seule )?(?:réponse|solution)(?: correcte| exacte| juste)? est(?: donc)?"
    r"|la (?:respuesta|opción|solución)(?: correcta)? es"
    r"|a (?:resposta|alternativa|opção|solução)(?: correta| certa)? é"
    r"|la (?:risposta|soluzione)(?: corretta| giusta| esatta)? è|het (?:juiste |goede )?antwoord is"
    r"|doğru (?:cevap|yanıt)|(?:правильный |верный )?ответ ?[:-]|η (?:σωστή )?απάντηση είναι"
    r"|התשובה (?:הנכונה )?היא|(?:الإجابة|الجواب)(?: الصحيحة| الصحيح)?(?: هي| هو)?"
    r"|(?:सही )?उत्तर(?: है)?"
    r"|ትክክለኛው መልስ|መልሱ|ճիշտ պատասխանն է|(?:正解|答え|正しい答え)は|(?:정답|답)은"
    r"|(?:正确|正確)?答案(?:是|为|為)?"
    r"|ค(?:ำ|ํา)ตอบ(?:ที่ถูก(?:ต้อง)?)?(?:คือ)?|ចម្លើយ(?:ដែល)?(?:ត្រឹមត្រូវ)?(?:គឺ)?"
    r")\s*[:：՝፦៖]?\s*[\"'«‹「『]*",
    regex.IGNORECASE,
)


def answer_told(explanation: str, choices: tuple[str, ...]) -> str | None:
    """Returns the choice that a sentence of an explanation calls the answer ("The answer is …"), if there is one.

    If several are called so, it can't be told.
    """
    said = normal_text(explanation)
    told = set[str]()
    for found in _ANSWER_IS.finditer(said):
        rest = said[found.end() :]
        named = [it for it in choices if regex.match(regex.escape(normal_text(it).strip("\"'")) + _ENDS, rest)]
        if named:
            told.add(max(named, key=len))
    return told.pop() if len(told) == 1 else None
