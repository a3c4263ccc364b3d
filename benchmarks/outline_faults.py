"""Faults of an outline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.planting import chosen, other_languages
from src.domain.finding import Finding
from src.domain.outline import LessonPlan, Outline
from src.domain.quality.review import review_outline
from src.domain.words import NO_SPACES, content_stems

# `{}` is a key concept. A language that isn't here isn't measured.
_VAGUE = {
    "en": (
        "Understand {}",
        "Know about {}",
        "Learn about {}",
        "Students will understand {}",
        "Appreciate {}",
        "Be aware of {}",
        "Become familiar with {}",
        "Learners will be able to understand {}",
        "To know {}",
        "Gain an understanding of {}",
        "Develop an appreciation of {}",
        "Explore {}",
        "Be introduced to {}",
        "Have knowledge of {}",
        "Gain insight into {}",
        "Get to know {}",
        "Comprehend {}",
    ),
    "de": (
        "{} verstehen",
        "{} kennenlernen",
        "{} kennen",
        "Wissen, was {} bedeutet",
        "Mehr über {} erfahren",
        "Ein Verständnis für {} entwickeln",
        "Sich mit {} vertraut machen",
        "{} begreifen",
    ),
    "es": ("Comprender {}", "Entender qué es {}", "Conocer {}", "Saber qué es {}", "Familiarizarse con {}"),
    "fr": ("Comprendre {}", "Connaître {}", "Savoir ce qu’est {}", "Se familiariser avec {}", "Découvrir {}"),
    "pt": ("Compreender {}", "Entender o que é {}", "Conhecer {}", "Saber o que é {}", "Familiarizar-se com {}"),
    "it": ("Comprendere {}", "Capire che cosa è {}", "Conoscere {}", "Sapere che cosa è {}"),
    "ru": ("Понимать, что такое {}", "Знать, что такое {}", "Узнать, что такое {}", "Иметь представление: {}"),
}
# Verbs of attitude and of having: nobody can see them either.
_ATTITUDES = {
    "en": (
        "Value {}", "Master {}", "Discover {}", "Feel confident about {}", "Believe in the importance of {}",
        "Be able to understand {}", "Have a grasp of {}", "Enjoy {}", "Be interested in {}", "Internalize {}",
        "Realize the importance of {}", "Get a better feel for {}", "Deepen their knowledge of {}",
        "By the end of the lesson, learners will fully understand {}",
    ),
    "de": (
        "{} beherrschen", "{} entdecken", "Sich der Bedeutung von {} bewusst sein", "{} wertschätzen",
        "Einen Überblick über {} gewinnen", "Die Lernenden verstehen {}", "Sich mit {} beschäftigen",
        "{} verinnerlichen", "Ein Gefühl für {} bekommen", "Sich für {} interessieren",
    ),
    "es": (
        "Dominar {}", "Descubrir {}", "Ser consciente de la importancia de {}", "Valorar la importancia de {}",
        "Ser capaz de comprender {}", "Tener una idea clara de {}", "Interesarse por {}", "El alumno comprenderá {}",
    ),
    "fr": (
        "Maîtriser {}", "Apprécier {}", "Prendre conscience de l’importance de {}", "S’intéresser à {}",
        "Être capable de comprendre {}", "Avoir une idée de {}", "Les élèves comprendront {}", "Être sensibilisé à {}",
    ),
    "pt": (
        "Dominar {}", "Descobrir {}", "Tomar consciência da importância de {}", "Valorizar {}", "Ter noção de {}",
        "Ser capaz de entender {}", "Interessar-se por {}", "O aluno compreenderá {}",
    ),
    "it": (
        "Padroneggiare {}", "Scoprire {}", "Essere consapevoli dell’importanza di {}", "Apprezzare {}",
        "Essere in grado di capire {}", "Rendersi conto dell’importanza di {}",
    ),
    "ru": (
        "Освоить тему: {}", "Осознать значение понятия: {}", "Познакомиться с понятием: {}", "Ценить тему: {}",
        "Научиться понимать, что такое {}", "Учащиеся будут понимать, что такое {}", "Разобраться в теме: {}",
    ),
}  # fmt: skip
# The same verbs, said of learners, after an opening, or softened.
_OF_LEARNERS = {
    "en": (
        "By the end of this lesson, students will be able to understand {}", "You will fully understand {}",
        "I can understand {}", "Pupils should know {}", "Learners begin to appreciate {}", "Understanding {}",
        "An awareness of {}", "To become aware of {}", "Learn how to appreciate {}",
    ),
    "de": (
        "Die Schülerinnen und Schüler kennen {}", "Du weißt, was {} bedeutet", "Du verstehst {}", "Verständnis für {}",
        "Die Lernenden wissen, was {} bedeutet",
    ),
    "es": ("Los estudiantes comprenderán {}", "El alumnado será capaz de entender {}", "Ser capaz de conocer {}"),
    "fr": ("Les élèves seront capables de comprendre {}", "À la fin de la leçon, connaître {}", "Mieux comprendre {}"),
    "pt": ("Os alunos serão capazes de compreender {}", "Ao final da aula, conhecer {}", "Os alunos compreenderão {}"),
    "ru": ("Ученики будут знать, что такое {}", "К концу урока понимать, что такое {}", "Школьники должны знать: {}"),
}  # fmt: skip
# An objective that can be seen reached, about a concept.
_AIMS = {
    "en": ("Explain {} with an example", "Draw {}", "Describe {} in three sentences"),
    "de": ("An einem Beispiel erklären, was {} bedeutet", "Beschreiben: {}"),
    "es": ("Explicar con un ejemplo qué es {}", "Describir {}"),
    "fr": ("Expliquer par un exemple : {}", "Décrire {}"),
    "pt": ("Explicar com um exemplo o que é {}", "Descrever {}"),
    "ru": ("Объяснять на примере, что такое {}", "Описывать: {}"),
    "tr": ("Bir örnekle açıklamak: {}",),
    "el": ("Να εξηγείς με ένα παράδειγμα: {}",),
    "he": ("להסביר בעזרת דוגמה: {}",),
    "ar": ("الشرح بمثال: {}",),
    "hi": ("{} को उदाहरण से समझाना",),
    "am": ("በምሳሌ ማብራራት፦ {}",),
    "hy": ("Օրինակով բացատրել՝ {}",),
    "ja": ("{}を例を用いて説明する",),
    "ko": ("{} 예를 들어 설명하기",),
    "zh": ("举例说明{}", "用自己的话解释{}"),
    "th": ("ยกตัวอย่าง{}", "อธิบาย{}"),
    "km": ("ពន្យល់{}", "លើកឧទាហរណ៍អំពី{}"),
}
_TWINS = {
    "en": (
        "The {}",
        "{}!",
        "{}.",
        "About {}",
        "{}: An Introduction",
        "Introduction to {}",
        "More about {}",
        "All about {}",
    ),
    "de": ("Die {}", "{}!", "Einführung: {}", "Mehr über {}"),
    "hi": ("{}!", "{} का परिचय", "{}।"),
    "ar": ("{}!", "مقدمة: {}", "{}."),
    "es": ("{}!", "Los {}", "{}: introducción", "Introducción: {}"),
    "fr": ("{} !", "Le {}", "{} : introduction", "Introduction : {}"),
    "pt": ("{}!", "Introdução: {}", "{}: visão geral"),
    "ru": ("{}!", "Введение: {}", "{}."),
}
# In any language, a title that differs in signs alone says the same.
_TWINS_ANYWHERE = ("{}!", "{}.", "«{}»", "**{}**")
_LEAKS = (
    "As an AI language model, I have chosen four lessons. {}",
    "{} [Insert description]",
    "<think>three lessons are enough</think>{}",
    "{} Lesson plan for teachers.",
    "Sure! {}",
    "{} TODO",
    "{} Lorem ipsum dolor.",
)


@dataclass(frozen=True, slots=True)
class OutlineFault:
    """A kind of fault of an outline; see `planting.Fault`."""

    name: str
    gates: frozenset[str]
    plant: Callable[[Random, Case], Outline | None]


def outline_findings(case: Case, outline: Outline) -> frozenset[Finding]:
    """Returns what the gates find in an outline of the case's course."""
    return frozenset(review_outline(outline, case.brief).findings)


