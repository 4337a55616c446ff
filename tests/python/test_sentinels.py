"""Nothing of our tables leaves with the shared models: every raw text is a sentinel, and all that leaves is searched.

The project under test is built by dbt as a user does, with its target and logs. Deliberately leaky models, and files
that leak in other ways than by their values, must be found: else a clean scan would mean nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from harness import PACKAGE, Project, opened
from loading import load_model
from sentinels import Needle, base64_cores, needles, scan_file, scan_folder, search, secret_needles

from exchange import command as exchange
from exchange.dbt_project import close_database

SECRET = hashlib.sha256(b"no byte sequence that a database writes by itself").digest()
SHARED_MODELS = sorted(path.stem for path in (PACKAGE / "models").rglob("account_mapping__shared_*.sql"))
OVERLAPPING_ACCOUNTS = 3
PASSED_COLUMN = "health_note"

# What a staging column needs to be read as what it is; every other column is a text and gets a sentinel.
TYPED = {
    "annual_revenue": "1234.50",
    "employee_count": "12",
    "customer_since": "2024-02-03",
    "updated_at": "2026-01-02 03:04:05",
    "close_date": "2026-02-03",
    "created_date": "2025-02-03",
    "amount": "10",
    "open_amount": "20",
    "currency": "USD",
    "country": "DE",
    "country_code": "DE",
    "is_deleted": "false",
    "is_deleted_by_loader": "false",
    "is_current_version": "true",
    "is_closed": "false",
    "is_won": "false",
    # ids that join rows; `source_account_id` is a sentinel of its own, these repeat it
    "merged_into_source_account_id": None,
    "parent_source_account_id": None,
}
ACCOUNTS = 6


def raw_columns(crm: str, entity: str) -> dict[str, str]:
    """The first raw spelling of each column that is read of a source table."""
    listed = (PACKAGE / f"macros/sources/{crm}_columns.sql").read_text()
    start = listed.index("'columns': {", listed.index(f"'{entity}': {{"))
    names = re.findall(r"'(\w+)': \[\s*'\w+',\s*'([^']+)'", listed[start : listed.index("}", start)])
    return {column: raw.replace(" ", "_") for column, raw in names}


class Mint:
    """Makes sentinels, each once, and remembers them by where they were put."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def text(self, where: str, kind: str = "") -> str:
        number = f"{len(self.texts):04d}"
        stem = "zqv" + "".join("bcdfghklmn"[int(digit)] + "aeiouaeiou"[int(digit)] for digit in number)
        shapes = {
            "id": f"ID-{stem}-{number}",
            "email": f"{stem}.person@{stem}mail.com",
            "domain": f"{stem}web.com",
            "website": f"https://www.{stem}site.com/start",
            "name": f"{stem.capitalize()} Übermut {number} GmbH",
            "duns": f"7{number}{len(self.texts) * 37 % 10**4:04d}",
            "linkedin": f"https://www.linkedin.com/company/{stem}-page",
        }
        self.texts[where] = shapes.get(kind, f"{stem} note {number}")
        return self.texts[where]


def kind_of(column: str) -> str:
    """The shape that a staging column's value needs, so that nothing drops it as invalid."""
    kinds = {"email_domain": "domain", "additional_domains": "domain", "website": "website", "account_name": "name",
             "duns": "duns", "linkedin_url": "linkedin"}  # fmt: skip
    return kinds.get(column) or ("email" if "email" in column else "id" if column.endswith("_id") else "")


def table(mint: Mint, crm: str, entity: str, rows: int, **fixed: Callable[[int], object]) -> list[dict]:
    """Rows of a source table: a sentinel in every text column, `fixed` columns as given by the row's number."""
    columns = raw_columns(crm, entity)
    assert len(columns) > 3
    return [
        {
            raw: fixed[column](number)
            if column in fixed
            else TYPED[column]
            if column in TYPED
            else mint.text(f"{crm} {entity} {number} {column}", kind_of(column))
            for column, raw in columns.items()
        }
        for number in range(rows)
    ]


LEAKY_MODELS = {
    "leaky_name": "select 'aster' as partner_id, name as token from {{ ref('account_mapping__accounts') }}",
    "leaky_hash": """
        select 'aster' as partner_id, sha256(domain) as token from {{ ref('int_account_mapping__account_domains') }}
        where side = 'ours'
    """,
    "leaky_id": """
        select 'aster' as partner_id, to_base64(encode('x' || source_account_id)) as token
        from {{ ref('account_mapping__accounts') }}
    """,
    "leaky_owner": """
        select 'aster' as partner_id, hex(encode(owner_email)) as token from {{ ref('account_mapping__accounts') }}
    """,
}


