"""One command at a time: locks on files in the state folder, which the system lets go of however a command ends.

`flock` where there is one, else the lock of a byte (Windows). Who takes a lock writes down who it is, for the message
of those that wait.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .files import NEW, make_folder
from .text import printable

try:
    import fcntl
except ImportError:
    fcntl = None
    import msvcrt

PAUSE = 0.05
# Beyond what stands in the file: on Windows a locked byte cannot be read.
LOCKED_BYTE = 1 << 20
LONGEST_NOTE = 1_000


class Busy(Exception):
    """Another command holds the lock; the message is one sentence."""


def try_lock(handle: int) -> bool:
    """Lock an open file or folder; False where another process, or another handle of this one, has it."""
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.lseek(handle, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _holder(handle: int) -> str:
    """Who holds a lock, as it wrote down; read once, so that a note that is just being written is told as none."""
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        note = json.loads(os.read(handle, LONGEST_NOTE))
        return f"`{printable(note['command'])}` (process {int(note['process'])}, since {printable(note['since'])})"
    except (ValueError, KeyError, TypeError):
        return "another command"


def _is_current(handle: int, path: Path) -> bool:
    """Whether the file that was locked still has its name: `forget` may have removed it while we waited."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(handle))


@contextmanager
def held(
    path: Path, command: str, what: str, wait: float, tell: Callable[[str], None], forget: bool = False
) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; Busy where another has it for `wait` seconds.

    command: ours, for those that wait for us. what: what is locked, in the message. forget: remove the file afterwards.
    """
    make_folder(path.parent)
    deadline, told = time.monotonic() + wait, False
    while True:
        handle = os.open(path, NEW & ~os.O_EXCL, 0o600)
        try:
            while not try_lock(handle):
                if time.monotonic() >= deadline:
                    raise Busy(
                        f"{what} is in use by {_holder(handle)}: run this again when that has ended, or wait for it "
                        f"with --wait SECONDS (now {wait:g})."
                    )
                if not told:
                    tell(f"{what} is in use by {_holder(handle)}: waiting for at most {wait:g} seconds.")
                    told = True
                time.sleep(PAUSE)
            if _is_current(handle, path):
                break
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
    try:
        since = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        note = json.dumps({"command": command, "process": os.getpid(), "since": since}).encode()
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, note)
        yield
    finally:
        # the name goes before the lock: who waits sees that it holds a file without a name, and opens anew
        if forget:
            with contextlib.suppress(OSError):
                os.unlink(path)
        os.close(handle)