def _with_plan(random: Random, outline: Outline, change: Callable[[LessonPlan], dict[str, Any]]) -> Outline:
    plans = list(outline.lessons)
    index = random.randrange(len(plans))
    plans[index] = plans[index].model_copy(update=change(plans[index]))
    return outline.model_copy(update={"lessons": tuple(plans)})


def wrong_count(random: Random, case: Case) -> Outline | None:
    """Takes a lesson out of the outline, or adds one."""
    lessons = case.outline.lessons
    more = lessons[-1].model_copy(update={"lesson_number": len(lessons) + 1, "title": f"{case.brief.topic} 9"})
    return case.outline.model_copy(update={"lessons": random.choice((lessons[:-1], (*lessons, more)))})


def twin_titles(random: Random, case: Case) -> Outline | None:
    """Makes two titles say the same."""
    first, second = random.sample(case.outline.lessons, 2)
    title = random.choice(_TWINS.get(case.language, _TWINS_ANYWHERE)).format(first.title)
    lessons = (it.model_copy(update={"title": title}) if it is second else it for it in case.outline.lessons)
    return case.outline.model_copy(update={"lessons": tuple(lessons)})


def vague_objective(random: Random, case: Case) -> Outline | None:
    """Replaces an objective by one that begins with a verb of knowing, so that nobody can see whether it is reached."""
    return _aimed(random, case, _VAGUE)


