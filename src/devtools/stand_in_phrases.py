"""The stand-in model's own words, by language: those between the sentences that it takes from passages."""

from dataclasses import dataclass

STOP_WORDS = frozenset(
    """about above after again against almost along already also although always among another anything around away
    became because become becomes been before begin being below between both called came cannot carry cause causes
    certain change changes common commonly could different does doing done during each either enough even ever every
    example examples find first form found from gave give given gives goes great group groups have having hold holds
    however important include includes including inside into itself just keep kind kinds know known large larger least
    less like likely little live lives living long made main make makes making many material materials means might
    more most much must named near nearly need needs never normally number often once only other others outside over
    part parts place places point produce protect rather said same says several should simple since single small smaller
    some
    something sometimes start still such take takes than that their them then there these they thing things this those
    though three through thus together took toward turn type types under unlike until upon usually various very want
    water well were what when where which while whole whose will with within without word words work works would year
    years your scientists people time term terms using based able
    aber alle alles auch beim diese dieser dieses doch durch eine einem einen einer eines ganz gibt haben heißt ihre
    ihren jede jeder kann können macht mehr nach nicht noch oder sehr sein seine sich sind sonst über unter viel viele
    wenn werden wieder wird wurde zwischen
    लिए करता करती करते होता होती होते उसके उनके इसके अपने जाता जाती जाते रहता रहती वाले वाली बहुत कहते और हैं
    التي الذي على إلى هذه هذا ذلك تكون يكون كما بين عند وهي وهو منها فيها كانت أكثر بعض تلك""".split()  # noqa: SIM905
)
"""Words that no lesson is about. They are more than the function words in `domain.words`, which tell texts apart."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """The stand-in's phrases in one language. `{}` stands for what is put in."""

    compiled: str
    filler_course: str
    filler_lesson: str
    more_about: str
    ideas: tuple[str, str, str, str]
    objectives: tuple[str, str, str]
    about: str
    also: str
    conjunction: str
    gap: str
    gap_explanation: str
    statement: str
    statement_explanation: str
    true_and_false: tuple[str, str]
    what: str
    what_explanation: str
    filler: str
    """A sentence of filler about something of `who` (0) that does something of `does` (1) to a concept (3). The number
    (2) makes each lesson's filler its own."""
    who: tuple[str, ...]
    does: tuple[str, ...]


_ENGLISH = Phrases(
    compiled="Compiled by the stand-in model from {} passages of its sources.",
    filler_course="Filler of the stand-in model, which had no sources.",
    filler_lesson="Filler of the stand-in model: it had no sources for {}.",
    more_about="More about {}",
    ideas=("{}, first idea", "{}, second idea", "{}, third idea", "{}, fourth idea"),
    objectives=("Describe {0}", "Explain {1} and its place beside {0}", "Recognise {2}"),
    about="This lesson is about {}.",
    also="In addition:",
    conjunction=" and ",
    gap="Which word is missing? {}",
    gap_explanation="The lesson says: {}",
    statement="True or false? {}",
    statement_explanation="It is true, for the lesson says just that: {}",
    true_and_false=("True", "False"),
    what="What does the lesson say about {}?",
    what_explanation="This sentence of the lesson says it.",
    filler="On line {2}, {0} could {1} {3}.",
    who=(
        "a short story",
        "a clear sketch",
        "a small chart",
        "an easy game",
        "a true tale",
        "a good map",
        "a simple test",
        "a bright poster",
        "a calm talk",
        "a neat list",
        "a quick quiz",
        "an old song",
    ),
    does=(
        "show",
        "explain",
        "sum up",
        "point to",
        "make plain",
        "open up",
        "tell",
        "shape",
        "bring out",
        "count",
        "draw",
        "name",
    ),
)

