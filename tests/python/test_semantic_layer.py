"""Metrics and saved queries: MetricFlow answers each as plain SQL on the marts does.

Nobody who does not ask for them meets them.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.semantic_manifest import SemanticManifest
from harness import Project

PARTNER = "account_mapping_partner"
COVERAGE = "account_mapping_coverage"
OVERLAP = "account_mapping_overlap"
WHITESPACE = "account_mapping_whitespace"
SHARED = "from account_mapping__overlaps where relationship = 'same' and is_primary"
ROWS = "from account_mapping__partner_coverage where rollup = 'account'"
LACKING = "from account_mapping__whitespace where rollup = 'account' and whitespace_level = 'segments'"

# group by -> {metric: SQL on the marts, one row per group, the group's columns first}
QUESTIONS: dict[str, dict[str, str]] = {
    PARTNER: {
        "account_mapping_overlap_accounts": f"select partner_id, count(*) {SHARED} group by 1",
        "account_mapping_open_pipeline": f"select partner_id, sum(our_open_amount) {SHARED} group by 1",
        "account_mapping_new_overlaps": f"select partner_id, count(*) {SHARED} group by 1",
        "account_mapping_coverage_rate": "select partner_id, covered_accounts / our_accounts "
        f"{ROWS} and our_status = 'all' and target_list = 'all'",
        "account_mapping_covered_accounts": "select partner_id, covered_accounts "
        f"{ROWS} and our_status = 'all' and target_list = 'all'",
        "account_mapping_our_accounts": "select partner_id, our_accounts "
        f"{ROWS} and our_status = 'all' and target_list = 'all'",
        "account_mapping_match_rate": "select partner_id, matched_partner_accounts / partner_accounts "
        f"{ROWS} and our_status = 'all' and target_list = 'all'",
        "account_mapping_matched_partner_accounts": "select partner_id, matched_partner_accounts "
        f"{ROWS} and our_status = 'all' and target_list = 'all'",
        "account_mapping_partner_accounts": "select partner_id, partner_accounts "
        f"{ROWS} and our_status = 'all' and target_list = 'all'",
    },
    f"{PARTNER},{COVERAGE}__target_list": {
        "account_mapping_target_coverage_rate": "select partner_id, target_list, covered_accounts / our_accounts "
        f"{ROWS} and our_status = 'all' and target_list <> 'all'",
        "account_mapping_covered_targets": "select partner_id, target_list, covered_accounts "
        f"{ROWS} and our_status = 'all' and target_list <> 'all'",
        "account_mapping_targets": "select partner_id, target_list, our_accounts "
        f"{ROWS} and our_status = 'all' and target_list <> 'all'",
    },
    f"{PARTNER},{COVERAGE}__our_status": {
        "account_mapping_coverage_rate": "select partner_id, our_status, covered_accounts / our_accounts "
        f"{ROWS} and our_status <> 'all' and target_list = 'all'",
    },
    f"{OVERLAP}__partner_status,metric_time__day": {
        "account_mapping_overlap_accounts": "select partner_status, first_seen_at, count(distinct account_id) "
        "from account_mapping__overlaps where relationship = 'same' group by all",
        "account_mapping_new_overlaps": f"select partner_status, first_seen_at, count(*) {SHARED} group by all",
        "account_mapping_open_pipeline": "select partner_status, first_seen_at, sum(our_open_amount) "
        f"{SHARED} group by all",
    },
    f"{PARTNER},{WHITESPACE}__segment": {
        "account_mapping_whitespace_accounts": f"select partner_id, segment, accounts {LACKING}",
        "account_mapping_whitespace_customers": f"select partner_id, segment, customer_accounts {LACKING}",
    },
}
# saved query -> (what it groups by, SQL on the marts for the same rows: the groups, then its metrics in its order)
SAVED: dict[str, tuple[str, str]] = {
    "account_mapping_coverage_by_partner": (
        PARTNER,
        "select partner_id, our_accounts, covered_accounts, covered_accounts / our_accounts, "
        "matched_partner_accounts / partner_accounts "
        f"{ROWS} and our_status = 'all' and target_list = 'all'",
    ),
    "account_mapping_coverage_by_status": (
        f"{PARTNER},{COVERAGE}__our_status",
        "select partner_id, our_status, our_accounts, covered_accounts, covered_accounts / our_accounts "
        f"{ROWS} and our_status <> 'all' and target_list = 'all'",
    ),
    "account_mapping_coverage_of_target_lists": (
        f"{PARTNER},{COVERAGE}__target_list",
        "select partner_id, target_list, our_accounts, covered_accounts, covered_accounts / our_accounts "
        f"{ROWS} and our_status = 'all' and target_list <> 'all'",
    ),
    "account_mapping_overlap_by_status": (
        f"{PARTNER},{OVERLAP}__our_status,{OVERLAP}__partner_status",
        "select partner_id, our_status, partner_status, our_accounts, coalesce(open_pipeline_amount, 0) "
        "from account_mapping__overlap_matrix where rollup = 'account' and our_accounts > 0",
    ),
    "account_mapping_deals_with_partner_customers": (
        PARTNER,
        f"select partner_id, count(*), sum(our_open_amount) {SHARED} "
        "and our_status = 'open_opportunity' and partner_status = 'customer' group by all",
    ),
    "account_mapping_overlap_by_owner": (
        f"{PARTNER},{OVERLAP}__our_owner",
        "select partner_id, our_owner, sum(shared_accounts), sum(our_open_amount) "
        "from account_mapping__owner_pairs group by all",
    ),
    "account_mapping_new_overlaps_by_month": (
        f"{PARTNER},metric_time__month",
        f"select partner_id, date_trunc('month', first_seen_at), count(*) {SHARED} group by all",
    ),
    "account_mapping_whitespace_by_segment": (
        f"{PARTNER},{WHITESPACE}__segment",
        f"select partner_id, segment, accounts, customer_accounts {LACKING}",
    ),
}
ACCOUNTS = 30
# of partners only
STRANGERS = ["quokka lantern", "bilby harbour", "numbat orchard", "tenrec foundry", "fossa quarry"]


def mf(project: Project, *arguments: str) -> str:
    """What one `mf` command prints."""
    command = [sys.executable, "-c", "from dbt_metricflow.cli.main import cli; cli()", *arguments]
    environment = os.environ | {"DBT_PROFILES_DIR": str(project.folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two builds, ten days apart, the second with a longer list: overlaps of two days."""
    project = Project(
        tmp_path_factory.mktemp("metrics"),
        variables={"account_mapping__crms": ["generic"], "account_mapping__semantic_layer": True},
    )
    names = [
        "".join(chr(97 + (number * 7 + place * place * 5) % 26) for place in range(9)) for number in range(ACCOUNTS)
    ]
    names += STRANGERS
    project.write_table(
        "generic.accounts",
        [
            {
                "account_id": str(number),
                "account_name": name,
                "website": f"{name}{number}.com",
                "status": ["customer", "prospect", "open_opportunity", "churned"][number % 4],
                "open_amount": f"{number * 100}.25",
                "owner_name": ["Ann Ashdown", "Bo Birchley"][number % 2],
            }
            for number, name in enumerate(names[:ACCOUNTS])
        ],
    )
    partners = {
        "nimbus": [30, 31, *range(0, 24, 2), 32, 33],
        "stratus": [*range(0, 27, 3), 34],
        "cirrus": [*range(20, 26)],
    }
    project.write_seed(
        "account_mapping__partners",
        [{"partner_id": p, "partner_name": p, "exchange": "list", "is_active": "true"} for p in partners],
    )
    project.write_seed(
        "account_mapping__target_accounts",
        [{"list_name": "top", "account_id": str(number)} for number in range(9)]
        + [{"list_name": "north", "account_id": str(number)} for number in range(5, 20)],
        ["list_name", "account_id", "domain"],
    )
    for day, share in (("2026-11-01", 0.5), ("2026-11-11", 1)):
        project.write_table(
            "partners.partner_accounts",
            [
                {
                    "partner_id": partner,
                    "account_id": f"{number}-{copy}",
                    "account_name": names[number],
                    "website": f"{names[number].replace(' ', '')}{number}.com",
                    "status": ["customer", "prospect"][number % 2] if partner != "cirrus" else None,
                    "segment": ["large", "small"][number % 2] if partner == "nimbus" else None,
                }
                for partner, numbers in partners.items()
                for number in numbers[: int(len(numbers) * share)]
                for copy in range(1 + (number % 5 == 0))
            ],
        )
        project.make(
            *("+account_mapping__build", "+sem_account_mapping__coverage", "+sem_account_mapping__whitespace"),
            *("+account_mapping__owner_pairs", "+account_mapping__overlap_matrix", "sem_account_mapping__time_spine"),
            variables={"account_mapping__as_of": day},
        )
    semantic_manifest(project)
    return project


