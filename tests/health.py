"""A worker's HTTP port, as an orchestrator and Prometheus see it."""

import json
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from src.devtools.local_service import HOST, HeldPort
from tests.waiting import eventually


class Health:
    """An HTTP port, which a worker has if it is started with `settings`. All may be asked while no worker is there."""

    def __init__(self) -> None:
        self._held = HeldPort()
        self.settings = {"HEALTH_PORT": str(self._held.number)}

    @property
    def is_live(self) -> bool:
        return self._get("live")[0] == 200

    @property
    def ready(self) -> tuple[int, dict[str, bool]]:
        """The HTTP status (0 if nobody answers), and for each thing that the worker needs whether it is there."""
        status, text = self._get("ready")
        return status, json.loads(text) if text else {}

    @property
    def is_ready(self) -> bool:
        return self.ready[0] == 200

    def metrics(self) -> dict[str, float]:
        """Returns the values by name, or by name and labels if there are any: `name{label="value"}`."""
        values = {}
        for family in text_string_to_metric_families(self._get("metrics")[1]):
            for sample in family.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                values[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return values

    def metrics_with_backlog(self) -> dict[str, float]:
        """Returns the same once the backlog is in it, which a worker leaves out if its database is slow to answer."""

        def look() -> dict[str, float] | None:
            values = self.metrics()
            return values if "course_generator_courses_waiting" in values else None

        return eventually(look, "the backlog is told") or {}

    def gauge(self, name: str) -> float:
        """Returns one of the worker's own values; -1 if the worker doesn't tell it."""
        return self.metrics().get(f"course_generator_{name}", -1)

    def _get(self, page: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._held.number}/{page}") as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""
