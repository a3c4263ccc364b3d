"""Says what is wrong with the form of a lesson of the corpus, by comparing strings alone and without any gate.

python -m tests.corpus.form tests/corpus/lessons/en_moon.json …
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from src.domain.lesson import LessonText
from src.domain.outline import Outline
from src.domain.request import CourseBrief

LESSONS = Path(__file__).parent / "lessons"
_MARKER = re.compile(r"[ \t]*\[(\d+)\](?!\()")


def faults(path: Path) -> Iterator[str]:
    """Yields what is wrong with the lesson in a file. Raises `ValidationError` if it isn't of the shape of a lesson."""
    given: dict[str, Any] = json.loads(path.read_text())
    outline = Outline.model_validate_json(json.dumps(given["outline"]))
    brief = CourseBrief.model_validate(given["brief"])
    text = LessonText.model_validate_json(json.dumps(given["text"]))
    if len(outline.lessons) != brief.num_lessons:
        yield f"the outline has {len(outline.lessons)} lessons, the brief {brief.num_lessons}"
    if not path.name.startswith(f"{brief.language}_") or not given["subject"]:
        yield "the file is named <language>_<slug>.json, and names its subject"
    plan = outline.lessons[given["lesson_number"] - 1]
    yield from _faults_of_citations(text, given["passages"], set(given.get("unmarked", ())))
    yield from _faults_of_questions(text, len(plan.learning_objectives))


def _faults_of_citations(text: LessonText, passages: list[dict[str, str]], no_markers: set[int]) -> Iterator[str]:
    """`no_markers`: numbers in brackets that are something else, such as an index of an array."""
    declared = {citation.number for citation in text.citations}
    used = {int(number) for part in text.fields().values() for number in _MARKER.findall(_without_code(part))}
    if used - no_markers != declared:
        yield f"cited: {sorted(used - no_markers)}, declared: {sorted(declared)}"
    for citation in text.citations:
        if not 1 <= citation.passage <= len(passages):
            yield f"citation {citation.number} is of passage {citation.passage}, which isn't there"
        elif _spaced(citation.quote) not in _spaced(passages[citation.passage - 1]["text"]):
            yield f"citation {citation.number}: the passage doesn't say {citation.quote!r}"


def _faults_of_questions(text: LessonText, objectives: int) -> Iterator[str]:
    said = _spaced("\n".join(_MARKER.sub("", part) for part in text.fields().values()))
    for number, check in enumerate(text.checks, start=1):
        if _spaced(check.evidence) not in said:
            yield f"question {number}: the lesson doesn't say {check.evidence!r}"
    tested = {check.objective for check in text.checks}
    if tested != set(range(1, objectives + 1)):
        yield f"the questions test the objectives {sorted(tested)} of {objectives}"


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", " ", text, flags=re.DOTALL)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Prints the faults of the given files; exits with 1 if there are any."""
    found = [f"{name}: {fault}" for name in sys.argv[1:] for fault in faults(Path(name))]
    print("\n".join(found) or "good form")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
