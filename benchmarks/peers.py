"""Match two lists with a public tool or a plain method, for comparison with this package.

usage: python benchmarks/peers.py METHOD LEFT.csv RIGHT.csv PAIRS.csv

METHOD is one of
  exact   equal normalised names, where only one right record has the name
  tfidf   trigram tf-idf, cosine, the ten best of each name
  emm     Entity Matching Model's three indexers (ING), unsupervised
  splink  Splink: Fellegi-Sunter on name, country and city, trained by EM
  logic   OpenSanctions' logic-v2 on name and country, of the pairs that tfidf finds

LEFT.csv and RIGHT.csv have id, name, country and city; PAIRS.csv gets left_id,
right_id and score, and its folder METHOD.seconds: the wall time of the method
alone, from the lists in memory to the pairs in memory. exact, tfidf and splink see
names normalised as by people who use such tools: ASCII, lower case, no punctuation,
no legal form (rigour's list).
Needs what requirements-peers.txt lists, or requirements-logic.txt for logic.
"""

import csv
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

Record = dict[str, str]
Pair = tuple[str, str, float]
Method = Callable[[list[Record], list[Record]], Iterator[Pair]]

TOP_N = 10
LEAST_COSINE = 0.3


def words_only(text: str) -> str:
    return " ".join(re.findall("[a-z0-9]+", text))


def normaliser() -> Callable[[str], str]:
    """A function that gives a name without case, accents, punctuation and legal form, or with it if nothing is left."""
    from anyascii import anyascii
    from rigour.names import remove_org_types

    inner_marks = str.maketrans(dict.fromkeys(".'’`", ""))

    def normalise(name: str) -> str:
        ascii_name = anyascii(name).lower().replace("&", " and ")
        whole = words_only(ascii_name.translate(inner_marks))
        return words_only(remove_org_types(whole)) or whole

    return normalise


def exact(left: list[Record], right: list[Record]) -> Iterator[Pair]:
    normalise = normaliser()
    holders: dict[str, list[str]] = {}
    for record in right:
        holders.setdefault(normalise(record["name"]), []).append(record["id"])
    for record in left:
        same = holders.get(normalise(record["name"]), [])
        if len(same) == 1:
            yield record["id"], same[0], 1.0


def tfidf(left: list[Record], right: list[Record]) -> Iterator[Pair]:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sparse_dot_topn import sp_matmul_topn

    normalise = normaliser()
    ours, theirs = ([normalise(record["name"]) for record in side] for side in (left, right))
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.float32)
    vectorizer.fit(ours + theirs)
    product = sp_matmul_topn(
        vectorizer.transform(ours),
        vectorizer.transform(theirs).T.tocsr(),
        top_n=TOP_N,
        threshold=LEAST_COSINE,
        sort=True,
        n_threads=os.cpu_count() or 1,
    ).tocoo()
    for row, column, cosine in zip(product.row, product.col, product.data, strict=True):
        yield left[row]["id"], right[column]["id"], float(cosine)


def emm(left: list[Record], right: list[Record]) -> Iterator[Pair]:
    import pandas as pd
    from emm import PandasEntityMatching

    cosine = {"type": "cosine_similarity", "num_candidates": 5, "cos_sim_lower_bound": 0.2}
    matcher = PandasEntityMatching(
        {
            "name_only": True,
            "entity_id_col": "id",
            "name_col": "name",
            "supervised_on": False,
            "indexers": [
                {**cosine, "tokenizer": "words", "ngram": 1},
                {**cosine, "tokenizer": "characters", "ngram": 2},
                {"type": "sni", "window_length": 3},
            ],
        }
    )
    ours, theirs = (
        pd.DataFrame({"id": range(len(side)), "name": [record["name"] for record in side]}) for side in (left, right)
    )
    matcher.fit(theirs)
    found = matcher.transform(ours).dropna(subset=["gt_entity_id"])
    for row, column, score in zip(found["uid"], found["gt_uid"], found["score_0"].fillna(0), strict=True):
        yield left[int(row)]["id"], right[int(column)]["id"], float(score)


