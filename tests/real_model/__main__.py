"""A course of one lesson by a real model, from nothing: `make real-model`. It takes up to an hour on two cores.

It ends with exit code 0 if the course is READY, and if it failed by what the model wrote (`model_output_invalid`); any
other end is a fault of the protocol.
"""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from src.devtools.local_service import HOST, free_port
from src.operations.known_schema import ROOT
from tests.real_model.packages import library, model_file

FOLDER = ROOT / ".services" / "real-model"
CONTEXT_TOKENS = 8192
SETTINGS = {
    "OPENAI_CONTEXT_TOKENS": str(CONTEXT_TOKENS),
    "OPENAI_MAX_OUTPUT_TOKENS": "3500",
    "OPENAI_MAX_CONCURRENT": "1",
    "OPENAI_STREAM": "on",
    "OPENAI_DEADLINE": "1800",
    "OPENAI_LESSON_DEADLINE": "3600",
    "COURSE_DEADLINE": "7200",
}


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    print("Getting llama.cpp's server and a model of 1.1 GB …", flush=True)
    port = free_port()
    arguments = [str(library(FOLDER)), str(model_file(FOLDER)), str(port), str(CONTEXT_TOKENS)]
    with (FOLDER / "server.log").open("wb") as log:
        serve = [sys.executable, str(Path(__file__).with_name("serve.py")), *arguments]
        with subprocess.Popen(serve, stdout=log, stderr=log) as server:
            try:
                base_url = f"http://{HOST}:{port}/v1"
                wait_until_loaded(base_url, server)
                return course(base_url, arguments[1])
            finally:
                server.terminate()


def wait_until_loaded(base_url: str, server: "subprocess.Popen[bytes]") -> None:
    """Returns when the server answers. Raises `SystemExit` if it ends before."""
    while server.poll() is None:
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{base_url}/models"):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    raise SystemExit(f"the server has ended: see {FOLDER / 'server.log'}")


def course(base_url: str, model: str) -> int:
    environment = {**os.environ, **SETTINGS, "OPENAI_BASE_URL": base_url, "OPENAI_MODEL": model}
    demo = [sys.executable, "app.py", "local", "demo", "--lessons", "1"]
    said = ""
    with subprocess.Popen(demo, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, bufsize=1) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            said += line
    return 0 if "model_output_invalid" in said else running.returncode


if __name__ == "__main__":
    sys.exit(main())
