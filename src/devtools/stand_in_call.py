"""What a call asks of the stand-in: its purpose and its data, as the project's prompts put them into messages."""

import json
import re
from dataclasses import dataclass
from typing import Any, Self

# Instructions name the tags too, without data between them.
_DATA = re.compile(r"<(course|lesson|passages|parts)>([{\[].*?)</\1>", re.DOTALL)


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


def role_fault(request: dict[str, Any]) -> str | None:
    """Returns what the strictest of chat templates would say of the messages; None if all would take them.

    Mistral's and Gemma's want users and assistants to take turns (vllm-project/vllm issue 6862). Qwen's takes a system
    message at the beginning alone (ggml-org/llama.cpp issue 20733), and some servers refuse an empty message of the
    assistant (microsoft/autogen issue 6083).
    """
    messages = list(request["messages"])
    if messages and messages[0]["role"] == "system":
        messages.pop(0)
    if any(message["role"] == "system" for message in messages):
        return "System message must be at the beginning."
    if any(message["role"] != ("user", "assistant")[number % 2] for number, message in enumerate(messages)):
        return "Conversation roles must alternate user/assistant/user/assistant/..."
    if len(messages) % 2 == 0:
        return "The last message must be from the user."
    if any(message["role"] == "assistant" and not (message.get("content") or "").strip() for message in messages):
        return "A message of the assistant must not be empty."
    return None


def _user_messages(request: dict[str, Any]) -> list[str]:
    return [message.get("content") or "" for message in request["messages"] if message["role"] == "user"]
