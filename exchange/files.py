"""Folders that hold a whole publication at every moment: the outbox, the inbox, and quarantine.

A file is named by its content and written beside those that are there; the manifest, which names the files that count,
is replaced last and in one step. Whoever is killed in between leaves the former publication as it was, and a next run
ends what was begun.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

MANIFEST = "manifest.json"
PAGE = "checks.html"
REASON = "reason.txt"
QUARANTINE = "quarantine"
# Begins the name of a file that is still being written.
UNFINISHED = ".unfinished-"
BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hex, read in blocks."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` last through a loss of power, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _place(temporary: Path, target: Path) -> None:
    """Give a complete file its name, in one step."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, target)
    sync_folder(target.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that other readers see either as it was or as it will be."""
    temporary = path.with_name(UNFINISHED + path.name)
    temporary.write_bytes(data)
    _place(temporary, path)


def copy_whole(source: Path, target: Path) -> None:
    """A copy of a file's bytes, without its permissions."""
    shutil.copyfile(source, target)


def read_at_most(path: Path, limit: int) -> bytes | None:
    """The first `limit` + 1 bytes of a plain file; None where there is none. A link is none."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(limit + 1)


def replace_outbox(folder: Path, files: Iterable[tuple[Path, str]], manifest: bytes) -> None:
    """Make `folder` hold `files` and `manifest`, and nothing else but a page of checks.

    files: (complete file, name by its content). At every moment the manifest that stands there, if any, and the files
    that it names belong together. Files that are there already under their name are trusted only by their content.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = {MANIFEST, PAGE}
    for source, name in files:
        kept.add(name)
        target = folder / name
        if not target.is_file() or sha256_of(target) != sha256_of(source):
            temporary = folder / (UNFINISHED + name)
            shutil.copyfile(source, temporary)
            _place(temporary, target)
    write_whole(folder / MANIFEST, manifest)
    for path in sorted(folder.iterdir()):
        if path.name not in kept and not path.is_dir():
            path.unlink()


def delivered(folder: Path) -> list[Path]:
    """What a partner's inbox holds, apart from what we put there ourselves: the manifest first, then by name."""
    paths = [path for path in folder.iterdir() if path.name not in (QUARANTINE, PAGE)] if folder.is_dir() else []
    return sorted(paths, key=lambda path: (path.name != MANIFEST, path.name))


def quarantine(folder: Path, reason: str, page: str) -> Path:
    """Move all that was delivered to `folder` into quarantine/<n>/, with the reason; returns that folder.

    The reason is written before anything moves, and the manifest moves first: without it, what is left counts as not
    delivered yet.
    """
    place = folder / QUARANTINE
    place.mkdir(parents=True, exist_ok=True)
    numbers = [int(path.name) for path in place.iterdir() if path.name.isdecimal()]
    target = place / str(max(numbers, default=0) + 1)
    target.mkdir()
    write_whole(target / REASON, (reason + "\n").encode())
    write_whole(target / PAGE, page.encode())
    for path in delivered(folder):
        name = path.name if path.name not in (REASON, PAGE) else f"delivered-{path.name}"
        os.replace(path, target / name)
    sync_folder(target)
    return target


def remove(folder: Path) -> int:
    """Remove a folder with all it holds; returns how many files those were."""
    if folder.is_symlink() or not folder.is_dir():
        return 0
    count = sum(1 for path in folder.rglob("*") if not path.is_dir())
    shutil.rmtree(folder)
    return count