class Commands:
    """dbt commands on a project, which leave in its folder what a person's do: artifacts and a log."""

    def __init__(self, project: Project) -> None:
        self.folders = ("--project-dir", str(project.folder), "--profiles-dir", str(project.folder))
        self.manifest: Manifest | None = None
        self.manifest = self.run("parse")

    def run(self, *command: str) -> Any:
        flags = ("--quiet", "--log-level-file", "debug", "--no-send-anonymous-usage-stats", *self.folders)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ACCOUNT_MAPPING_SECRET_ASTER", SECRET.hex())
            try:
                outcome = dbtRunner(self.manifest).invoke([*command, *flags])
            finally:
                close_database()
        assert outcome.success, outcome.exception
        return outcome.result


def export(project: Project, model: str, folder: Path) -> Path:
    """What leaves to partner `aster` of one model, as compressed Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{model}.parquet"
    with opened(project.database) as connection:
        connection.execute(
            f"copy (select * from {model} where partner_id = 'aster') to '{path}' (format parquet, compression zstd)"
        )
    return path


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> tuple[Project, dict[str, str]]:
    """A built project of sentinels, and the sentinels by where they stand."""
    mint = Mint()
    variables = {
        "account_mapping__crms": ["salesforce", "generic"],
        "account_mapping__as_of": "2026-11-15",
        "account_mapping__typo_keys": True,
        "account_mapping__pass_through_columns": [{"crm": "generic", "name": PASSED_COLUMN}],
    }
    project = Project(tmp_path_factory.mktemp("sentinels"), variables)
    generic = table(mint, "generic", "accounts", ACCOUNTS)
    for number, row in enumerate(generic):
        row[PASSED_COLUMN] = mint.text(f"generic pass-through {number}")
    generic[1]["parent_account_id"] = generic[0]["account_id"]
    generic[2]["status"] = "customer"
    users = table(mint, "salesforce", "user", 2)
    accounts = table(mint, "salesforce", "account", ACCOUNTS, owner_id=lambda number: users[number % 2]["id"])
    project.write_tables(
        {
            "generic.accounts": generic,
            "salesforce.account": accounts,
            "salesforce.user": users,
            "salesforce.contact": table(
                mint, "salesforce", "contact", 4, source_account_id=lambda number: accounts[number // 2]["id"]
            ),
            "salesforce.opportunity": table(
                mint, "salesforce", "opportunity", 3, source_account_id=lambda number: accounts[number]["id"]
            ),
            "partners.partner_accounts": [
                {
                    "partner_id": "birch",
                    **{
                        column: mint.text(f"list {number} {column}", kind_of(column))
                        for column in ("account_id", "account_name", "website", "owner_name", "owner_email", "segment")
                    },
                }
                for number in range(3)
            ],
        }
    )
    terms = {"exchange": "keys", "agreement_id": "sealed", "epoch": "7"}
    project.write_seed(
        "account_mapping__partners",
        [
            {"partner_id": "aster", "partner_name": mint.text("settings partner_name"), "is_active": "true", **terms},
            {"partner_id": "birch", "partner_name": "Birch", "is_active": "true", "exchange": "list"},
        ],
    )
    rule = {"our_status": "*", "partner_status": "*", "level": "overlapping", "fields": "status"}
    project.write_seed(
        "account_mapping__sharing_agreements",
        [{"partner_id": "aster", "direction": direction, **rule} for direction in ("offered", "accepted")],
    )
    project.write_seed(
        "account_mapping__exclusions",
        [
            {
                "kind": "account_id",
                "value": f"generic:{generic[5]['account_id']}",
                "partner_id": "birch",
                "reason": mint.text("settings reason"),
            }
        ],
    )
    project.write_seed(
        "account_mapping__target_accounts",
        [{"list_name": mint.text("settings list_name"), "domain": mint.text("settings target domain", "domain")}],
    )
    open_rule = {**rule, "minimum_count": None, "valid_from": None, "valid_until": None}
    project.write_table(
        "partners.partner_agreements",
        [{"partner_id": "aster", "direction": direction, **open_rule} for direction in ("offered", "accepted")],
    )
    folder = project.folder / "models"
    folder.mkdir()
    for name, sql in LEAKY_MODELS.items():
        (folder / f"{name}.sql").write_text(sql)
    dbt = Commands(project)
    dbt.run("build", "--select", "+account_mapping__shared_keys", "--exclude-resource-type", "test")
    # the partner sends keys of some of the same companies, so that there are overlaps whose fields could leave
    project.write_table(
        "partners.partner_keys",
        f"""
        select * replace (sha256(account_token) as account_token, null::varchar as parent_account_token)
        from account_mapping__shared_keys
        where account_token in (
            select distinct account_token from account_mapping__shared_keys order by 1 limit {OVERLAPPING_ACCOUNTS}
        )
        """,
    )
    dbt.run("build")
    return project, mint.texts


def forbidden(project: Project, texts: dict[str, str]) -> list[Needle]:
    """Every sentinel, everything that the package made keys of, the secret, and the keys derived from it."""
    keys = project.query("select distinct key_type, key_value from int_account_mapping__offered_keys order by all")
    made = {f"{row['key_type']} {row['key_value']}": row["key_value"] for row in keys if len(row["key_value"]) >= 6}
    assert len(made) > len(keys) / 2
    match_keys = load_model("int_account_mapping__match_keys")
    version = project.query("select distinct normaliser_version from account_mapping__shared_keys")
    derived = [
        match_keys.derive_key(SECRET, "sealed", "7", key_type, version[0]["normaliser_version"])
        for key_type in sorted({row["key_type"] for row in keys})
    ]
    return [
        *needles(texts),
        *needles(made),
        *secret_needles("secret", SECRET),
        *(needle for key in derived for needle in secret_needles("derived key", key)),
    ]


@pytest.fixture(scope="module")
def wanted(world) -> list[Needle]:
    return forbidden(*world)


def test_every_sentinel_went_into_the_project(world):
    """A sentinel that never got in proves nothing: nearly all are in the models from which the shared ones are made."""
    project, texts = world
    with opened(project.database) as connection:
        views = connection.sql("select view_name from duckdb_views() where view_name like 'stg_%'").fetchall()
        models = [
            "int_account_mapping__crm_accounts",
            *(view for (view,) in views if view.endswith(("contacts", "opportunities", "deals", "persons"))),
            "int_account_mapping__partner_rows",
            "stg_account_mapping__settings_partners",
            "stg_account_mapping__settings_exclusions",
            "stg_account_mapping__settings_target_accounts",
        ]
        rows = "\n".join(str(row) for model in models for row in connection.sql(f"from {model}").fetchall())
    unread = {re.sub(r" \d+", "", where) for where, text in texts.items() if text not in rows}
    # replaced by what they stand for: a stage says open or won, an id names the owner, a code the country and state
    assert unread <= {
        "salesforce opportunity stage",
        "salesforce user owner_id",
        "salesforce account owner_name",
        "salesforce account owner_email",
        "salesforce account country_name",
        "salesforce account state_name",
        "generic accounts status",
    }
    assert len(texts) > 100


def test_nothing_leaves_with_the_shared_models(world, wanted, tmp_path):
    project, _ = world
    for model in SHARED_MODELS:
        export(project, model, tmp_path / "outbox")
    keys = pq.read_table(tmp_path / "outbox/account_mapping__shared_keys.parquet")
    assert keys.num_rows > 50
    assert len(set(keys["account_token"].to_pylist())) == 2 * ACCOUNTS
    assert scan_folder(tmp_path / "outbox", wanted) == []
    overlaps = project.query("select count(distinct account_id) as n from account_mapping__overlaps")
    assert overlaps == [{"n": OVERLAPPING_ACCOUNTS}]


def test_nothing_leaves_with_the_outbox_of_the_exchange_command(world, wanted, monkeypatch):
    """Manifest, page of checks and names of files too; the partner's statement was accepted before."""
    project, _ = world
    monkeypatch.setenv("ACCOUNT_MAPPING_SECRET_ASTER", SECRET.hex())
    accepted = {"partner_id": "aster", "sender": "aster", "agreement_id": "sealed", "epoch": "7", "sequence": 1}
    hashes = {name: "ff" * 32 for name in ("mac", "statement_hash", "partner_statement_hash")}
    days = {"created_on": date(2026, 11, 15), "expires_on": date(2026, 12, 15)}
    project.write_table("partners.partner_manifests", [accepted | hashes | days])
    assert exchange.main(["reveal", "aster", "--no-build", "--project-dir", str(project.folder)]) == 0
    outbox = project.folder / "outbox" / "aster"
    names = sorted(re.sub("-.*", "", path.name) for path in outbox.iterdir())
    assert names == ["counts", "fields", "keys", "manifest.json"]
    assert scan_folder(outbox, wanted) == []


