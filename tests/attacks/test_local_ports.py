"""Another account takes the ports of a developer's services, which everybody knows, where it can."""

import json
import signal
from pathlib import Path

import pytest

from src.devtools.local_rabbitmq import DockerRabbitMQ
from src.devtools.local_reaper import Reaper
from src.devtools.local_service import LocalServiceError, free_port
from src.devtools.local_services import LocalServices
from tests.attacks.strangers import listening, only_root
from tests.local_house import call, copied, started
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.attack, pytest.mark.usefixtures("rabbitmq"), only_root]


def test_while_services_are_away_a_stranger_is_told_no_password_by_the_worker() -> None:
    with copied() as folder:
        running = started(folder)
        try:
            state = json.loads((folder / ".services" / "state.json").read_text())
            postgres, rabbitmq = state["postgres_port"], state["rabbitmq_port"]
            call(folder, "stop", "rabbitmq")
            call(folder, "stop", "postgres")
            with listening(rabbitmq) as stranger:
                assert stranger.next_line() == f"{rabbitmq} is not to be had"
            with listening(postgres) as stranger:
                assert stranger.next_line() == f"{postgres} is taken"
                assert stranger.next_line() == f"{postgres} was told b''"
            call(folder, "start", "postgres")
            call(folder, "start", "rabbitmq")
        finally:
            running.send_signal(signal.SIGINT)
            output, _ = running.communicate(timeout=PATIENCE)
        assert running.returncode == 0, output


def test_ports_that_a_stranger_took_before_the_start_are_given_up_and_the_brokers_password_with_them(
    reaper: Reaper,
) -> None:
    folder = reaper.folder / "taken"
    services = LocalServices(folder)
    with services.reserved():
        services.start()
        before = services.environment()
        services.stop()
    services = LocalServices(folder)
    ports = services.postgres.port, services.rabbitmq.port
    with listening(*ports) as stranger, services.reserved():
        assert {stranger.next_line(), stranger.next_line()} == {f"{port} is taken" for port in ports}
        services.start()
        services.stop()
        assert stranger.end() == ""
    assert {services.postgres.port, services.rabbitmq.port}.isdisjoint(ports)
    assert services.environment()["RABBITMQ_PASSWORD"] != before["RABBITMQ_PASSWORD"]


def test_a_stranger_who_listens_instead_of_the_container_is_told_no_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\n")  # as if the container ran, and its port were not its own
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    port = free_port()
    with listening(port) as stranger:
        assert stranger.next_line() == f"{port} is taken"
        with pytest.raises(LocalServiceError, match=f"Port {port} was taken by another account"):
            DockerRabbitMQ(port=port).start()
        assert stranger.end() == ""