_BY_LANGUAGE = {
    "en": _ENGLISH,
    "de": Phrases(
        compiled="Vom Stand-in-Modell aus {} Abschnitten seiner Quellen zusammengestellt.",
        filler_course="Fülltext des Stand-in-Modells, das keine Quellen hatte.",
        filler_lesson="Fülltext des Stand-in-Modells: Es hatte keine Quellen zu {}.",
        more_about="Mehr über {}",
        ideas=("{}, erster Gedanke", "{}, zweiter Gedanke", "{}, dritter Gedanke", "{}, vierter Gedanke"),
        objectives=("{0} beschreiben", "{1} neben {0} einordnen", "{2} benennen"),
        about="In dieser Lektion geht es um {}.",
        also="Außerdem gilt:",
        conjunction=" und ",
        gap="Welches Wort fehlt? {}",
        gap_explanation="In der Lektion steht: {}",
        statement="Richtig oder falsch? {}",
        statement_explanation="Das ist richtig, denn genau das steht in der Lektion: {}",
        true_and_false=("Richtig", "Falsch"),
        what="Was sagt die Lektion über {}?",
        what_explanation="Dieser Satz der Lektion sagt es.",
        filler="In Zeile {2} könnte {0} den Inhalt von {3}, {1}.",
        who=(
            "eine kurze Geschichte",
            "ein klares Bild",
            "eine kleine Karte",
            "ein leichtes Spiel",
            "ein gutes Lied",
            "ein heller Film",
            "eine ruhige Rede",
            "ein altes Buch",
        ),
        does=("zeigen", "erklären", "öffnen", "vergleichen", "zeichnen", "nennen", "ordnen", "zählen"),
    ),
    "hi": Phrases(
        compiled="स्टैंड-इन मॉडल ने इसे अपने स्रोतों के {} अंशों से बनाया है।",
        filler_course="यह स्टैंड-इन मॉडल का भरने वाला पाठ है, उसके पास कोई स्रोत नहीं था।",
        filler_lesson="यह स्टैंड-इन मॉडल का भरने वाला पाठ है: {} के लिए कोई स्रोत नहीं था।",
        more_about="{} के बारे में और",
        ideas=("{}, पहला विचार", "{}, दूसरा विचार", "{}, तीसरा विचार", "{}, चौथा विचार"),
        objectives=("{0} का वर्णन करना", "{0} और {1} का संबंध समझाना", "{2} को पहचानना"),
        about="यह पाठ इनके बारे में है: {}।",
        also="इसके अलावा:",
        conjunction=" और ",
        gap="कौन सा शब्द छूटा है? {}",
        gap_explanation="पाठ में लिखा है: {}",
        statement="सही या गलत? {}",
        statement_explanation="यह सही है, क्योंकि पाठ में यही लिखा है: {}",
        true_and_false=("सही", "गलत"),
        what="पाठ {} के बारे में क्या कहता है?",
        what_explanation="पाठ का यह वाक्य यही कहता है।",
        filler="पंक्ति {2} में {0} से {3} को {1}।",
        who=(
            "एक छोटी कहानी",
            "एक साफ चित्र",
            "एक छोटे नक्शे",
            "एक आसान खेल",
            "एक अच्छे गीत",
            "एक पुरानी किताब",
            "एक शांत बात",
            "एक नई सूची",
        ),
        does=("दिखाएँ", "समझें", "खोलें", "बताएँ", "बनाएँ", "गिनें", "सजाएँ", "पढ़ें"),
    ),
    "ar": Phrases(
        compiled="جمعه النموذج البديل من {} مقاطع من مصادره.",
        filler_course="هذا نص حشو من النموذج البديل الذي لم تكن لديه مصادر.",
        filler_lesson="هذا نص حشو من النموذج البديل: لم تكن لديه مصادر عن {}.",
        more_about="المزيد عن {}",
        ideas=("{}، الفكرة الأولى", "{}، الفكرة الثانية", "{}، الفكرة الثالثة", "{}، الفكرة الرابعة"),
        objectives=("وصف {0}", "شرح {1} إلى جانب {0}", "تمييز {2}"),
        about="يتحدث هذا الدرس عن {}.",
        also="بالإضافة إلى ذلك:",
        conjunction=" و",
        gap="ما الكلمة الناقصة؟ {}",
        gap_explanation="يقول الدرس: {}",
        statement="صحيح أم خطأ؟ {}",
        statement_explanation="هذا صحيح، فالدرس يقول ذلك: {}",
        true_and_false=("صحيح", "خطأ"),
        what="ماذا يقول الدرس عن {}؟",
        what_explanation="هذه الجملة من الدرس تقول ذلك.",
        filler="في السطر {2} يمكن {1} {3} {0}.",
        who=(
            "بقصة قصيرة",
            "بصورة واضحة",
            "بخريطة صغيرة",
            "بلعبة سهلة",
            "بأغنية جميلة",
            "بقائمة جديدة",
            "بحكاية قديمة",
            "بلوحة كبيرة",
        ),
        does=("عرض", "شرح", "فتح", "مقارنة", "رسم", "تسمية", "ترتيب", "توضيح"),
    ),
}


def phrases(language: str) -> Phrases:
    """Returns the phrases for a BCP 47 tag; the English ones if its language has none of its own."""
    return _BY_LANGUAGE.get(language.partition("-")[0].lower(), _ENGLISH)
