"""Reads files that others may have put there."""

import errno
import os
import stat
from pathlib import Path


def read_file(path: Path | str, most_bytes: int, *, folder: int | None = None, follow: bool = False) -> bytes:
    """Returns what is in a regular file. Raises `OSError`, also if it is a link, no regular file, or longer.

    Others may have put something there. A link would lead out of the folder, and opening a FIFO never ends. `folder` is
    the descriptor of the folder that `path` begins in. With `follow`, links are followed: an operator named it.
    """
    no_link = 0 if follow else getattr(os, "O_NOFOLLOW", 0)
    flags = os.O_RDONLY | no_link | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file, and is not read", str(path))
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"has more than {most_bytes} bytes, and is not read", str(path))
    return content
