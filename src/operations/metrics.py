"""The metrics for Prometheus, at `/metrics` on HEALTH_PORT.

Log lines are counted by their stable `action`, whatever the log level, so that an alarm can be set on anything that can
be looked for in the logs. Everything else is measured when the page is asked for.
"""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from structlog.typing import EventDict

_PREFIX = "course_generator_"
GAUGES = {
    "slots": "Courses that this process works on at most",
    "slots_in_use": "Courses that this process works on",
    "model_calls_limit": "Calls to the model that may be open at once; fewer than usual while it is busy",
    "model_calls_open": "Calls to the model that are open",
    "publishing_seconds": "For how long the broker has owed a confirm, of results or replies; grows in an alarm",
    "model_paused_seconds": "For how long no call to the model will be opened, because it asked for a wait",
    "courses_waiting": "Courses in the queue of the database that are due and that nobody works on",
    "courses_later": "Courses in the queue of the database that are not due: put off, or paused",
    "courses_running": "Courses in the queue of the database that a worker works on",
    "oldest_course_seconds": "For how long the oldest of the waiting courses has been in the queue",
    "requests_set_aside": "Requests that wait until somebody's lock on rows of their user is gone",
    "messages_waiting": "Messages in the outbox that are not published",
    "messages_dead": "Messages in the outbox that can't be published, until an operator acts",
    "oldest_message_seconds": "For how long the oldest message in the outbox has been waiting",
    "files_owed": "Courses that are READY and not mirrored to files yet",
}
"""The gauges: the name of each, without its prefix, and its help text."""


class Metrics(Collector):
    """The metrics of one process: counters of its log lines, and gauges that are set when the page is made."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._events = Counter(_PREFIX + "events", "Log lines by action", ["action", "level"], registry=self._registry)
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        self._ready: Mapping[str, bool] = {}
        self._gauges: Mapping[str, float] = {}
        self._descriptions: Mapping[str, str] = GAUGES

    def count(self, _logger: object, level: str, event: EventDict) -> EventDict:
        """Counts a log line by its action and level; returns it unchanged. This is a processor of structlog."""
        if action := event.get("action"):
            self._events.labels(str(action), level).inc()
        return event

    def page(self, ready: Mapping[str, bool], gauges: Mapping[str, float], descriptions: Mapping[str, str]) -> bytes:
        """Returns the page that Prometheus reads.

        `ready` says of each thing that the worker needs whether it is there; `gauges` has values by names of `GAUGES`,
        or of `descriptions`, which are those of optional parts; what neither names is left out.
        """
        self._descriptions = {**GAUGES, **descriptions}
        self._ready = ready
        self._gauges = {name: value for name, value in gauges.items() if name in self._descriptions}
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Yields readiness and gauges; the registry calls this."""
        ready = GaugeMetricFamily(_PREFIX + "ready", "1: this part that the worker needs is there", labels=["part"])
        for part, is_there in self._ready.items():
            ready.add_metric([part], float(is_there))
        yield ready
        for name, value in self._gauges.items():
            yield GaugeMetricFamily(_PREFIX + name, self._descriptions[name], value)
