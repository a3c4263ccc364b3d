"""What a row, or somebody who can write where files lie, has a worker read and write."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from src.domain.folder import folder_name
from tests.conftest import Workers
from tests.sql import Psql
from tests.upstream import Upstream
from tests.waiting import eventually
from tests.worker_process import WorkerProcess

pytestmark = pytest.mark.attack


def everything(folder: Path) -> dict[str, bytes | None]:
    """Each path below a folder, with what is in it if it is a file."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_wherever_a_row_says_the_folder_is_nothing_is_written_outside_or_over_anothers(
    workers: Workers, upstream: Upstream, psql: Psql, tmp_path: Path, user_id: str
) -> None:
    worker = workers.start()
    upstream.request(user_id, num_lessons=1)
    courses = tmp_path / "courses"
    victim = Path(upstream.result().fields["output_path"]).name
    eventually(lambda: (courses / victim / "course.md").exists(), "the files are there")
    before = everything(tmp_path)
    paths = ["x/..", ".", "y/.files-only", f"other/{victim}", str(tmp_path / "absolute"), "courses"]
    for path in paths:
        psql.run(
            "INSERT INTO courses (user_id, topic, title, grade_level, status, output_path, generated_at, outline_json)"
            f" VALUES ('{user_id}', 'Planted', 'Planted', 'g', 'READY', '{path}', now() - interval '1 hour',"
            """ '{"title": "Planted", "description": "d", "lessons": []}')"""
        )
    assert worker.stop() == 0
    worker = workers.start()  # whose first duty is to look for what isn't mirrored
    owed = "SELECT count(*) FROM courses WHERE mirrored_at IS NULL"
    eventually(lambda: psql.value(owed) == 0, "they are mirrored")
    after = everything(tmp_path)
    assert {path: after[path] for path in before} == before
    assert len({path for path in after.keys() - before.keys() if path.endswith("course.json")}) == len(paths)
    new = {path.split("/")[1] for path in after.keys() - before.keys() if path.startswith("courses/")}
    assert all(name.startswith("planted-g-") for name in new)
    assert not (tmp_path / "absolute").exists()
    assert worker.stop() == 0


def planted(kind: str, path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "sixteen gigabytes":
        path.touch()
        os.truncate(path, 2**34)
    else:
        path.symlink_to({"link": target, "device": Path("/dev/zero")}[kind])


@pytest.mark.parametrize("kind", ["fifo", "link", "device", "folder"])
@pytest.mark.parametrize("name", ["course.json", "course.md"])
def test_what_lies_in_the_place_of_a_courses_files_is_named_and_left(
    workers: Workers, upstream: Upstream, tmp_path: Path, user_id: str, kind: str, name: str
) -> None:
    (victim := tmp_path / "victim").write_text("mine")
    folder = folder_name("Cell Biology", "Grade 8", uuid5(UUID(user_id), "r-1"))
    planted(kind, place := tmp_path / "courses" / folder / name, victim)
    worker = workers.start()
    upstream.request(user_id, request_id="r-1", num_lessons=1)
    assert upstream.result().fields["status"] == "success"
    assert f"{name} is no regular file; remove it" in worker.wait_for("mirror_failed")["error"]
    assert worker.stop() == 0
    assert victim.read_text() == "mine"
    assert not place.is_file() or place.is_symlink()


@pytest.mark.parametrize(
    "plant",
    [
        lambda folder, victim: planted("fifo", folder / "request.json", victim),
        lambda folder, victim: planted("link", folder / "request.json", victim),
        lambda folder, victim: planted("device", folder / "request.json", victim),
        lambda folder, victim: planted("folder", folder / "request.json", victim),
        lambda folder, victim: planted("link", folder, victim.parent / "elsewhere"),
        lambda folder, victim: planted("sixteen gigabytes", folder / "request.json", victim),
    ],
    ids=["fifo", "link", "device", "folder", "link in place of the course", "sixteen gigabytes"],
)
def test_what_lies_in_the_place_of_a_request_on_disk_is_named_and_the_worker_stops_in_time(
    workers: Workers, upstream: Upstream, tmp_path: Path, user_id: str, plant: Callable[[Path, Path], object]
) -> None:
    (victim := tmp_path / "victim").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "request.json").write_text("{}")
    before = everything(tmp_path / "elsewhere")
    course = uuid5(UUID(user_id), "r-1")
    plant(tmp_path / "courses" / ".files-only" / str(course), victim)
    worker = workers.start(WORKER_GRACE="5")
    worker.wait_for("import_failed", course_id=str(course))
    upstream.request(user_id, request_id="r-1", num_lessons=1)  # what lies there keeps it from nothing
    assert upstream.result().fields["status"] == "success"
    assert worker.stop() == 0
    assert victim.read_text() == "mine"
    assert everything(tmp_path / "elsewhere") == before


def test_what_lies_among_the_sources_is_left_out(environment: dict[str, str], tmp_path: Path, psql: Psql) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (tmp_path / "secret.md").write_text("# Secret\n\nThe key is under the mat, and nobody else may know of that.")
    (sources / "good.md").write_text("# Cells\n\nA cell has a membrane. The membrane is the border of the cell.")
    os.mkfifo(sources / "fifo.md")
    (sources / "out.md").symlink_to(tmp_path / "secret.md")
    (sources / "device.md").symlink_to("/dev/zero")
    (sources / "above").symlink_to(tmp_path)
    (sources / "inside.md").symlink_to(sources / "good.md")
    added = WorkerProcess(environment, tmp_path, "sources", "add", str(sources))
    assert added.wait() == 0, added
    assert psql.value("SELECT array_agg(path ORDER BY path) FROM source_documents") == ["good.md", "inside.md"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_folder_for_requests_that_somebody_made_beforehand_is_refused_and_keeps_no_course_from_the_database(
    environment: dict[str, str], workers: Workers, upstream: Upstream, tmp_path: Path, user_id: str
) -> None:
    (planted := tmp_path / "courses" / ".files-only").mkdir(parents=True)
    planted.chmod(0o777)
    os.chown(planted, 65534, -1)
    worker = workers.start()
    assert "belongs to user 65534" in worker.wait_for("files_unreadable")["error"]
    upstream.request(user_id, num_lessons=1)
    assert upstream.result().fields["status"] == "success"
    assert worker.stop() == 0
    reconciled = WorkerProcess(environment, tmp_path, "reconcile")
    assert reconciled.wait() == 1
    assert "move the folder away" in str(reconciled)
    without = workers.launch(DB_HOST="127.0.0.1", DB_PORT="1", DB_PATIENCE="0.1")
    upstream.request(user_id, request_id="r-2", num_lessons=1)
    assert "belongs to user 65534" in without.wait_for("files_only_failed")["exception"]
    assert list(planted.iterdir()) == []
    assert without.stop() == 0


def test_what_users_asked_for_is_not_for_everybody_to_read(
    workers: Workers, upstream: Upstream, tmp_path: Path, user_id: str
) -> None:
    worker = workers.launch(DB_HOST="127.0.0.1", DB_PORT="1", DB_PATIENCE="0.1")
    upstream.request(user_id, num_lessons=1)
    result = upstream.result().fields
    assert (result["status"], result["stored_in"]) == ("success", "files")
    assert (tmp_path / "courses" / ".files-only").stat().st_mode & 0o777 == 0o700
    assert json.loads((Path(result["output_path"]) / "course.json").read_text())
    assert worker.stop() == 0
