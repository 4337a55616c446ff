"""Build only if something has changed: of an unchanged world it says so within seconds, and starts no dbt.

usage: python dbt_packages/account_mapping/rerun [--project-dir .] [--all] [--in-place] [OPTION OF dbt build ...]

Looks at the project's files, the CRM's tables, the partners' files and tables, settings, secrets, versions and the day,
as the last `rerun` that succeeded left them. Nothing has changed: it builds nothing. Only the day has: it builds the
models that read the day, and what is made of them. Otherwise, after a build that failed or that was not `rerun`'s, and
with --all: everything, as `dbt build` does. Other options are handed to `dbt build`, and are part of what may change.

It builds in a copy of the DuckDB file, beside it in .account_mapping_rerun/, which takes the file's place in one step
when the build has ended well. Until then, after a failure and after a kill the file is as it was, and may be read. A
copy that failed stays until the next run, to be looked at. --in-place makes no copy, as `dbt build`.

What it knows is in target/account_mapping_rerun.json: who deletes it gets a whole build. It works on DuckDB files.
Models of your own that the package reads must name their tables by `source()`, else a change of these is not seen.
Ends with 0 when the marts are right, 1 when the build failed, 2 when it was not used as above.
"""

from __future__ import annotations

import datetime
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from exchange.dbt_project import DbtError, DbtProject
from exchange.locks import Busy, held

from . import beside, fingerprint
from .beside import BesideError
from .fingerprint import Inputs

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
STATE = "account_mapping_rerun.json"
VERSION = 2
BUILD = "model.account_mapping.int_account_mapping__build"
DAY_MACRO = "macro.account_mapping.as_of"
WHAT = {
    "code": "the project's files or a package",
    "libraries": "a version of Python or of a library",
    "options": "the options",
    "secrets": "a secret, an environment variable or the profile",
    "tables": "a table that is read",
    "lists": "a partner's file",
    "build": "the marts, by another build",
    "day": "the day",
}


class RerunError(Exception):
    """What cannot be done; the message says why."""


@dataclass(frozen=True)
class State:
    """What the last build that succeeded left: parts of its world, how to look at it, and which models read the day."""

    parts: dict[str, str]
    inputs: Inputs
    salt: str
    dated: list[str]
    models: int
    built_at: str


def read_state(path: Path) -> State | None:
    """None where there is none that this version wrote."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept.pop("version") != VERSION:
            return None
        inputs = kept.pop("inputs")
        return State(
            inputs=Inputs(**inputs | {name: tuple(inputs[name]) for name in ("relations", "schemas", "made")}), **kept
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_state(path: Path, state: State) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f".{path.name}.new")
    written.write_text(json.dumps({"version": VERSION, **asdict(state)}, indent=1), encoding="utf-8")
    written.chmod(0o600)
    written.replace(path)


def profiles(project: Path, options: Sequence[str], environment: Mapping[str, str]) -> list[Path]:
    """Where dbt looks for the profile: https://docs.getdbt.com/docs/core/connect-data-platform/connection-profiles"""
    folders = [project, Path.home() / ".dbt"]
    if "DBT_PROFILES_DIR" in environment:
        folders.insert(0, Path(environment["DBT_PROFILES_DIR"]))
    if "--profiles-dir" in options:
        folders.insert(0, Path(options[list(options).index("--profiles-dir") + 1]))
    return [folder / "profiles.yml" for folder in folders]


