"""Where every column that may leave comes from: parents by the manifest, columns by a SQL parser over the compiled SQL.

What Python models do is not visible here; the sentinels (test_sentinels.py) cover it.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from harness import PACKAGE, Project
from sqlglot import exp, parse_one
from sqlglot.lineage import Node, lineage

PREFIX = "int_account_mapping__"

# What a shared model may be made of.
PARENTS = {
    "account_mapping__shared_keys": {"partners", "offered_tokens", "match_keys"},
    "account_mapping__shared_counts": {"partners", "agreements_in_force", "frozen_counts"},
    "account_mapping__shared_fields": {
        *("partners", "members", "links", "agreed_fields", "agreements_in_force", "offered_accounts", "match_keys"),
        *("account_records", "account_statuses", "account_progress", "normalized"),
    },
}

# Every column that may leave, and the columns from which its values may be taken; a constant comes from none.
SCOPE = {
    "partner_id": {"partners.partner_id", "match_keys.partner_id", "links.partner_id", "offered_accounts.partner_id"},
    "agreement_id": {"partners.agreement_id"},
    "epoch": {"partners.epoch"},
}
COUNTED = (
    *("partner_id", "agreement_id", "epoch", "rollup", "our_status", "partner_status"),
    *("companies", "cell_state"),
)
COLUMNS: dict[str, dict[str, set[str]]] = {
    "account_mapping__shared_keys": {
        **SCOPE,
        "normaliser_version": set(),
        "key_type": {"match_keys.key_type"},
        "token": {"match_keys.token"},
        "account_token": {"match_keys.token"},
        "parent_account_token": {"match_keys.token"},
        "status": {"offered_accounts.shared_status"},
    },
    "account_mapping__shared_counts": {column: {f"frozen_counts.{column}"} for column in COUNTED},
    "account_mapping__shared_fields": {
        **SCOPE,
        "account_token": {"match_keys.token"},
        "partner_account_token": {"links.partner_account_id"},
        "field": {"agreements_in_force.shared_fields", "agreed_fields.field"},
        "value": {
            "normalized.display_name",
            "normalized.country_code",
            "account_records.website",
            "account_records.segment",
            "account_records.owner_name",
            "account_records.owner_email",
            "account_records.customer_since",
            "account_statuses.status",
            "account_statuses.open_amount",
            "account_progress.deal_stage",
            "account_progress.deal_close_date",
            "account_progress.last_won_on",
        },
    },
}

# Where the search for a column's origin ends.
ENDS = {
    *("match_keys", "offered_accounts", "partners", "links", "frozen_counts", "agreed_fields", "agreements_in_force"),
    *("normalized", "account_records", "account_statuses", "account_progress"),
}
SHARED_MODELS = sorted(path.stem for path in (PACKAGE / "models").rglob("account_mapping__shared_*.sql"))


NO_TESTS = ("--exclude-resource-type", "test")


class Compiled:
    """The package's models as dbt compiled and built them on a small input.

    manifest: dbt's. sql: compiled SQL by model. columns: of every relation, by its name.
    """

    def __init__(self, folder: Path) -> None:
        project = Project(folder, {"account_mapping__crms": ["generic"]})
        project.write_table("generic.accounts", [{"account_id": "1", "account_name": "Acme", "website": "acme.com"}])
        # dbt itself, for the code that it compiles
        result = project.run("build", "--select", *(f"+{model}" for model in SHARED_MODELS), *NO_TESTS)
        assert result.success, result.text
        self.manifest = project.manifest()
        self.sql = {model.name: model.compiled_code for model in result.models if model.language == "sql"}
        with duckdb.connect(str(project.database), read_only=True) as connection:
            rows = connection.sql("select table_name, column_name, data_type from duckdb_columns()").fetchall()
        self.lineages: dict[tuple[str, frozenset[str]], dict[str, Node]] = {}
        self.columns: dict[str, dict[str, str]] = {}
        for table, column, data_type in rows:
            self.columns.setdefault(table, {})[column] = data_type

    def origins(self, model: str, column: str, ends: set[str]) -> set[str]:
        """Columns ("model.column", without the models' prefix) that a column's values are taken from.

        The search goes through every SQL model but those of `ends`.
        """
        known = (model, frozenset(ends))
        if known not in self.lineages:
            passed = self.between(model, {PREFIX + name for name in ends})
            sources = {name: bare(self.sql[name]) for name in passed if name != model}
            self.lineages[known] = lineage(
                None, bare(self.sql[model]), schema=self.columns, sources=sources, dialect="duckdb"
            )
        return {leaf.removeprefix(PREFIX) for leaf in leaves(self.lineages[known][column])}

    def node(self, model: str) -> dict | None:
        """A model of the package in the manifest, whose public models have a version in their key."""
        nodes, key = self.manifest["nodes"], f"model.account_mapping.{model}"
        return nodes.get(key) or next((node for name, node in nodes.items() if name.startswith(f"{key}.v")), None)

    def between(self, model: str, ends: set[str]) -> set[str]:
        """The SQL models from `model` on upwards, up to and without `ends`."""
        found, waiting = set(), [model]
        while waiting:
            name = waiting.pop()
            node = self.node(name)
            if node is not None and name in self.sql and name not in found | ends:
                found.add(name)
                waiting += [parent.rpartition(".")[2] for parent in node["depends_on"]["nodes"]]
        return found


def bare(sql: str) -> str:
    """SQL with tables by their bare names: no database, no schema."""
    tree = parse_one(sql, dialect="duckdb")
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
        table.set("db", None)
    return tree.sql(dialect="duckdb")


def leaves(root: Node) -> set[str]:
    """Names ("table.column") of each leaf of a lineage that is a column of a table; constants have none."""
    found = set()
    for node in root.walk():
        if not node.downstream and isinstance(node.expression, exp.Table):
            found.add(f"{node.expression.name}.{node.name.rpartition('.')[2].strip(chr(34))}")
    return found


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> Compiled:
    return Compiled(tmp_path_factory.mktemp("lineage"))


def test_every_model_that_may_leave_is_known_here():
    assert "account_mapping__shared_keys" in SHARED_MODELS
    assert set(SHARED_MODELS) <= set(PARENTS)
    assert set(PARENTS) == set(COLUMNS)


@pytest.mark.parametrize("model", SHARED_MODELS)
def test_a_shared_model_reads_what_it_may_and_nothing_else(compiled, model):
    parents = compiled.node(model)["depends_on"]["nodes"]
    assert set(parents) == {f"model.account_mapping.{PREFIX}{parent}" for parent in PARENTS[model]}


@pytest.mark.parametrize("model", SHARED_MODELS)
def test_the_columns_of_a_shared_model_are_an_allow_list(compiled, model):
    node = compiled.node(model)
    assert set(node["columns"]) == set(COLUMNS[model])
    assert node["config"]["contract"]["enforced"]
    assert set(compiled.columns[model]) == set(COLUMNS[model])


@pytest.mark.parametrize(("model", "column"), [(model, column) for model in SHARED_MODELS for column in COLUMNS[model]])
def test_a_column_that_leaves_is_made_of_allowed_columns_only(compiled, model, column):
    origins = compiled.origins(model, column, ENDS)
    allowed = COLUMNS[model][column]
    assert origins <= allowed
    assert bool(origins) == bool(allowed)


def test_a_shared_status_is_the_status_of_the_account_and_of_agreements(compiled):
    """The condition under which it is shared reads agreements; its value, nothing but the status."""
    agreements = {"agreements_in_force", "account_mapping__sharing_agreements"}
    origins = compiled.origins(f"{PREFIX}offered_accounts", "shared_status", {"members", "agreements_in_force"})
    assert "members.status" in origins
    assert {origin for origin in origins if origin.partition(".")[0] not in agreements} == {"members.status"}


def test_only_one_model_reads_secrets_and_only_hashed_values_come_out(compiled):
    """The hashing model's parent is the view of offered keys, and its columns hold no key in plain.

    A person's number, by which we know whose hash it is, is no address, and in no column that may leave.
    """
    node = compiled.node(f"{PREFIX}match_keys")
    assert node["depends_on"]["nodes"] == [f"model.account_mapping.{PREFIX}offered_keys"]
    columns = {"partner_id", "account_id", "key_type", "token", "person_number"}
    assert set(compiled.columns[f"{PREFIX}match_keys"]) == columns
    assert all("match_keys.person_number" not in origins for mart in COLUMNS.values() for origins in mart.values())
    texts = {path.name: path.read_text() for path in (PACKAGE / "python_models").rglob("*.py")}
    # without these two, of which none is a secret, Windows starts no program
    windows = 'os.environ[key] for key in ("SYSTEMROOT", "SYSTEMDRIVE") if key in os.environ'
    readers = [name for name, text in texts.items() if "os.environ" in text.replace(windows, "")]
    assert readers == [f"{PREFIX}match_keys.py"]


@pytest.mark.parametrize(
    ("column", "leak"),
    [
        ("token", "match_keys.account_id as token"),
        ("token", "match_keys.token || match_keys.account_id as token"),
        ("token", "match_keys.token || match_keys.person_number as token"),
        ("status", "accounts.name as status"),
    ],
)
def test_a_leak_shows_in_the_lineage(compiled, column, leak):
    """Positive control: the same model with one column changed is caught."""
    sql = (
        f"with joined as (select {leak} from {PREFIX}match_keys as match_keys "
        f"inner join {PREFIX}accounts as accounts on match_keys.account_id = accounts.account_id) select * from joined"
    )
    root = lineage(column, sql, schema=compiled.columns, dialect="duckdb")
    origins = {leaf.removeprefix(PREFIX) for leaf in leaves(root)}
    assert not origins <= COLUMNS["account_mapping__shared_keys"][column]
