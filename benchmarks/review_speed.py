"""Measures what the review of a lesson costs, against the version before the gates were made for every subject.

    python -m benchmarks.review_speed [--rounds 15] [--before 4ea74f1]

Two processes, one with the code of either version, take turns at the same lessons of the corpus, of about 9 KB each.
What counts is their CPU time, for lessons that they have never seen: what is kept of texts is forgotten before each
review, and the first round, which reads tables, isn't counted. Exits with 1 if today's review takes more than half of
the time.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LESSONS = ROOT / "tests" / "corpus" / "lessons"

BEFORE = "4ea74f1"
MOST_OF_BEFORE = 0.5
"""The share of the CPU time of the version before that a review may take."""
LEAST_BYTES, MOST_BYTES = 7_500, 10_500
"""The sizes of the lessons that are reviewed, as JSON in UTF-8 without spaces for looks."""
_OTHERS_FOR_ONE = 2
"""For so many lessons in English, one in another language is reviewed."""
_SMALLEST_TEXT_CACHE = 128
"""A cache of so many entries or more keeps what was found in texts; smaller ones keep tables of languages."""


def main() -> None:
    """Prints the times of both versions for each lesson; exits with 1 if today's is too slow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="how often each lesson is reviewed by each version")
    parser.add_argument("--before", default=BEFORE, help="the commit that today's code is compared with")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        _serve()
        return
    paths = lessons_of_size()
    with source_of(options.before) as before, reviewer(before) as old, reviewer(ROOT) as new:
        times = taken(paths, options.rounds, old, new)
    print(f"{'lesson':28} {'bytes':>6} {options.before:>10} {'now':>9} {'share':>7}")
    for path, (was, now) in times.items():
        print(f"{path.stem:28} {size(path):6} {was * 1000:7.1f} ms {now * 1000:6.1f} ms {now / was:7.2f}")
    was, now = (statistics.mean(column) for column in zip(*times.values(), strict=True))
    share = now / was
    print(f"{'mean':28} {'':6} {was * 1000:7.1f} ms {now * 1000:6.1f} ms {share:7.2f}   (at most {MOST_OF_BEFORE})")
    if share > MOST_OF_BEFORE:
        sys.exit("a review costs too much")


def size(path: Path) -> int:
    """Returns how many bytes the text of a lesson of the corpus has."""
    text = json.loads(path.read_text())["text"]
    return len(json.dumps(text, ensure_ascii=False, separators=(",", ":")).encode())


def lessons_of_size() -> list[Path]:
    """Returns the lessons of the corpus that are about as large as agreed: all in English, and half as many others."""
    fitting = [path for path in sorted(LESSONS.glob("*.json")) if LEAST_BYTES <= size(path) <= MOST_BYTES]
    english = [path for path in fitting if path.stem.startswith("en_")]
    by_language = {path.stem.partition("_")[0]: path for path in fitting if path not in english}
    return [*english, *list(by_language.values())[: max(1, len(english) // _OTHERS_FOR_ONE)]]


Reviewer = Callable[[Path], float]
"""Reviews a lesson of the corpus; returns the seconds of CPU that it took."""


def taken(paths: list[Path], rounds: int, old: Reviewer, new: Reviewer) -> dict[Path, tuple[float, float]]:
    """Returns for each lesson the median times of the two versions, in seconds of CPU."""
    times: dict[Path, list[tuple[float, float]]] = {path: [] for path in paths}
    for number in range(rounds + 1):
        for path in paths:
            # Who goes first changes, as the second finds the processor's own caches used.
            pair = (old(path), new(path)) if number % 2 else (new(path), old(path))[::-1]
            if number:
                times[path].append(pair)
    return {
        path: (statistics.median(was for was, _ in pairs), statistics.median(now for _, now in pairs))
        for path, pairs in times.items()
    }


@contextmanager
def source_of(commit: str) -> Iterator[Path]:
    """Gives a directory with the source code of a commit, as long as the context lasts."""
    packed = subprocess.run(["git", "archive", commit, "src"], cwd=ROOT, capture_output=True)  # noqa: S607
    if packed.returncode:
        sys.exit(f"commit {commit} isn't here; a clone with its whole history has it: {packed.stderr.decode().strip()}")
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


@contextmanager
def reviewer(root: Path) -> Iterator[Reviewer]:
    """Gives a function that has a process with the code in `root` review a lesson."""
    command = [sys.executable, str(Path(__file__).resolve()), "--serve"]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "0"}
    with subprocess.Popen(
        command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        asked, told = process.stdin, process.stdout

        def review(path: Path) -> float:
            asked.write(f"{path}\n")
            asked.flush()
            return float(told.readline())

        yield review
        asked.close()


def _serve() -> None:
    """Reviews the lessons whose paths it reads, and writes the seconds of CPU that each took."""
    reviews: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        path = line.strip()
        if path not in reviews:
            reviews[path] = _review_of(Path(path))
        _forget_texts()
        gc.collect()
        start = time.process_time()
        reviews[path]()
        print(time.process_time() - start, flush=True)


def _review_of(path: Path) -> Callable[[], Any]:
    """Returns the review of a lesson by the version of the code that is on the path of imports."""
    from src.domain.lesson import LessonText, Origin
    from src.domain.outline import Outline
    from src.domain.quality.review import review_lesson
    from src.domain.request import CourseBrief
    from src.domain.source import Passage

    given = json.loads(path.read_text())
    brief = CourseBrief.model_validate(given["brief"])
    plan = Outline.model_validate_json(json.dumps(given["outline"])).lessons[given["lesson_number"] - 1]
    passages = [Passage(**passage, score=1.0) for passage in given["passages"]]
    text = LessonText.model_validate_json(json.dumps(given["text"]))
    origin = Origin("benchmark", 1, "0" * 64)
    return lambda: review_lesson(text, brief, plan, passages, {}, origin, must_cite=True)


def _forget_texts() -> None:
    for module in [module for name, module in sys.modules.items() if name.startswith("src.domain")]:
        for kept in vars(module).values():
            if hasattr(kept, "cache_clear") and kept.cache_parameters()["maxsize"] >= _SMALLEST_TEXT_CACHE:
                kept.cache_clear()


if __name__ == "__main__":
    main()
