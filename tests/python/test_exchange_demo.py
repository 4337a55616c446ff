"""Two companies, a clean room and a reader of the plain list, played by the demo's own command on a small world.

The world holds duplicates, families, records without any key and, for the readable list's sake, no names: websites and
numbers are what a list and hashed keys are compared by alike. `test_clean_room.py` has a world with names.
"""

from __future__ import annotations

import json
import re
import secrets
import textwrap
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest
from harness import PACKAGE, opened
from test_clean_room import STATUSES, crm_of

from demo.player import exchange_demo
from demo.player.play import DemoError, dbt
from exchange import protocol, psi
from exchange.dbt_project import DbtProject

GUIDE = PACKAGE / "docs" / "map_accounts_with_a_partner.md"


def write(database: Path, table: str, rows: list[dict]) -> None:
    names = dict.fromkeys(name for row in rows for name in row)
    raw_rows = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"create schema if not exists {table.partition('.')[0]}")
        connection.register("raw_rows", raw_rows)
        connection.execute(f"create table {table} as select * from raw_rows")


def rows_of(name: str, seed: int) -> list[dict]:
    """A CRM whose rows all have what a readable list needs once the names are taken away: a website or a number.

    Every second one is a prospect, so that one cell is large enough to be published.
    """
    rows = [row for row in crm_of(name, seed, 400) if row.get("website") or row.get("duns")]
    return [row | {"status": "prospect"} if number % 2 else row for number, row in enumerate(rows)]


def company(name: str, partner: str, seed: int) -> exchange_demo.Company:
    rules = [{"source_system": "generic", "field": "status", "raw_value": word, "status": word} for word in STATUSES]
    rows = rows_of(name, seed)
    return exchange_demo.Company(
        name, partner, ("generic",), tuple(rules), lambda database: write(database, "generic.accounts", rows)
    )


def load_readable(database: Path, partner_id: str) -> None:
    rows = [{"partner_id": partner_id, **row} for row in rows_of("birch", 2)]
    write(database, "partners.partner_accounts", rows)


@dataclass
class Played:
    """What the command left: its folder, what was said, the cells that differ, all that was told, and the secret."""

    folder: Path
    play: exchange_demo.Play
    differing: list
    told: str
    secret: str


@contextmanager
def secrets_seen() -> Iterator[list[str]]:
    """The secrets that the command makes meanwhile."""
    made = []

    def token_hex(length: int) -> str:
        made.append(secrets.token_hex(length))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange_demo, "secrets", SimpleNamespace(token_hex=token_hex))
        yield made


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> Played:
    told = []
    folder = tmp_path_factory.mktemp("exchange") / "played"
    sides = (company("aster", "birch", 1), company("birch", "aster", 2))
    with secrets_seen() as made:
        play, differing = exchange_demo.play_exchange(
            folder, sides, load_readable, named=False, tested=False, tell=told.append
        )
    assert len(made) == 1
    return Played(folder, play, differing, "\n".join(told), made[0])


def test_both_sides_the_clean_room_and_the_readable_list_count_alike(played):
    assert played.differing == []
    assert "DIFFERS" not in played.told
    projects = ("aster", "birch", "clean_room", "readable_list")
    ours, *others = (exchange_demo.companies(played.folder / name, name == "birch") for name in projects)
    assert others == [ours] * 3
    for rollup in ("account", "parent"):
        assert sum(number or 0 for cell, number in ours.items() if cell[0] == rollup) > 20
    assert sum(bool(number) for number in ours.values()) > 20


@dataclass
class Intersected:
    """The folder of the play by private set intersection, and all that must be in no file: secrets and scalars."""

    folder: Path
    hidden: set[bytes]


