"""Sources in a folder in which others may write."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from src.operations.source_import import Imported, import_files, sources_under
from src.services.database.library_store import Change, Document
from src.services.sources.library import SourceLibrary

SECRET = "The key of the house is under the mat, and nobody else may know of that."


class Library:
    """What was put into it."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def put(self, document: Document) -> tuple[Change, int]:
        self.texts[document.path] = document.text
        return Change.ADDED, 1


def imported(path: Path, library: Library, meanwhile: Callable[[], Any] = lambda: None) -> Imported:
    with sources_under(path) as found:
        return asyncio.run(import_files(cast(SourceLibrary, library), found, on_file=meanwhile))


@pytest.mark.parametrize("swapped", ["z/deep", "z", "."])
def test_a_folder_that_becomes_a_link_while_others_are_read_is_not_followed(tmp_path: Path, swapped: str) -> None:
    sources, private, library = tmp_path / "sources", tmp_path / "private", Library()
    for folder, text in ((sources, "A cell has a membrane."), (private, SECRET)):
        (folder / "z" / "deep").mkdir(parents=True)
        (folder / "z" / "deep" / "notes.txt").write_text(text)
    (sources / "a.md").write_text("# Cells\n\nA cell is small.")

    def swap() -> None:
        if not (place := sources / swapped).is_symlink():
            place.rename(tmp_path / "moved")
            place.symlink_to(private / swapped)

    done = imported(sources, library, swap)
    assert SECRET not in library.texts.values()
    if swapped == ".":  # it was open already, and is read wherever it is now
        assert len(library.texts) == 2
    else:
        assert list(library.texts) == ["a.md"]
        (line,) = done.failed
        assert "notes.txt: is a link or no folder, and is not followed" in line


def test_links_that_go_in_circles_and_folders_without_end_keep_nothing_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("A cell is small.")
    (tmp_path / "a.md").symlink_to("b.md")
    (tmp_path / "b.md").symlink_to("a.md")
    deep = tmp_path
    for _ in range(15):
        (deep := deep / ("d" * 200)).mkdir()
        (deep / "x.md").write_text("A cell is small.")
    library = Library()
    done = imported(tmp_path, library)
    assert "good.md" in library.texts
    assert len(library.texts) == 10
    assert ["its path is too long" in line for line in done.failed] == [True]


def test_a_link_is_known_by_its_own_name_and_read_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text("A cell is small.")
    (tmp_path / "link.md").symlink_to("real.md")
    (library := Library()).texts.clear()
    imported(tmp_path / "link.md", library)
    assert list(library.texts) == ["link.md"]
    imported(tmp_path, library)
    assert sorted(library.texts) == ["link.md", "real.md"]
