"""Files that others may have put there."""

import os
from pathlib import Path

import pytest

from src.regular_files import read_file


def test_what_is_in_a_file_up_to_a_limit(tmp_path: Path) -> None:
    (file := tmp_path / "file").write_bytes(b"12345")
    assert read_file(file, 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_file(file, 4)
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "none", 5)


def test_nothing_else_is_read_and_nothing_blocks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match="no regular file"):
            read_file(path, 5)
    with pytest.raises(OSError, match="symbolic links"):
        read_file(tmp_path / "link", 5)
