"""Faults of the questions of a lesson."""

from dataclasses import replace
from random import Random

import regex

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.planting import Fault, chosen, fault, foreign, other_languages, places
from src.domain.lesson import Check
from src.domain.numerals import values
from src.domain.quality.citations import without_markers
from src.domain.sentences import ends_a_sentence
from src.domain.words import content_stems, words

_ALL = {
    "en": (
        "All of the above",
        "None of the above",
        "All of these",
        "Both A and B",
        "None of these",
        "Both of the above",
    ),
    "de": ("Alle oben genannten", "Keine der genannten Antworten", "Alle Antworten", "A und B", "Keine davon"),
    "es": ("Todas las anteriores", "Ninguna de las anteriores", "Todas las respuestas", "Todo lo anterior"),
    "fr": ("Toutes les réponses", "Aucune de ces réponses", "Toutes ces propositions", "Aucune des propositions"),
    "pt": ("Todas as anteriores", "Nenhuma das anteriores", "Todas as alternativas", "Nenhuma das alternativas"),
    "ru": ("Все перечисленные", "Ни один из вариантов", "Все ответы верны", "Ничего из перечисленного"),
    "el": ("Όλα τα παραπάνω", "Κανένα από τα παραπάνω", "Όλες οι απαντήσεις"),
    "tr": ("Yukarıdakilerin hepsi", "Hiçbiri", "Yukarıdakilerin hiçbiri"),
    "he": ("כל התשובות נכונות", "אף תשובה אינה נכונה"),
    "ar": ("كل ما سبق", "جميع ما سبق", "لا شيء مما سبق"),
    "hi": ("उपरोक्त सभी", "इनमें से कोई नहीं", "इनमें से सभी", "उपर्युक्त सभी"),
    "am": ("ከላይ ያሉት ሁሉ", "ሁሉም መልስ ናቸው", "መልስ የለም"),
    "hy": ("Բոլոր պատասխանները ճիշտ են", "Վերոնշյալներից ոչ մեկը"),
    "ja": ("上記のすべて", "いずれでもない", "すべて正しい"),
    "ko": ("위의 모두", "모두 맞다", "정답 없음"),
    "zh": ("以上都是", "以上都不是", "以上皆是"),
    "th": ("ถูกทุกข้อ", "ไม่มีข้อใดถูก", "ถูกทั้งหมด"),
    "km": ("ចម្លើយទាំងអស់", "គ្មានចម្លើយ"),
}
_MORE = {
    "en": ", which is just what this lesson has explained to you in so many words",
    "de": ", und genau das hat dir diese Lektion ja auch ausführlich erklärt",
    "es": ", que es precisamente lo que esta lección te ha explicado con todo detalle",
    "fr": ", et c’est exactement ce que cette leçon vient de t’expliquer en détail",
    "pt": ", e é exatamente isso que esta lição acabou de explicar com todos os detalhes",
    "ru": ", и именно это подробно объяснялось на протяжении всего этого урока",
    "el": ", και αυτό ακριβώς σου εξήγησε με κάθε λεπτομέρεια αυτό το μάθημα",
    "tr": ", ki bu ders de tam olarak bunu bütün ayrıntılarıyla anlatmıştı",
    "he": ", וזה בדיוק מה שהשיעור הזה הסביר לך באריכות ובפירוט רב עד כה",
    "ar": "، وهذا بالضبط ما شرحه لك هذا الدرس بالتفصيل وعليك أن تتذكره دائما",
    "hi": ", और ठीक यही बात इस पाठ में आपको विस्तार से समझाई गई है, इसे याद रखें",
    "am": "፣ ይህም በዚህ ትምህርት ውስጥ በዝርዝር የተብራራው ዋና ነገር ነው",
    "hy": ", և հենց դա է, որ մանրամասն բացատրվեց այս ամբողջ դասի ընթացքում",
    "ja": "であり，これはこの授業の中で図と例を使いながらくわしくていねいに説明されたことである",
    "ko": ", 그리고 이것이 바로 이 수업에서 예를 들어 가며 아주 자세하게 설명한 내용이다",
    "zh": "，这正是本节课用很多例子和图表反复而详细地讲解过的内容，请同学们一定要牢牢记住",
    "th": " ซึ่งเป็นสิ่งที่บทเรียนนี้ได้อธิบายไว้อย่างละเอียดแล้วตั้งแต่ต้นจนจบ",
    "km": " ដែលមេរៀននេះបានពន្យល់យ៉ាងលម្អិតតាំងពីដើមរហូតដល់ចប់",
}
# A choice by its letter, as an explanation may name it.
_LETTERED = {
    "en": ("Option B is the right one.", "The answer is C.", "Choice (A) is wrong.", "Answer D fits."),
    "de": ("Antwort B ist richtig.", "Option C passt nicht.", "Die Lösung ist A."),
    "es": ("La opción B es la correcta.", "La respuesta es C.", "La alternativa A no sirve."),
    "fr": ("La réponse B est juste.", "La bonne réponse est C.", "L’option A ne convient pas."),
    "pt": ("A alternativa B está certa.", "A resposta é C.", "A opção A está errada."),
    "ru": ("Верен вариант Б.", "Вариант ответа В не подходит."),
    "el": ("Σωστή είναι η επιλογή Β.", "Η απάντηση Γ δεν ταιριάζει."),
    "tr": ("B seçeneği doğrudur.", "Doğru cevap C.", "A şıkkı yanlıştır."),
    "he": ("תשובה ב' נכונה.", "אפשרות ג אינה מתאימה."),
    "ar": ("الخيار ب هو الصحيح.", "الإجابة ج خاطئة."),
    "hi": ("विकल्प ख सही है।", "विकल्प (A) ग़लत है।"),
    "am": ("ምርጫ ለ ትክክል ነው።", "አማራጭ ሐ ስህተት ነው።"),
    "hy": ("Ճիշտ է տարբերակ Բ-ն։", "Տարբերակ Գ-ն սխալ է։"),
    "ja": ("選択肢Bが正しい。", "選択肢ウは誤りである。"),
    "ko": ("보기 B가 맞다.", "선택지 ③은 틀리다."),
    "zh": ("选项B正确。", "答案是C。", "故选A。"),
    "th": ("ข้อ ข ถูกต้อง", "ตัวเลือก ค ไม่ถูกต้อง"),
    "km": ("ចម្លើយ ខ ត្រឹមត្រូវ។", "ជម្រើស គ ខុស។"),
}
_ANSWER_IS = {
    "en": (
        "The answer is {}.",
        "So the right answer is {}.",
        "The correct answer is “{}”.",
        "Therefore, the answer is {}.",
    ),
    "de": ("Die richtige Antwort ist {}.", "Die Antwort lautet: {}.", "Richtig ist {}."),
    "es": ("La respuesta correcta es {}.", "La respuesta es: {}."),
    "fr": ("La bonne réponse est {}.", "La réponse est : {}."),
    "pt": ("A resposta correta é {}.", "A resposta é: {}."),
    "ru": ("Правильный ответ: {}.", "Ответ — {}."),
    "el": ("Η σωστή απάντηση είναι {}.", "Η απάντηση είναι: {}."),
    "tr": ("Doğru cevap: {}.", "Doğru yanıt {}."),
    "he": ("התשובה הנכונה היא {}.", "התשובה היא: {}."),
    "ar": ("الإجابة الصحيحة هي {}.", "الجواب: {}."),
    "hi": ("सही उत्तर है: {}।", "उत्तर: {}।"),
    "am": ("ትክክለኛው መልስ {}።", "መልሱ፦ {}።"),
    "hy": ("Ճիշտ պատասխանն է՝ {}։",),
    "ja": ("正解は{}。", "答えは「{}」。"),
    "ko": ("정답은 {}.", "답은 {}."),
    "zh": ("正确答案是{}。", "答案：{}。"),
    "th": ("คำตอบที่ถูกต้องคือ {}", "คำตอบคือ {}"),
    "km": ("ចម្លើយត្រឹមត្រូវគឺ {}។", "ចម្លើយ៖ {}។"),
}
_YES_AND_NO = {
    "en": ("Yes", "No"), "de": ("Ja", "Nein"), "es": ("Sí", "No"), "fr": ("Oui", "Non"), "pt": ("Sim", "Não"),
    "el": ("Ναι", "Όχι"), "tr": ("Evet", "Hayır"), "he": ("כן", "לא"), "ar": ("نعم", "لا"), "hi": ("हाँ", "नहीं"),
    "hy": ("Այո", "Ոչ"), "km": ("បាទ", "ទេ"),
}  # fmt: skip
_LAST_MARK = regex.compile(r"[?？;։।።．。.!؟៖\s]*$")


