"""The fixed words of a rendered lesson or course, by language."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from src.domain.language_tag import primary_subtag

_GRADE = re.compile(r"grade\s+([0-9]{1,2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FixedWords:
    """The words that the worker itself writes into a lesson. `{}` stands for what is put in."""

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
    one_lesson: str
    lessons: str
    """How many lessons a course has, if not one."""
    cited_in: str
    cited_in_several: str
    written_by: str
    tests: str
    """The objective that a question tests: its number and its words."""
    rests_on: str
    """The citation that an answer rests on."""
    quoted: str
    """A quotation with the language's quotation marks."""
    grade: str
    kindergarten: str

    def lesson_count(self, number: int) -> str:
        """Returns the words for how many lessons a course has."""
        return self.one_lesson if number == 1 else self.lessons.format(number)

    def cited_in_lessons(self, numbers: Sequence[int]) -> str:
        """Returns the words for which lessons cite a document."""
        template = self.cited_in if len(numbers) == 1 else self.cited_in_several
        return template.format(", ".join(map(str, numbers)))

    def grade_level(self, given: str) -> str:
        """Returns a grade level, which is in the requester's own words, translated if it is one that is known here."""
        if named := _GRADE.fullmatch(given.strip()):
            return self.grade.format(named[1])
        return self.kindergarten if given.strip().casefold() == "kindergarten" else given


_ENGLISH = FixedWords(
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
    one_lesson="1 lesson",
    lessons="{} lessons",
    cited_in="cited in lesson {}",
    cited_in_several="cited in lessons {}",
    written_by="Written by the model: {}",
    tests="Objective {}: {}",
    rests_on="Source: [{}]",
    quoted="“{}”",
    grade="Grade {}",
    kindergarten="Kindergarten",
)

_BY_LANGUAGE = {
    "en": _ENGLISH,
    "de": FixedWords(
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
        one_lesson="1 Lektion",
        lessons="{} Lektionen",
        cited_in="zitiert in Lektion {}",
        cited_in_several="zitiert in den Lektionen {}",
        written_by="Geschrieben vom Modell: {}",
        tests="Lernziel {}: {}",
        rests_on="Quelle: [{}]",
        quoted="„{}“",
        grade="Klasse {}",
        kindergarten="Kindergarten",
    ),
    "hi": FixedWords(
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
        one_lesson="1 पाठ",
        lessons="{} पाठ",
        cited_in="पाठ {} में उद्धृत",
        cited_in_several="पाठ {} में उद्धृत",
        written_by="लेखक मॉडल: {}",
        tests="उद्देश्य {}: {}",
        rests_on="स्रोत: [{}]",
        quoted="“{}”",
        grade="कक्षा {}",
        kindergarten="किंडरगार्टन",
    ),
    "ar": FixedWords(
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
        one_lesson="درس واحد",
        # Counted nouns have four forms in Arabic; a label has one.
        lessons="عدد الدروس: {}",
        cited_in="مذكور في الدرس {}",
        cited_in_several="مذكور، أرقام الدروس: {}",
        written_by="كتبه النموذج: {}",
        tests="الهدف {}: {}",
        rests_on="المصدر: [{}]",
        quoted="«{}»",
        grade="الصف {}",
        kindergarten="الروضة",
    ),
}


def fixed_words(language: str) -> FixedWords:
    """Returns the fixed words for a BCP 47 tag; the English ones if its language has none of its own."""
    return _BY_LANGUAGE.get(primary_subtag(language), _ENGLISH)
