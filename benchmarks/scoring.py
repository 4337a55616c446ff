"""How good scored pairs are against a labelled set: pure functions, standard library only.

A pair is (left id, right id, score). Truth maps a left id to the right ids it belongs to; left records without an entry
have no partner. For curves each left record counts once, by its best pair, so that duplicates in the right list neither
help nor hurt.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

Truth = Mapping[str, set[str]]

N_BINS = 10


class Pair(NamedTuple):
    """A scored pair; a higher score is a better one, on any scale."""

    left_id: str
    right_id: str
    score: float


class Cut(NamedTuple):
    """What is right and found when pairs scored at least `score` are taken; both between 0 and 1."""

    score: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def best_pairs(pairs: Iterable[Pair]) -> list[Pair]:
    """The best pair of each left record, best first, then by left id.

    Of equal scores the first one given counts: where a method ranks candidates, its own order decides.
    """
    best: dict[str, Pair] = {}
    for pair in pairs:
        if pair.left_id not in best or pair.score > best[pair.left_id].score:
            best[pair.left_id] = pair
    return sorted(best.values(), key=lambda pair: (-pair.score, pair.left_id))


def is_true(pair: Pair, truth: Truth) -> bool:
    return pair.right_id in truth.get(pair.left_id, ())


def cuts(best: list[Pair], truth: Truth) -> list[Cut]:
    """One cut per distinct score, highest first. best: of best_pairs. Recall is the share of truth's left records."""
    found, result = 0, []
    for taken, pair in enumerate(best, start=1):
        found += is_true(pair, truth)
        # pairs of one score are taken together or not at all
        if taken == len(best) or best[taken].score != pair.score:
            result.append(Cut(pair.score, found / taken, found / len(truth)))
    return result


def best_f1(curve: list[Cut]) -> float:
    return max((cut.f1 for cut in curve), default=0.0)


def recall_at(curve: list[Cut], precision: float) -> float:
    """The most recall at which precision is at least this."""
    return max((cut.recall for cut in curve if cut.precision >= precision), default=0.0)


def at_once(pairs: Iterable[Pair], truth: Truth) -> Cut:
    """Precision and recall of the best pair of each left record, all taken, whatever the score."""
    best = best_pairs(pairs)
    curve = cuts(best, truth)
    return curve[-1] if curve else Cut(0.0, 0.0, 0.0)


def precision_of(pairs: Iterable[Pair], truth: Truth) -> float | None:
    """Share of all these pairs that are true, each counted; None of no pair."""
    hits = [is_true(pair, truth) for pair in pairs]
    return sum(hits) / len(hits) if hits else None


def calibration_error(pairs: Iterable[Pair], truth: Truth) -> float | None:
    """Expected calibration error of scores that are probabilities; None of no pair.

    Ten bins of equal width over [0, 1]; in each, how far the mean probability is from the share that is true, weighted
    by the bin's pairs.
    """
    bins: dict[int, list[tuple[float, bool]]] = {}
    total = 0
    for pair in pairs:
        bins.setdefault(min(int(pair.score * N_BINS), N_BINS - 1), []).append((pair.score, is_true(pair, truth)))
        total += 1
    if not total:
        return None
    gaps = [abs(sum(p for p, _ in held) - sum(hit for _, hit in held)) for _, held in sorted(bins.items())]
    return sum(gaps) / total


class Quality(NamedTuple):
    """One method on one set. Fields are between 0 and 1; None where a method has no such thing.

    accepted_precision, accepted_recall: best accepted pair of each left record. links_precision: every accepted pair.
    calibration: of the best scored pair of each left record. accepted_calibration: of every accepted pair.
    """

    f1: float
    recall_99: float
    accepted_precision: float | None = None
    accepted_recall: float | None = None
    links_precision: float | None = None
    calibration: float | None = None
    accepted_calibration: float | None = None


def quality(
    pairs: list[Pair], truth: Truth, accepted: list[Pair] | None = None, are_probabilities: bool = False
) -> Quality:
    """All figures of one method on one set.

    pairs: every scored pair. accepted: those the method itself takes, if it decides. are_probabilities: scores are in
    [0, 1] and claim to be chances.
    """
    best = best_pairs(pairs)
    curve = cuts(best, truth)
    figures = Quality(best_f1(curve), recall_at(curve, 0.99))
    if are_probabilities:
        figures = figures._replace(calibration=calibration_error(best, truth))
    if accepted is not None:
        taken = at_once(accepted, truth)
        figures = figures._replace(
            accepted_precision=taken.precision,
            accepted_recall=taken.recall,
            links_precision=precision_of(accepted, truth),
            accepted_calibration=calibration_error(accepted, truth) if are_probabilities else None,
        )
    return figures


class Relative(NamedTuple):
    """A true pair of a set of families: name_relation says how the left name goes with its parent's on the right."""

    left_id: str
    right_id: str
    name_relation: str


class Link(NamedTuple):
    """An accepted pair and what the left record is to the right one: same, subsidiary, parent or sibling."""

    left_id: str
    right_id: str
    relationship: str


