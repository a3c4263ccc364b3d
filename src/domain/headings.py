"""The fixed words of a rendered lesson or course, by language, and which way a language is written."""

from dataclasses import dataclass

_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "syr", "ug", "ur", "yi"})
_RIGHT_TO_LEFT_SCRIPTS = frozenset({"Arab", "Hebr", "Nkoo", "Syrc", "Thaa"})


@dataclass(frozen=True, slots=True)
class Headings:
    """Everything that the worker itself writes into a lesson. `{}` stands for what is put in."""

    lesson: str
    objectives: str
    introduction: str
    key_terms: str
    applications: str
    summary: str
    checks: str
    answer_key: str
    no_answer: str
    sources: str
    no_sources: str
    all_sources: str
    contents: str
    lessons: str
    cited_in: str
    written_by: str


_ENGLISH = Headings(
    lesson="Lesson {}: {}",
    objectives="Learning Objectives",
    introduction="Introduction",
    key_terms="Key Terms",
    applications="Real-World Applications",
    summary="Summary",
    checks="Check Your Understanding",
    answer_key="Answer Key",
    no_answer="No answer is on record.",
    sources="Sources",
    no_sources="This lesson rests on no source documents.",
    all_sources="All Sources",
    contents="Contents",
    lessons="{} lessons",
    cited_in="cited in lesson {}",
    written_by="Written by the model: {}",
)

_BY_LANGUAGE = {
    "en": _ENGLISH,
    "de": Headings(
        lesson="Lektion {}: {}",
        objectives="Lernziele",
        introduction="Einführung",
        key_terms="Wichtige Begriffe",
        applications="Anwendungen im Alltag",
        summary="Zusammenfassung",
        checks="Prüfe dein Wissen",
        answer_key="Lösungen",
        no_answer="Es ist keine Antwort hinterlegt.",
        sources="Quellen",
        no_sources="Diese Lektion stützt sich auf keine Quellen.",
        all_sources="Alle Quellen",
        contents="Inhalt",
        lessons="{} Lektionen",
        cited_in="zitiert in Lektion {}",
        written_by="Geschrieben vom Modell: {}",
    ),
    "hi": Headings(
        lesson="पाठ {}: {}",
        objectives="सीखने के उद्देश्य",
        introduction="परिचय",
        key_terms="मुख्य शब्द",
        applications="वास्तविक जीवन में उपयोग",
        summary="सारांश",
        checks="अपनी समझ जाँचें",
        answer_key="उत्तर कुंजी",
        no_answer="कोई उत्तर दर्ज नहीं है।",
        sources="स्रोत",
        no_sources="यह पाठ किसी स्रोत पर आधारित नहीं है।",
        all_sources="सभी स्रोत",
        contents="विषय-सूची",
        lessons="{} पाठ",
        cited_in="पाठ {} में उद्धृत",
        written_by="लेखक मॉडल: {}",
    ),
    "ar": Headings(
        lesson="الدرس {}: {}",
        objectives="أهداف التعلم",
        introduction="مقدمة",
        key_terms="المصطلحات الأساسية",
        applications="تطبيقات من الحياة",
        summary="الملخص",
        checks="اختبر فهمك",
        answer_key="مفتاح الإجابات",
        no_answer="لا توجد إجابة مسجلة.",
        sources="المصادر",
        no_sources="لا يستند هذا الدرس إلى أي مصدر.",
        all_sources="جميع المصادر",
        contents="المحتويات",
        lessons="عدد الدروس: {}",
        cited_in="مذكور في الدرس {}",
        written_by="كتبه النموذج: {}",
    ),
}


def headings(language: str) -> Headings:
    """Those of a BCP 47 tag; the English ones where there are none of its language."""
    return _BY_LANGUAGE.get(primary(language), _ENGLISH)


def direction(language: str) -> str:
    """`rtl` or `ltr`, for the attribute of HTML."""
    subtags = language.split("-")
    script = next((subtag for subtag in subtags[1:] if len(subtag) == 4 and subtag.isalpha()), None)
    if script is not None:
        return "rtl" if script.title() in _RIGHT_TO_LEFT_SCRIPTS else "ltr"
    return "rtl" if primary(language) in _RIGHT_TO_LEFT else "ltr"


def primary(language: str) -> str:
    """The primary subtag: `pt` of `pt-BR`."""
    return language.partition("-")[0].lower()