def test_the_secret_is_in_no_file_of_the_build(world):
    project, _ = world
    wanted = secret_needles("secret", SECRET)
    assert (project.folder / "target/manifest.json").exists() and (project.folder / "target/run_results.json").exists()
    for room in ("target", "logs"):
        assert any((project.folder / room).rglob("*"))
        assert scan_folder(project.folder / room, wanted) == []
    assert scan_file(project.database, wanted) == []


@pytest.mark.parametrize("model", LEAKY_MODELS)
def test_a_leaky_model_is_found(world, wanted, tmp_path, model):
    path = export(world[0], model, tmp_path)
    findings = scan_file(path, wanted)
    assert {finding.place for finding in findings} >= {"value"}
    assert len({finding.what for finding in findings}) >= ACCOUNTS


def safe_table() -> pa.Table:
    return pa.table({"token": [hashlib.sha256(bytes([number])).hexdigest() for number in range(50)]})


def test_a_leak_in_the_metadata_is_found(world, wanted, tmp_path):
    text = next(iter(world[1].values()))
    path = tmp_path / "keys.parquet"
    hidden = base64.b64encode(b"{}" + text.encode())
    pq.write_table(safe_table().replace_schema_metadata({"note": hidden}), path, compression="zstd")
    assert "metadata" in {finding.place for finding in scan_file(path, wanted)}


