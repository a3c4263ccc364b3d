"""Another account of this machine, as which a test runs a program."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another account")
NOBODY = "nobody"
SERVER = "pgserver"
"""As which root's PostgreSQL runs."""

# Python may lie where the other account can't reach it, so it becomes that account when everything is loaded.
_BECOME = """
import fcntl, os, socket, struct, sys, threading
os.setgroups([]); os.setgid({gid}); os.setuid({uid})
"""
_LISTEN = """
def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # in one piece, as others say something too

def serve(port, client):
    question = client.recv(1024)
    if question.startswith(b"AMQP"):
        start = struct.pack(">HHBBI", 10, 10, 0, 9, 0)
        start += b"".join(struct.pack(">I", len(text)) + text for text in (b"PLAIN", b"en_US"))
        client.sendall(b"\\x01" + struct.pack(">HI", 0, len(start)) + start + b"\\xce")
    else:
        client.sendall(b"R" + struct.pack(">II", 8, 3))  # AuthenticationCleartextPassword
    answer = client.recv(4096)
    say(port, "was told", answer)
    client.close()

def listen(port):
    for option in (0, socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        taken = socket.socket()
        if option:
            taken.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            taken.bind(("127.0.0.1", port))
            taken.listen()
        except OSError:
            continue
        say(port, "is taken")
        while True:
            serve(port, taken.accept()[0])
    say(port, "is not to be had")

for port in sys.argv[1:]:
    threading.Thread(target=listen, args=[int(port)]).start()
"""


@contextmanager
def running(account: str, code: str, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """Runs Python as the account, until the block ends."""
    entry = pwd.getpwnam(account)
    code = _BECOME.format(uid=entry.pw_uid, gid=entry.pw_gid) + code
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/") as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def listening(*ports: int) -> Iterator["Listener"]:
    """Lets a stranger try to take ports, and ask for a password in clear whoever comes there."""
    with running(NOBODY, _LISTEN, *ports) as process:
        yield Listener(process)


class Listener:
    """What the stranger says: which ports he got, and what he was told."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def next_line(self) -> str:
        """Waits for the next thing that he says."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def end(self) -> str:
        """Ends him; returns what he has said since."""
        self._process.kill()
        return self._process.communicate()[0]