def _index(random: Random, case: Case, *kinds: str) -> int | None:
    return chosen(random, [index for index, check in enumerate(case.text.checks) if check.kind in kinds])


def wrong_key(random: Random, case: Case) -> Case | None:
    """Makes another choice the answer of a multiple-choice question."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    return case.with_check(index, answer=random.choice([it for it in check.choices or () if it != check.answer]))


def flipped(random: Random, case: Case) -> Case | None:
    """Turns the answer of a true-or-false question round."""
    index = _index(random, case, "true_false")
    if index is None:
        return None
    check = case.text.checks[index]
    return case.with_check(index, answer=next(it for it in check.choices or () if it != check.answer))


def wrong_short_answer(random: Random, case: Case) -> Case | None:
    """Gives a question the answer of quite another question."""
    index = _index(random, case, "short_answer")
    others = [
        check.answer
        for other in by_hand()
        if other.language == case.language and other.plan.title != case.plan.title
        for check in other.text.checks
        if check.kind != "true_false" and len(words(check.answer)) >= 2
    ]
    answer = chosen(random, others)
    return None if index is None or answer is None else case.with_check(index, answer=answer)


def invented_evidence(random: Random, case: Case) -> Case | None:
    """Gives a question a sentence of another lesson as evidence."""
    index = random.randrange(len(case.text.checks))
    others = [other for other in by_hand() if other.language == case.language and other.plan.title != case.plan.title]
    others = others or [other for other in by_hand() if other.language != case.language]
    place = random.choice(places(random.choice(others), "sections."))
    return case.with_check(index, evidence=without_markers(place.sentence.text))


def evidence_beside_the_point(random: Random, case: Case) -> Case | None:
    """Gives a question a sentence of the lesson as evidence that shows nothing of the answer."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    told = set(words(f"{check.answer} {check.evidence}"))
    beside = [
        without_markers(place.sentence.text)
        for place in places(case, "sections.")
        if len({word for word in words(place.sentence.text) if len(word) > 3} & told) == 0
    ]
    evidence = chosen(random, beside)
    return None if evidence is None else case.with_check(index, evidence=evidence)


