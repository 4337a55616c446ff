"""Folders that hold a whole publication at every moment: the outbox, the inbox, and our own state with its quarantine.

A file is named by its content and written beside those that are there; the manifest, which names the files that count,
is replaced last and in one step. Whoever is killed in between leaves the former publication as it was, and a next run
ends what was begun.

An inbox is a stranger's. A folder is opened once, and what is in it is reached by name from that handle: never through
a link, never waiting for a pipe. Where the system knows no such handles (Windows), paths are looked at before they are
opened, which leaves a moment in between.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .text import printable

MANIFEST = "manifest.json"
REASON = "reason.txt"
PAGE = "checks.html"
QUARANTINE = "quarantine"
# Begins the name of a file that is still being written.
UNFINISHED = ".unfinished-"
BLOCK = 1 << 20
# What quarantine holds at most; the oldest go first.
MOST_DELIVERIES = 20
MOST_BYTES = 2 << 30
# More names than a delivery can have reason for stay where they are.
MOST_NAMES = 1_000
SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")

HAS_HANDLES = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")
_COMMON = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
READ = os.O_RDONLY | _COMMON | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | _COMMON
KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class NotPlain(Exception):
    """Something else than a file, or than a folder, has the name; kind: what it is, for people."""

    def __init__(self, name: str, kind: str, where: str) -> None:
        super().__init__(f"{printable(name)} in {printable(where)} is {kind}")
        self.name, self.kind = name, kind


class TooLarge(Exception):
    """A file has more bytes than it may have."""


def kind_of(mode: int) -> str | None:
    """What is no plain file, for people; None for a plain file."""
    if stat.S_ISREG(mode):
        return None
    return next((words for test, words in KINDS if test(mode)), "a device")


class Folder:
    """An open folder, whose entries are reached by name and never through a link. Close it, or use it with `with`."""

    def __init__(self, path: Path, handle: int | None) -> None:
        self.path, self._handle = path, handle

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def at(self, name: str) -> tuple[str, dict[str, int]]:
        """How functions of `os` reach an entry: a path and where it begins."""
        if not name or name in (".", "..") or "/" in name or os.sep in name or "\0" in name:
            raise ValueError(f"{printable(name)} is no name of an entry")
        return (name, {"dir_fd": self._handle}) if self._handle is not None else (str(self.path / name), {})

    def state(self, name: str) -> os.stat_result | None:
        """What an entry is, itself and not what it points at; None where there is none."""
        path, begin = self.at(name)
        try:
            return os.stat(path, follow_symlinks=False, **begin)
        except FileNotFoundError:
            return None

    def is_open_to_others(self, name: str) -> bool:
        """Whether other users may read or write a file; never known on Windows."""
        return self._handle is not None and bool(self.state(name).st_mode & 0o077)

    def names(self) -> list[str]:
        """All entries, sorted."""
        return sorted(os.listdir(self._handle if self._handle is not None else self.path))

    def open(self, name: str) -> int | None:
        """A handle to read a plain file by; None where there is none. Raises NotPlain."""
        found = self.state(name)
        if found is None:
            return None
        # looked at before it is opened, since opening a device may do something; and again after
        self._refuse(name, found.st_mode)
        path, begin = self.at(name)
        try:
            handle = os.open(path, READ, **begin)
        except FileNotFoundError:
            return None
        except PermissionError:
            raise NotPlain(name, "closed to us: its permissions do not let us read it", str(self.path)) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
                raise NotPlain(name, "a link" if error.errno != errno.ENXIO else "a pipe", str(self.path)) from None
            raise
        try:
            self._refuse(name, os.fstat(handle).st_mode)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _refuse(self, name: str, mode: int) -> None:
        kind = kind_of(mode)
        if kind:
            raise NotPlain(name, kind, str(self.path))

    def read_at_most(self, name: str, limit: int) -> bytes | None:
        """The first `limit` + 1 bytes of a plain file; None where there is none. Raises NotPlain."""
        handle = self.open(name)
        if handle is None:
            return None
        with os.fdopen(handle, "rb") as file:
            return file.read(limit + 1)

    def take(self, name: str, target: Path, limit: int) -> str | None:
        """Copy a plain file to `target`, which is new; returns the SHA-256 of the copy, None where there is no file.

        It is opened once, and what is hashed is what is copied, whatever becomes of it meanwhile. Raises NotPlain, and
        TooLarge as soon as more than `limit` bytes came.
        """
        source = self.open(name)
        if source is None:
            return None
        hashed, size = hashlib.sha256(), 0
        with os.fdopen(source, "rb") as file, os.fdopen(os.open(target, NEW, 0o600), "wb") as copy:
            while block := file.read(BLOCK):
                size += len(block)
                if size > limit:
                    raise TooLarge(f"{printable(name)} has more than {limit:,} bytes")
                hashed.update(block)
                copy.write(block)
        return hashed.hexdigest()

    def make(self, name: str) -> None:
        """A new folder, for us alone."""
        path, begin = self.at(name)
        os.mkdir(path, 0o700, **begin)

    def unlink(self, name: str) -> None:
        """Remove an entry that is no folder: of a link the link, never what it points at."""
        path, begin = self.at(name)
        os.unlink(path, **begin)

    def rmdir(self, name: str) -> None:
        """Remove an empty folder."""
        path, begin = self.at(name)
        os.rmdir(path, **begin)

    def sub(self, name: str, create: bool = False) -> Folder | None:
        """A folder in this one; None where there is none. Raises NotPlain for anything else of that name."""
        if create and self.state(name) is None:
            with contextlib.suppress(FileExistsError):
                self.make(name)
        found = self.state(name)
        if found is None:
            return None
        if not stat.S_ISDIR(found.st_mode):
            raise NotPlain(name, kind_of(found.st_mode) or "a file", str(self.path))
        if self._handle is None:
            return Folder(self.path / name, None)
        try:
            handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | _COMMON, dir_fd=self._handle)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
                raise NotPlain(name, "a link", str(self.path)) from None
            raise
        return Folder(self.path / name, handle)

    def lock(self, try_lock: Callable[[int], bool]) -> bool:
        """Lock the folder itself; False where another process has it. Without handles of folders nothing is locked."""
        return True if self._handle is None else try_lock(self._handle)

    def is_wide(self) -> bool:
        """Whether other users of the machine are let in; never known on Windows."""
        return self._handle is not None and bool(os.fstat(self._handle).st_mode & 0o077)

    def narrow(self) -> bool:
        """Let nobody in but us; False where the system does not let us."""
        with contextlib.suppress(OSError):
            os.fchmod(self._handle, 0o700)
        return not self.is_wide()

    def write_whole(self, name: str, data: bytes) -> None:
        """Write a file that other readers see either as it was or as it will be."""
        with self._being_written(name) as file:
            file.write(data)

    def copy_whole(self, source: Path, name: str) -> None:
        """Write a file that is a copy of one of ours, likewise."""
        with source.open("rb") as read, self._being_written(name) as file:
            while block := read.read(BLOCK):
                file.write(block)

    @contextmanager
    def _being_written(self, name: str) -> Iterator[Any]:
        temporary = UNFINISHED + name
        path, begin = self.at(temporary)
        # left by a run that was killed, or laid there by somebody
        with contextlib.suppress(FileNotFoundError):
            self.unlink(temporary)
        with os.fdopen(os.open(path, NEW, 0o600, **begin), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        self.move(temporary, self, name)
        self.sync()

    def move(self, name: str, target: Folder, new_name: str) -> None:
        """Give an entry another place or name on the same disk, in one step."""
        path, begin = self.at(name)
        new_path, new_begin = target.at(new_name)
        places = {"src_dir_fd": begin["dir_fd"], "dst_dir_fd": new_begin["dir_fd"]} if begin else {}
        os.replace(path, new_path, **places)

    def sync(self) -> None:
        """Make renames in the folder last through a loss of power, where the system can."""
        if self._handle is not None:
            os.fsync(self._handle)


def open_folder(path: Path, create: bool = False) -> Folder | None:
    """The folder at `path`, whose last part is no link; None where there is none. Raises NotPlain.

    The folders above are the user's own choice, and may be links. create: make it, and those above, for us alone.
    """
    if create:
        make_folder(path.parent)
    if not HAS_HANDLES:
        return Folder(path.parent, None).sub(path.name, create)
    try:
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return None
    with Folder(path.parent, handle) as above:
        return above.sub(path.name, create)


def make_folder(path: Path) -> None:
    """A folder and those above it: what is not there is made, for us alone."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file of ours in hex, read in blocks."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