def parts_of(
    project: Path, options: Sequence[str], inputs: Inputs, salt: str, environment: Mapping[str, str], today: str
) -> dict[str, str]:
    """The world as it is now, by part; see WHAT. A DuckDB file that somebody else writes to is an error."""
    import duckdb

    code, variables = fingerprint.code(project)
    found = {
        "code": code,
        "libraries": fingerprint.libraries(REQUIREMENTS),
        "options": fingerprint.hashed(options),
        "secrets": fingerprint.secrets(
            variables, profiles(project, options, environment), environment, bytes.fromhex(salt)
        ),
        "lists": fingerprint.lists(project, inputs.lists),
        "day": inputs.as_of or today,
    }
    if not Path(inputs.database).is_file():
        return found | {"tables": "", "build": ""}
    try:
        with duckdb.connect(inputs.database, read_only=True) as connection:
            found["tables"] = fingerprint.tables(connection, inputs)
            found["build"] = fingerprint.build_of(connection, inputs)
    except duckdb.IOException as error:
        raise RerunError(f"The database cannot be read now: {str(error).splitlines()[0]}") from error
    return found


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The parts that differ, in the order of WHAT."""
    return [part for part in WHAT if before.get(part) != now.get(part) or not now.get(part)]


def sentence(why: Sequence[str], parts: Mapping[str, str]) -> str:
    """What has changed, for people; of tables that cannot be read here nobody knows whether they have."""
    told = dict(WHAT)
    if not parts["tables"]:
        told["tables"] = "a table cannot be read here, and may have changed"
    return f"Changed: {'; '.join(told[part] for part in why)}."


def models_of_the_day(manifest: Mapping[str, Any]) -> tuple[list[str], int]:
    """The models that read the day themselves, by name, and how many models and seeds there are."""
    macros = manifest["macros"]
    known: dict[str, bool] = {DAY_MACRO: True}

    def reads(name: str) -> bool:
        if name not in known:
            known[name] = False
            known[name] = any(map(reads, macros.get(name, {}).get("depends_on", {}).get("macros", [])))
        return known[name]

    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed", "snapshot")]
    return sorted(node["name"] for node in nodes if any(map(reads, node["depends_on"].get("macros", [])))), len(nodes)


def take_stock(dbt: DbtProject) -> Inputs:
    """Ask dbt what a build would read."""
    with tempfile.TemporaryDirectory() as folder:
        dbt.run("run-operation", "account_mapping__list_inputs", "--args", json.dumps({"folder": folder}))
        rows = json.loads((Path(folder) / "inputs.json").read_text(encoding="utf-8"))
    found = Inputs.of_rows(rows)
    return replace(found, database=str((dbt.folder / found.database).resolve())) if found.database else found


def rerun(
    project: Path,
    options: Sequence[str] = (),
    everything: bool = False,
    in_place: bool = False,
    environment: Mapping[str, str] = os.environ,
    today: str = "",
    tell: Callable[[str], None] = print,
) -> list[str]:
    """Build what has to be built; returns the parts that had changed.

    Raises RerunError, BesideError, DbtError and, while another runs, Busy.

    everything, in_place: as --all and --in-place. today: as 2026-01-31, in UTC as dbt counts days.
    """
    today = today or datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    path = project / target_folder(project, options) / STATE
    state = None if everything else read_state(path)
    start = time.monotonic()
    parts = parts_of(project, options, state.inputs, state.salt, environment, today) if state else {}
    why = changed(state.parts, parts) if state else list(WHAT)
    if state and not why:
        tell(
            f"Nothing has changed since {state.built_at}: no model was built ({time.monotonic() - start:.1f} s). The"
            f" marts are of {parts['day']}."
        )
        return []
    selection: list[str] = []
    if state and why == ["day"] and not SELECTING & set(options):
        selection = ["--select", *(f"{name}+" for name in state.dated)]
        tell(f"Only the day has changed: {len(state.dated)} of {state.models} models read it.")
    elif state:
        tell(sentence(why, parts))
    else:
        tell("Nothing is known of a former build: everything is built.")
    # what is not known to be right is not called so, whatever happens from here on
    path.unlink(missing_ok=True)
    salt = state.salt if state else secrets.token_hex(16)
    where = state.inputs if state and not {"options", "secrets"} & set(why) else None
    one_at_a_time = held(path.with_suffix(".lock"), "rerun", f"the project {project.name}", 0, tell)
    with one_at_a_time, place(project, options, where, in_place, environment) as (dbt, database):
        inputs = replace(take_stock(dbt), **({"database": str(database)} if database else {}))
        # before the build: what changes while it runs is seen the next time
        parts = parts_of(project, options, inputs, salt, environment, today)
        dbt.run("build", *selection, *split(options)[1], tell=tell)
        manifest = json.loads((path.parent / "manifest.json").read_text(encoding="utf-8"))
    inputs = replace(inputs, build=manifest["nodes"][BUILD]["relation_name"])
    parts["build"] = parts_of(project, options, inputs, salt, environment, today)["build"]
    dated, models = models_of_the_day(manifest)
    built_at = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    write_state(path, State(parts, inputs, salt, dated, models, built_at))
    return why


@contextmanager
def place(
    project: Path, options: Sequence[str], known: Inputs | None, in_place: bool, environment: Mapping[str, str]
) -> Iterator[tuple[DbtProject, Path | None]]:
    """dbt where it builds: in a copy of the database, which takes its place at the end of a body that raises nothing.

    known: what a former run found of the same profile and options. Gives the database as the profile has it too, None
    where dbt builds in place, which it does without a file: in memory, or elsewhere.
    """
    common = split(options)[0]
    dbt = DbtProject(project, common)
    inputs = None if in_place else known or take_stock(dbt)
    if inputs is None or not inputs.database:
        yield dbt, None
        return
    database = Path(inputs.database)
    if "--profiles-dir" in common:
        at = common.index("--profiles-dir")
        common = common[:at] + common[at + 2 :]
    found = profiles(project, options, environment)
    with beside.profile_of_copy(found, inputs.profile, inputs.target, database) as folder:
        lock = beside.begin(database)
        try:
            yield DbtProject(project, [*common, "--profiles-dir", folder]), database
            beside.finish(database)
        finally:
            if lock:
                lock.close()


# Who says what to build gets that, on a new day too.
SELECTING = {"--select", "-s", "--models", "--model", "-m", "--selector"}
# Options of dbt that every command takes, and with how many values; the others are of `dbt build` alone.
COMMON = {"--profiles-dir": 1, "--profile": 1, "--target": 1, "-t": 1, "--vars": 1, "--target-path": 1}


def split(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options that every dbt command takes, and those of `dbt build` alone."""
    common, others = [], []
    rest = list(options)
    while rest:
        name = rest.pop(0)
        if name in COMMON:
            if not rest:
                raise RerunError(f"{name} needs a value.")
            common += [name, rest.pop(0)]
        else:
            others.append(name)
    return common, others


