"""Quality as a build test, and what a decision on a pair changes in the next build."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
import yaml
from harness import PACKAGE, Project, Result
from loading import package_file

OURS = [
    ("1", "Acme Rockets", "acme.com"),
    ("2", "Globex Industries", "globex.com"),
    ("3", "Delta", "delta-harvest.com"),
    ("4", "Delta", "deltafoods.com"),
]
THEIRS = [
    ("a", "ACME Rockets Ltd", "acme.com"),
    ("b", "Globex", "globex.com"),
    ("c", "Delta", "deltaworks.com"),
]
# The package leaves the last two to a person, as many have that name and websites differ; `unsure` plays no part.
LABELS = [
    ("1", "a", "match"),
    ("generic:2", "b", "Match"),
    ("1", "c", "unsure"),
    ("4", "c", "no_match"),
    ("3", "c", "match"),
]
FLOOR = "account_mapping.account_mapping__match_quality_floor"
FLOORS = {
    "quality_is_reached": {"min_precision": 1.0, "min_recall": 0.5, "min_labels": 4},
    "recall_is_too_low": {"min_precision": 1.0, "min_recall": 1.0},
    "labels_are_too_few": {"min_recall": 0.5, "min_labels": 5},
    "precision_is_too_low": {"min_precision": 1.0, "accept_threshold": 0.3},
}
MODELS = ("account_mapping__matches", "account_mapping__match_review", "account_mapping__match_quality", "match_labels")
OVERRIDE_COLUMNS = ("partner_id", "account_id", "partner_account_id", "decision", "decided_by")


@pytest.fixture
def project(make_project) -> Project:
    """Two accounts with a match, two that need a person, and labels with floors."""
    project = make_project(variables={"account_mapping__crms": ["generic"]})
    columns = ("account_id", "account_name", "website")
    ours = [dict(zip(columns, row, strict=True)) for row in OURS]
    theirs = [{"partner_id": "nimbus"} | dict(zip(columns, row, strict=True)) for row in THEIRS]
    project.write_tables({"generic.accounts": ours, "partners.partner_accounts": theirs})
    partner = {"partner_id": "nimbus", "partner_name": "Nimbus", "exchange": "list", "is_active": "true"}
    project.write_seed("account_mapping__partners", [partner])
    project.write_seed("account_mapping__match_overrides", [], OVERRIDE_COLUMNS)
    labels = "\n".join(f"nimbus,{account},{theirs},{decision}" for account, theirs, decision in LABELS)
    (project.folder / "seeds/match_labels.csv").write_text(
        f"partner_id,account_id,partner_account_id,decision\n{labels}\n"
    )
    tests = [{FLOOR: {"name": name, "arguments": arguments}} for name, arguments in FLOORS.items()]
    (project.folder / "seeds/match_labels.yml").write_text(
        yaml.safe_dump({"seeds": [{"name": "match_labels", "data_tests": tests}]})
    )
    return project


def build(project: Project) -> Result:
    return project.run(
        *("build", "--store-failures"),
        *("--select", *(f"+{model}" for model in MODELS), "--indirect-selection", "cautious"),
    )


def failures(project: Project, test: str) -> list[tuple]:
    """What a floor's test found: figure, measured, floor, labelled pairs."""
    return [tuple(row.values()) for row in project.query(f"select * from main_dbt_test__audit.{test} order by all")]


def quality(project: Project, method: str) -> dict:
    rows = project.query(f"select * from account_mapping__match_quality where match_method = '{method}'")
    return rows[0] if rows else {}


def test_floors_fail_a_build_and_a_decision_is_obeyed_and_counted_without_moving_them(project: Project) -> None:
    result = build(project)
    assert set(result.errors) == {"recall_is_too_low", "labels_are_too_few", "precision_is_too_low"}, result.text
    assert result.statuses["quality_is_reached"] == "pass"
    assert failures(project, "recall_is_too_low") == [("recall", 0.6667, 1.0, 4)]
    assert failures(project, "precision_is_too_low") == [("precision", 0.75, 1.0, 4)]
    assert failures(project, "labels_are_too_few") == [("labelled pairs", 4.0, 5.0, 4)]
    assert quality(project, "all")["labelled_pairs"] == 0

    waiting = project.query("select account_id, partner_account_id from account_mapping__match_review")
    assert {"account_id": "generic:3", "partner_account_id": "c"} in waiting
    own = project.query("select * from int_account_mapping__scored_pairs where account_id = 'generic:3'")[0]
    decision = ("nimbus", "3", "c", "match", "robin")
    project.write_seed("account_mapping__match_overrides", [dict(zip(OVERRIDE_COLUMNS, decision, strict=True))])
    result = build(project)

    # The override makes this pair right; what the package thinks of it by itself stays below the floor.
    assert set(result.errors) == {"recall_is_too_low", "labels_are_too_few", "precision_is_too_low"}, result.text
    assert failures(project, "recall_is_too_low") == [("recall", 0.6667, 1.0, 4)]
    match = project.query("select * from account_mapping__matches where account_id = 'generic:3'")[0]
    assert (match["decision"], match["match_method"], match["decided_by"]) == ("accepted", "override", "robin")
    assert not project.query("select * from account_mapping__match_review where account_id = 'generic:3'")
    for method in ("all", own["match_method"]):
        row = quality(project, method)
        assert (row["labelled_pairs"], row["labelled_matches"]) == (1, 1), method
        assert (row["labelled_precision"], row["labelled_recall"]) == (None, Decimal(0)), method
    assert quality(project, "override")["accepted_pairs"] == 1


def test_a_floor_needs_a_figure(project: Project) -> None:
    (project.folder / "seeds/match_labels.yml").write_text(
        yaml.safe_dump({"seeds": [{"name": "match_labels", "data_tests": [{FLOOR: {"name": "no_figure"}}]}]})
    )
    result = project.run("parse")
    assert not result.success
    assert "needs min_precision, min_recall, or both" in result.text


def test_the_floor_accepts_from_the_threshold_of_the_package() -> None:
    default = yaml.safe_load((PACKAGE / "dbt_project.yml").read_text())["vars"]["account_mapping__accept_threshold"]
    macro = package_file("account_mapping__match_quality_floor.sql").read_text()
    assert re.findall(r"var\('account_mapping__accept_threshold', ([\d.]+)\)", macro) == [str(default)]
