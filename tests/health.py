"""A worker's HTTP port, as an orchestrator and Prometheus see it."""

import json
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from src.devtools.local_service import HOST, HeldPort
from tests.waiting import eventually


class Health:
    """Start a worker with `settings`; it may be there or not."""

    def __init__(self) -> None:
        self._held = HeldPort()
        self.settings = {"HEALTH_PORT": str(self._held.number)}

    @property
    def is_live(self) -> bool:
        return self._get("live")[0] == 200

    @property
    def ready(self) -> tuple[int, dict[str, bool]]:
        """The status (0: nobody answers) and what is there."""
        status, text = self._get("ready")
        return status, json.loads(text) if text else {}

    @property
    def is_ready(self) -> bool:
        return self.ready[0] == 200

    def metrics(self) -> dict[str, float]:
        """Values by name, and by name and labels where there are some: `name{label="value"}`."""
        values = {}
        for family in text_string_to_metric_families(self._get("metrics")[1]):
            for sample in family.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                values[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return values

    def metrics_with_backlog(self) -> dict[str, float]:
        """The same, as soon as the worker could ask its database too: on a slow machine it tells the rest without."""

        def look() -> dict[str, float] | None:
            values = self.metrics()
            return values if "course_generator_courses_waiting" in values else None

        return eventually(look, "the backlog is told") or {}

    def gauge(self, name: str) -> float:
        """One of the worker's own values; -1 where it isn't told."""
        return self.metrics().get(f"course_generator_{name}", -1)

    def _get(self, page: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._held.number}/{page}") as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""
