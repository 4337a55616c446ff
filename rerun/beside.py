"""Build in a copy of the DuckDB file, which takes the file's place when all is well.

Readers have the former marts until then and may read all the while; a build that fails or is killed leaves them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import yaml

FOLDER = ".account_mapping_rerun"


class BesideError(Exception):
    """Why no copy can be made or take the file's place; the message says so."""


def copy_of(database: Path) -> Path:
    """Where the copy lies: of the same name, since dbt's relations carry it."""
    return database.parent / FOLDER / database.name


def log_of(database: Path) -> Path:
    """DuckDB's write-ahead log, which is there while something is not in the file yet."""
    return database.with_name(f"{database.name}.wal")


def told_apart(path: Path) -> tuple[int, int, int]:
    """What differs when somebody has written to a file."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def begin(database: Path) -> duckdb.DuckDBPyConnection | None:
    """Make the copy; the connection keeps others from writing to the file until it is closed. None without a file.

    Raises BesideError where somebody writes to the file, or there is no room.
    """
    copy = copy_of(database)
    try:
        shutil.rmtree(copy.parent, ignore_errors=True)
        copy.parent.mkdir(0o700)
        if not database.is_file():
            return None
        if log_of(database).exists():
            duckdb.connect(str(database)).execute("checkpoint").close()
        before = told_apart(database)
        # before the lock: to close a file lets go of all locks that the process has on it
        shutil.copy(database, copy)
        # who may read the file may read what takes its place, and nobody else
        found = database.stat()
        with suppress(AttributeError, PermissionError):
            os.chown(copy, found.st_uid, found.st_gid)
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise BesideError(f"The database cannot be read now: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise BesideError(
            f"No copy of {database.name} could be made in {copy.parent}: {error.strerror}. With --in-place none is"
            " needed."
        ) from error
    if told_apart(database) != before or log_of(database).exists():
        connection.close()
        raise BesideError(f"Somebody has written to {database.name} while it was copied.")
    return connection


def finish(database: Path) -> None:
    """Put the copy in the file's place, in one step. Raises BesideError where the copy is not whole."""
    copy = copy_of(database)
    # what is not in the file yet goes there
    with duckdb.connect(str(copy)) as connection:
        connection.execute("checkpoint")
    if log_of(copy).exists():
        raise BesideError(f"{copy} is still in use.")
    with copy.open("rb+") as file:
        os.fsync(file.fileno())
    copy.replace(database)
    shutil.rmtree(copy.parent, ignore_errors=True)


def moved(profiles: dict[str, Any], profile: str, target: str, path: Path) -> dict[str, Any]:
    """The file profiles.yml with another path for one target. Raises BesideError where it has no such target."""
    try:
        output = profiles[profile]["outputs"][target]
        return profiles | {
            profile: profiles[profile]
            | {"outputs": profiles[profile]["outputs"] | {target: output | {"path": str(path)}}}
        }
    except (KeyError, TypeError) as error:
        raise BesideError(
            f"The profile `{profile}` has no target `{target}` in profiles.yml. With --in-place none is needed."
        ) from error


@contextmanager
def profile_of_copy(found: Sequence[Path], profile: str, target: str, database: Path) -> Iterator[str]:
    """A folder with a profiles.yml by which dbt builds in the copy, for as long as it is needed; readable by its owner.

    found: where dbt looks for profiles.yml, in that order.
    """
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise BesideError("profiles.yml was not found. With --in-place none is needed.")
    profiles = yaml.safe_load(path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="account_mapping_") as folder:
        file = Path(folder) / "profiles.yml"
        file.touch(0o600)
        file.write_text(yaml.safe_dump(moved(profiles, profile, target, copy_of(database))), encoding="utf-8")
        yield folder
