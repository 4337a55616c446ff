"""Fit seeds/account_mapping__match_weights.csv on labelled sets of names.

usage: python -m benchmarks.fit_match_weights SETS_DIR [--cases CASES_DIR] [--dry-run]

SETS_DIR holds one folder per set with left.csv and right.csv (id, name, domain,
country, city) and truth.csv (left_id, right_id; in the set `hierarchy` pairs of
subsidiary and parent). The matcher sees name, country and city; the domain only
tells which records of `hierarchy` are one. The names pass through the same
functions as in a build: the two Python models are loaded by path. Three logistic
regressions with L2 are fitted one after the other (names and places, then
rivals, then rivals by the corrected estimates) by L-BFGS; every step is
deterministic.

Prints, for each set, what weights fitted on the *other* sets reach on it: best
F1, recall at 99 % precision, precision and recall of the pairs accepted by
default, and the expected calibration error of the best pair of each left record.
For `hierarchy`: the share of the pairs that is linked, and the precision of all
links. CASES_DIR (see cases.py) is a set of its own: of the pairs of a case the
share of the right ones that is accepted, and how many wrong ones are. A left
record of a training set whose name, or whose partner's name, also occurs in the
scored set is left out of that fit. Then it fits on all sets and writes the seed.
"""

import argparse
import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.optimize import minimize
from scipy.sparse.csgraph import connected_components

from exchange.protocol import load_model

ROOT = Path(__file__).resolve().parent.parent
SEED = ROOT / "seeds" / "account_mapping__match_weights.csv"
LEGAL_FORMS = ROOT / "seeds" / "account_mapping__legal_forms.csv"
SETS = ("listings", "variants_company", "cross_fortune_sec", "variants_all", "hierarchy", "families")
HIERARCHY = "hierarchy"
CASES = "cases"
# Sets of hard cases teach by what nothing contradicts only: what is capped anyway must not make the others shy.
HARD = (CASES, "families")
PLACEHOLDERS = ROOT / "seeds" / "account_mapping__placeholders.csv"
NAME_WORDS = ROOT / "seeds" / "account_mapping__name_words.csv"
COMMON_WORDS = ROOT / "seeds" / "account_mapping__common_words.csv"
# What a pair of a set counts for: a large set must not drown the others, and the
# families, nearly all of one name in two countries, must not teach that all such
# names are one.
IMPORTANCE = {"variants_all": 0.25, HIERARCHY: 0.1}
# Strength of the L2 penalty on weights (not on biases), in units of pairs.
PENALTY = 10.0
ACCEPT = 0.92


normalised = load_model("int_account_mapping__normalized")
fuzzy = load_model("int_account_mapping__fuzzy_pairs")

# Pairs of `hierarchy` that the names tell: its other pairs share no name.
TOLD_BY_NAME = ("same_name", "name_contains_parent")
PAIR_FEATURES = fuzzy.NAME_FEATURES + fuzzy.PLACE_FEATURES
# What a feature may at most say, so that no accident of these sets is learnt:
# likeness never speaks against a pair and conflict never for it. The variants
# come from registers that keep one city per organisation; lists of two
# companies do not, so a city's disagreement is worth no more than stated here. Nor
# do these sets hold many ministries of agriculture of different countries.
AGAINST = (
    "rarest_other_ours",
    "rarest_other_both",
    "one_word",
    "country_different",
)
BOUNDS = {name: (None, 0.0) for name in AGAINST} | {
    "abbreviated_ours": (None, None),
    "abbreviated_partner": (None, None),
    "number_conflict": (None, -1.5),
    "city_same": (1.5, None),
    "city_same_and_near_acronym": (1.0, None),
    "city_different": (-2.0, -1.0),
    "country_different_and_short": (None, -4.0),
    "country_different_and_common": (None, -6.0),
    "legal_form_different": (-1.0, 0.0),
}


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


LEXICON = fuzzy.build_lexicon(
    {row["word"]: int(row["names_per_million"]) for row in read_csv(COMMON_WORDS)},
    {row["word"]: row["kind"] for row in read_csv(NAME_WORDS)},
)
SETTINGS = {row["feature"]: float(row["weight"]) for row in read_csv(SEED)}
OTHER_COMPANY, CONTRADICTED = SETTINGS["probability_other_company"], SETTINGS["probability_contradicted"]