def attitude(random: Random, case: Case) -> Outline | None:
    """Replaces an objective by one about what a learner feels, values or masters."""
    return _aimed(random, case, _ATTITUDES)


def vague_of_learners(random: Random, case: Case) -> Outline | None:
    """Replaces an objective by one that says what learners will understand or know."""
    return _aimed(random, case, _OF_LEARNERS)


def _aimed(random: Random, case: Case, said: Mapping[str, Sequence[str]]) -> Outline | None:
    """Returns the outline with one of the `said` objectives by language, about a key concept, in place of another."""
    if case.language not in said:
        return None

    def changed(plan: LessonPlan) -> dict[str, Any]:
        objective = random.choice(said[case.language]).format(random.choice(plan.key_concepts))
        return {"learning_objectives": (*plan.learning_objectives[:-1], objective)}

    return _with_plan(random, case.outline, changed)


def objective_needs_later_concept(random: Random, case: Case) -> Outline | None:
    """Makes a lesson want something of its learners that a later lesson introduces."""
    return _needing(
        random,
        case,
        lambda plan, concept: {
            "learning_objectives": (*plan.learning_objectives, random.choice(_AIMS[case.language]).format(concept))
        },
    )


def description_needs_later_concept(random: Random, case: Case) -> Outline | None:
    """Makes a lesson's description name a concept of several words that a later lesson introduces."""
    return _needing(
        random,
        case,
        lambda plan, concept: {"description": f"{plan.description} {concept}."} if len(concept.split()) > 1 else {},
    )


