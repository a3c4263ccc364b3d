"""The states of a course and the moves between them.

    QUEUED ──▶ GENERATING ──▶ READY
      ▲  │        │  │
      │  │        │  └──────▶ FAILED ──▶ QUEUED (an operator's retry)
      │  └────────┼─────────▶ FAILED (a cancel)
      └───────────┘ (handed back, waiting for the model, rescued)

The trigger courses_check_status refuses every other move; a test compares it with the moves here.
"""

from enum import StrEnum


class CourseStatus(StrEnum):
    """The state of a course, as the column `courses.status` has it."""

    QUEUED = "QUEUED"
    GENERATING = "GENERATING"
    READY = "READY"
    FAILED = "FAILED"


# From the first of each pair to the second.
LEGAL_MOVES = frozenset(
    {
        (CourseStatus.QUEUED, CourseStatus.GENERATING),
        (CourseStatus.QUEUED, CourseStatus.FAILED),
        (CourseStatus.GENERATING, CourseStatus.READY),
        (CourseStatus.GENERATING, CourseStatus.FAILED),
        (CourseStatus.GENERATING, CourseStatus.QUEUED),
        (CourseStatus.FAILED, CourseStatus.QUEUED),
    }
)
