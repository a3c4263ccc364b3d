"""What `make check` says of imports against the direction of the house, tried on a copy of it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src.operations.known_schema import ROOT

# A module, and what it must not import. Slices are made for the test: those that exist need not be there.
CROSSED = {
    "src/domain/backoff.py": "src.services.duty",
    "src/config/settings.py": "src.services.duty",
    "src/services/broker/progress.py": "src.services.model.brake",
    "src/services/model/brake.py": "src.services.sources.library",
    "src/services/files/mirror.py": "src.services.sources.search",
    "src/services/sources/search.py": "src.services.files.mirror",
    "src/services/model/budget.py": "src.services.database.connection",
    "src/services/database/outbox.py": "src.services.broker.publisher",
    "src/consumers/pruner.py": "src.services.database.statements",
    "src/consumers/rescuer.py": "src.operations.health",
    "src/operations/health.py": "src.consumers.rescuer",
    "src/worker.py": "src.devtools.local_services",
    "src/learning/__init__.py": "src.mastery",
    "src/mastery/__init__.py": "src.consumers.pruner",
    "src/tutoring/__init__.py": "src.worker",
    "src/services/crash_points.py": "src.tutoring",
}


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of what the linter looks at, with two slices more in it."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("src", "migrations"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for slice_ in ("learning", "mastery", "tutoring"):
        (tmp_path / "src" / slice_).mkdir(exist_ok=True)
        (tmp_path / "src" / slice_ / "__init__.py").write_text("from src.services import duty\n")
    return tmp_path


def test_slices_may_come_and_go(house: Path) -> None:
    assert linted(house).returncode == 0
    shutil.rmtree(house / "src" / "mastery")
    assert linted(house).returncode == 0
    (house / "src" / "unplanned").mkdir()
    (house / "src" / "unplanned" / "__init__.py").touch()
    refused = linted(house)
    assert refused.returncode == 1
    assert "unplanned" in refused.stdout


def test_every_wall_that_is_crossed_is_named(house: Path) -> None:
    for module, imported in CROSSED.items():
        file = house / module
        file.write_text(f"{file.read_text()}\nimport {imported}\n")
    done = linted(house)
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    for module, imported in CROSSED.items():
        name = module.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
        assert f"{name} -> {imported} (l." in said, f"{name} may import {imported}"
