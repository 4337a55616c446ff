"""The command `rerun`: of an unchanged world it builds nothing, and every part of the world that changes is seen."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from harness import PACKAGE, Project

from rerun import beside, command, fingerprint

NO_TESTS = ("--exclude-resource-type", "test", "unit_test")
ACCOUNTS = [{"account_id": str(n), "account_name": f"Kudu {n}", "website": f"kudu-{n}.com"} for n in range(4)]
EXCLUSION = "kind,value,partner_id,reason\ndomain,kudu-1.com,*,test\n"
LIST = "account_id,account_name,website,status\n1,Kudu 1,kudu-1.com,customer\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[str]]:
    """A project that `rerun` has built on 2026-11-15, and what it told."""
    folder = tmp_path_factory.mktemp("rerun")
    project = Project(
        folder, {"account_mapping__crms": ["generic"], "account_mapping__partner_lists_path": "lists/*.csv"}
    )
    project.write_tables({"generic.accounts": ACCOUNTS})
    (folder / "lists").mkdir()
    (folder / "lists/nimbus.csv").write_text(LIST)
    project.write_seed(
        "account_mapping__partners",
        [{"partner_id": "nimbus", "partner_name": "Nimbus", "exchange": "list", "is_active": "true"}],
    )
    told: list[str] = []
    assert command.rerun(folder, options(folder), today="2026-11-15", tell=told.append) == [*command.WHAT]
    return project, told


def options(folder: Path) -> list[str]:
    return ["--profiles-dir", str(folder), *NO_TESTS]


def why(project: Project, today: str = "2026-11-15", environment: dict[str, str] | None = None) -> list[str]:
    """Which parts the next run would find changed."""
    state = command.read_state(project.folder / "target" / command.STATE)
    assert state
    found = command.parts_of(
        project.folder, options(project.folder), state.inputs, state.salt, environment or dict(os.environ), today
    )
    return command.changed(state.parts, found)


def test_what_has_not_changed_is_not_built(built):
    project, told = built
    assert told[0] == "Nothing is known of a former build: everything is built."
    assert any("Completed successfully" in line for line in told)
    before = project.query("select build_id from account_mapping__build")
    lines: list[str] = []
    assert command.rerun(project.folder, options(project.folder), today="2026-11-15", tell=lines.append) == []
    [line] = lines
    assert line.startswith("Nothing has changed since ") and line.endswith("The marts are of 2026-11-15.")
    assert project.query("select build_id from account_mapping__build") == before


def sql(statement: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        with duckdb.connect(str(project.database)) as connection:
            connection.execute(statement)

    return change


def write(path: str, text: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        (project.folder / path).parent.mkdir(exist_ok=True)
        (project.folder / path).write_text(text)

    return change


def touch(project: Project) -> None:
    os.utime(project.folder / "lists/nimbus.csv", (1, 1))


CHANGES = {
    "a value": (sql("update generic.accounts set website = 'ibex.com' where account_id = '2'"), "tables"),
    "a row less": (sql("delete from generic.accounts where account_id = '2'"), "tables"),
    "a row twice": (sql("insert into generic.accounts from generic.accounts where account_id = '2'"), "tables"),
    "a row thrice": (
        sql("insert into generic.accounts select a.* from generic.accounts as a, range(2) where account_id = '2'"),
        "tables",
    ),
    "two values that change places": (
        sql("update generic.accounts set website = 'kudu-' || (3 - cast(account_id as integer)) || '.com'"),
        "tables",
    ),
    "a column": (sql("alter table generic.accounts add column city text"), "tables"),
    "a table that is read now": (
        sql("create schema partners; create table partners.partner_contacts as select 'nimbus' as partner_id"),
        "tables",
    ),
    "a table that is gone": (sql("drop table generic.accounts"), "tables"),
    "marts of another build": (sql("update int_account_mapping__build set build_id = 'x'"), "build"),
    "no marts": (sql("drop table int_account_mapping__build"), "build"),
    "a partner's row": (write("lists/nimbus.csv", LIST + "2,Kudu 2,,prospect\n"), "lists"),
    "a partner's file": (write("lists/aster.csv", LIST), "lists"),
    "the time of a partner's file": (touch, "lists"),
    "a setting": (write("seeds/account_mapping__exclusions.csv", EXCLUSION), "code"),
    "a model": (write("models/mine.sql", "select 1 as one"), "code"),
    "the profile": (lambda it: (it.folder / "profiles.yml").open("a").write("\n# threads"), "secrets"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "part"), CHANGES.values(), ids=CHANGES)
def test_every_change_is_seen(built, tmp_path, change, part):
    project = built[0]
    kept = tmp_path / "kept"
    shutil.copytree(project.folder, kept, ignore=shutil.ignore_patterns("dbt_packages", "target", "logs"))
    try:
        assert why(project) == []
        change(project)
        assert why(project) == [part]
    finally:
        for name in ("lists", "seeds", "models"):
            shutil.rmtree(project.folder / name, ignore_errors=True)
        shutil.copytree(kept, project.folder, dirs_exist_ok=True)
    assert why(project) == []


@pytest.mark.parametrize(
    ("name", "value"), [("ACCOUNT_MAPPING_SECRET_NIMBUS", "aa" * 32), ("account_mapping_elsewhere", None)]
)
def test_a_secret_is_seen_and_never_kept(built, name, value):
    project = built[0]
    environment = dict(os.environ) | {name: value or "x"}
    assert why(project, environment=environment) == (["secrets"] if value else [])
    state = (project.folder / "target" / command.STATE).read_text()
    assert "aa" * 8 not in state


def test_other_options_and_versions_are_another_world(built, monkeypatch):
    project = built[0]
    state = command.read_state(project.folder / "target" / command.STATE)
    other = ["--full-refresh"]
    parts = command.parts_of(project.folder, other, state.inputs, state.salt, dict(os.environ), "2026-11-15")
    # and the profile lies elsewhere without its option
    assert command.changed(state.parts, parts)[0] == "options"
    monkeypatch.setattr(fingerprint, "version", lambda name: "0")
    assert why(project) == ["libraries"]


def test_a_fixed_day_does_not_pass(built):
    project = built[0]
    assert why(project, "2026-11-16") == ["day"]
    state = command.read_state(project.folder / "target" / command.STATE)
    fixed = replace(state.inputs, as_of="2026-11-15")
    parts = command.parts_of(project.folder, options(project.folder), fixed, state.salt, dict(os.environ), "2026-11-16")
    assert parts["day"] == "2026-11-15"


def test_a_table_of_a_database_that_is_not_attached_here_is_never_unchanged(built):
    project = built[0]
    state = command.read_state(project.folder / "target" / command.STATE)
    elsewhere = replace(state.inputs, relations=(*state.inputs.relations, '"crm"."public"."account"'))
    with duckdb.connect(str(project.database), read_only=True) as connection:
        assert fingerprint.tables(connection, elsewhere) == ""
    unseen = state.parts | {"tables": ""}
    assert command.changed(unseen, unseen) == ["tables"]
    assert command.sentence(["tables"], unseen) == "Changed: a table cannot be read here, and may have changed."
    assert command.sentence(["lists", "day"], state.parts) == "Changed: a partner's file; the day."


def test_the_models_of_the_day_are_those_whose_code_asks_for_it(built):
    manifest = json.loads((built[0].folder / "target/manifest.json").read_text())
    found, models = command.models_of_the_day(manifest)
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    # dbt itself knows the true day alone
    day = manifest["metadata"]["invocation_started_at"][:10]
    asking = {node["name"] for node in nodes if f"'{day}'" in (node.get("compiled_code") or "")}
    assert asking <= set(found) and len(asking) > 8
    assert "int_account_mapping__normalized" not in found
    assert models > 150


def test_on_a_new_day_only_what_reads_it_is_built(built):
    project = built[0]
    lines: list[str] = []
    assert command.rerun(project.folder, options(project.folder), today="2026-11-16", tell=lines.append) == ["day"]
    assert lines[0].startswith("Only the day has changed: ")
    results = json.loads((project.folder / "target/run_results.json").read_text())["results"]
    names = {result["unique_id"].split(".")[2] for result in results}
    assert "int_account_mapping__agreements_in_force" in names and "account_mapping__inputs" in names
    assert not {"int_account_mapping__normalized", "int_account_mapping__domains"} & names
    assert command.rerun(project.folder, options(project.folder), today="2026-11-16", tell=lines.append) == []


def test_after_a_build_that_failed_everything_is_built(built, monkeypatch):
    project = built[0]
    path = project.folder / "target" / command.STATE
    kept = path.read_text()
    lines: list[str] = []
    with pytest.raises(command.DbtError):
        command.rerun(
            project.folder, [*options(project.folder), "--vars", "{account_mapping__crms: [nobody]}"], tell=lines.append
        )
    assert not path.exists()
    path.write_text(kept)


def test_a_build_that_fails_leaves_the_file_as_it_was_and_readers_never_wait(built, monkeypatch):
    """Read while it builds; of what failed the copy stays, to be looked at, until the next run."""
    project = built[0]
    path = project.folder / "target" / command.STATE
    kept, before = path.read_text(), hashlib.sha256(project.database.read_bytes()).hexdigest()
    copy = beside.copy_of(project.database)
    look = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'read').sql('select 7'))"
    seen = []
    as_ever = command.DbtProject.run

    def fail(self, *arguments, tell=None):
        if arguments[0] != "build":
            return as_ever(self, *arguments, tell=tell)
        for how in ("read", "write"):
            run = [sys.executable, "-c", look, str(project.database), how]
            seen.append(subprocess.run(run, capture_output=True, text=True, check=False))
        with duckdb.connect(str(copy)) as connection:
            connection.execute("create or replace table account_mapping__build as select 'half of a run' as build_id")
        raise command.DbtError("no")

    monkeypatch.setattr(command.DbtProject, "run", fail)
    with pytest.raises(command.DbtError):
        command.rerun(project.folder, options(project.folder), everything=True, today="2026-11-16", tell=lambda _: None)
    reader, writer = seen
    assert reader.returncode == 0 and writer.returncode != 0 and "lock" in writer.stderr
    assert hashlib.sha256(project.database.read_bytes()).hexdigest() == before
    with duckdb.connect(str(copy), read_only=True) as connection:
        assert connection.sql("select build_id from account_mapping__build").fetchall() == [("half of a run",)]
    # the profile's file tells of no other place
    assert str(copy) not in (project.folder / "profiles.yml").read_text()
    path.write_text(kept)


def test_a_kill_leaves_the_former_marts(built):
    """That the next run completes shows `python -m benchmarks.rerun_soak`."""
    project = built[0]
    path = project.folder / "target" / command.STATE
    kept, file = path.read_text(), project.database.read_bytes()
    run = [
        sys.executable,
        str(PACKAGE / "rerun"),
        "--all",
        "--project-dir",
        str(project.folder),
        *options(project.folder),
    ]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            if "model" in line and "OK" in line:
                process.kill()
                break
    assert process.returncode == -9
    assert project.database.read_bytes() == file
    assert beside.copy_of(project.database).exists() and not path.exists()
    path.write_text(kept)


def test_two_do_not_run_at_once_and_a_file_that_somebody_writes_to_is_not_copied(built, tmp_path):
    project = built[0]
    lock = project.folder / "target" / command.STATE
    with (
        command.held(lock.with_suffix(".lock"), "rerun", "it", 0, print),
        pytest.raises(command.Busy, match="the project"),
    ):
        command.rerun(project.folder, options(project.folder), everything=True, tell=lambda _: None)
    writer = [
        sys.executable,
        "-c",
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print(1, flush=True); time.sleep(60)",
    ]
    shutil.copy(project.database, tmp_path / "it.duckdb")
    with subprocess.Popen([*writer, str(tmp_path / "it.duckdb")], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(beside.BesideError, match="cannot be read now"):
            beside.begin(tmp_path / "it.duckdb")
        process.kill()


def test_what_is_in_the_log_alone_is_copied_too(tmp_path):
    database = tmp_path / "it.duckdb"
    write = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.sql('create table t as select 7 as x'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", write, str(database)], check=True)
    assert beside.log_of(database).exists()
    database.chmod(0o640)
    lock = beside.begin(database)
    assert beside.copy_of(database).parent.stat().st_mode & 0o777 == 0o700
    with duckdb.connect(str(beside.copy_of(database))) as connection:
        assert connection.sql("update t set x = x + 1 returning x").fetchall() == [(8,)]
    beside.finish(database)
    lock.close()
    # nobody may read it now who might not before
    assert database.stat().st_mode & 0o777 == 0o640
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.sql("from t").fetchall() == [(8,)]


def test_a_profile_that_has_no_such_target_is_an_error_with_a_remedy(tmp_path):
    profiles = {"mine": {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": "a.duckdb", "threads": 4}}}}
    found = beside.moved(profiles, "mine", "dev", tmp_path)
    assert found["mine"]["outputs"]["dev"] == {"type": "duckdb", "path": str(tmp_path), "threads": 4}
    assert profiles["mine"]["outputs"]["dev"]["path"] == "a.duckdb"
    for profile, target in (("mine", "prod"), ("yours", "dev")):
        with pytest.raises(beside.BesideError, match="--in-place"):
            beside.moved(profiles, profile, target, tmp_path)
    with (
        pytest.raises(beside.BesideError, match="not found"),
        beside.profile_of_copy([tmp_path / "x"], "a", "b", tmp_path),
    ):
        pass


def test_wrong_usage_is_told_in_a_sentence(tmp_path, capsys):
    assert command.main(["--project-dir", str(tmp_path)]) == 2
    assert "holds no dbt_project.yml" in capsys.readouterr().err
    assert command.main(["--project-dir"]) == 2
    assert command.main(["--help"]) == 0
    with pytest.raises(command.RerunError, match="--vars needs a value"):
        command.split(["--vars"])


def test_a_state_of_another_version_is_no_state(tmp_path):
    path = tmp_path / "state.json"
    assert command.read_state(path) is None
    for text in ("{", "{}", '{"version": 0}', '{"version": 1, "parts": {}}'):
        path.write_text(text)
        assert command.read_state(path) is None


def test_the_command_of_the_docs_is_there():
    assert (PACKAGE / "rerun/__main__.py").is_file()
