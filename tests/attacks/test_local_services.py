"""What another user of the machine sees of a developer's services."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.local_house import call, copied, started
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.attack, pytest.mark.usefixtures("rabbitmq")]

SECRET = "OPENAI_PRICE_INPUT=4711"


@pytest.fixture
def house() -> Iterator[Path]:
    with copied(below="private") as folder:
        (folder / ".env").write_text(SECRET)
        (folder / ".env").chmod(0o644)
        yield folder
        subprocess.run(["./scripts/remove-elsewhere"], cwd=folder, check=True)


def modes(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mode for path in [folder, *folder.parents]}


def readable_by_all(path: Path) -> list[str]:
    """What of a folder anybody may read or list."""
    mode = path.lstat().st_mode
    inside = list(path.iterdir()) if path.is_dir() and not path.is_symlink() and mode & 0o001 else []
    found = [str(path)] if mode & 0o004 and not path.is_symlink() else []
    return [*found, *(each for one in inside for each in readable_by_all(one))]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as another user")
def test_below_a_closed_folder_nothing_is_opened_for_the_services_of_root(house: Path) -> None:
    before = modes(house)
    call(house, "demo")
    assert modes(house) == before
    cat = subprocess.run(["cat", str(house / ".env")], user="nobody", group="nogroup", extra_groups=[], cwd="/")
    assert cat.returncode != 0
    elsewhere = (house / ".services" / "postgres" / "elsewhere").resolve()
    assert (elsewhere / "data" / "PG_VERSION").exists()
    assert readable_by_all(house / ".services") == []
    assert readable_by_all(elsewhere / "data") == []
    subprocess.run(["./scripts/remove-elsewhere"], cwd=house, check=True)
    assert not elsewhere.exists()


def test_no_password_is_on_a_command_line_or_in_a_file_that_others_can_read() -> None:
    with copied() as folder:
        running = started(folder)
        try:
            state = json.loads((folder / ".services" / "state.json").read_text())
            passwords = [state["postgres_password"], state["rabbitmq_password"]]
            lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
            assert not [line for line in lines for password in passwords if password in line]
            assert readable_by_all(folder / ".services") == []
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("target", ["/", "/var/lib", "/var/lib/course-generator/../../tmp/x", "relative"])
def test_a_link_that_somebody_planted_has_nothing_removed(tmp_path: Path, target: str) -> None:
    """`make clean` follows it to where the data of root's server lies, and to nothing else."""
    (tmp_path / ".services" / "postgres").mkdir(parents=True)
    (tmp_path / ".services" / "postgres" / "elsewhere").symlink_to(target)
    script = Path(sys.modules["src"].__file__ or "").parents[1] / "scripts" / "remove-elsewhere"
    trace = subprocess.run(["sh", "-x", str(script)], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "rm " not in trace.stderr
