"""What a call asks of the stand-in: its purpose and its data, as the project's prompts put them into messages."""

import json
import re
from dataclasses import dataclass
from typing import Any, Self

_DATA = re.compile(r"<(course|lesson|passages|parts)>(.*?)</\1>", re.DOTALL)


@dataclass(slots=True)
class Call:
    """A call for an outline, a lesson or embeddings, or one with no data of a course (`chat`)."""

    purpose: str
    topic: str
    lesson: int | None
    course: dict[str, Any]
    passages: list[dict[str, Any]]
    parts: list[str] | None = None
    """The paths of those parts of the lesson that are asked for again; None if all of it is asked for."""

    @classmethod
    def parsed(cls, request: dict[str, Any]) -> Self:
        """Reads the body of a request for a chat completion."""
        data = {tag: json.loads(value) for tag, value in _DATA.findall("\n".join(_user_messages(request)))}
        course = data.get("course", {})
        lesson = data["lesson"]["lesson_number"] if "lesson" in data else None
        purpose = "lesson" if lesson is not None else "outline" if course else "chat"
        return cls(purpose, str(course.get("topic", "")), lesson, course, data.get("passages", []), data.get("parts"))

    @property
    def step(self) -> str:
        """The step of the course: `outline`, or `lesson 2`."""
        return self.purpose if self.lesson is None else f"{self.purpose} {self.lesson}"


def is_told_more_than_data(request: dict[str, Any]) -> bool:
    """Returns whether the user messages of a request say anything outside the tags of its data."""
    return bool(_DATA.sub("", "".join(_user_messages(request))).strip())


def _user_messages(request: dict[str, Any]) -> list[str]:
    return [message.get("content") or "" for message in request["messages"] if message["role"] == "user"]
