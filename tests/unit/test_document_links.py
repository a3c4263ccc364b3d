"""The documents: the README stays short, and what they refer to is there."""

import re
from collections import Counter
from pathlib import Path

import pytest

from src.operations.known_schema import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("migrations/**/*.md")])
MOST_BYTES = 8192
"""What a newcomer reads in one go."""
FOLDERS = ("benchmarks", "docs", "examples", "samples", "scripts", "src", "tests")


def prose(document: Path) -> str:
    """The text without blocks of code."""
    return re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """What `#…` may refer to, as GitHub names headings: the second of two that are alike ends in -1."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.strip().lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def links(document: Path) -> list[str]:
    """The targets of its relative links."""
    without_code = re.sub(r"`[^`]*`", "", prose(document))
    targets: list[str] = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", without_code)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= MOST_BYTES


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(document: Path) -> None:
    for target in links(document):
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        assert file.is_relative_to(ROOT) and file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_path_of_the_project_that_is_named_is_there(document: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`", prose(document))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_document_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        reached.add(document)
        targets = {(document.parent / target.partition("#")[0]).resolve() for target in links(document)}
        waiting += [file for file in targets if file.suffix == ".md" and file not in reached]
        if (ROOT / "docs" / "decisions") in targets:
            reached |= set((ROOT / "docs" / "decisions").glob("*.md"))
    assert set(DOCUMENTS) - reached == {ROOT / "IMPLEMENTATION_SUMMARY.md"}  # where it was looked for once
