"""The names of the folders that courses are mirrored to."""

import unicodedata
from uuid import UUID

# Leaves room for the grade and the id within the 255 bytes that file systems allow for a name.
_TOPIC_BYTES = 120
_GRADE_BYTES = 40


def folder_name(topic: str, grade_level: str, course_id: UUID, id_length: int = 8) -> str:
    """Returns `<topic-slug>-<grade>-<first characters of the course id>`.

    The name is safe on every file system, whatever the topic: it has only letters, digits, marks and single hyphens,
    never starts with a dot, and can't be a device name such as CON, as the id always follows.
    """
    parts = [_slug(topic, _TOPIC_BYTES) or "course", _slug(grade_level, _GRADE_BYTES), course_id.hex[:id_length]]
    return "-".join(part for part in parts if part)


def _slug(text: str, max_bytes: int) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Marks (category M) belong to the word: without them Devanagari and Arabic would lose their vowels.
    kept = "".join(char if unicodedata.category(char)[0] in "LMN" else "-" for char in folded)
    slug = "-".join(part for part in kept.split("-") if part)
    return slug.encode()[:max_bytes].decode(errors="ignore").strip("-")