class Families(NamedTuple):
    """Accepted links against the truth of families.

    named: true pairs whose names are equal or one within the other. linked: those of them whose left record has a link
    to any of its true parents. links, true_links: all accepted links, and those in the truth. one_record: the others
    whose two records are equal in every column, the id aside, so that both lists hold one company. relationships: links
    by relationship. abroad: linked true pairs of equal name in two countries. abroad_same: those of them called `same`.
    """

    named: int
    linked: int
    links: int
    true_links: int
    one_record: int
    relationships: dict[str, int]
    abroad: int
    abroad_same: int


NAMED_RELATIONS = ("same_name", "name_contains_parent")


def families(
    truth: Iterable[Relative],
    links: Iterable[Link],
    left: Mapping[str, Mapping[str, str]],
    right: Mapping[str, Mapping[str, str]],
) -> Families:
    """Measures of a set of families.

    left, right: records by id, with `country` as the set spells it, empty if unknown.
    """
    truth, links = list(truth), list(links)
    true_pairs = {(t.left_id, t.right_id) for t in truth}
    equal_names = {(t.left_id, t.right_id) for t in truth if t.name_relation == "same_name"}
    related = {link.left_id for link in links if link[:2] in true_pairs}
    named = [t for t in truth if t.name_relation in NAMED_RELATIONS]

    def is_abroad(link: Link) -> bool:
        ours, theirs = left[link.left_id]["country"], right[link.right_id]["country"]
        return bool(ours) and bool(theirs) and ours.casefold() != theirs.casefold()

    abroad = [link for link in links if link[:2] in equal_names and is_abroad(link)]
    return Families(
        named=len(named),
        linked=sum(t.left_id in related for t in named),
        links=len(links),
        true_links=sum(link[:2] in true_pairs for link in links),
        one_record=sum(link[:2] not in true_pairs and left[link.left_id] == right[link.right_id] for link in links),
        relationships=dict(sorted(Counter(link.relationship for link in links).items())),
        abroad=len(abroad),
        abroad_same=sum(link.relationship == "same" for link in abroad),
    )


class Related(NamedTuple):
    """A true pair of which is known whether it is one company or two of a group.

    name_relation: how far the two names tell, in the set's own words; empty where it does not say.
    """

    left_id: str
    right_id: str
    is_same: bool
    name_relation: str = ""


class Share(NamedTuple):
    """A part of a whole, both counted."""

    part: int
    whole: int


class Relations(NamedTuple):
    """Accepted links and their relationship against the truth.

    Recalls are shares of true pairs, precisions of links. A family link is any that does not say `same`; linked counts
    both. same_accepted: true pairs of one company that are linked as anything. family_called_same: links of two
    companies of a group that say `same`. family_by_name: recall of family by name_relation.
    """

    same_recall: Share
    same_precision: Share
    family_recall: Share
    family_precision: Share
    linked_recall: Share
    linked_precision: Share
    same_accepted: int
    family_called_same: int
    family_by_name: dict[str, Share]


def relations(truth: Iterable[Related], links: Iterable[Link], is_whole: bool) -> Relations:
    """Measures of links and relationships.

    is_whole: a left record without a true pair has none; else it is not known, and its links are not counted.
    """
    truth = list(truth)
    known = {pair.left_id for pair in truth}
    held = {link[:2]: link.relationship for link in links if is_whole or link.left_id in known}
    same = {pair[:2] for pair in truth if pair.is_same}
    family = {pair[:2] for pair in truth} - same
    found_same = {pair for pair, relationship in held.items() if relationship == "same"}
    found_family = held.keys() - found_same
    by_name: dict[str, list[bool]] = {}
    for pair in truth:
        if pair[:2] in family:
            by_name.setdefault(pair.name_relation, []).append(pair[:2] in found_family)
    right = (same | family) & held.keys()
    return Relations(
        same_recall=Share(len(same & found_same), len(same)),
        same_precision=Share(len(same & found_same), len(found_same)),
        family_recall=Share(len(family & found_family), len(family)),
        family_precision=Share(len(family & found_family), len(found_family)),
        linked_recall=Share(len(right), len(same | family)),
        linked_precision=Share(len(right), len(held)),
        same_accepted=len(same & held.keys()),
        family_called_same=len(family & found_same),
        family_by_name={name: Share(sum(hits), len(hits)) for name, hits in sorted(by_name.items())},
    )


def label(left_id: str, right_id: str, truth: Truth, is_whole: bool) -> str:
    """`right`, `wrong` or `unknown`; is_whole as in relations()."""
    if right_id in truth.get(left_id, ()):
        return "right"
    return "wrong" if is_whole or left_id in truth else "unknown"


# Two-sided 95 % of a normal distribution.
Z_95 = 1.959964


def wilson(part: int, whole: int) -> tuple[float, float] | None:
    """The 95 % interval of a share after Wilson, which holds for few cases and for shares near 1; None of no case."""
    if not whole:
        return None
    rate, square = part / whole, Z_95**2
    middle = rate + square / (2 * whole)
    half = Z_95 * math.sqrt(rate * (1 - rate) / whole + square / (4 * whole**2))
    scale = 1 + square / whole
    # a rounding error must not lead beyond what a share can be
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