def read_at_most(path: Path, limit: int) -> bytes | None:
    """The first `limit` + 1 bytes of a plain file; None where there is none. Raises NotPlain."""
    folder = open_folder(path.parent)
    if folder is None:
        return None
    with folder:
        return folder.read_at_most(path.name, limit)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in a folder of ours, which is made if need be."""
    with open_folder(path.parent, create=True) as folder:
        folder.write_whole(path.name, data)


def _hash_in(folder: Folder, name: str) -> str | None:
    """SHA-256 of a plain file; None for whatever else is there."""
    try:
        handle = folder.open(name)
    except NotPlain:
        return None
    if handle is None:
        return None
    hashed = hashlib.sha256()
    with os.fdopen(handle, "rb") as file:
        while block := file.read(BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


def replace_outbox(folder: Path, files: Iterable[tuple[Path, str]], manifest: bytes) -> None:
    """Make `folder` hold `files` and `manifest`, and nothing else but folders.

    files: (complete file, name by its content). At every moment the manifest that stands there, if any, and the files
    that it names belong together. Files that are there already under their name are trusted only by their content.
    """
    with open_folder(folder, create=True) as outbox:
        kept = {MANIFEST}
        for source, name in files:
            kept.add(name)
            # one that others may read is written anew, for us alone
            if _hash_in(outbox, name) != sha256_of(source) or outbox.is_open_to_others(name):
                outbox.copy_whole(source, name)
        outbox.write_whole(MANIFEST, manifest)
        for name in outbox.names():
            if name not in kept and not stat.S_ISDIR(outbox.state(name).st_mode):
                outbox.unlink(name)


# ---------------------------------------------------------------- quarantine


@dataclass(frozen=True)
class Kept:
    """What became of a delivery that was refused. place: where it is. notes: what else has to be said, in sentences."""

    place: Path
    notes: tuple[str, ...] = ()


def delivered(folder: Folder) -> list[str]:
    """The names in a partner's inbox: the manifest first, then sorted."""
    return sorted(folder.names(), key=lambda name: (name != MANIFEST, name))