def semantic_manifest(project: Project) -> dict[str, Any]:
    """What `dbt parse` writes for MetricFlow, which reads it from the project's folder."""
    parsed = project.parsed()
    assert isinstance(parsed, Manifest), parsed.text
    file = project.folder / "target/semantic_manifest.json"
    file.parent.mkdir(exist_ok=True)
    SemanticManifest(parsed).write_json_to_file(str(file))
    return json.loads(file.read_text())


def key(values: Sequence[Any]) -> tuple[str, ...]:
    """A group's values as text; a day without its time, null empty."""
    return tuple("" if value is None else str(value)[:10] if str(value)[:2] == "20" else str(value) for value in values)


def read(file: Path, groups: list[str]) -> dict[str, dict[tuple[str, ...], Decimal | None]]:
    """What MetricFlow wrote: a value by group for each metric."""
    with file.open(newline="", encoding="utf-8") as handle:
        header, *rows = list(csv.reader(handle))
    # MetricFlow puts a day first
    places = [header.index(group) for group in groups]
    found = {
        metric: {key([row[place] for place in places]): Decimal(row[column]) if row[column] else None for row in rows}
        for column, metric in enumerate(header)
        if metric not in groups
    }
    assert all(len(values) == len(rows) for values in found.values())
    return found


def same(answered: dict[tuple[str, ...], Decimal | None], wanted: dict[tuple[str, ...], Any], what: object) -> None:
    """Fails unless both have the same groups and values, of which some is above 0."""
    assert len(wanted) > 1 and any(value and value > 0 for value in wanted.values()), what
    assert answered.keys() == wanted.keys(), what
    for group, value in wanted.items():
        if value is None:
            assert answered[group] is None, (what, group)
        else:
            assert float(answered[group]) == pytest.approx(float(value), rel=1e-12), (what, group)