def _needing(random: Random, case: Case, change: Callable[[LessonPlan, str], dict[str, Any]]) -> Outline | None:
    """Returns the outline with `change` applied to a lesson and a concept that only a later lesson introduces.

    Short words are left out, which may be meant in an everyday sense, and so are words of the course or of the lesson.
    """
    plans = list(case.outline.lessons)
    places = [
        (earlier, concept)
        for later in plans
        for concept in later.key_concepts
        for earlier in plans[: later.lesson_number - 1]
        if _is_technical(concept) and not _shares_words(concept, case, earlier) and change(earlier, concept)
    ]
    place = chosen(random, places)
    if place is None:
        return None
    earlier, concept = place
    plans[earlier.lesson_number - 1] = earlier.model_copy(update=change(earlier, concept))
    return case.outline.model_copy(update={"lessons": tuple(plans)})


def _is_technical(concept: str) -> bool:
    return len(concept.split()) > 1 or len(concept) >= (5 if NO_SPACES.search(concept) else 8)


def _shares_words(concept: str, case: Case, plan: LessonPlan) -> bool:
    known = f"{case.brief.topic} {case.outline.title} {plan.title} {' '.join(plan.key_concepts)}"
    return bool(set(content_stems(concept, case.language)) & set(content_stems(known, case.language)))


def concept_of_two_lessons(random: Random, case: Case) -> Outline | None:
    """Names a key concept in the plan of a second lesson too, as it is, in capitals or emphasised."""
    plans = list(case.outline.lessons)
    first, second = sorted(random.sample(range(len(plans)), 2))
    about = set(content_stems(f"{case.brief.topic} {case.outline.title}", case.language))
    own = [it for it in plans[first].key_concepts if not set(content_stems(it, case.language)) <= about]
    concept = chosen(random, own)
    if concept is None:
        return None
    again = random.choice((concept, concept.upper(), f"*{concept}*", f"“{concept}”"))
    concepts = (*plans[second].key_concepts, again)
    plans[second] = plans[second].model_copy(update={"key_concepts": concepts})
    return case.outline.model_copy(update={"lessons": tuple(plans)})


def repeated_objective(random: Random, case: Case) -> Outline | None:
    """Puts an objective into a lesson twice, as it is, in capitals or with a full stop."""

    def changed(plan: LessonPlan) -> dict[str, Any]:
        again = random.choice(plan.learning_objectives)
        again = random.choice((again, again.upper(), f"{again}."))
        return {"learning_objectives": (*plan.learning_objectives, again)}

    return _with_plan(random, case.outline, changed)


def leak(random: Random, case: Case) -> Outline | None:
    """Puts words into a description that were meant for somebody other than the learner."""
    said = random.choice(_LEAKS)
    return _with_plan(random, case.outline, lambda plan: {"description": said.format(plan.description)})


def in_another_language(random: Random, case: Case) -> Outline | None:
    """Replaces the lessons by those of an outline in another language."""
    written = [other for other in by_hand() if other.language in other_languages(case)]
    lessons = random.choice(written).outline.lessons
    again = [
        plan.model_copy(update={"lesson_number": number + 1})
        for number, plan in enumerate(lessons[index % len(lessons)] for index in range(case.brief.num_lessons))
    ]
    return case.outline.model_copy(update={"lessons": tuple(again), "description": lessons[0].description})


def _fault(name: str, gate: str, plant: Callable[[Random, Case], Outline | None]) -> OutlineFault:
    return OutlineFault(f"outline: {name}", frozenset({gate}), plant)


OUTLINE_FAULTS = (
    _fault("wrong number of lessons", "lesson_count", wrong_count),
    _fault("twin titles", "alike_titles", twin_titles),
    _fault("vague objective", "vague_objective", vague_objective),
    _fault("objective of attitude", "vague_objective", attitude),
    _fault("vague objective of learners", "vague_objective", vague_of_learners),
    _fault("objective needs a later concept", "concept_used_early", objective_needs_later_concept),
    _fault("description needs a later concept", "concept_used_early", description_needs_later_concept),
    _fault("concept of two lessons", "repeated_concept", concept_of_two_lessons),
    _fault("objective said twice", "repeated_objective", repeated_objective),
    _fault("leak", "outline_leak", leak),
    _fault("another language", "outline_language", in_another_language),
)
