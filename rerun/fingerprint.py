"""What a build depends on, as short texts: equal ones mean that it would build the same again.

The content counts, not the time of a change, but for partners' files, whose time is data. Of secrets nothing is kept
that they could be told by: environment variables and the profile go through scrypt with a salt of their own.
"""

from __future__ import annotations

import glob
import hashlib
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import duckdb
import yaml

# What dbt reads of a project besides its settings, by setting: https://docs.getdbt.com/reference/dbt_project.yml
FOLDERS = {
    "model-paths": ["models"],
    "seed-paths": ["seeds"],
    "macro-paths": ["macros"],
    "snapshot-paths": ["snapshots"],
    "test-paths": ["tests"],
}
SETTINGS = ("dbt_project.yml", "packages.yml", "dependencies.yml", "package-lock.yml")
SUFFIXES = {".sql", ".py", ".yml", ".yaml", ".csv", ".md"}
# Its version changes what a build makes.
LIBRARIES = ("dbt-core", "dbt-duckdb")
VARIABLE = re.compile(r"env_var\(\s*['\"](\w+)")
OWN_VARIABLES = "ACCOUNT_MAPPING_"
# of memory 16 MB, of time 50 ms
SCRYPT = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True)
class Inputs:
    """What the macro account_mapping__list_inputs found.

    database: the DuckDB file, or ''. profile, target: by which dbt finds it. relations: tables that are read, as
    dbt writes them. schemas: where others may appear. made: schema.table of what dbt makes itself. lists: the
    pattern of partners' files. as_of: the day of var account_mapping__as_of, or ''. build: the table that says
    which build the marts are of, or ''.
    """

    database: str
    profile: str
    target: str
    relations: tuple[str, ...]
    schemas: tuple[str, ...]
    made: tuple[str, ...]
    lists: str
    as_of: str
    build: str

    @classmethod
    def of_rows(cls, rows: Iterable[Mapping[str, str]]) -> Inputs:
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["kind"], []).append(row["value"] or "")
        return cls(
            found["database"][0],
            found["profile"][0],
            found["target"][0],
            tuple(found.get("relation", ())),
            tuple(found.get("schema", ())),
            tuple(found.get("made", ())),
            found["lists"][0],
            found["as_of"][0],
            found.get("build", [""])[0],
        )


def hashed(parts: Iterable[str | bytes]) -> str:
    """A hash of the parts, each with its length in front: none can take a letter from its neighbour."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()[:32]


def files_of(folder: Path) -> Iterator[Path]:
    """The files that dbt reads of one project, in order."""
    settings = yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8")) or {}
    for name in SETTINGS:
        if (folder / name).is_file():
            yield folder / name
    for setting, usual in FOLDERS.items():
        for place in settings.get(setting, usual):
            for path in sorted((folder / place).rglob("*")):
                if path.suffix in SUFFIXES and path.is_file():
                    yield path


def packages_of(folder: Path) -> list[Path]:
    """The projects that are installed in a project."""
    settings = yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8")) or {}
    installed = folder / settings.get("packages-install-path", "dbt_packages")
    return sorted(path.parent for path in installed.glob("*/dbt_project.yml"))


def code(folder: Path) -> tuple[str, set[str]]:
    """The hash of all files that dbt reads, and the names of the environment variables that they ask for."""
    parts: list[str | bytes] = []
    variables: set[str] = set()
    for project in (folder, *packages_of(folder)):
        for path in files_of(project):
            data = path.read_bytes()
            parts += [str(path.relative_to(project)), data]
            variables.update(VARIABLE.findall(data.decode("utf-8", "replace")))
    return hashed(parts), variables


def libraries(requirements: Path) -> str:
    """The versions of Python, dbt and what the package's Python models import."""
    names = {*LIBRARIES}
    for line in requirements.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"[A-Za-z0-9._-]+", line):
            names.add(found[0])
    told = [f"python {platform.python_version()}"]
    for name in sorted(names):
        try:
            told.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            told.append(f"{name} is not installed")
    return hashed(told)


def secrets(variables: Iterable[str], profiles: Sequence[Path], environment: Mapping[str, str], salt: bytes) -> str:
    """Environment variables and profiles by scrypt: who has the result and no salt learns nothing, with it little."""
    names = {*variables, *(name for name in environment if name.startswith(OWN_VARIABLES))}
    parts: list[str | bytes] = []
    for path in profiles:
        data = path.read_bytes() if path.is_file() else b""
        names.update(VARIABLE.findall(data.decode("utf-8", "replace")))
        parts.append(data)
    for name in sorted(names):
        parts += [name, environment.get(name, "")]
    return hashlib.scrypt(hashed(parts).encode(), salt=salt, dklen=16, **SCRYPT).hex()


def lists(folder: Path, pattern: str) -> str:
    """The partners' files: names, times and contents."""
    parts: list[str | bytes] = []
    for path in sorted(glob.glob(pattern, root_dir=folder, recursive=True)) if pattern else []:
        place = folder / path
        parts += [path, str(os.stat(place).st_mtime_ns)]
        if place.is_file():
            with place.open("rb") as file:
                parts.append(hashlib.file_digest(file, "sha256").digest())
    return hashed(parts)


def tables(connection: duckdb.DuckDBPyConnection, inputs: Inputs) -> str:
    """The rows of the tables that are read, in any order, and the columns of all tables beside them.

    Of each table the number of its rows, and the sum and the exclusive or of their hashes. '' where one cannot be read
    here, as in a database that dbt alone attaches: then nobody knows that it has not changed.
    """
    parts = []
    for relation in inputs.relations:
        try:
            [told] = connection.execute(
                f"select count(*), sum(cast(hash(t) as hugeint)), bit_xor(hash(t)) from {relation} as t"
            ).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            return ""
        parts += [relation, *map(str, told)]
    columns = connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where list_contains(?, lower(schema_name)) and not internal order by all",
        [list(inputs.schemas)],
    ).fetchall()
    for schema, table, column, kind in columns:
        if f"{schema}.{table}".lower() not in inputs.made:
            parts += [schema, table, column, kind]
    return hashed(parts)


def build_of(connection: duckdb.DuckDBPyConnection, inputs: Inputs) -> str:
    """Which build the marts are of, or '' where there is none."""
    try:
        rows = connection.execute(f"select build_id from {inputs.build}").fetchall() if inputs.build else []
    except duckdb.CatalogException:
        rows = []
    return rows[0][0] if rows else ""
