"""The stand-in's prompt cache: how much of a prompt a provider would know from before, and charge less for."""

from typing import Any


class PromptCache:
    """A cache of the beginnings of prompts: of all of their messages but the last."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def cached(self, messages: list[dict[str, Any]]) -> int:
        """Returns how many characters of a prompt were known before, and remembers its beginning."""
        beginning = [(message.get("role"), message.get("content") or "") for message in messages[:-1]]
        key = hash(tuple(beginning))
        if key in self._seen:
            return sum(len(content) for _, content in beginning)
        if beginning:
            self._seen.add(key)
        return 0
