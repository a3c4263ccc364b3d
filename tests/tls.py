"""Certificates that a test makes, and servers that want them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.devtools.local_service import HOST, HeldPort
from tests.system_postgres import system_programs

_OWNER = "postgres"


@dataclass(frozen=True)
class Certificates:
    """An authority, and what it has signed: a server on this machine, and a client by the name of `course`."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "authority.crt"

    def pair(self, name: str) -> tuple[Path, Path]:
        """A certificate and its key."""
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"


def certificates(folder: Path) -> Certificates:
    """Makes them with openssl."""
    folder.mkdir(parents=True)
    made = Certificates(folder)
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    crt, key = made.pair("authority")
    _run([*new, "-subj", "/CN=authority", "-keyout", key, "-out", crt])
    for name, subject in (("server", "/CN=server"), ("client", "/CN=course")):
        crt, key = made.pair(name)
        extension = ["-addext", f"subjectAltName=IP:{HOST},DNS:localhost"]
        signed = ["-CA", made.authority, "-CAkey", made.pair("authority")[1]]
        _run([*new, *signed, "-subj", subject, *extension, "-keyout", key, "-out", crt])
        key.chmod(0o600)
    return made


@contextmanager
def postgres_with_tls(folder: Path, made: Certificates) -> Iterator[int]:
    """Yields the port of a server that takes a client with a certificate of the authority, and no other."""
    # That of the wheel has no TLS.
    programs, data, held = system_programs(), folder / "data", HeldPort()
    as_root = os.geteuid() == 0
    folder.mkdir()
    data.mkdir()
    if as_root:
        shutil.chown(data, _OWNER)

    def run(program: str, *arguments: object) -> None:
        owner = {"user": _OWNER, "group": _OWNER, "extra_groups": []} if as_root else {}
        _run([programs / program, *arguments], **owner)

    run("initdb", "-D", data, "-U", "course", "-A", "trust", "-E", "UTF8", "--no-sync")
    for source, name in (
        (made.authority, "root.crt"),
        *zip(made.pair("server"), ("server.crt", "server.key"), strict=True),
    ):
        shutil.copy(source, data / name)
        (data / name).chmod(0o600)
        if as_root:
            shutil.chown(data / name, _OWNER)
    (data / "pg_hba.conf").write_text(f"hostssl all all {HOST}/32 cert\n")
    options = "-c ssl=on -c ssl_ca_file=root.crt -c unix_socket_directories='' -c fsync=off"
    options += f" -c listen_addresses={HOST} -p {held.number}"
    run("pg_ctl", "-D", data, "-w", "-l", data / "log", "-o", options, "start")
    try:
        yield held.number
    finally:
        run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


@contextmanager
def rabbitmq_with_tls(folder: Path, made: Certificates) -> Iterator[tuple[LocalRabbitMQ, int]]:
    """Yields a broker and its port for TLS, where it takes a client with a certificate of the authority alone."""
    held, broker = HeldPort(), LocalRabbitMQ(folder)
    crt, key = made.pair("server")
    broker.start(
        f"listeners.ssl.local = {HOST}:{held.number}\n"
        f"ssl_options.cacertfile = {made.authority}\n"
        f"ssl_options.certfile = {crt}\n"
        f"ssl_options.keyfile = {key}\n"
        "ssl_options.verify = verify_peer\n"
        "ssl_options.fail_if_no_peer_cert = true\n"
    )
    try:
        yield broker, held.number
    finally:
        broker.stop()


def _run(command: list[object], **options: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd="/", **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
