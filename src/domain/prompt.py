"""A prompt: the constant text that tells the model what to do, under a name and a version."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Self

_HEADER = re.compile(r"\Aversion: ([1-9]\d*)\n\n")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt. Its name, version and digest go on record with whatever is written by it."""

    name: str
    version: int
    text: str = field(repr=False)
    digest: str
    """SHA-256 of the text, in hexadecimal digits."""

    @classmethod
    def parsed(cls, name: str, file: str) -> Self:
        """Reads the text of a file: `version: 1`, a blank line, then the prompt. Raises `ValueError`."""
        header = _HEADER.match(file)
        text = file[header.end() :].strip() if header else ""
        if header is None or not text:
            raise ValueError(f"prompt {name}: begins with 'version: <number>' and a blank line; then comes the text")
        return cls(name, int(header[1]), text, hashlib.sha256(text.encode()).hexdigest())
