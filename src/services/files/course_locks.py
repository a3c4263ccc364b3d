"""Locks and leases, which say who may write to the folder of a course that is written with files only."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from src.domain.course import Lease
from src.domain.errors import LeaseLost
from src.services.files.course_folder import CourseFolder


class CourseLocks:
    """Keeps all but one attempt from a course.

    The lock of a course's folder keeps other processes out; it falls with the process that holds it. A lease keeps out
    attempts of this process that have ended. Every call may wait for the disk, so none belongs into the event loop.
    """

    def __init__(self, output_dir: Path) -> None:
        self._output_dir = output_dir
        # Each holds its lock until it is closed.
        self._locks: dict[UUID, int] = {}
        self._leases: dict[UUID, UUID] = {}
        self._guard = threading.Lock()

    def lock(self, course_id: UUID) -> bool:
        """Locks the folder. Returns False if it isn't there, or if somebody has it, in this or another process.

        Raises `OSError` if the folder can't be used, see `CourseFolder`.
        """
        with self._guard:
            if course_id in self._locks:
                return False
            lock = CourseFolder(self._output_dir, course_id).lock()
            if lock is not None:
                self._locks[course_id] = lock
            return lock is not None

    def unlock(self, course_id: UUID) -> None:
        """Ends the lease, if there is one, and lets others have the folder."""
        with self._guard:
            self._leases.pop(course_id, None)
            lock = self._locks.pop(course_id, None)
        if lock is not None:
            os.close(lock)

    def lease(self, course_id: UUID) -> UUID:
        """Begins an attempt at a course whose folder is locked, and returns its lease."""
        with self._guard:
            lease = self._leases[course_id] = uuid4()
        return lease

    @contextmanager
    def held(self, lease: Lease, *, ends: bool = False) -> Iterator[None]:
        """Proves the lease and keeps it for the block; with `ends`, it ends after that. Raises `LeaseLost`."""
        with self._guard:
            if self._leases.get(lease.course_id) != lease.lease_id:
                raise LeaseLost(f"attempt {lease.attempt} at course {lease.course_id} has ended")
            yield
            if ends:
                del self._leases[lease.course_id]