def normalise(rows: list[dict[str, str]]) -> pa.Table:
    """Rows of left.csv or right.csv as the model int_account_mapping__normalized."""
    forms = normalised.compile_legal_forms(read_csv(LEGAL_FORMS))
    nobody = normalised.compile_placeholders(read_csv(PLACEHOLDERS), forms)
    words = normalised.compile_name_words(read_csv(NAME_WORDS))
    given = {
        "account_id": "id",
        "account_name": "name",
        "country": "country",
        "state": "state",
        "city": "city",
    }
    absent = ("side", "partner_id", "website", "lei", "duns", "vat_id", "linkedin_url")
    columns = {name: [row.get(key) or None for row in rows] for name, key in given.items()}
    columns |= {name: [None] * len(rows) for name in absent}
    batch = pa.record_batch({n: pa.array(v, pa.string()) for n, v in columns.items()})
    return pa.Table.from_batches([normalised.normalise_batch(batch, forms, nobody, words)])


def family_of(left: list[dict[str, str]], right: list[dict[str, str]], truth: list[dict[str, str]]) -> dict[str, int]:
    """Number of the family of each record id: linked by the truth, or the same record in both lists."""
    ids = {row["id"]: k for k, row in enumerate(left + right)}
    same: dict[tuple[str, ...], str] = {}
    edges = [(ids[row["left_id"]], ids[row["right_id"]]) for row in truth]
    for row in left + right:
        record = row["name"].lower(), row["domain"], row["country"], row["city"]
        edges.append((ids[row["id"]], ids[same.setdefault(record, row["id"])]))
    i, j = np.array(edges).T
    graph = sparse.coo_matrix((np.ones(len(i)), (i, j)), shape=(len(ids), len(ids)))
    family = connected_components(graph, directed=False)[1]
    return {id_: int(family[k]) for id_, k in ids.items()}


class Labelled(NamedTuple):
    """Candidate account pairs of one set; arrays are (pairs,) unless noted.

    left, right: account indexes; left_name, right_name: their names' indexes.
    features: (pairs, NAME_FEATURES + PLACE_FEATURES). equal: one name. ceiling:
    the most that what speaks against the pair leaves. related: the names alone tell a family. label: are
    one company, or of one family. known: a person has said so, or the contrary.
    teaches: bool, is fitted to.
    n_true: left records that have a partner. left_names, right_names: (accounts,) strings.
    true_names: (left accounts,) sets of their partners' names. asked: {(left,
    right): the names tell} of the truth's pairs. importance: of a pair in a fit.
    """

    left: np.ndarray
    right: np.ndarray
    left_name: np.ndarray
    right_name: np.ndarray
    features: np.ndarray
    equal: np.ndarray
    ceiling: np.ndarray
    related: np.ndarray
    label: np.ndarray
    known: np.ndarray
    teaches: np.ndarray
    n_true: int
    left_names: list[str]
    right_names: list[str]
    true_names: list[set[str]]
    asked: dict[tuple[int, int], bool]
    importance: float


def read_set(folder: Path) -> Labelled:
    """Block and weigh one set as the model does.

    Of a set whose truth tells a relation, `same` or a family's, only left records that it knows are read, and pairs of
    a family tell nothing about names.
    """
    left, right, truth = (read_csv(folder / f"{name}.csv") for name in ("left", "right", "truth"))
    relations = {} if folder.name == HIERARCHY else {(t["left_id"], t["right_id"]): t.get("relation") for t in truth}
    if any(relations.values()):
        told = {row["left_id"] for row in truth}
        left = [row for row in left if row["id"] in told]
    families = {pair for pair, relation in relations.items() if relation not in (None, "same")}
    truth = [row for row in truth if (row["left_id"], row["right_id"]) not in families]
    return weigh_lists(folder.name, left, right, truth, lambda pair: pair not in families)


def case_of(record_id: str) -> str:
    """The case of a record of cases.py."""
    return record_id.split(".")[0]


