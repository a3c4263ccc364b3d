"""The intake, which turns each request into one course, however often it is delivered."""

from collections.abc import Sequence
from enum import Enum, auto
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from src.domain.errors import RequestIdConflict, RequestLocked
from src.domain.message import Message, ReplyAddress, refusal_messages
from src.domain.request import RECOGNISED_WITHIN, IdentifiedRequest, body_digest
from src.services.database.connection import Database, is_locked
from src.services.database.course_rows import brief_columns
from src.services.database.outbox import put_messages
from src.services.database.statements import sql
from src.services.database.user_limits import NO_LIMITS, UserLimits, check_limits


class Reception(Enum):
    """What became of a valid request. In each case the message can be acknowledged."""

    ACCEPTED = auto()
    STILL_OPEN = auto()
    RESULT_REPEATED = auto()
    CONFLICT = auto()


class Intake:
    """Accepts and refuses requests. Each call is one transaction."""

    def __init__(self, database: Database, limits: UserLimits = NO_LIMITS) -> None:
        self._database = database
        self._limits = limits

    async def accept(
        self,
        request: IdentifiedRequest,
        body: bytes,
        *,
        redelivered: bool,
        reply: ReplyAddress | None,
        waited: bool = False,
    ) -> tuple[Reception, UUID]:
        """Makes the course of `request`, or finds the one that was made before; returns which, and the course's id.

        Raises `LimitExceeded` if the user has as many courses as one may have: then there is no new one. Raises
        `RequestLocked` if somebody else holds a lock that this needs. It waits for none longer than 0.1 s.
        `waited`: the request was locked before, so another delivery of the same message has ended long ago.
        """
        body_hash = None if request.id_given else body_digest(body)
        conflict = RequestIdConflict("request_id: was used before for a different request of this user")
        # Made before the unit of work, which writes the same messages if it is run again, and no new ones.
        refusals = refusal_messages(conflict, request.request_id, request.user_id, reply)

        def work(connection: Connection) -> tuple[Reception, UUID]:
            known = request
            try:
                connection.execute(sql("short_locks"))
                if body_hash is not None:
                    known = _recognised(connection, request, body_hash, redelivered=redelivered, waited=waited)
                return _accept(connection, known, body_hash, reply, refusals, self._limits), known.course_id
            except DBAPIError as error:
                if is_locked(error):
                    raise RequestLocked(request.user_id) from error
                raise

        return await self._database.run(work)

    async def refuse(self, messages: Sequence[Message]) -> None:
        """Puts what is published about a request that makes no course into the outbox."""

        def work(connection: Connection) -> None:
            put_messages(connection, messages)

        await self._database.run(work)


def _recognised(
    connection: Connection, request: IdentifiedRequest, body_hash: str, *, redelivered: bool, waited: bool
) -> IdentifiedRequest:
    """Returns `request`; if this is not its first delivery, with the id that was made up at the first."""
    if not connection.execute(sql("lock_body"), {"body_hash": body_hash}).scalar_one() and not waited:
        raise RequestLocked(request.user_id)
    if not redelivered:
        return request
    values = {"body_hash": body_hash, "user_id": request.user_id, "within": RECOGNISED_WITHIN.total_seconds()}
    first_id = connection.execute(sql("course_of_body"), values).scalar_one_or_none()
    return request if first_id is None else request.model_copy(update={"request_id": first_id})


def _accept(
    connection: Connection,
    request: IdentifiedRequest,
    body_hash: str | None,
    reply: ReplyAddress | None,
    refusals: Sequence[Message],
    limits: UserLimits,
) -> Reception:
    course_id = request.course_id
    if put_request(connection, request, body_hash):
        check_limits(connection, request.user_id, course_id, limits)
        _add_reply(connection, course_id, reply)
        return Reception.ACCEPTED

    known = {"user_id": request.user_id, "request_id": request.request_id}
    course = connection.execute(sql("accepted_course"), known).mappings().one()
    if course["request_hash"] != request.request_hash:
        put_messages(connection, refusals)
        return Reception.CONFLICT
    values = {
        "course_id": course["id"],
        "reply_to": reply.queue if reply else None,
        "correlation_id": reply.correlation_id if reply else None,
    }
    if connection.execute(sql("repeat_result"), values).scalar_one():
        return Reception.RESULT_REPEATED
    _add_reply(connection, course["id"], reply)
    return Reception.STILL_OPEN


def put_request(connection: Connection, request: IdentifiedRequest, body_hash: str | None) -> bool:
    """Makes the course of a request, QUEUED. Returns False if the request has a course already."""
    inserted = connection.execute(
        sql("insert_request"),
        {
            "course_id": request.course_id,
            "user_id": request.user_id,
            **brief_columns(request),
            "request_id": request.request_id,
            "request": request.model_dump_json(exclude={"id_given"}),
            "request_hash": request.request_hash,
            "body_hash": body_hash,
        },
    ).scalar_one_or_none()
    return inserted is not None


def _add_reply(connection: Connection, course_id: UUID, reply: ReplyAddress | None) -> None:
    if reply is not None:
        values = {"course_id": course_id, "reply_to": reply.queue, "correlation_id": reply.correlation_id}
        connection.execute(sql("add_reply"), values)
