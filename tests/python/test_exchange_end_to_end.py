"""The exchange command on two small projects: handshake, keys, what stays when a step fails, and forgetting."""

from __future__ import annotations

import json
import random
import re
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import Project
from loading import package_file

from exchange import command as exchange
from exchange import files, protocol
from exchange.dbt_project import DbtProject

SECRET = "ACCOUNT_MAPPING_SECRET_PAIR_UNDER_TEST"  # noqa: S105
RULES = [
    {"direction": direction, "our_status": "*", "partner_status": "*", "level": "overlapping", "fields": "status"}
    for direction in ("offered", "accepted")
]


def make_side(make_project, name: str, partner: str, accounts: list[tuple[str, str]]) -> Project:
    project = make_project(
        name,
        variables={
            "account_mapping__crms": ["generic"],
            "account_mapping__company_id": name,
            "account_mapping__as_of": "2026-11-15",
        },
    )
    rows = [{"account_id": f"{name}-{i}", "account_name": n, "website": w} for i, (n, w) in enumerate(accounts)]
    project.write_table("generic.accounts", rows)
    settings = {"partner_id": partner, "partner_name": partner, "exchange": "keys", "is_active": "true"}
    project.write_seed(
        "account_mapping__partners",
        [settings | {"agreement_id": "pact", "epoch": "2026", "secret_env": SECRET}],
    )
    project.write_seed("account_mapping__sharing_agreements", [{"partner_id": partner, **rule} for rule in RULES])
    return project


def run(project: Project, *command: str, expected: int = 0) -> None:
    assert exchange.main([*command, "--project-dir", str(project.folder)], project.for_scripts()) == expected


def copy_outbox(sender: Project, name: str, receiver: Project, partner: str) -> Path:
    inbox = receiver.folder / "inbox" / partner
    shutil.rmtree(inbox, ignore_errors=True)
    shutil.copytree(sender.folder / "outbox" / name, inbox)
    return inbox


LOADING = """
import sys, duckdb
with duckdb.connect(sys.argv[1]) as connection:
    print("ready", flush=True)
    connection.execute(sys.argv[2])
    print("done", flush=True)
"""


def assert_whole_whenever_a_load_is_killed(project: Project, staging: Path, load: str) -> None:
    """Kill the statements of a load, as dbt sent them, at ten random moments: all former rows or all new ones.

    load: of a delivery of keys, of which a larger one is made here.
    """
    entry = project.query("select * from partners.partner_manifests")[0]
    schema = pa.schema([(name, pa.string()) for name in protocol.COLUMNS["keys"]])
    numbers = np.char.zfill(np.arange(200_000).astype(str), 64)
    columns = dict.fromkeys(schema.names, numbers)
    pq.write_table(pa.table(columns, schema), staging / "keys.parquet")
    # the same statements about these files: where they are, and how many rows have to come
    load = re.sub("(?<=account_mapping_exchange/north/)[^/]+", staging.name, load)
    for table, rows in (("partner_keys", len(numbers)), ("partner_agreements", 0), ("partner_manifests", 1)):
        load, found = re.subn(rf"(?<={table}\" where partner_id = 'north'\) <> )\d+", str(rows), load)
        assert found == 1
    facts = {name: str(value) for name, value in entry.items() if name != "partner_id"} | {"sequence": 99}
    (staging / "accepted.json").write_text(json.dumps([facts]))
    (staging / "statement.json").write_text("[]")
    tables = "select (select count(*) from partners.partner_keys), (select count(*) from partners.partner_agreements), "
    tables += "(select max(sequence) from partners.partner_manifests)"
    rng, took, found = random.Random(), 0.0, []
    for number in range(11):
        copy = project.folder / "killed.duckdb"
        shutil.copy(project.database, copy)
        command = [sys.executable, "-c", LOADING, str(copy), load.replace('"warehouse"', '"killed"')]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            start = time.monotonic()
            if number:
                time.sleep(rng.uniform(0, 1.1 * took))
                process.kill()
            process.stdout.read()
            took = took or time.monotonic() - start
        with duckdb.connect(str(copy)) as connection:
            found.append(connection.sql(tables).fetchall()[0])
        for path in project.folder.glob("killed.duckdb*"):
            path.unlink()
    assert found[0] == (len(numbers), 0, 99)
    former = tuple(project.query(tables)[0].values())
    assert former[2] != 99
    print(f"killed within {took:.2f} s: {found[1:].count(former)} of 10 left the former rows, the others the new ones")
    assert set(found[1:]) <= {former, found[0]}
    for path in staging.iterdir():
        path.unlink()