def target_folder(project: Path, options: Sequence[str]) -> Path:
    """Where dbt writes, from --target-path, the environment or dbt_project.yml."""
    import yaml

    if "--target-path" in options:
        return Path(options[list(options).index("--target-path") + 1])
    settings = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8")) or {}
    return Path(os.environ.get("DBT_TARGET_PATH") or settings.get("target-path", "target"))


def main(command: Iterable[str] | None = None) -> int:
    options = list(sys.argv[1:] if command is None else command)
    if {"-h", "--help"} & set(options):
        print(__doc__)
        return 0
    everything, in_place = "--all" in options, "--in-place" in options
    options = [option for option in options if option not in ("--all", "--in-place")]
    project = Path()
    if "--project-dir" in options:
        at = options.index("--project-dir")
        if at + 1 == len(options):
            print("--project-dir needs a folder.", file=sys.stderr)
            return 2
        project = Path(options[at + 1])
        del options[at : at + 2]
    project = project.resolve()
    if not (project / "dbt_project.yml").is_file():
        print(f"{project} holds no dbt_project.yml: give your dbt project as --project-dir.", file=sys.stderr)
        return 2
    try:
        rerun(project, options, everything, in_place)
    except (Busy, RerunError, BesideError, DbtError) as error:
        if str(error):
            print(error, file=sys.stderr)
        print("The build did not end well: the next run builds everything again.", file=sys.stderr)
        return 1
    return 0
