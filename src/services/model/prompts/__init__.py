"""The prompts: what the model is told, and the questions that are made of it.

The instructions are constant and are kept in the `.md` files here. If you change one, raise its version and add a line
to `versions.txt`, so that what is on record with a lesson leads back to the text that wrote it.

Everything that comes from outside (topic, outline, passages) is JSON between tags. In it `<` is escaped, so that no
text can close its tag and pass for an instruction. What the lesson prompts of a course have in common comes first, so
that providers' prompt caches serve it.
"""

import json
from collections.abc import Sequence
from functools import cache, partial
from importlib import resources
from typing import Any

from src.domain.finding import Finding
from src.domain.lesson import Lesson, LessonText
from src.domain.outline import LessonPlan, Outline
from src.domain.prompt import Prompt
from src.domain.quality.citations import markers
from src.domain.quality.repair import LessonParts, parts_at_fault
from src.domain.request import CourseBrief
from src.domain.source import Passage
from src.services.model.question import Parts, Question, Review

PROMPTS = ("outline", "lesson")


@cache
def prompt(name: str) -> Prompt:
    """Returns the prompt in `<name>.md` beside this file, which is read once, when it is first needed."""
    return Prompt.parsed(name, resources.files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8"))


def outline_question(
    brief: CourseBrief, passages: Sequence[Passage], review: Review[Outline, Outline]
) -> Question[Outline, Outline]:
    """Returns the question for the outline of a course, to be written from `passages`."""
    course = data("course", brief.model_dump(mode="json", exclude={"source_filter"}))
    number = brief.num_lessons
    return Question(
        purpose="outline",
        lesson_number=None,
        language=brief.language,
        prompt=prompt("outline"),
        data=lambda most: f"{course}\n{data('passages', _numbered(passages[:most]))}",
        passages=len(passages),
        shape=Outline,
        limits={
            "Outline.lessons": {"minItems": number, "maxItems": number},
            "LessonPlan.lesson_number": {"minimum": 1, "maximum": number},
        },
        review=review,
    )


def lesson_question(
    brief: CourseBrief,
    outline: Outline,
    plan: LessonPlan,
    passages: Sequence[Passage],
    review: Review[LessonText, Lesson],
    *,
    fewest_passages: int = 0,
) -> Question[LessonText, Lesson]:
    """Returns the question for the text of the lesson that `plan` describes, to be written from `passages`.

    `fewest_passages`: with fewer the lesson couldn't be used.
    """
    course = data(
        "course",
        {**brief.model_dump(mode="json", include={"topic", "grade_level", "language"}), **outline.model_dump()},
    )
    lesson = data("lesson", {"lesson_number": plan.lesson_number})
    return Question(
        purpose="lesson",
        lesson_number=plan.lesson_number,
        language=brief.language,
        prompt=prompt("lesson"),
        data=lambda most: f"{course}\n{lesson}\n{data('passages', _numbered(passages[:most]))}",
        passages=len(passages),
        fewest_passages=min(fewest_passages, len(passages)),
        shape=LessonText,
        limits={"Check.objective": _objectives(plan)},
        review=review,
        parts=partial(_lesson_parts, brief.language, plan),
    )


def _objectives(plan: LessonPlan) -> dict[str, int]:
    return {"minimum": 1, "maximum": len(plan.learning_objectives)}


def _lesson_parts(
    language: str, plan: LessonPlan, text: LessonText, findings: Sequence[Finding]
) -> Parts[LessonText] | None:
    wanted = parts_at_fault(text, findings, language)
    if not wanted:
        return None
    cited = {number for where, part in text.fields().items() if where in wanted for number in markers(part)}
    citations = tuple(citation for citation in text.citations if citation.number in cited)
    return Parts(
        shape=LessonParts,
        ask=f"Send only these parts of the lesson again, with this put right: {data('parts', wanted)} All other parts"
        " stay as they are, and fit what you send. In `citations`, say what the numbers in these parts stand for.",
        put=lambda parts: parts.put_into(text, wanted),
        # Questions rest on the lesson, which the model sees beside them.
        need_passages=not all(path.startswith("checks.") for path in wanted),
        # What other parts cite stays as it is, whatever numbers come with these.
        beside=text.model_copy(update={"citations": citations}).model_dump_json(),
        limits={
            "NumberedCheck.objective": _objectives(plan),
            **{
                f"LessonParts.{name}": {"minItems": number, "maxItems": number}
                for name in ("sections", "key_terms", "checks")
                for number in (sum(path.startswith(f"{name}.") for path in wanted),)
            },
        },
    )


def data(tag: str, value: Any) -> str:
    """Returns `value` as JSON between tags that nothing inside can close."""
    encoded = json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
    return f"<{tag}>{encoded}</{tag}>"


def _numbered(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    return [
        {"number": number, "document": passage.document, "section": passage.section, "text": passage.text}
        for number, passage in enumerate(passages, start=1)
    ]