def test_a_leak_in_a_column_name_or_its_metadata_is_found(world, wanted, tmp_path):
    text = next(iter(world[1].values()))
    named = tmp_path / "named.parquet"
    pq.write_table(safe_table().rename_columns([text]), named)
    assert "metadata" in {finding.place for finding in scan_file(named, wanted)}
    noted = tmp_path / "noted.parquet"
    schema = pa.schema([pa.field("token", pa.string(), metadata={"source": text})])
    pq.write_table(safe_table().cast(schema), noted)
    assert "metadata" in {finding.place for finding in scan_file(noted, wanted)}


def test_a_leak_in_the_statistics_alone_is_found(world, wanted, tmp_path):
    """The column's extremes are patched, so that no value holds the text that the footer gives away."""
    text = next(iter(world[1].values()))
    path = tmp_path / "keys.parquet"
    pq.write_table(pa.table({"token": ["~" * len(text.encode())]}), path, compression="zstd")
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    patched = content[footer:].replace(b"~" * len(text.encode()), text.encode())
    path.write_bytes(content[:footer] + patched)
    places = {finding.place for finding in scan_file(path, wanted)}
    assert "statistics" in places
    assert "value" not in places


def test_a_leak_in_the_name_of_a_file_is_found(world, wanted, tmp_path):
    text = world[1]["generic accounts 0 email_domain"]
    folder = tmp_path / text
    folder.mkdir()
    pq.write_table(safe_table(), folder / "keys.parquet")
    findings = scan_folder(tmp_path, wanted)
    assert {(finding.place, finding.form) for finding in findings} == {("name", "plain")}


@pytest.mark.parametrize(
    ("form", "encode"),
    [
        ("plain", lambda text: text.encode()),
        ("lower case", lambda text: text.lower().encode()),
        ("utf-16-le", lambda text: text.encode("utf-16-le")),
        ("utf-16-be", lambda text: text.encode("utf-16-be")),
        ("hexadecimal", lambda text: text.encode().hex().upper().encode()),
        ("base64", lambda text: base64.b64encode(text.encode())),
        ("base64 after one byte", lambda text: base64.b64encode(b"x" + text.encode() + b"yz")),
        ("base64 after two bytes", lambda text: base64.urlsafe_b64encode(b"xy" + text.encode() + b"z")),
        ("base64 of utf-16", lambda text: base64.b64encode(b"x" + text.encode("utf-16-le"))),
        ("reversed", lambda text: text[::-1].encode("latin-1", "ignore")),
        ("sha256", lambda text: hashlib.sha256(text.encode()).hexdigest().encode()),
        ("sha256 of lower case", lambda text: hashlib.sha256(text.lower().encode()).digest()),
        ("md5", lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper().encode()),
        ("md5 in base64", lambda text: base64.b64encode(hashlib.md5(text.encode(), usedforsecurity=False).digest())),
    ],
)
def test_each_form_is_found_inside_other_bytes(form, encode):
    text = "Zqvbada Note 0012"
    assert search(b"before " + encode(text) + b" after", needles({"note": text})), form
    assert not search(b"before " + encode("Zqvbada Nose 0012") + b" after", needles({"note": text})), form


def test_base64_cores_leave_out_what_neighbours_share():
    for before in (b"", b"x", b"xy"):
        encoded = base64.b64encode(before + b"sentinel" + b"zzz")
        assert any(core in encoded for core in base64_cores(b"sentinel"))


def test_a_short_text_is_no_sentinel():
    with pytest.raises(ValueError, match="too short"):
        needles({"country": "DE"})