def read_cases(folder: Path, listings: Path) -> Labelled:
    """The cases of cases.py as a set, among the rows of `listings`, about which they tell nothing."""
    given = {"account_id": "id", "account_name": "name"}
    ours, theirs = (
        [
            {given.get(column, column): value for column, value in row.items()}
            for row in read_csv(folder / f"{name}.csv")
        ]
        for name in ("ours", "partner")
    )
    expected = {row["case"]: row["expected"] for row in read_csv(folder / "expected.csv")}
    told = {(a["id"], b["id"]) for a in ours for b in theirs if case_of(a["id"]) == case_of(b["id"])}
    right = {pair for pair in told if "accepted" in expected[case_of(pair[0])]}
    return weigh_lists(
        CASES,
        ours + read_csv(listings / "left.csv"),
        theirs + read_csv(listings / "right.csv"),
        [{"left_id": a, "right_id": b} for a, b in sorted(right)],
        told.__contains__,
    )


def weigh_lists(
    name: str,
    left: list[dict[str, str]],
    right: list[dict[str, str]],
    truth: list[dict[str, str]],
    is_known: Callable[[tuple[str, str]], bool],
) -> Labelled:
    """Block and weigh two lists as the model does. is_known: has a person said whether (left id, right id) is right?"""
    partners: dict[str, set[str]] = {}
    for row in truth:
        partners.setdefault(row["left_id"], set()).add(row["right_id"])
    ours, partner, places = fuzzy.build_sides(normalise(left), normalise(right))
    index = fuzzy.build_index(ours.names, partner.names, LEXICON)
    chunks = list(fuzzy.pair_chunks(ours, partner, places, index, np.zeros((0, 2), np.int64)))
    features = np.vstack(
        [
            np.column_stack(
                [c.names[f][c.pair] for f in fuzzy.NAME_FEATURES] + [c.places[f] for f in fuzzy.PLACE_FEATURES]
            )
            for c in chunks
        ]
    )
    i = np.concatenate([c.ours for c in chunks])
    j = np.concatenate([c.partner for c in chunks])
    left_ids, right_ids = ours.account_ids.to_pylist(), partner.account_ids.to_pylist()
    ids = [(left_ids[a], right_ids[b]) for a, b in zip(i, j, strict=True)]
    if name == HIERARCHY:
        family = family_of(left, right, truth)
        label = [family[left_ids[a]] == family[right_ids[b]] for a, b in zip(i, j, strict=True)]
    else:
        label = [right_ids[b] in partners.get(left_ids[a], ()) for a, b in zip(i, j, strict=True)]
    known = np.array([is_known(pair) for pair in ids], bool)
    ceiling = np.concatenate(
        [np.select([c.is_other, c.contradiction > 0], [OTHER_COMPANY, CONTRADICTED], 1.0) for c in chunks]
    )
    right_names = partner.names.take(pa.array(partner.name_of)).to_pylist()
    name_of_id = dict(zip(right_ids, right_names, strict=True))
    number = {id_: k for ids in (left_ids, right_ids) for k, id_ in enumerate(ids)}
    return Labelled(
        left=i,
        right=j,
        left_name=ours.name_of[i],
        right_name=partner.name_of[j],
        features=features,
        equal=np.concatenate([c.names["likeness"][c.pair] == fuzzy.EQUAL for c in chunks]),
        ceiling=ceiling,
        related=np.concatenate([c.relationship for c in chunks]) > 0,
        label=np.array(label, float),
        known=known,
        teaches=known & ((ceiling == 1.0) | (name not in HARD)),
        n_true=len(partners),
        left_names=ours.names.take(pa.array(ours.name_of)).to_pylist(),
        right_names=right_names,
        true_names=[{name_of_id.get(id_, "") for id_ in partners.get(left_id, ())} for left_id in left_ids],
        asked={
            (number[row["left_id"]], number[row["right_id"]]): row.get("name_relation") in TOLD_BY_NAME
            for row in truth
            if row["left_id"] in number and row["right_id"] in number
        },
        importance=IMPORTANCE.get(name, 1.0),
    )