@pytest.fixture(scope="module")
def intersected(played, tmp_path_factory) -> Intersected:
    """The same two companies with the same secret, by private set intersection."""
    folder = tmp_path_factory.mktemp("exchange") / "intersected"
    sides = (company("aster", "birch", 1), company("birch", "aster", 2))
    scalar_of, scalars = psi.scalar_of, set()

    def seen(*given) -> bytes:
        scalars.add(made := scalar_of(*given))
        return made

    with secrets_seen() as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr(psi, "scalar_of", seen)
        _, differing = exchange_demo.play_exchange(
            folder, sides, None, named=False, tested=False, tell=list().append, exchange="psi", secret=played.secret
        )
    assert differing == []
    # one secret a side, and one scalar for each of its types of keys
    assert len(made) == 2 and len(scalars) >= 4
    return Intersected(folder, scalars | {bytes.fromhex(secret) for secret in (*made, played.secret)})


def test_by_private_set_intersection_both_sides_link_and_count_alike(intersected):
    found = [exchange_demo.links(intersected.folder / name) for name in ("aster", "birch")]
    assert len(found[0]) == len(found[1]) > 20
    with opened(intersected.folder / "aster" / "warehouse.duckdb") as connection:
        rates = connection.sql("select distinct partner_match_rate from account_mapping__partner_coverage").fetchall()
        shared = connection.sql("select count(*) from account_mapping__shared_keys").fetchall()
        counts = connection.sql("select count(*) from account_mapping__shared_counts").fetchall()
    assert (rates, shared, counts) == ([(None,)], [(0,)], [(0,)])


def test_secrets_and_scalars_of_an_intersection_are_in_no_file_and_no_table(intersected):
    """Whatever dbt, the exchange and the database have written."""
    everything = files_below(intersected.folder)
    rooms = {path.relative_to(intersected.folder).parts[1] for path in everything}
    assert rooms >= {"target", "outbox", "inbox", "exchange_state", "warehouse.duckdb"}
    spelt = {form for secret in intersected.hidden for form in (secret, secret.hex().encode(), b64encode(secret))}
    for path, data in everything.items():
        folded = data.lower()
        assert not any(form in data or form in folded for form in spelt), path
    for name in ("aster", "birch"):
        with opened(intersected.folder / name / "warehouse.duckdb") as connection:
            # pages of the file may be packed
            for (table,) in connection.sql("select schema_name || '.' || table_name from duckdb_tables()").fetchall():
                ((told,),) = connection.sql(f"select string_agg(t::varchar) from {table} as t").fetchall()
                assert not any(secret.hex() in (told or "").lower() for secret in intersected.hidden), table


def test_a_cell_that_differs_is_seen():
    cell = ("account", "customer", "churned")
    text, differing = exchange_demo.table(["a", "b"], [{cell: 3, (*cell[:2], "prospect"): 1}, {cell: 4}])
    assert differing == [(*cell[:2], "churned"), (*cell[:2], "prospect")]
    assert text.count("DIFFERS") == 2


def test_nothing_but_the_files_of_an_outbox_was_passed(played):
    for name, partner in (("aster", "birch"), ("birch", "aster")):
        outbox, inbox = played.folder / name / "outbox" / partner, played.folder / partner / "inbox" / name
        sent = {path.name: path.read_bytes() for path in outbox.iterdir()}
        assert {path.name: path.read_bytes() for path in inbox.iterdir()} == sent
        assert sorted(re.sub("-.*", "", path) for path in sent) == ["counts", "fields", "keys", "manifest.json"]
        room = played.folder / "clean_room" / "inbox" / name
        assert sorted(re.sub("-.*", "", path.name) for path in room.iterdir()) == ["counts", "keys", "manifest.json"]
    assert not any((played.folder / "clean_room").glob("outbox/*"))