def test_two_companies_publish_receive_and_forget(make_project, monkeypatch, capsys):
    monkeypatch.setenv(SECRET, secrets.token_hex(32))
    acme, nimbus = ("Acme GmbH", "acme.de"), ("Nimbus Ltd", "nimbus.co.uk")
    north = make_side(make_project, "north", "south", [acme, ("Globex", "globex.com")])
    south = make_side(make_project, "south", "north", [acme, nimbus])

    # first contact: only statements leave, which needs no more than the settings
    for side, other in ((north, "south"), (south, "north")):
        run(side, "status", other)
        assert "nothing is in force" in capsys.readouterr().out
        run(side, "publish", other, "--no-build")
        assert "handshake: waiting for the statement of" in capsys.readouterr().out
        manifest = json.loads((side.folder / "outbox" / other / "manifest.json").read_bytes())
        assert manifest["files"] == []
        assert len(manifest["statement"]) == 2
    copy_outbox(south, "north", north, "south")
    run(north, "receive", "south", "--no-build")
    assert north.query("select count(*) as n from partners.partner_agreements") == [{"n": 2}]
    assert north.query("select count(*) as n from partners.partner_keys") == [{"n": 0}]

    # now what both agreed on leaves, and nothing else; dbt builds and exports by one manifest
    invoked = []
    invoke = DbtProject._invoke
    monkeypatch.setattr(DbtProject, "_invoke", lambda *args, **named: invoked.append(args[2]) or invoke(*args, **named))
    assert exchange.main(["publish", "south", "--project-dir", str(north.folder)]) == 0
    assert invoked == ["parse", "build", "run-operation", "run-operation"]
    outbox = north.folder / "outbox/south"
    manifest = json.loads((outbox / "manifest.json").read_bytes())
    assert manifest["sequence"] == 2
    names = {entry["kind"]: entry["name"] for entry in manifest["files"]}
    assert "fields" not in names
    assert {path.name for path in outbox.iterdir()} == {"manifest.json", *names.values()}
    assert (north.folder / "exchange_state/south/sent.html").exists()
    keys = pq.read_table(outbox / names["keys"]).to_pylist()
    assert len(keys) > 6
    assert {row["status"] for row in keys} == {"prospect"}
    metadata = pq.read_metadata(outbox / names["keys"])
    assert metadata.metadata is None
    assert not any(metadata.row_group(0).column(i).is_stats_set for i in range(metadata.num_columns))

    # publishing again changes nothing
    before = {path.name: path.read_bytes() for path in outbox.iterdir()}
    capsys.readouterr()
    run(north, "publish", "south", "--no-build")
    assert "nothing has changed" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in outbox.iterdir()} == before

    # the other side takes it in: its own name for the sender, and once only
    inbox = copy_outbox(north, "south", south, "north")
    run(south, "receive", "north", "--no-build")
    stored = "select * exclude (partner_id) from partners.partner_keys order by key_type, token, account_token"
    assert south.query(stored) == keys
    assert south.query("select distinct partner_id from partners.partner_keys") == [{"partner_id": "north"}]
    state = south.folder / "exchange_state/north"
    assert "All checks passed" in (state / files.PAGE).read_text()
    assert {path.name for path in inbox.iterdir()} == set(before)
    # a load that fails half-way changes nothing: the rows of keys go before the broken statement is read
    work = exchange.Work("north", south.folder, south.folder / "outbox/north", inbox)
    assert not any(work.staging.parent.iterdir())
    staging = work.staging
    staging.mkdir()
    (staging / "accepted.json").write_text("[]")
    (staging / "statement.json").write_text("no json")
    stated = {name: {"name": f"{name}.json", "rows": 0} for name in ("statement", "accepted")}
    with pytest.raises(exchange.ExchangeError, match="run-operation"):
        exchange.operation(work, "account_mapping__load_shared", files=stated)
    assert south.query(stored) == keys
    # nor one that brings other rows than were checked, or none
    (staging / "statement.json").write_text("[]")
    for rows in ({"accepted": {"name": "accepted.json", "rows": 1}}, {"keys": {"name": "empty.parquet", "rows": 1}}):
        pq.write_table(pq.read_table(outbox / names["keys"]).slice(0, 0), staging / "empty.parquet")
        with pytest.raises(exchange.ExchangeError, match="did not get the 1 rows that were checked"):
            exchange.operation(work, "account_mapping__load_shared", files=stated | rows)
        assert south.query(stored) == keys

    # nor does one that is killed, at whatever moment
    sent = re.findall(r"begin transaction;.*?\ncommit", (south.folder / "logs/dbt.log").read_text(), re.DOTALL)
    # the ledger is written in such transactions too
    load = next(statements for statements in sent if '"partner_keys"' in statements)
    assert_whole_whenever_a_load_is_killed(south, staging, load)

    # a refusal leaves rows alone and keeps what came in quarantine
    (inbox / names["keys"]).write_bytes(b"PAR1")
    (inbox / "manifest.json").write_bytes((inbox / "manifest.json").read_bytes().replace(b"2026-12-15", b"2027-12-15"))
    run(south, "receive", "north", "--no-build", expected=3)
    assert "was altered" in capsys.readouterr().err
    assert "was altered" in (state / "quarantine/1/reason.txt").read_text()
    assert south.query(stored) == keys

    # withdrawn consent empties the outbox
    withdrawn = [RULES[0] | {"level": "hidden"}, RULES[1]]
    north.write_seed("account_mapping__sharing_agreements", [{"partner_id": "south", **rule} for rule in withdrawn])
    run(north, "status", "south")
    told = capsys.readouterr().out
    assert "number 2 of 2026-11-15" in told
    assert "they get    nothing is in force" in told
    assert "we get      keys" in told
    run(north, "publish", "south", "--no-build")
    assert "no files" in capsys.readouterr().out
    assert sorted(path.name for path in outbox.iterdir()) == ["manifest.json"]

    # whoever is forgotten is in no table, history included, and in no folder
    told = {}
    for side, other in ((north, "south"), (south, "north")):
        run(side, "forget", other)
        told[other] = capsys.readouterr().out
        assert not (side.folder / "outbox" / other).exists()
        assert not list((side.folder / "exchange_state").glob(f"*/*{other}*"))
        assert not (side.folder / "exchange_state" / other).exists()
    assert "main.account_mapping__shared_keys" in told["south"]
    assert "partners.partner_manifests  1 rows" in told["south"]
    assert f"partners.partner_keys  {len(keys)} rows" in told["north"]
    assert not inbox.exists()
    assert north.query("select count(*) as n from account_mapping__shared_keys") == [{"n": 0}]
    assert south.query("select count(*) as n from partners.partner_keys") == [{"n": 0}]


def test_layouts_of_files_are_the_same_in_sql_and_python():
    """The macros write and read the columns that the protocol names."""
    text = package_file("account_mapping__export_shared.sql").read_text()
    for kind in protocol.KINDS:
        columns = protocol.COLUMNS[kind]
        written = text.split(f"'{kind}': {{")[1].split("'columns': [")[1].split("]")[0]
        assert [name.strip().strip("'") for name in written.split(",") if name.strip()] == list(columns)
        grain = text.split(f"'{kind}': {{")[1].split("'grain': [")[1].split("]")[0]
        assert [name.strip().strip("'") for name in grain.split(",")] == list(protocol.GRAIN[kind])
