"""Folders in which others rename, link and plant things."""

import os
from pathlib import Path, PurePath

import pytest

from src.services.folders import Folder


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("outside")
    (inside := tmp_path / "inside").mkdir()
    with Folder.opened(inside) as folder:
        for name in ("..", "../file", "/etc/passwd", "", ".", "a/../../file"):
            for use in (
                lambda name=name: folder.read(name, 10),
                lambda name=name: folder.write(name, ""),
                lambda name=name: folder.folder(name, make=True),
                lambda name=name: folder.lock(name),
                lambda name=name: folder.remove_tree(name),
            ):
                with pytest.raises(NotADirectoryError, match="leads out"):
                    use()
        with pytest.raises(NotADirectoryError):
            folder.below(PurePath("..", "inside"))
    assert (tmp_path / "file").read_text() == "outside"


def test_no_link_on_the_way_is_followed(tmp_path: Path) -> None:
    (tmp_path / "outside" / "b").mkdir(parents=True)
    (tmp_path / "outside" / "b" / "file").write_text("outside")
    (inside := tmp_path / "inside").mkdir()
    (inside / "a").symlink_to(tmp_path / "outside")
    (inside / "link").symlink_to(tmp_path / "outside" / "b" / "file")
    with Folder.opened(inside) as folder:
        with pytest.raises(NotADirectoryError, match="is a link or no folder"):
            folder.below(PurePath("a", "b"))
        for use in (lambda: folder.read("link", 10), lambda: folder.lock("link")):
            with pytest.raises(OSError, match="symbolic links"):
                use()
        folder.remove_tree("a")
        folder.write("link", "ours")
    assert (tmp_path / "outside" / "b" / "file").read_text() == "outside"
    assert (inside / "link").read_text() == "ours" and not (inside / "link").is_symlink()


def test_a_lock_is_one_persons_and_none_if_its_file_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Folder.opened(tmp_path) as folder:
        lock = folder.lock("lock")
        assert lock is not None and folder.lock("lock") is None
        os.close(lock)
        open_file = os.open

        def removed_before_it_is_locked(*arguments: object, **options: object) -> int:
            descriptor = open_file(*arguments, **options)  # type: ignore[arg-type]
            (tmp_path / "lock").unlink()
            return descriptor

        monkeypatch.setattr(os, "open", removed_before_it_is_locked)
        assert folder.lock("lock") is None


def test_descriptors_are_closed_whatever_goes_wrong(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    (tmp_path / "a" / "b").mkdir(parents=True)
    with Folder.opened(tmp_path) as folder:
        with folder.below(PurePath("a", "b")):
            pass
        with pytest.raises(FileNotFoundError):
            folder.below(PurePath("a", "b", "c"))
        with pytest.raises(FileNotFoundError):
            folder.read("none", 10)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