def files_below(folder: Path) -> dict[Path, bytes]:
    """Every file but those of the package itself, which is linked."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "dbt_packages" not in path.relative_to(folder).parts
    }


def test_the_secret_is_in_no_file_and_the_clean_room_knows_nobody(played):
    everything = files_below(played.folder)
    assert len(everything) > 50
    for path, data in everything.items():
        assert played.secret.encode() not in data.lower(), path
        assert bytes.fromhex(played.secret) not in data, path
    ids = [row["account_id"].encode() for seed, name in ((1, "aster"), (2, "birch")) for row in rows_of(name, seed)]
    sites = {row["website"].encode() for row in rows_of("aster", 1) if row.get("website")}
    assert any(ids[0] in data for data in files_below(played.folder / "aster").values())
    for path, data in files_below(played.folder / "clean_room").items():
        assert not any(text in data for text in (*ids, *sites)), path


def marts(project: Path) -> dict[str, str]:
    """A hash of every table's rows."""
    with opened(project / "warehouse.duckdb") as connection:
        names = connection.sql("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        hashed = "select md5(string_agg(t::varchar, '|' order by t::varchar)) from {} as t"
        return {name: connection.sql(hashed.format(name)).fetchall()[0][0] for (name,) in names}


def test_an_old_outbox_sent_again_is_refused_and_changes_nothing(played):
    """Signed, unexpired, and older than what Aster has."""
    aster = played.folder / "aster"
    before = marts(aster)
    inbox = aster / "inbox" / "birch"
    kept = {path.name: path.read_bytes() for path in inbox.iterdir()}
    manifest = json.loads(kept["manifest.json"]) | {"sequence": 2}
    manifest["mac"] = protocol.authentication_code(bytes.fromhex(played.secret), manifest)
    (inbox / "manifest.json").write_bytes(protocol.canonical_json(manifest))
    with pytest.raises(DemoError, match=r"Refused \(replayed\).*number 2, number 3 was accepted before"):
        played.play.exchange("aster", "receive", "birch", "--no-build")
    assert marts(aster) == before
    assert (aster / "exchange_state/birch/quarantine/1/manifest.json").exists()
    for name, data in kept.items():
        (inbox / name).write_bytes(data)


def test_what_the_partner_counts_and_reveals_can_be_read_beside_our_own(played):
    aster, birch = (opened(played.folder / name / "warehouse.duckdb") for name in
                    ("aster", "birch"))  # fmt: skip
    counted = "select rollup, our_status, partner_status, companies, cell_state from"
    received = aster.sql(f"{counted} partners.partner_counts where partner_id = 'birch' order by all").fetchall()
    assert received == birch.sql(f"{counted} account_mapping__shared_counts order by all").fetchall()
    countries = aster.sql(
        "select count(*) from int_account_mapping__partner_field_rows where field = 'country' and problem is null"
    ).fetchall()[0][0]
    # told once per pair, read once per account
    told = birch.sql(
        "select count(distinct account_token) from account_mapping__shared_fields where field = 'country'"
    ).fetchall()[0][0]
    assert countries == told > 0
    query = re.search(r"```sql\n(select[^`]*partners\.partner_counts[^`]*)```", GUIDE.read_text()).group(1)
    beside = aster.sql(query).fetchall()
    assert len(beside) == len([row for row in received if row[0] == "account"])
    # rounded to 5, or withheld
    assert all(theirs % 5 == 0 if theirs else state == "suppressed" for *_, theirs, state in beside)
    assert any(theirs for *_, theirs, _ in beside)
    for connection in (aster, birch):
        connection.close()


def masked(text: str) -> str:
    """A text without what differs from run to run: codes, names of files, numbers; and lines about single accounts."""
    single = r"^ {4,6}(?:[-+~] |and |\d[\d,]*: ).*\n?|^ +accounts that stay at home:\n?"
    text = re.sub(single, "", text, flags=re.MULTILINE).strip()
    text = re.sub(r" \([^)]*\)(?=, sha256)", "", text)
    return re.sub(r"\b(?:[0-9A-Z]{4}-){5}[0-9A-Z]{4}\b|\b[0-9a-f]{12,}\b|\d[\d,]*", "#", text)


def test_the_guide_shows_what_the_commands_say(played):
    shown = re.findall(r"^(\w+)\$ exchange (.*)\n((?: {4}.*\n)*)", GUIDE.read_text(), re.MULTILINE)
    assert [command[:2] for command in shown] == [command[:2] for command in played.play.said]
    for (place, command, output), (_, _, said) in zip(shown, played.play.said, strict=True):
        assert masked(textwrap.dedent(output).strip()) == masked(said), f"{place}$ exchange {command}"


def test_views_for_a_partner_hold_what_the_files_hold(played):
    """Where no files are exchanged: the macro by which a partner gets views of its own, and what the command says."""
    aster = played.folder / "aster"
    (aster / "models").mkdir()
    kinds = ("keys", "counts", "fields", "agreement")
    for kind in kinds:
        text = f"{{{{ config(materialized='view') }}}}\n{{{{ account_mapping.shared_with('birch', '{kind}') }}}}\n"
        (aster / "models" / f"for_birch__{kind}.sql").write_text(text)
    project = DbtProject(aster)
    with exchange_demo.environment(played.play.environments["aster"]):
        dbt(project, "run", "--select", *(f"for_birch__{kind}" for kind in kinds))
    with opened(aster / "warehouse.duckdb") as connection:
        for kind in kinds[:3]:
            path = next((aster / "outbox/birch").glob(f"{kind}-*.parquet"))
            sent = connection.sql(f"select columns(*)::varchar from '{path}' order by all")
            viewed = connection.sql(f"select columns(*)::varchar from for_birch__{kind} order by all")
            assert (viewed.columns, viewed.fetchall()) == (sent.columns, sent.fetchall())
        rules = connection.sql("select direction, level, fields from for_birch__agreement order by all").fetchall()
    with opened(played.folder / "birch/warehouse.duckdb") as connection:
        received = "select direction, level, fields from partners.partner_agreements order by all"
        stated = connection.sql(received).fetchall()
    assert [rule[:2] for rule in rules] == [rule[:2] for rule in stated]
    assert [set(rule[2].split(";")) for rule in rules] == [set(rule[2].split(";")) for rule in stated]
    operation = ["run-operation", "account_mapping.default__account_mapping__export_shared"]
    with (
        exchange_demo.environment(played.play.environments["aster"]),
        pytest.raises(DemoError, match=r"shared_with\('birch', 'keys'\)"),
    ):
        dbt(project, *operation, "--args", "{partner_id: birch, folder: nowhere}")


def test_who_is_forgotten_is_in_no_table_and_no_folder(played):
    """Last: it ends the exchange."""
    aster = played.folder / "aster"
    told = played.play.exchange("aster", "forget", "birch")
    for name in ("partners.partner_keys", "partners.partner_counts", "partners.partner_fields"):
        assert name in told
    for name in ("account_mapping__shared_keys", "int_account_mapping__frozen_counts"):
        assert f"main.{name}" in told
    assert "int_account_mapping__overlap_first_seen" in told
    assert not any((aster / folder / "birch").exists() for folder in ("outbox", "inbox", "exchange_state"))
    with opened(aster / "warehouse.duckdb") as connection:
        tables = connection.sql(
            "select distinct schema_name, table_name from duckdb_columns() inner join duckdb_tables() "
            "using (database_name, schema_name, table_name) where column_name = 'partner_id'"
        ).fetchall()
        seeds = {"account_mapping__partners", "account_mapping__sharing_agreements"}
        left = [
            name
            for schema, name in tables
            if connection.sql(f"select 1 from {schema}.{name} where partner_id = 'birch'").fetchall()
        ]
    assert set(left) == {*seeds, "exchange_ledger"}, "settings are the user's own; that something left stays known"
    manifest = json.loads((played.folder / "birch/outbox/aster/manifest.json").read_bytes())
    assert manifest["sequence"] == 3
