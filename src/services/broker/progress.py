"""Publishes progress events, such as lesson 2 of 4, on best effort."""

from datetime import UTC, datetime

from src.config import RabbitMQSettings
from src.domain.course import Claim
from src.domain.outline import Outline
from src.domain.result import ProgressMessage
from src.services.broker.publisher import Publication, Publisher


class ProgressReporter:
    """Publishes each step of a course on the progress route, whether anybody listens or not."""

    def __init__(self, publisher: Publisher, config: RabbitMQSettings) -> None:
        self._publisher = publisher
        self._config = config

    def report(self, claim: Claim, outline: Outline, lesson_number: int | None, lessons_done: int) -> None:
        """Publishes that a step is done, which is the outline if `lesson_number` is None.

        It has the signature of `course_generator.Progress`.
        """
        total = len(outline.lessons)
        message = ProgressMessage(
            request_id=claim.request_id,
            user_id=claim.user_id,
            course_id=claim.course_id,
            lesson_number=lesson_number,
            lessons_done=lessons_done,
            total_lessons=total,
            message="Outline written" if lesson_number is None else f"Lesson {lesson_number} of {total} written",
            timestamp=datetime.now(UTC),
        )
        self._publisher.publish_best_effort(
            Publication(
                exchange=self._config.exchange,
                routing_key=self._config.route_progress,
                body=message.encoded(),
                type="course.progress",
                correlation_id=claim.request_id,
                mandatory=False,
            )
        )