def test_the_configuration_is_valid(project: Project) -> None:
    printed = mf(project, "validate-configs")
    assert printed.count("ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0") == 6, printed


def test_each_metric_equals_plain_sql(project: Project, tmp_path: Path) -> None:
    asked = set()
    for number, (group_by, metrics) in enumerate(QUESTIONS.items()):
        groups = group_by.split(",")
        file = tmp_path / f"{number}.csv"
        mf(project, "query", "--metrics", ",".join(metrics), "--group-by", group_by, "--csv", str(file))
        answered = read(file, groups)
        for metric, sql in metrics.items():
            asked.add(metric)
            rows = [list(row.values()) for row in project.arrow(sql).to_pylist()]
            same(answered[metric], {key(values[:-1]): values[-1] for values in rows}, metric)
    manifest = json.loads((project.folder / "target/semantic_manifest.json").read_text())
    assert asked == {metric["name"] for metric in manifest["metrics"]}, "a metric without a question"


def test_each_saved_query_equals_plain_sql(project: Project, tmp_path: Path) -> None:
    manifest = json.loads((project.folder / "target/semantic_manifest.json").read_text())
    queries = {query["name"]: query["query_params"]["metrics"] for query in manifest["saved_queries"]}
    assert queries.keys() == SAVED.keys(), "a saved query without SQL"
    for name, (group_by, sql) in SAVED.items():
        groups = group_by.split(",")
        file = tmp_path / f"{name}.csv"
        mf(project, "query", "--saved-query", name, "--csv", str(file))
        answered = read(file, groups)
        assert sorted(answered) == sorted(queries[name])
        rows = [list(row.values()) for row in project.arrow(sql).to_pylist()]
        for place, metric in enumerate(queries[name], start=len(groups)):
            same(answered[metric], {key(values[: len(groups)]): values[place] for values in rows}, (name, metric))


def test_over_all_partners_an_account_counts_once(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    mf(project, "query", "--metrics", "account_mapping_overlap_accounts", "--csv", str(file))
    rows = project.query(f"select count(distinct account_id) as once, count(*) as twice {SHARED}")
    assert file.read_text().split() == ["account_mapping_overlap_accounts", str(rows[0]["once"])]
    assert rows[0]["once"] < rows[0]["twice"]


@pytest.mark.parametrize(
    ("options", "calendars", "metrics"),
    [
        ({}, {"my_days"}, 0),
        ({"account_mapping__semantic_layer": True, "account_mapping__time_spine": False}, {"my_days"}, 14),
    ],
)
def test_a_project_with_a_calendar_keeps_it(
    make_project: Callable[..., Project], options: dict[str, bool], calendars: set[str], metrics: int
) -> None:
    """MetricFlow uses one calendar per project: a second one would take the place of the user's."""
    project = make_project(variables={"account_mapping__crms": ["generic"], **options})
    models = project.folder / "models"
    models.mkdir()
    (models / "my_days.sql").write_text("select cast('2020-01-01' as date) as day")
    (models / "my_days.yml").write_text(
        "models:\n  - name: my_days\n    time_spine: {standard_granularity_column: day}\n"
        "    columns: [{name: day, granularity: day}]\n"
    )
    found = semantic_manifest(project)
    spines = found["project_configuration"]["time_spines"]
    assert {spine["node_relation"]["alias"] for spine in spines} == calendars
    assert len(found["metrics"]) == metrics


def test_a_project_without_metrics_gets_none(make_project: Callable[..., Project]) -> None:
    found = semantic_manifest(make_project(variables={"account_mapping__crms": ["generic"]}))
    assert found["metrics"] == found["semantic_models"] == found["saved_queries"] == []
    assert found["project_configuration"]["time_spines"] == []
