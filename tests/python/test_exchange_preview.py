"""The preview: what would leave is shown row by row, equals what is then published, and leaves no trace."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import Project

from exchange import command as exchange
from exchange import preview, protocol
from exchange.dbt_project import DbtProject

SECRET = hashlib.sha256(b"a pair that looks before it leaps").hexdigest()
VARIABLE = "ACCOUNT_MAPPING_SECRET_OF_A_PREVIEW"
STATUSES = ("customer", "prospect", "churned")
FILE = re.compile(r"(?:keys|counts|fields)-[0-9a-f]{12}\.parquet")


def rules(*offered: tuple[str, str, str]) -> list[dict[str, str]]:
    """Our statement. offered: (our status, level, fields)."""
    made = [("offered", *rule) for rule in offered] + [("accepted", "*", "all", "name")]
    return [
        {"partner_id": "south", "direction": direction, "our_status": status, "partner_status": "*", "level": level,
         "fields": fields, "minimum_count": "", "valid_from": "", "valid_until": ""}
        for direction, status, level, fields in made
    ]  # fmt: skip


def token_of(value: str, key_type: str) -> str:
    derive_key = protocol.load_model("int_account_mapping__match_keys").derive_key
    key = derive_key(bytes.fromhex(SECRET), "pact", "1", key_type, "3")
    return hmac.digest(key, value.encode(), "sha256").hex()


def write_own(project: Project) -> None:
    """Two accounts of each of three statuses, and one that is excluded."""
    project.write_table(
        "generic.accounts",
        [
            {"account_id": f"{status}{number}", "account_name": f"Firm {status}{number}", "status": status,
             "website": f"{status}{number}x.com", "country": "DE"}
            for status in STATUSES
            for number in range(2)
        ]
        + [{"account_id": "out", "account_name": "Ourselves", "status": "customer", "website": "ourselvesx.com"}],
    )  # fmt: skip
    project.write_seed(
        "account_mapping__status_rules",
        [{"source_system": "generic", "field": "status", "raw_value": status, "status": status} for status in STATUSES],
    )
    project.write_seed(
        "account_mapping__exclusions", [{"partner_id": "*", "kind": "account_id", "value": "out", "reason": "us"}]
    )
    project.write_seed(
        "account_mapping__partners",
        [{"partner_id": "south", "partner_name": "South", "exchange": "keys", "is_active": "true",
          "agreement_id": "pact", "epoch": "1", "secret_env": VARIABLE}],
    )  # fmt: skip


def hear_from_partner(project: Project) -> None:
    """What a receipt loads: the partner accepts all but our churned accounts, and has two of our customers."""
    statement = [
        {"direction": "accepted", "our_status": "*", "partner_status": "*", "level": "all",
         "fields": "country;name;status", "minimum_count": None},
        {"direction": "accepted", "our_status": "*", "partner_status": "churned", "level": "hidden",
         "fields": None, "minimum_count": None},
        {"direction": "offered", "our_status": "*", "partner_status": "*", "level": "all", "fields": "status",
         "minimum_count": None},
    ]  # fmt: skip
    empty = {"partner_id": "south", "valid_from": None, "valid_until": None, "agreement_hash": "0" * 64}
    text = pa.string()
    schema = pa.schema(
        [(name, text) for name in ("partner_id", "direction", "our_status", "partner_status", "level", "fields")]
        + [("minimum_count", pa.int64()), ("valid_from", pa.date32()), ("valid_until", pa.date32())]
        + [("agreement_hash", text)]
    )
    project.write_table(
        "partners.partner_agreements", pa.Table.from_pylist([{**empty, **r} for r in statement], schema)
    )
    hashed = protocol.statement_hash(protocol.make_statement(statement))
    project.write_table(
        "partners.partner_manifests",
        "select 'south' as partner_id, 'south' as sender, 'pact' as agreement_id, '1' as epoch, 1::bigint as sequence, "
        f"'{'0' * 64}' as mac, '{hashed}' as statement_hash, null::varchar as partner_statement_hash, "
        "date '2026-11-15' as created_on, date '2026-12-15' as expires_on",
    )
    common = {"partner_id": "south", "agreement_id": "pact", "epoch": "1", "normaliser_version": "3"}
    project.write_table(
        "partners.partner_keys",
        [
            {**common, "key_type": "domain", "token": token_of(f"customer{number}x.com", "domain"),
             "account_token": token_of(f"theirs{number}", "account"), "status": "prospect"}
            for number in range(2)
        ],
    )  # fmt: skip


@pytest.fixture
def project(make_project, monkeypatch) -> Project:
    monkeypatch.setenv(VARIABLE, SECRET)
    # the package's data tests, which take half of the time, have tests of their own
    invoke = DbtProject.run
    untested = ("--exclude-resource-types", "test", "unit_test")
    monkeypatch.setattr(
        DbtProject, "run", lambda self, *words: invoke(self, *words, *(untested if words[0] == "build" else ()))
    )
    made = make_project(
        variables={
            "account_mapping__crms": ["generic"],
            "account_mapping__company_id": "north",
            "account_mapping__as_of": "2026-11-15",
        }
    )
    write_own(made)
    return made


def run(project: Project, capsys, *command: str, expected: int = 0) -> str:
    capsys.readouterr()
    assert exchange.main([*command, "--project-dir", str(project.folder)], project.for_scripts()) == expected
    told = capsys.readouterr()
    return told.out + told.err


def tables(project: Project, name: str) -> list[dict]:
    return project.query(f"select table_name from duckdb_tables() where table_name like '%{name}'")


def outbox(project: Project) -> list[str]:
    return sorted(path.name for path in (project.folder / "outbox").rglob("*") if path.is_file())


PREVIEW = "select * from account_mapping__sharing_preview"


def test_a_preview_equals_what_is_then_published_and_keeps_no_matrix(project, capsys):
    everything = [("customer", "overlapping", "name;status"), ("prospect", "all", "name;status;country")]
    everything += [("churned", "overlapping", "status")]
    project.write_seed("account_mapping__sharing_agreements", rules(*everything))

    # before the partner has stated anything: what it would get if it accepted all
    told = run(project, capsys, "preview", "south")
    assert "the statement of south has not come" in told
    pending = project.query(f"{PREVIEW} where sharing_state = 'if_accepted'")
    assert f"If it accepts all that we offer: {len(pending)} keys of 6 accounts" in told
    assert "+ Firm prospect0 (generic:prospect0), prospect: " in told
    assert "1: excluded from what this partner may see (1 customer)" in told
    assert "the fields country, name, status" in told
    assert {row["item_value"] for row in pending if row["item"] == "domain"} == {
        f"{status}{number}x.com" for status in STATUSES for number in range(2)
    }
    assert outbox(project) == [] and tables(project, "frozen_counts") == []

    # under rules that are not those of the publication: nothing of them stays
    hear_from_partner(project)
    told = run(project, capsys, "preview", "south")
    assert len(FILE.findall(told)) == 3
    assert "2: we offer them, the partner does not accept them (2 churned)" in told
    assert "has not come" not in told and "by `reveal`, not by `publish`: 10 new, 0 gone" in told, told
    would_be_counted = {row["our_status"] for row in project.query(f"{PREVIEW} where kind = 'counts'")}
    assert would_be_counted == {"customer", "prospect"}
    # the keys are those that were foretold, of the accounts that the partner accepts
    keys = project.query(f"{PREVIEW} where kind = 'keys' and sharing_state = 'leaves'")
    foretold = sorted((row["account_id"], row["item"]) for row in pending if row["our_status"] != "churned")
    assert sorted((row["account_id"], row["item"]) for row in keys) == foretold
    assert outbox(project) == [] and tables(project, "frozen_counts") == []
    assert tables(project, "shared_counts") == []

    # the rules change again; now what is previewed is what leaves, by its very hash
    project.write_seed(
        "account_mapping__sharing_agreements",
        rules(("customer", "overlapping", "name"), ("prospect", "hidden", ""), ("churned", "counts", "")),
    )
    told = run(project, capsys, "preview", "south")
    previewed = sorted(FILE.findall(told))
    assert "2: a rule of ours hides them (2 prospect)" in told and "2: our rules let them be counted" in told
    rows = {kind: project.query(f"{PREVIEW} where kind = '{kind}'") for kind in protocol.KINDS}
    published = run(project, capsys, "reveal", "south")
    assert sorted(FILE.findall(published)) == previewed
    assert outbox(project) == sorted(["manifest.json", *previewed])
    left = project.folder / "outbox/south"
    files = {name.split("-")[0]: pq.read_table(left / name).to_pylist() for name in previewed}
    assert sorted((r["item"], r["token"], r["account_token"]) for r in rows["keys"] if r["token"]) == sorted(
        (row["key_type"], row["token"], row["account_token"]) for row in files["keys"]
    )
    told_fields = [(r["account_token"], r["partner_account_token"], r["item"], r["item_value"]) for r in rows["fields"]]
    assert set(told_fields) == {
        (row["account_token"], row["partner_account_token"], row["field"], row["value"]) for row in files["fields"]
    }
    assert len(told_fields) == len(files["fields"])
    cells = [(row["rollup"], row["our_status"], row["partner_status"], row["item"]) for row in rows["counts"]]
    assert sorted(cells) == sorted(
        (row["rollup"], row["our_status"], row["partner_status"], row["cell_state"]) for row in files["counts"]
    )
    # the matrix that is kept is of the last rules
    kept = project.query("select distinct our_status from int_account_mapping__frozen_counts where side is null")
    assert kept == [{"our_status": "customer"}]

    # nothing more would change; and everything is still shown on demand
    again = run(project, capsys, "preview", "south", "--no-build")
    assert again.count("0 new, 0 gone") == 3 and "+ " not in again
    everything = run(project, capsys, "preview", "south", "--no-build", "--all")
    assert "Firm customer1 (generic:customer1), customer: " in everything
    entries = (project.folder / "exchange_state/ledger.jsonl").read_bytes().splitlines()
    assert len(entries) == 1

    # what was published and would leave no more is named, by our own names
    token = token_of("generic:customer1", "account")
    for table, column, value in (
        ("account_mapping__shared_keys", "account_token", token),
        ("account_mapping__shared_fields", "account_token", token),
        ("int_account_mapping__match_keys", "account_id", "generic:customer1"),
    ):
        project.execute(f"delete from {table} where {column} = '{value}'")
    project.execute(
        "update int_account_mapping__members set status = 'prospect' where account_id = 'generic:customer1'"
    )
    project.execute(
        "update int_account_mapping__account_statuses set status = 'prospect' where account_id = 'generic:customer1'"
    )
    before = outbox(project)
    told = run(project, capsys, "preview", "south", "--no-build")
    n_keys = sum(row["account_token"] == token for row in files["keys"])
    assert f"- Firm customer1 (generic:customer1), prospect: {n_keys} keys (" in told
    assert f"rows: 0 new, {n_keys} gone" in told
    assert "- Firm customer1 (generic:customer1), prospect for their" in told
    assert outbox(project) == before
    # what a publication would refuse is refused here; a file of the outbox that somebody changed is not compared with
    project.execute("update account_mapping__shared_keys set token = 'Firm' where key_type = 'domain'")
    assert "Publishing would be refused" in run(project, capsys, "preview", "south", "--no-build", expected=3)
    project.execute(f"update account_mapping__shared_keys set token = '{'0' * 64}' where token = 'Firm'")
    (project.folder / "outbox/south" / previewed[-1]).write_bytes(b"PAR1")
    assert "is not as it was published" in run(project, capsys, "preview", "south", "--no-build", expected=1)
    assert outbox(project) == before


def test_lines_tell_new_gone_and_changed_rows(tmp_path: Path):
    columns = ("kind", "sharing_state", "reason", "account_id", "account_name", "our_status", "item", "item_value",
               "account_token")  # fmt: skip
    accounts = [("new", "New"), ("same", "Same"), ("other", "Other"), ("gone", "Gone")]
    key = b"k" * 32
    tokens = {name: hmac.digest(key, name.encode(), "sha256").hex() for name, _ in accounts}
    rows = [
        ("keys", "stays" if name == "gone" else "leaves", "hidden", name, shown, "customer", None, None,
         None if name == "gone" else tokens[name])
        for name, shown in accounts
    ]  # fmt: skip
    schema = pa.schema([(name, pa.string()) for name in columns])
    made = pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows], schema)
    pq.write_table(made, tmp_path / "preview.parquet")

    def keys_file(name: str, *made: tuple[str, str, str | None]) -> Path:
        schema = pa.schema([(column, pa.string()) for column in protocol.COLUMNS["keys"]])
        table = [
            {"agreement_id": "pact", "epoch": "1", "normaliser_version": "3", "key_type": key_type,
             "token": f"{account} {key_type}", "account_token": tokens.get(account, account), "status": status}
            for account, key_type, status in made
        ]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(table, schema), tmp_path / name)
        return tmp_path / name

    unchanged = ("same", "domain", None)
    now = keys_file(
        "now", unchanged, ("new", "domain", None), ("other", "domain", "customer"), ("other", "lei", "customer")
    )
    former = keys_file(
        "former", unchanged, ("gone", "domain", None), ("other", "domain", None), ("lost", "domain", None)
    )
    with preview.Preview(tmp_path, {"keys": now}, {"keys": former}, key) as found:
        keys, *others = found.differences()
        assert [line.text for line in found.staying()] == ["1: a rule of ours hides them (1 customer)"]
    assert (keys.rows, keys.added, keys.removed) == (4, 3, 3)
    assert [(line.sign, line.text) for line in keys.lines] == [
        ("+", "New (new), customer: 1 key (1 domain), status not told"),
        ("-", "Gone (gone), customer: 1 key (1 domain), status not told"),
        ("-", "an account that we no longer have (lost): 1 key (1 domain), status not told"),
        ("~", "Other (other), customer: 2 keys (1 domain, 1 lei), status customer told (before not told)"),
        (" ", "Same (same), customer: 1 key (1 domain), status not told"),
    ]
    assert [(other.rows, other.lines) for other in others] == [(0, ())] * 2
    assert preview.shown_lines(keys.changed, 1) == [
        "    + New (new), customer: 1 key (1 domain), status not told",
        "      and 3 more: give --all, or read account_mapping__sharing_preview",
    ]