def splink(left: list[Record], right: list[Record]) -> Iterator[Pair]:
    """Scores are match weights: base-2 log odds."""
    import pandas as pd
    import splink.comparison_library as compare
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    ours_ids = {record["id"] for record in left}
    if ours_ids & {record["id"] for record in right}:
        raise ValueError("splink needs ids that no two records of both lists share")
    normalise = normaliser()

    def frame(records: list[Record]) -> pd.DataFrame:
        names = [normalise(record["name"]) for record in records]
        words = [name.split() or [None] for name in names]
        return pd.DataFrame(
            {
                "unique_id": [record["id"] for record in records],
                "plain_name": names,
                "glued": [name.replace(" ", "") for name in names],
                "beginning": [name.replace(" ", "")[:5] for name in names],
                "first_word": [held[0] for held in words],
                "last_word": [held[-1] for held in words],
                "country": [record["country"].lower() or None for record in records],
                "city": [record["city"].lower() or None for record in records],
            }
        )

    likeness = compare.JaroWinklerAtThresholds("plain_name", [0.97, 0.92, 0.85, 0.75])
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=[
            block_on("glued"),
            block_on("first_word"),
            block_on("beginning"),
            block_on("last_word", "country"),
        ],
        comparisons=[
            likeness.configure(term_frequency_adjustments=True),
            compare.ExactMatch("country"),
            compare.ExactMatch("city"),
        ],
    )
    database = DuckDBAPI()
    linker = Linker([database.register(frame(left)), database.register(frame(right))], settings)
    linker.training.estimate_probability_two_random_records_match([block_on("glued")], recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7)
    for rule in ("first_word", "city"):
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(rule))
        except Exception as error:
            # a list without cities has nothing to train on there; the other rule remains
            print(f"splink could not train on {rule}: {str(error)[:200]}", file=sys.stderr)
    predictions = linker.inference.predict(threshold_match_probability=1e-4).as_duckdbpyrelation()
    rows = predictions.select("unique_id_l", "unique_id_r", "match_weight").fetchall()
    for one, other, weight in rows:
        # which list comes first is splink's choice
        ours, theirs = (one, other) if one in ours_ids else (other, one)
        yield ours, theirs, float(weight)


def logic(left: list[Record], right: list[Record]) -> Iterator[Pair]:
    from followthemoney import EntityProxy
    from nomenklatura.matching import get_algorithm

    algorithm = get_algorithm("logic-v2")
    settings = algorithm.default_config()

    def entities(records: list[Record]) -> dict[str, EntityProxy]:
        result = {}
        for record in records:
            values = {column: [record[column]] for column in ("name", "country") if record[column]}
            # cleaned=False: countries are words, which it turns into codes
            result[record["id"]] = EntityProxy.from_dict(
                {"id": record["id"], "schema": "Company", "properties": values}, cleaned=False
            )
        return result

    ours, theirs = entities(left), entities(right)
    for one, other, _ in tfidf(left, right):
        yield one, other, float(algorithm.compare(ours[one], theirs[other], settings).score)


METHODS: dict[str, Method] = {"exact": exact, "tfidf": tfidf, "emm": emm, "splink": splink, "logic": logic}


def read(path: str) -> list[Record]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main() -> int:
    if len(sys.argv) != 5 or sys.argv[1] not in METHODS:
        print(__doc__, file=sys.stderr)
        return 2
    method, left, right, pairs = sys.argv[1:]
    # of pandas and of the tools, about their own insides
    warnings.filterwarnings("ignore")
    lists = read(left), read(right)
    # its imports are a part of the start, not of the method
    normaliser()
    start = time.monotonic()
    found = list(METHODS[method](*lists))
    seconds = time.monotonic() - start
    with open(pairs, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["left_id", "right_id", "score"])
        writer.writerows(found)
    Path(pairs).with_name(f"{method}.seconds").write_text(str(seconds), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