def in_another_language(random: Random, case: Case) -> Case | None:
    """Puts one question into another language, but leaves its evidence, which is the lesson's."""
    index, language = random.randrange(len(case.text.checks)), random.choice(other_languages(case))
    written = [
        {"question": check.question, "choices": check.choices, "answer": check.answer, "explanation": check.explanation}
        for other in by_hand()
        if other.language == language
        for check in other.text.checks
        if check.kind == "multiple_choice"
    ]
    asked = random.choice([*written, *foreign()[language]["questions"]])
    return case.with_check(index, **{**asked, "choices": tuple(asked["choices"]), "kind": "multiple_choice"})


def untested_objective(random: Random, case: Case) -> Case | None:
    """Leaves an objective without a question that tests it."""
    tested = sorted({check.objective for check in case.text.checks})
    if len(tested) < 2:
        return None
    lost, kept = random.sample(tested, 2)
    checks = (it.model_copy(update={"objective": kept}) if it.objective == lost else it for it in case.text.checks)
    return case.with_text(checks=tuple(checks))


def unknown_objective(random: Random, case: Case) -> Case | None:
    """Makes a question test an objective that the plan hasn't got."""
    index = random.randrange(len(case.text.checks))
    return case.with_check(index, objective=len(case.plan.learning_objectives) + random.randint(1, 3))


