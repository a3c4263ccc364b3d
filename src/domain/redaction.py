"""Takes secrets out of text before it reaches a log, a row or a message. The one place that does."""

import re
from collections.abc import Iterable

HIDDEN = "[hidden]"

_PATTERNS = (
    # user:password@ in any URL, and the keyword form that libpq prints. A scheme is looked for where a word begins:
    # at every letter, a long word would take a time that grows with its square.
    (re.compile(r"(?<!\w)(\w+://[^\s:/@]*):[^\s/@]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"(password|passwd|pwd)\s*=\s*('[^']*'|\S+)", re.IGNORECASE), rf"\1={HIDDEN}"),
    # API keys: OpenAI also repeats part of a wrong key in its error message, with asterisks in the middle
    (re.compile(r"\bsk-[A-Za-z0-9_*-]{6,}"), HIDDEN),
    (re.compile(r"\b(Bearer)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
)


class Redactor:
    """Knows the secrets of this process, and what secrets of others look like."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first, so that a secret which contains another is hidden whole.
        self._secrets = sorted(set(secrets), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text
