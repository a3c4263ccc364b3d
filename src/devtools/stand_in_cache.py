"""The stand-in's prompt cache: how much of a prompt a provider would know from before, and charge less for."""

import hashlib
from typing import Any

# Providers compare prompts by blocks, OpenAI by 128 tokens. https://platform.openai.com/docs/guides/prompt-caching
_BLOCK_CHARACTERS = 512


class PromptCache:
    """A cache of the beginnings of prompts."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def cached(self, messages: list[dict[str, Any]]) -> int:
        """Returns how many characters of a prompt were known before, and remembers its beginnings."""
        text = "\0".join(f"{message.get('role')}\0{message.get('content') or ''}" for message in messages)
        known, all_known, digest = 0, True, hashlib.sha256()
        for end in range(_BLOCK_CHARACTERS, len(text) + 1, _BLOCK_CHARACTERS):
            digest.update(text[end - _BLOCK_CHARACTERS : end].encode(errors="replace"))
            beginning = digest.digest()
            all_known = all_known and beginning in self._seen
            known = end if all_known else known
            self._seen.add(beginning)
        return known