def all_of_the_above(random: Random, case: Case) -> Case | None:
    """Replaces a wrong choice by one that speaks of the others."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    choices = list(case.text.checks[index].choices or ())
    wrong = [number for number, choice in enumerate(choices) if choice != case.text.checks[index].answer]
    choices[random.choice(wrong)] = random.choice(_ALL[case.language])
    return case.with_check(index, choices=tuple(choices))


def longest_is_key(random: Random, case: Case) -> Case | None:
    """Makes the right choice much longer than any other."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    longer = check.answer + _MORE[case.language]
    if len(longer) < 1.8 * max(len(choice) for choice in check.choices or ()):
        return None
    choices = tuple(longer if choice == check.answer else choice for choice in check.choices or ())
    return case.with_check(index, choices=choices, answer=longer)


def shortest_is_key(random: Random, case: Case) -> Case | None:
    """Makes all choices but the right one much longer."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    longer = tuple(it if it == check.answer else it + _MORE[case.language] for it in check.choices or ())
    if min(map(len, set(longer) - {check.answer})) < 1.8 * len(check.answer):
        return None
    return case.with_check(index, choices=longer)


def answer_in_question(random: Random, case: Case) -> Case | None:
    """Puts the words of the right choice into the question, where they are several, or a term of the lesson.

    A key that is a figure, a formula or code is left out, and a question that names a wrong choice too.
    """
    terms = {term.casefold() for term in (*case.plan.key_concepts, *(it.term for it in case.text.key_terms))}
    index = chosen(
        random,
        [
            number
            for number, check in enumerate(case.text.checks)
            if check.kind == "multiple_choice"
            and not regex.search(r"[\p{N}$`*=\\\"“”«»„‘–]", check.answer)
            and not values(check.answer, case.language)
            and (len(check.answer.split()) > 2 or check.answer.casefold() in terms)
            and not _speaks_of_wrong(check, case.language)
        ],
    )
    if index is None:
        return None
    check = case.text.checks[index]
    end = _LAST_MARK.search(check.question)
    assert end is not None
    told = f"{check.question[: end.start()]} ({check.answer}){end.group()}"
    return case.with_check(index, question=told)


def _speaks_of_wrong(check: Check, language: str) -> bool:
    asked, key = set(content_stems(check.question, language)), set(content_stems(check.answer, language))
    wrong = (set(content_stems(choice, language)) for choice in check.choices or () if choice != check.answer)
    return any((stems - key) & asked for stems in wrong)


def explained_otherwise(random: Random, case: Case) -> Case | None:
    """Makes the explanation of a choice say that another one is the answer."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    wrong = random.choice([choice for choice in check.choices or () if choice != check.answer])
    said = random.choice(_ANSWER_IS[case.language]).format(wrong)
    before = check.evidence if random.random() < 0.5 and ends_a_sentence(check.evidence) else ""
    return case.with_check(index, explanation=f"{before} {said}".strip())


def choice_by_letter(random: Random, case: Case) -> Case | None:
    """Makes the explanation of a choice name it by a letter, which the worker draws later."""
    index = _index(random, case, "multiple_choice")
    if index is None or any(regex.search(r"\b[A-D]\b", it) for it in case.text.checks[index].choices or ()):
        return None  # where letters are names, a reader can't tell either
    said = random.choice(_LETTERED[case.language])
    return case.with_check(index, explanation=f"{case.text.checks[index].explanation} {said}")


def asked_twice(random: Random, case: Case) -> Case | None:
    """Makes a question ask what another one asks, with hardly another word."""
    first, second = random.sample(range(len(case.text.checks)), 2)
    check = case.text.checks[first]
    return case.with_check(second, **{**vars(check), "question": _asked_again(random, case, check)})


