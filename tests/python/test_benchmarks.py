"""The benchmark's own arithmetic on cases small enough to do by hand, and one run of the package by it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import compare_matchers
from benchmarks.ours import MATCHES, BenchmarkError, Cost, list_project
from benchmarks.scoring import (
    Link,
    Pair,
    Relative,
    at_once,
    best_f1,
    best_pairs,
    calibration_error,
    cuts,
    families,
    precision_of,
    quality,
    recall_at,
)

BENCHMARKS = Path(compare_matchers.__file__).parent
TRUTH = {"a": {"x"}, "b": {"y", "y2"}, "c": {"z"}, "d": {"w"}}


def test_a_left_record_counts_by_its_best_pair_only():
    pairs = [Pair("a", "q", 0.4), Pair("a", "x", 0.9), Pair("b", "y", 0.7)]
    assert best_pairs(pairs) == [Pair("a", "x", 0.9), Pair("b", "y", 0.7)]


def test_of_equal_scores_the_first_one_given_counts():
    pairs = [Pair("a", "no", 0.2), Pair("a", "y", 0.5), Pair("a", "x", 0.5)]
    assert best_pairs(pairs) == [Pair("a", "y", 0.5)]


def test_left_records_of_one_score_are_in_order_of_their_ids():
    assert [pair.left_id for pair in best_pairs([Pair("b", "y", 0.5), Pair("a", "x", 0.5)])] == ["a", "b"]


def test_written_pairs_keep_the_order_of_equal_scores(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    compare_matchers.write_pairs(
        path, [Pair("b", "y", 0.5), Pair("a", "no", 0.2), Pair("a", "z", 0.5), Pair("a", "x", 0.5)]
    )
    assert path.read_text().split() == ["left_id,right_id,score", "a,z,0.5", "a,x,0.5", "a,no,0.2", "b,y,0.5"]


def test_scores_may_be_negative():
    assert best_pairs([Pair("a", "x", -3.0), Pair("a", "y", -1.5)]) == [Pair("a", "y", -1.5)]


def test_pairs_of_one_score_are_cut_together():
    best = best_pairs([Pair("a", "x", 0.9), Pair("b", "no", 0.5), Pair("c", "z", 0.5), Pair("e", "no", 0.1)])
    curve = cuts(best, TRUTH)
    assert [(cut.score, cut.precision, cut.recall) for cut in curve] == [
        (0.9, 1.0, 0.25),
        (0.5, pytest.approx(2 / 3), 0.5),
        (0.1, 0.5, 0.5),
    ]


def test_best_f1_is_taken_over_all_cuts():
    curve = cuts(best_pairs([Pair("a", "x", 0.9), Pair("b", "y2", 0.8), Pair("c", "no", 0.2)]), TRUTH)
    # the cut at .8: precision 1, recall 1/2
    assert best_f1(curve) == pytest.approx(2 / 3)
    assert best_f1([]) == 0.0


def test_recall_at_a_precision_may_lie_beyond_a_worse_cut():
    best = best_pairs([Pair("e", "no", 0.9), Pair("a", "x", 0.8), Pair("b", "y", 0.7), Pair("c", "z", 0.6)])
    curve = cuts(best, TRUTH)
    assert recall_at(curve, 0.75) == pytest.approx(0.75)
    assert recall_at(curve, 0.8) == 0.0


def test_accepted_counts_left_records_once_and_links_each():
    accepted = [Pair("b", "y", 0.95), Pair("b", "no", 0.9), Pair("e", "no", 0.86)]
    taken = at_once(accepted, TRUTH)
    assert (taken.precision, taken.recall) == (0.5, 0.25)
    assert precision_of(accepted, TRUTH) == pytest.approx(1 / 3)
    assert at_once([], TRUTH).recall == 0.0
    assert precision_of([], TRUTH) is None


def test_calibration_error_weighs_bins_by_their_pairs():
    pairs = [
        Pair("a", "x", 0.95),
        Pair("b", "no", 0.95),  # bin 9: mean .95, half of it true: .45 off
        Pair("c", "z", 0.15),
        Pair("d", "no", 0.12),
        Pair("e", "no", 0.18),
        Pair("f", "no", 0.15),  # bin 1: mean .15, a quarter true: .10 off
    ]
    assert calibration_error(pairs, TRUTH) == pytest.approx((2 * 0.45 + 4 * 0.10) / 6)


def test_a_certain_pair_falls_into_the_last_bin():
    assert calibration_error([Pair("a", "x", 1.0), Pair("b", "no", 0.92)], TRUTH) == pytest.approx(0.46)
    assert calibration_error([], TRUTH) is None


def test_what_a_method_does_not_have_is_none():
    pairs = [Pair("a", "x", 12.5)]
    assert quality(pairs, TRUTH)[2:] == (None,) * 5
    figures = quality([Pair("a", "x", 0.9)], TRUTH, accepted=[], are_probabilities=True)
    assert figures.calibration == pytest.approx(0.1)
    assert (figures.accepted_recall, figures.links_precision, figures.accepted_calibration) == (0.0, None, None)


def test_families_count_links_to_any_true_parent():
    truth = [
        Relative("a", "parent", "same_name"),
        Relative("a", "holding", "no_common_word"),
        Relative("b", "parent", "name_contains_parent"),
        Relative("c", "parent", "partial"),
        Relative("d", "d_parent", "same_name"),
        Relative("e", "e_parent", "same_name"),
    ]
    links = [
        Link("a", "holding", "subsidiary"),  # by its other parent
        Link("b", "wrong", "subsidiary"),
        Link("d", "d_parent", "same"),
        Link("e", "e_parent", "same"),
        Link("f", "f", "same"),
    ]
    left = {"a": "France", "b": "Spain", "c": "", "d": "Italy", "e": "Peru", "f": "Fiji"}
    right = {"parent": "Germany", "holding": "Germany", "d_parent": "Brazil", "e_parent": "peru", "f": "Fiji"}
    right |= {"wrong": ""}
    records = ({id_: {"country": country} for id_, country in side.items()} for side in (left, right))
    found = families(truth, links, *records)
    assert (found.named, found.linked) == (4, 3)
    # f is one record in both lists: right, though no pair of the truth
    assert (found.links, found.true_links, found.one_record) == (5, 3, 1)
    assert found.relationships == {"same": 3, "subsidiary": 2}
    # d only: e is in one country, spelt in two ways
    assert (found.abroad, found.abroad_same) == (1, 1)


def test_an_unknown_country_is_not_another_country():
    truth = [Relative("a", "x", "same_name")]
    found = families(truth, [Link("a", "x", "same")], {"a": {"country": ""}}, {"x": {"country": "Chile"}})
    assert found.abroad == 0


def test_match_weights_become_probabilities():
    assert [compare_matchers.probability(weight) for weight in (0.0, 1.0, -1.0)] == [0.5, 2 / 3, 1 / 3]
    assert compare_matchers.probability(-5_000.0) < 1e-300
    assert compare_matchers.probability(5_000.0) == 1.0


def test_scale_doubles_or_halves_with_the_names_there_are():
    assert compare_matchers.scale_sizes(50, 200) == (50, 100)
    assert compare_matchers.scale_sizes(50, 199) == (25, 50)
    with pytest.raises(BenchmarkError, match="too few"):
        compare_matchers.scale_sizes(50, 99)


def test_growth_compares_a_method_with_its_own_smaller_run():
    run = compare_matchers.MeasuredScale
    text = compare_matchers.scale_table(
        [
            run(10, "ours", Cost(2.0, 4.0, 100.0), 1.24),
            run(10, "tfidf", Cost(1.0, 1.0, 50.0)),
            run(20, "ours", Cost(5.0, 8.0, 120.0)),
            run(20, "tfidf", Cost(3.0, 4.5, 60.0)),
        ]
    )
    growth = [[cell.strip() for cell in line.split("|")[-3:-1]] for line in text.splitlines()[2:]]
    assert growth == [["-", "-"], ["-", "-"], ["2.50", "2.00"], ["3.00", "4.50"]]
    run_seconds = [line.split("|")[3].strip() for line in text.splitlines()[2:]]
    assert run_seconds == ["1.2", "-", "-", "-"]


def test_a_missing_set_and_a_folder_without_sets_are_named(tmp_path: Path):
    with pytest.raises(BenchmarkError, match="has no set nowhere"):
        compare_matchers.find_sets(tmp_path, ["nowhere"])
    with pytest.raises(BenchmarkError, match="has no set"):
        compare_matchers.find_sets(tmp_path, None)


def test_keys_need_the_readable_run(tmp_path: Path):
    write(tmp_path / "sets" / "other" / "truth.csv", ["left_id", "right_id"], [["a", "x"]])
    arguments = compare_matchers.parse([str(tmp_path / "sets"), "--methods", "ours", "--keys"])
    with pytest.raises(BenchmarkError, match="readable run"):
        compare_matchers.plan(arguments, {}, tmp_path / "work")


def test_a_peer_with_an_environment_of_its_own_runs_only_when_named(tmp_path: Path):
    write(tmp_path / "sets" / "other" / "truth.csv", ["left_id", "right_id"], [["a", "x"]])
    sets = str(tmp_path / "sets")
    assert "logic" not in compare_matchers.parse([sets]).methods
    pythons = ["--peers-python", "a", "--logic-python", "b"]
    arguments = compare_matchers.parse([sets, "--methods", "exact", "logic", *pythons])
    found = compare_matchers.peers_pythons(arguments)
    assert (found["exact"], found["logic"]) == ("a", "b")
    jobs = compare_matchers.plan(arguments, found, tmp_path / "work")
    assert [name for name, _ in jobs] == ["other, exact", "other, logic"]


def test_the_command_s_cost_and_exit_code_are_reported(tmp_path: Path):
    report = tmp_path / "cost.json"
    hold = "import sys, time; held = bytearray(200 * 2**20); time.sleep(0.3); sys.exit(3)"
    command = [sys.executable, BENCHMARKS / "measure.py", report, sys.executable, "-c", hold]
    assert subprocess.run(command, check=False).returncode == 3
    cost = Cost(**json.loads(report.read_text()))
    assert cost.seconds >= 0.3
    # it sleeps, which takes no processor
    assert 0 < cost.cpu_seconds < cost.seconds
    assert 200 <= cost.megabytes < 400


def write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


# Ours, theirs (none where they do not have it), country.
COMPANIES = (
    ("Alderbrook Foundry GmbH", "ALDERBROOK FOUNDRY", "Germany"),
    ("Brightwater Logistics, Inc.", "Brightwater Logistics", "United States"),
    ("Cinderford Optics Ltd", "Cinderford Optics Limited", "United Kingdom"),
    ("Dunmore Biologics plc", "Dunmore Biologics PLC", "Ireland"),
    ("Eskdale Ceramics", "Eskdale Ceramics AB", "Sweden"),
    ("Fjordheim Salmon AS", "Fjordheim Salmon", "Norway"),
    ("Glenmorrow Paper Mills", "GLENMORROW PAPER MILLS LTD", "United Kingdom"),
    ("Hartwick & Sons Tools", "Hartwick and Sons Tools", "United States"),
    ("Ingelstad Robotik AB", "Ingelstad Robotik", "Sweden"),
    ("Juniper Hollow Dairy LLC", "Juniper Hollow Dairy", "United States"),
    ("Kestrel Ridge Mining Corp", "Kestrel Ridge Mining Corporation", "Canada"),
    ("Lindqvist Turbines", "Lindqvist Turbines Oy", "Finland"),
    ("Marlowe Street Press", "", "United Kingdom"),
    ("Northgate Yeast", "", "Denmark"),
    ("Oakhaven Textiles", "", "Portugal"),
    ("", "Pendragon Cables", "France"),
    ("", "Quillfeather Publishing", "Spain"),
    ("", "Rosenthorn Batteries", "Austria"),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory):
    """A made set's folder and the package's project, built as the benchmark builds it."""
    folder = tmp_path_factory.mktemp("benchmark")
    header = ["id", "name", "domain", "country", "city"]
    # one domain for all: a benchmark that let it through would accept every pair
    for side, column in (("left", 0), ("right", 1)):
        rows = [
            [f"{side[0]}{number}", company[column], "example.com", company[2], ""]
            for number, company in enumerate(COMPANIES)
            if company[column]
        ]
        write(folder / f"{side}.csv", header, rows)
    project = list_project(folder / "project", folder / "left.csv", folder / "right.csv")
    return project, project.build(MATCHES)


def test_the_benchmark_runs_the_package_on_names_and_places_alone(built):
    project, cost = built
    truth = {f"l{n}": {f"r{n}"} for n, (ours, theirs, _) in enumerate(COMPANIES) if ours and theirs}
    figures = quality(project.scored(), truth, project.accepted(), are_probabilities=True)
    assert figures.f1 == 1.0
    assert (figures.accepted_precision, figures.links_precision) == (1.0, 1.0)
    assert figures.accepted_recall >= 0.9
    assert {link.relationship for link in project.links()} == {"same"}
    # the run of the nodes is a part of the whole process
    assert 0 < project.run_seconds() < cost.seconds
    assert cost.megabytes > 0


def test_the_python_models_run_alone_on_what_the_build_left(built):
    project, _ = built
    manifest = project.folder / "target" / "manifest.json"
    command = [sys.executable, "-m", "benchmarks.models_alone", manifest, project.database]
    output = subprocess.run(
        command, cwd=BENCHMARKS.parent, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    records = sum(bool(ours) + bool(theirs) for ours, theirs, _ in COMPANIES)
    assert output[0] == f"int_account_mapping__normalized {records} rows"
    (pairs,) = project.query("select count(*) from main_account_mapping.int_account_mapping__fuzzy_pairs")
    assert output[1] == f"int_account_mapping__fuzzy_pairs {pairs[0]} rows"
