"""The two exceptions that cross ring borders, and sentences for what the operating system refuses."""

from __future__ import annotations

import errno
import os


class UserError(Exception):
    """One sentence for an animator: what failed, on which frame or file, what to do. Shown as it is."""

    @property
    def sentence(self) -> str:
        return str(self)


class Cancelled(Exception):
    """The person asked to stop. Not an error; what is finished stays on disk."""


_REASONS = {
    errno.ENOSPC: "the disk is full; free some space and run again, finished stages are kept",
    errno.EDQUOT: "your disk quota is used up; free some space and run again, finished stages are kept",
    errno.EROFS: "the disk is read-only; choose another output folder",
    errno.EACCES: "permission was denied; choose another folder or change the folder's permissions",
    errno.EPERM: "permission was denied; choose another folder or change the folder's permissions",
    errno.ENOENT: "it does not exist; check the path",
    errno.ENOTDIR: "a part of its path is a file, not a folder; check the path",
    errno.EISDIR: "it is a folder, but a file was expected; check the path",
    errno.ENAMETOOLONG: "its path is too long for this system; choose a shorter output folder",
    errno.EMFILE: "too many files are open; close other programs and run again",
    errno.EIO: "the disk reported a fault; check the disk or the network share and run again",
    errno.ENODEV: "the disk is gone; plug it in again and run again",
    errno.ELOOP: "its symbolic links lead in a circle; check the path",
}


def sentence_for_os_error(error: OSError, action: str, path: str | os.PathLike[str] | None = None) -> str:
    """A sentence for an OSError. action: 'read', 'written', ...; path: what was touched, if the error does not say."""
    target = path if path is not None else error.filename
    name = f"“{os.fspath(target)}”" if target else "A file"
    reason = _REASONS.get(error.errno or 0)
    if reason is None:
        reason = f"the system says: {error.strerror or error.__class__.__name__}"
    return f"{name} cannot be {action}: {reason}."