def _asked_again(random: Random, case: Case, check: Check) -> str:
    asked = check.question
    again = {
        "en": ("Now: {}", "{} Think about it.", "Again: {}", "Can you say this? {}"),
        "de": ("Und jetzt: {}", "{} Denk nach.", "Noch einmal: {}"),
        "es": ("Y ahora: {}", "Otra vez: {}"),
        "fr": ("Et maintenant : {}", "{} Réfléchis."),
        "pt": ("E agora: {}", "{} Pense bem."),
        "ru": ("А теперь: {}", "{} Подумай."),
        "hi": ("अब बताइए: {}", "{} सोचिए।"),
        "ar": ("والآن: {}", "{} فكر."),
    }
    return random.choice(("{}", *again.get(case.language, ("«{}»",)))).format(asked)


def other_words_for_true(random: Random, case: Case) -> Case | None:
    """Puts true and false the wrong way round, or puts other words in their place."""
    index = _index(random, case, "true_false")
    if index is None:
        return None
    first, second = case.text.checks[index].choices or ("", "")
    other = random.choice(((second, first), ("A", "B"), (first, "?"), _YES_AND_NO.get(case.language, ("1", "2"))))
    answer = other[0] if random.random() < 0.5 else other[1]
    return case.with_check(index, choices=other, answer=answer)


def all_true(random: Random, case: Case) -> Case:
    """Makes at least three questions true or false, and everything that they state true."""
    said = _words_of_true_and_false(case)
    judged = {index for index, check in enumerate(case.text.checks) if check.kind == "true_false"}
    others = [index for index in range(len(case.text.checks)) if index not in judged]
    for index in judged.union(random.sample(others, random.randint(max(0, 3 - len(judged)), len(others)))):
        case = _stated(case, index, said)
    return case


def all_true_in_course(random: Random, case: Case) -> Case:
    """Makes the statements of the course's other lessons true, and one or two of this lesson, and no other."""
    said = _words_of_true_and_false(case)
    wanted = set(random.sample(range(len(case.text.checks)), random.randint(1, 2)))
    for index, check in enumerate(case.text.checks):
        if index in wanted:
            case = _stated(case, index, said)
        elif check.kind == "true_false":
            case = case.with_check(index, kind="short_answer", choices=None, answer=check.evidence)
    numbers = [number for number in range(1, case.brief.num_lessons + 1) if number != case.plan.lesson_number]
    total = random.randint(4, 9)
    keys = {
        number: [True] * (total // len(numbers) + (place < total % len(numbers)))
        for place, number in enumerate(numbers)
    }
    return replace(case, statements=keys)


def _words_of_true_and_false(case: Case) -> tuple[str, ...]:
    return next(
        check.choices
        for other in by_hand()
        if other.language == case.language
        for check in other.text.checks
        if check.kind == "true_false" and check.choices
    )


def _stated(case: Case, index: int, said: tuple[str, ...]) -> Case:
    """Returns the case with a question that states its evidence, which is true."""
    statement = without_markers(case.text.checks[index].evidence)
    return case.with_check(
        index, kind="true_false", question=statement, choices=said, answer=said[0], explanation=statement
    )


QUESTION_FAULTS: tuple[Fault, ...] = (
    fault("wrong key", "answer_unsupported", wrong_key),
    fault("true and false flipped", "answer_unsupported", flipped),
    fault("answer to another question", "answer_unsupported", wrong_short_answer),
    fault("evidence that isn't in the lesson", "answer_unsupported", invented_evidence),
    fault("evidence beside the point", "answer_unsupported", evidence_beside_the_point, is_gated=False),
    fault("question in another language", "question_language", in_another_language),
    fault("objective without a question", "objective_not_served", untested_objective),
    fault("objective that isn't there", "unknown_objective", unknown_objective),
    fault("all or none of the above", "all_or_none", all_of_the_above),
    fault("longest choice is the key", "longest_is_key", longest_is_key),
    fault("shortest choice is the key", "shortest_is_key", shortest_is_key),
    fault("answer in the question", "stem_gives_answer", answer_in_question),
    fault("explanation for another choice", "explanation_contradicts", explained_otherwise),
    fault("choice named by its letter", "letter_named", choice_by_letter),
    fault("question asked twice", "duplicate_question", asked_twice),
    fault("other words for true and false", "not_true_and_false", other_words_for_true),
    fault("all statements true", "one_sided_keys", all_true),
    fault("all statements of a course true", "one_sided_course", all_true_in_course),
)