def _safe_names(names: list[str]) -> dict[str, str]:
    """Under which name each is kept: names that could deceive, or are too long, or are ours, get a plain one."""
    safe = {}
    for number, name in enumerate(names, 1):
        plain = SAFE_NAME.fullmatch(name) and name not in (REASON, PAGE)
        safe[name] = name if plain else f"delivered-{number}" if name not in (REASON, PAGE) else f"delivered-{name}"
    taken = [name for name in safe if safe[name] == name]
    return {name: kept if kept == name or kept not in taken else f"{kept}-renamed" for name, kept in safe.items()}


def quarantine(inbox: Path, state: Path, reason: str, page: str) -> Kept:
    """Move all that was delivered to `inbox` into quarantine/<n>/ of `state`, with the reason.

    The reason is written before anything moves, and the manifest moves first: without it, what is left counts as not
    delivered yet. What cannot be moved stays, and is told.
    """
    with open_folder(state, create=True) as own, own.sub(QUARANTINE, create=True) as place:
        numbers = [int(name) for name in place.names() if name.isdecimal() and name.isascii()]
        number = str(max(numbers, default=0) + 1)
        place.make(number)
        left: list[str] = []
        with place.sub(number) as target:
            source = open_folder(inbox)
            names = delivered(source)[:MOST_NAMES] if source is not None else []
            safe = _safe_names(names)
            renamed = [f"{kept} was named {printable(name)}" for name, kept in safe.items() if kept != name]
            target.write_whole(REASON, "\n".join([printable(reason, 2_000), *renamed, ""]).encode())
            target.write_whole(PAGE, page.encode())
            if source is not None:
                with source:
                    left = [name for name, kept in safe.items() if not _move(source, name, target, kept)]
                    left += delivered(source)[MOST_NAMES:]
            target.sync()
        gone = _make_room(place, number)
    notes = []
    if left:
        notes.append(f"{len(left):,} of what was delivered could not be moved from {inbox}: take it away by hand.")
    if gone:
        notes.append(
            f"Quarantine keeps {MOST_DELIVERIES} deliveries and {MOST_BYTES:,} bytes at most: {', '.join(gone)} went."
        )
    return Kept(state / QUARANTINE / number, tuple(notes))


def _move(source: Folder, name: str, target: Folder, kept: str) -> bool:
    """Move one entry into quarantine, by copying it where that is another disk; whether it left the inbox."""
    try:
        source.move(name, target, kept)
        return True
    except OSError as error:
        if error.errno != errno.EXDEV:
            return False
    try:
        # only files are worth keeping; what else there is only has to go
        if kind_of(source.state(name).st_mode) is None:
            source.take(name, target.path / kept, MOST_BYTES)
        return remove_entry(source, name, Removed())
    except TooLarge:
        target.unlink(kept)
        return remove_entry(source, name, Removed())
    except (OSError, NotPlain):
        return False


def _size_of(folder: Folder, name: str) -> int:
    """Bytes of the files below an entry."""
    found = folder.state(name)
    if found is None or not stat.S_ISDIR(found.st_mode):
        return found.st_size if found is not None and stat.S_ISREG(found.st_mode) else 0
    total, waiting = 0, [folder.path / name]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            # a folder whose path is too long, or that may not be read: it counts as too much
            total += MOST_BYTES
    return total


