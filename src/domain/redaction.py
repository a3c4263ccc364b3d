"""Takes secrets out of text before it reaches a log, a row or a message. No other place does that."""

import re
from collections.abc import Iterable

HIDDEN = "[hidden]"
_SHORTEST = 4
_WELL_KNOWN = frozenset({"guest"})

_PATTERNS = (
    # user:password@ in any URL, and the keyword form that libpq prints. A scheme is looked for only where a word
    # begins: looked for at every letter, a long word would take a time that grows with the square of its length.
    (re.compile(r"(?<!\w)(\w+://[^\s:/@]*):[^\s/@]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"(password|passwd|pwd)\s*=\s*('[^']*'|\S+)", re.IGNORECASE), rf"\1={HIDDEN}"),
    # API keys. In its error messages OpenAI repeats part of a wrong key, with asterisks in the middle.
    (re.compile(r"\bsk-[A-Za-z0-9_*-]{6,}"), HIDDEN),
    (re.compile(r"\b(Bearer)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
)


class Redactor:
    """Hides the secrets of this process, and what looks like a secret of others."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Hiding a short or well-known password would blot out ordinary words.
        telling = {secret for secret in secrets if len(secret) >= _SHORTEST and secret not in _WELL_KNOWN}
        # Longest first, so that a secret which contains another is hidden whole.
        self._secrets = sorted(telling, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Returns `text` with each secret replaced by `[hidden]`."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text
