"""The benchmark's own arithmetic on cases small enough to do by hand, and one run of the package by it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import cases, compare_matchers, name_precision
from benchmarks.ours import LIST, MATCHES, SIDE_WITH_WEBSITES, BenchmarkError, Cost, list_project
from benchmarks.scoring import (
    Link,
    Pair,
    Related,
    Relative,
    at_once,
    best_f1,
    best_pairs,
    calibration_error,
    cuts,
    families,
    label,
    precision_of,
    quality,
    recall_at,
    relations,
    wilson,
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


RELATED = [
    Related("a", "x", is_same=True, name_relation="same_name"),
    Related("b", "y", is_same=True, name_relation="same_name"),
    Related("c", "z", is_same=False, name_relation="partial"),
    Related("d", "z", is_same=False, name_relation="partial"),
    Related("e", "z", is_same=False, name_relation="no_common_word"),
]
RELATED_LINKS = [
    Link("a", "x", "same"),
    Link("a", "other", "same"),
    Link("b", "y", "sibling"),
    Link("c", "z", "subsidiary"),
    Link("d", "z", "same"),
    Link("nobody", "z", "same"),
]


def test_relations_tell_same_from_family():
    found = relations(RELATED, RELATED_LINKS, is_whole=False)
    assert (found.same_recall, found.same_precision) == ((1, 2), (1, 3))
    assert (found.family_recall, found.family_precision) == ((1, 3), (1, 2))
    assert (found.linked_recall, found.linked_precision) == ((4, 5), (4, 5))
    assert (found.same_accepted, found.family_called_same) == (2, 1)
    assert found.family_by_name == {"no_common_word": (0, 1), "partial": (1, 2)}


def test_links_of_a_record_without_a_true_pair_count_where_the_truth_is_whole():
    found = relations(RELATED, RELATED_LINKS, is_whole=True)
    assert (found.same_precision, found.linked_precision) == ((1, 4), (4, 6))


@pytest.mark.parametrize(
    ("left_id", "right_id", "is_whole", "expected"),
    [
        ("a", "x", False, "right"),
        ("a", "other", False, "wrong"),
        ("nobody", "x", False, "unknown"),
        ("nobody", "x", True, "wrong"),
    ],
)
def test_what_nobody_told_is_unknown_unless_the_truth_is_whole(left_id, right_id, is_whole, expected):
    assert label(left_id, right_id, TRUTH, is_whole) == expected


def test_the_interval_of_a_share_holds_for_few_cases():
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(4, 4) == pytest.approx((0.5101, 1.0), abs=1e-4)
    assert wilson(4, 4)[1] <= 1
    assert wilson(0, 0) is None


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


SET_HEADER = ["id", "name", "domain", "country", "city"]


def test_websites_are_a_column_or_a_file_and_else_there_are_none(tmp_path: Path):
    for name, left, right in (("column", "a.example", "x.example"), ("file", "", ""), ("none", "a.example", "")):
        write(tmp_path / name / "left.csv", SET_HEADER, [["1", "A", left, "", ""]])
        write(tmp_path / name / "right.csv", SET_HEADER, [["1", "X", right, "", ""]])
        write(tmp_path / name / "truth.csv", ["left_id", "right_id"], [["1", "1"]])
    websites = [["left", "1", "b.example"], ["right", "1", "y.example"]]
    write(tmp_path / "file" / "websites.csv", ["side", "id", "domain"], websites)
    found = {
        labelled.name: compare_matchers.sides_with_websites(labelled)
        for labelled in compare_matchers.find_sets(tmp_path, None)
    }
    assert [side[0]["domain"] for side in found["column"]] == ["a.example", "x.example"]
    assert [side[0]["domain"] for side in found["file"]] == ["b.example", "y.example"]
    assert found["none"] is None


def test_given_websites_reach_both_lists(tmp_path: Path):
    paths = tmp_path / "left.csv", tmp_path / "right.csv"
    for path in paths:
        compare_matchers.write_side(path, [dict(zip(SET_HEADER, ["1", "A", "a.example", "", ""], strict=True))])
    project = list_project(tmp_path / "project", *paths, side=SIDE_WITH_WEBSITES)
    assert project.query("select account_id, website from generic.accounts") == [("1", "a.example")]
    (row,) = compare_matchers.read_csv(project.folder / LIST)
    assert (row["account_id"], row["website"]) == ("1", "a.example")


def test_a_set_tells_which_pairs_are_one_company(tmp_path: Path):
    header = ["left_id", "right_id", "relation", "name_relation"]
    write(tmp_path / "kin" / "truth.csv", header, [["a", "x", "same", "same_name"], ["b", "x", "parent", "partial"]])
    write(tmp_path / "plain" / "truth.csv", ["left_id", "right_id"], [["a", "x"]])
    kin, plain = compare_matchers.find_sets(tmp_path, None)
    assert [pair.is_same for pair in kin.related] == [True, False]
    assert [pair.name_relation for pair in kin.related] == ["same_name", "partial"]
    assert plain.related == [Related("a", "x", is_same=True)]
    assert (kin.is_whole, plain.is_whole) == (False, True)


def test_websites_need_the_package(tmp_path: Path):
    write(tmp_path / "sets" / "other" / "truth.csv", ["left_id", "right_id"], [["a", "x"]])
    arguments = compare_matchers.parse([str(tmp_path / "sets"), "--methods", "exact", "--websites"])
    with pytest.raises(BenchmarkError, match="--websites"):
        compare_matchers.plan(arguments, None, tmp_path / "work")


def test_what_websites_show_is_told_by_kind():
    found = relations(RELATED, RELATED_LINKS, is_whole=False)
    text = compare_matchers.websites_text(compare_matchers.MeasuredWebsites("kin", found, Cost(1.0, 2.0, 3.0)))
    assert "same: found 1 of 2 (0.5000); of the links right: 1 of 3 (0.3333)" in text
    assert "family: found 1 of 3 (0.3333); of the links right: 1 of 2 (0.5000)" in text
    assert "no_common_word 0 of 1 (0.0000), partial 1 of 2 (0.5000)" in text


# ---------------------------------------------------------------- pairs by similar names


def test_labels_by_hand_go_before_the_set_s(tmp_path: Path):
    judged_file = tmp_path / "judged.csv"
    write(
        judged_file,
        ["set_name", "left_id", "right_id", "label"],
        [["made", "a", "other", "right"], ["made", "nobody", "x", "unknown"]],
    )
    truth = [Related("a", "x", True), Related("b", "y", False), Related("b", "y2", False)]
    rows = [
        ("benchmark", left, right, 0.95, relationship, "")
        for left, right, relationship in (
            *(("a", "x", "same"), ("a", "other", "same"), ("nobody", "x", "same")),
            *(("b", "y", "same"), ("b", "y2", "parent")),
        )
    ]
    judged = name_precision.read_judged(judged_file)
    pairs = name_precision.labelled_pairs("made", rows, truth, is_whole=False, judged=judged)
    assert [pair.label for pair in pairs] == ["right", "right", "unknown", "right", "right"]
    # a link of two companies of a group is right; to call them one is not
    assert [pair.same_label for pair in pairs] == ["right", "unknown", "unknown", "wrong", ""]
    last = name_precision.report(pairs, ["made"]).splitlines()[-1]
    assert [cell.strip() for cell in last.split("|")[1:-1]] == [
        "all", "name_fuzzy", "4", "0", "1", "1.0000", "0.5101 to 1.0000", "1", "1", "2", "0.5000",
    ]  # fmt: skip
    out = tmp_path / "out.csv"
    name_precision.write_pairs(out, pairs)
    assert [row["right_id"] for row in compare_matchers.read_csv(out)] == ["other", "x", "y"]


def test_a_label_that_is_no_label_is_named(tmp_path: Path):
    write(tmp_path / "judged.csv", ["set_name", "left_id", "right_id", "label"], [["made", "a", "x", "maybe"]])
    with pytest.raises(BenchmarkError, match="maybe"):
        name_precision.read_judged(tmp_path / "judged.csv")


# ---------------------------------------------------------------- cases


def match(account_id: str, partner_account_id: str, decision: str = "accepted", **others: str) -> cases.Match:
    kind = {"relationship": "same", "method": "name_exact", **others}
    return cases.Match(account_id, partner_account_id, decision, probability=0.9, reason="", **kind)


ACCEPTED = match("1.o1", "1.p1")
REVIEW = match("1.o1", "1.p1", "review")
SUBSIDIARY = match("1.o1", "1.p1", relationship="subsidiary")


@pytest.mark.parametrize(
    ("expected", "right", "not_right"),
    [
        ("none", [[]], [[REVIEW], [ACCEPTED]]),
        ("review/none, not same", [[], [REVIEW]], [[ACCEPTED]]),
        ("none (review at most)", [[], [REVIEW]], [[ACCEPTED]]),
        ("review", [[REVIEW]], [[ACCEPTED]]),
        ("accepted", [[ACCEPTED], [SUBSIDIARY]], [[], [REVIEW]]),
        ("accepted same", [[ACCEPTED]], [[SUBSIDIARY]]),
        ("accepted family", [[SUBSIDIARY]], [[ACCEPTED], []]),
        ("accepted subsidiary", [[SUBSIDIARY]], [[match("1.o1", "1.p1", relationship="sibling")]]),
        ("accepted by domain", [[match("1.o1", "1.p1", method="domain")]], [[ACCEPTED]]),
        ("o1 accepted", [[ACCEPTED, match("1.o2", "1.p1", "review")]], [[match("1.o2", "1.p1")]]),
        ("accepted both (dups)", [[ACCEPTED, match("1.o2", "1.p1")]], [[ACCEPTED]]),
    ],
)
def test_a_case_is_judged_by_the_words_of_its_expectation(expected, right, not_right):
    assert all(cases.is_as_expected(expected, matches) for matches in right)
    assert not any(cases.is_as_expected(expected, matches) for matches in not_right)


def test_an_expectation_that_says_nothing_is_an_error():
    with pytest.raises(BenchmarkError, match="perhaps"):
        cases.is_as_expected("perhaps", [])


def test_wrong_accepts_and_pairs_across_cases_are_found():
    expectations = [
        {"kind": "K", "case": "1", "expected": "none"},
        {"kind": "K", "case": "2", "expected": "accepted"},
        {"kind": "K", "case": "3", "expected": "none"},
    ]
    matches = [ACCEPTED, match("2.o1", "3.p1"), match("L1", "2.p1"), match("L1", "R1"), match("3.o1", "L2", "review")]
    verdicts = cases.judge(expectations, matches)
    assert [verdict.is_right for verdict in verdicts] == [False, False, True]
    assert [verdict.wrong for verdict in verdicts] == [[ACCEPTED], [], []]
    assert [pair[:2] for pair in cases.across({"1", "2", "3"}, matches)] == [("2.o1", "3.p1"), ("L1", "2.p1")]
    assert [cell.strip() for cell in cases.summary(verdicts).splitlines()[-1].split("|")[3:-1]] == ["3", "1", "2", "1"]
    assert cases.faults(verdicts).splitlines()[-1] == "    no pair"


def test_cases_are_matched_among_ordinary_rows(tmp_path: Path):
    for side, column in (("left", 0), ("right", 1)):
        rows = [
            [f"{side[0]}{number}", company[column], "example.com", company[2], ""]
            for number, company in enumerate(COMPANIES)
            if company[column]
        ]
        write(tmp_path / "sets" / "listings" / f"{side}.csv", SET_HEADER, rows)
    values = dict.fromkeys(cases.COLUMNS, "")
    for name, record, kept_name, lone_name in (
        ("ours", "o1", "Velverton Ltd", "Tumbrel Quay"),
        ("partner", "p1", "Velverton Group", "Osprey Lanterns"),
    ):
        kept = {**values, "account_id": f"keep.{record}", "account_name": kept_name, "website": "velverton.com"}
        lone = {**values, "account_id": f"lone.{record}", "account_name": lone_name}
        write(tmp_path / "cases" / f"{name}.csv", list(values), [list(kept.values()), list(lone.values())])
    write(
        tmp_path / "cases" / "expected.csv",
        ["kind", "case", "expected", "note"],
        [["KEEP", "keep", "accepted by domain", ""], ["A", "lone", "none", ""]],
    )
    verdicts, joined = cases.run(tmp_path / "cases", tmp_path / "sets", tmp_path)
    assert [(verdict.case, verdict.is_right) for verdict in verdicts] == [("keep", True), ("lone", True)]
    assert joined == []


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
