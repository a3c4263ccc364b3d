"""Measures whether a worker takes requests in as fast with a backlog of thousands as with none (fault 39).

    python -m benchmarks.intake_speed [--requests 10000]

A worker with two slots gets that many requests. The time for each tenth of them is taken from the rows that it has
committed. All figures are from one run on one machine: compare only their ratios.
"""

import argparse
import statistics
import sys
import time
from itertools import pairwise

from benchmarks.worker_speed import worker
from src.services import DatabaseService

_SLOWEST = 2.0
"""How many times as long as the first tenths the last ones may take."""


def main() -> None:
    """Prints the rate for each tenth of the requests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    with worker(0.5, WORKER_SLOTS="2") as (client, services):
        database = DatabaseService(services.postgres.settings("learningdb"))
        for number in range(options.requests):
            client.publish(f"Cells {number}")
        times = _accepted(database, options.requests + 1)  # one more has started the worker
        database.disconnect()
    seconds = [after - before for before, after in pairwise(times[(len(times) - 1) * n // 10] for n in range(11))]
    for number, taken in enumerate(seconds, start=1):
        print(f"tenth {number:2}   {len(times) / 10 / taken:8.0f} requests a second")
    ratio = statistics.mean(seconds[-3:]) / statistics.mean(seconds[:3])
    print(f"the last three tenths took {ratio:.2f} times as long as the first three (at most {_SLOWEST})")
    if ratio > _SLOWEST:
        sys.exit("too slow")


def _accepted(database: DatabaseService, number: int) -> list[float]:
    """Waits until `number` requests are committed; returns the times of all but the first, in seconds and in order."""
    with database.get_cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) AS number FROM courses")
            row = cursor.fetchone()
            if row is not None and row["number"] >= number:
                break
            cursor.connection.rollback()
            time.sleep(0.5)
        cursor.execute("SELECT extract(epoch FROM created_at)::float AS at FROM courses ORDER BY created_at")
        return [float(row["at"]) for row in cursor.fetchall()][1:]


if __name__ == "__main__":
    main()