def fit_logistic(features: np.ndarray, label: np.ndarray, importance: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Weights of the named columns that minimise log loss + L2 within BOUNDS.

    label, importance: of each row. The first column is the bias: free of both.
    """
    penalty = np.full(features.shape[1], PENALTY)
    penalty[0] = 1e-6
    bounds = [(None, None)] + [BOUNDS.get(name, (0.0, None)) for name in names[1:]]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = features @ weights
        probability = 1.0 / (1.0 + np.exp(-odds))
        value = (importance * (np.logaddexp(0.0, odds) - label * odds)).sum()
        gradient = features.T @ (importance * (probability - label)) + penalty * weights
        return value + 0.5 * (penalty * weights**2).sum(), gradient

    start = np.zeros(features.shape[1])
    options = {"maxiter": 2_000, "maxfun": 4_000, "ftol": 1e-11, "gtol": 1e-5}
    return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


def first_estimate(data: Labelled, base: np.ndarray) -> np.ndarray:
    """Log-odds of (pairs,) under the first stage's weights."""
    return np.round(data.features @ base, 6)


def rivals(data: Labelled, plausible: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """(plausible pairs, RIVAL_FEATURES): the pairs in the mask compared by their log-odds `odds`."""
    left, right, left_name, right_name, equal = (
        column[plausible] for column in (data.left, data.right, data.left_name, data.right_name, data.equal)
    )
    groups = fuzzy.group_pairs(left, right_name), fuzzy.group_pairs(right, left_name)
    columns = fuzzy.rival_evidence(odds, *groups, equal)
    return np.column_stack([columns[f] for f in fuzzy.RIVAL_FEATURES])


def fit(sets: list[tuple[Labelled, np.ndarray]]) -> list[np.ndarray]:
    """Weights of the three stages from sets and masks of the pairs that may be used."""
    features = np.vstack([data.features[mask] for data, mask in sets])
    label = np.concatenate([data.label[mask] for data, mask in sets])
    importance = np.concatenate([np.full(mask.sum(), data.importance) for data, mask in sets])
    stages = [fit_logistic(features, label, importance, PAIR_FEATURES)]
    estimates = [first_estimate(data, stages[0]) for data, _ in sets]
    # As in the model: what is implausible by itself is neither written nor anybody's rival.
    plausible = [odds > fuzzy.FLOOR for odds in estimates]
    used = [mask[kept] for (_, mask), kept in zip(sets, plausible, strict=True)]
    odds = [estimate[kept] for estimate, kept in zip(estimates, plausible, strict=True)]
    label = np.concatenate([data.label[kept][use] for (data, _), kept, use in zip(sets, plausible, used, strict=True)])
    importance = np.concatenate([np.full(use.sum(), s.importance) for (s, _), use in zip(sets, used, strict=True)])
    for _ in (fuzzy.RIVAL_FEATURES, fuzzy.SETTLED_FEATURES):
        columns = [rivals(data, kept, o) for (data, _), kept, o in zip(sets, plausible, odds, strict=True)]
        features = np.vstack([c[use] for c, use in zip(columns, used, strict=True)])
        stages.append(fit_logistic(features, label, importance, fuzzy.RIVAL_FEATURES))
        odds = [np.round(c @ stages[-1], 6) for c in columns]
    return stages


def probabilities(data: Labelled, stages: list[np.ndarray]) -> np.ndarray:
    """(pairs,) under the weights of the three stages; 0 where implausible by itself."""
    odds = first_estimate(data, stages[0])
    plausible = odds > fuzzy.FLOOR
    odds = odds[plausible]
    for weights in stages[1:]:
        odds = np.round(rivals(data, plausible, odds) @ weights, 6)
    probability = np.zeros(len(plausible))
    probability[plausible] = fuzzy.sigmoid(odds)
    probability = np.where(data.related, np.maximum(probability, fuzzy.GROUP_PROBABILITY), probability)
    return np.minimum(probability, data.ceiling)


def unrelated(data: Labelled, scored: Labelled) -> np.ndarray:
    """Mask of the pairs of `data` that tell something and whose left record does not occur in `scored`."""
    names = set(scored.left_names) | set(scored.right_names)
    known = np.array(
        [
            name in names or bool(partners & names)
            for name, partners in zip(data.left_names, data.true_names, strict=False)
        ]
    )
    return ~known[data.left] & data.teaches


def measure_links(data: Labelled, probability: np.ndarray) -> dict[str, float]:
    """Share of the truth's pairs that are accepted, and precision of all accepted pairs.

    `told_by_name`: of the pairs whose name equals or contains the parent's. A pair of one family is right; strictly,
    only a pair of the truth is.
    """
    accepted = probability >= ACCEPT
    links = set(zip(data.left[accepted].tolist(), data.right[accepted].tolist(), strict=True))
    told = [pair for pair, is_told in data.asked.items() if is_told]
    return {
        "told_by_name": sum(pair in links for pair in told) / len(told),
        "all_pairs": sum(pair in links for pair in data.asked) / len(data.asked),
        "precision": data.label[accepted].mean(),
        "strict_precision": sum(pair in data.asked for pair in links) / len(links),
        "links": len(links),
    }


def measure(data: Labelled, probability: np.ndarray) -> dict[str, float]:
    """Best right record per left record against the truth."""
    order = np.lexsort((data.right, -probability, data.left))
    left = data.left[order]
    best = order[np.concatenate([[True], left[1:] != left[:-1]])]
    best = best[np.lexsort((data.left[best], -probability[best]))]
    score, good = probability[best], data.label[best]
    ends = np.flatnonzero(np.concatenate([score[1:] != score[:-1], [True]]))
    hits = np.cumsum(good)[ends]
    precision, recall = hits / (ends + 1), hits / data.n_true
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    accepted = score >= ACCEPT
    bins = np.minimum((score * 10).astype(int), 9)
    gaps = [abs(score[bins == b].mean() - good[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return {
        "f1": f1.max(),
        "at": score[ends[f1.argmax()]],
        "r99": max(recall[precision >= 0.99], default=0.0),
        "accepted_precision": good[accepted].mean() if accepted.any() else 0.0,
        "accepted_recall": good[accepted].sum() / data.n_true,
        "ece": sum(gaps),
        "candidate_recall": len(set(data.left[data.label > 0])) / data.n_true,
    }


def measure_cases(data: Labelled, probability: np.ndarray) -> dict[str, float]:
    """Of the pairs that people judged: the share of the right ones that is accepted, and how many wrong ones are."""
    accepted, right = probability >= ACCEPT, data.label > 0
    return {"right_accepted": accepted[right].mean(), "wrong_accepted": float((accepted & ~right & data.known).sum())}


def show(name: str, data: Labelled, probability: np.ndarray) -> None:
    measures = {HIERARCHY: measure_links, CASES: measure_cases}
    figures = measures.get(name, measure)(data, np.where(data.known, probability, 0.0))
    print(f"{name:<20}", *(f"{k} {v:.3f}" for k, v in figures.items()), flush=True)


def write_seed(stages: list[np.ndarray], path: Path) -> None:
    """Write the fitted weights; what keys are worth is not fitted and stays as it is."""
    weights = np.concatenate(stages)
    with path.open(encoding="utf-8", newline="") as file:
        kept = [row for row in csv.reader(file) if row[0] in fuzzy.KEY_SETTINGS]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["feature", "weight"])
        for feature, weight in zip(fuzzy.FEATURES, weights, strict=True):
            writer.writerow([feature, f"{weight:.4f}"])
        writer.writerows(kept)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets_dir", type=Path)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--dry-run", action="store_true", help="do not write the seed")
    arguments = parser.parse_args()
    sets = {name: read_set(arguments.sets_dir / name) for name in SETS}
    if arguments.cases:
        sets[CASES] = read_cases(arguments.cases, arguments.sets_dir / "listings")
    print("weights fitted on the other sets")
    for name, scored in sets.items():
        others = [(data, unrelated(data, scored)) for other, data in sets.items() if other != name]
        show(name, scored, probabilities(scored, fit(others)))
    everything = [(data, data.teaches) for data in sets.values()]
    stages = fit(everything)
    print("weights fitted on all sets")
    for name, data in sets.items():
        show(name, data, probabilities(data, stages))
    if not arguments.dry_run:
        write_seed(stages, SEED)
        print(f"wrote {SEED.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