def _make_room(place: Folder, newest: str) -> list[str]:
    """Remove the oldest deliveries until quarantine is as small as it has to be; returns what went, for people.

    Of a delivery that is too large by itself, the largest entries go; its reason and page stay.
    """
    gone = []
    sizes = {name: _size_of(place, name) for name in place.names()}
    oldest = sorted(sizes, key=lambda name: (int(name) if name.isdecimal() and name.isascii() else 0, name))
    for name in oldest:
        if name == newest or (len(sizes) <= MOST_DELIVERIES and sum(sizes.values()) <= MOST_BYTES):
            break
        remove_entry(place, name, Removed())
        gone.append(f"number {printable(name)}")
        del sizes[name]
    if sum(sizes.values()) > MOST_BYTES:
        with place.sub(newest) as folder:
            parts = {name: _size_of(folder, name) for name in folder.names() if name not in (REASON, PAGE)}
            for name in sorted(parts, key=parts.__getitem__, reverse=True):
                if sum(parts.values()) <= MOST_BYTES:
                    break
                remove_entry(folder, name, Removed())
                gone.append(f"{printable(name)} of number {newest}")
                del parts[name]
    return gone


# ---------------------------------------------------------------- removing


@dataclass
class Removed:
    """What was removed, and what was not. files: how many, links too. links: where those lead. left: what stayed."""

    files: int = 0
    links: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def link(self, name: str, target: str) -> None:
        self.links.append(f"{printable(name)} -> {printable(target)}")

    def leave(self, name: str, why: str) -> None:
        self.left.append(f"{printable(name)} ({printable(why)})")


def remove_entry(folder: Folder, name: str, removed: Removed) -> bool:
    """Remove an entry with all that it holds, and nothing that links in it point at; whether it is gone."""
    try:
        found = folder.state(name)
        if found is None:
            return True
        if not stat.S_ISDIR(found.st_mode):
            _unlink(folder, name, found.st_mode, removed)
        else:
            _let_in(folder, name, found.st_mode)
            with folder.sub(name) as inner:
                _empty(inner, removed)
            folder.rmdir(name)
    except NotPlain as error:
        removed.leave(name, error.kind)
    except OSError as error:
        removed.leave(name, error.strerror or str(error))
    return folder.state(name) is None


def _empty(folder: Folder, removed: Removed) -> None:
    """Remove all that is in a folder, however deep: folders in a folder of it move up first, so that two are open."""
    waiting, number = folder.names(), 0
    while waiting:
        name = waiting.pop()
        try:
            mode = folder.state(name).st_mode
            if not stat.S_ISDIR(mode):
                _unlink(folder, name, mode, removed)
                continue
            _let_in(folder, name, mode)
            with folder.sub(name) as inner:
                for child in inner.names():
                    mode = inner.state(child).st_mode
                    if not stat.S_ISDIR(mode):
                        _unlink(inner, child, mode, removed)
                        continue
                    _let_in(inner, child, mode)
                    number += 1
                    while folder.state(f".removing-{number}") is not None:
                        number += 1
                    inner.move(child, folder, f".removing-{number}")
                    waiting.append(f".removing-{number}")
            folder.rmdir(name)
        except NotPlain as error:
            removed.leave(name, error.kind)
        except OSError as error:
            removed.leave(name, error.strerror or str(error))


def _unlink(folder: Folder, name: str, mode: int, removed: Removed) -> None:
    if stat.S_ISLNK(mode):
        path, begin = folder.at(name)
        removed.link(name, os.readlink(path, **begin))
    folder.unlink(name)
    removed.files += 1


def _let_in(folder: Folder, name: str, mode: int) -> None:
    """Open a folder to us that was closed to us, where the system can do so without following a link."""
    if mode & 0o700 == 0o700 or not (HAS_HANDLES and hasattr(os, "O_PATH")):
        return
    path, begin = folder.at(name)
    handle = os.open(path, os.O_PATH | os.O_DIRECTORY | _COMMON, **begin)
    try:
        os.chmod(f"/proc/self/fd/{handle}", 0o700)
    finally:
        os.close(handle)


def remove(path: Path) -> Removed:
    """Remove a folder with all it holds. Of a link in its place, or in it, the link goes; what it points at stays."""
    removed = Removed()
    if not path.parent.is_dir():
        return removed
    if not HAS_HANDLES:
        remove_entry(Folder(path.parent, None), path.name, removed)
        return removed
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | getattr(os, "O_CLOEXEC", 0))
    with Folder(path.parent, handle) as above:
        remove_entry(above, path.name, removed)
    return removed
