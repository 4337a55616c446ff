"""Company ids: kept from run to run by the rule, with every merge and split in the log, whatever runs saw.

Random worlds go through the register's own SQL, many in one table, since no two have a record in common. An oracle in
plain Python, which shares no code with it, says which id each record has and what the log tells.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from harness import Project
from test_agreements import PARTNER, SECRET, Pair

RECORDS = "int_account_mapping__company_records"
REGISTER = "int_account_mapping__company_register"
CHANGES = "account_mapping__company_changes"
WORLDS, RUNS = 150, 24
# a record: the partner, '' for ours, and the account
Record = tuple[str, str]
Groups = list[frozenset[Record]]
SCHEMA = pa.schema([(name, pa.string()) for name in ("partner_id", "account_id", "group_id", "family_group_id")])


def first_of(month: int) -> date:
    """Day of a monthly run; months count from 0."""
    return date(2024 + month // 12, month % 12 + 1, 1)


def least(group: Iterable[Record]) -> str:
    """What a group goes by today: its least account of ours."""
    return min(account for partner, account in group if not partner)


# ---------------------------------------------------------------- worlds


class World:
    """Groups of records that come, go, merge and split; `step` is a month."""

    def __init__(self, number: int) -> None:
        self.rng = random.Random(f"world {number}")
        self.number = number
        self.made = 0
        self.away: list[tuple[int, Record]] = []
        self.epoch = 1
        self.groups: list[set[Record]] = [{self.record("")} for _ in range(self.rng.randint(2, 7))]
        for group in self.groups:
            group |= {self.record(self.rng.choice(("nimbus", "stratus"))) for _ in range(self.rng.randint(0, 3))}

    def record(self, partner: str) -> Record:
        self.made += 1
        # letters in no order of age
        text = f"{self.number}-{self.rng.choice('abcdef')}{self.made}"
        return (partner, f"e1 {text}" if partner == "stratus" else text)

    def change(self) -> None:
        rng, groups = self.rng, self.groups
        what = rng.choice(("merge", "split", "split", "join", "leave", "move", "return", "new", "epoch", "churn"))
        if what == "merge" and len(groups) > 1:
            one, other = rng.sample(range(len(groups)), 2)
            groups[one] |= groups[other]
            del groups[other]
        elif what == "split":
            group = rng.choice(groups)
            part = {record for record in sorted(group) if rng.random() < 0.5}
            group -= part
            groups.append(part)
        elif what == "join":
            rng.choice(groups).add(self.record(rng.choice(("", "nimbus", "stratus"))))
        elif what == "leave":
            group = rng.choice(groups)
            record = rng.choice(sorted(group))
            group.remove(record)
            self.away.append((rng.randrange(99), record))
        elif what == "move":
            one, other = rng.choice(groups), rng.choice(groups)
            record = rng.choice(sorted(one))
            one.remove(record)
            other.add(record)
        elif what == "return" and self.away:
            place, record = self.away.pop(rng.randrange(len(self.away)))
            if record[1].startswith("e") and not record[1].startswith(f"e{self.epoch} "):
                return
            if place % 2:
                groups.append({record})
            else:
                groups[place % len(groups)].add(record)
        elif what == "new":
            groups.append({self.record("")})
        elif what == "epoch":
            # all tokens of a partner that sends hashed keys are others
            self.epoch += 1
            self.groups = [
                {
                    (partner, f"e{self.epoch} {account.partition(' ')[2]}")
                    if partner == "stratus"
                    else (partner, account)
                    for partner, account in group
                }
                for group in groups
            ]
        elif what == "churn":
            # a record of ours is replaced by another one of the same company
            group = rng.choice(groups)
            ours = sorted(record for record in group if not record[0])
            if ours:
                group.remove(ours[0])
                group.add(self.record(""))

    def step(self) -> Groups:
        for _ in range(self.rng.choice((0, 0, 1, 2, 4))):
            self.change()
            self.groups = [group for group in self.groups if group] or [{self.record("")}]
        return self.seen()

    def seen(self) -> Groups:
        """Partners' records without one of ours are no company."""
        return [frozenset(group) for group in self.groups if any(not partner for partner, _ in group)]


# ---------------------------------------------------------------- the oracle


class Oracle:
    """The rule in plain Python: runs in order of days, each seen once."""

    def __init__(self) -> None:
        self.runs: list[tuple[date, dict[Record, str]]] = []
        self.since: dict[tuple[Record, str], date] = {}
        self.ages: dict[str, date] = {}

    def run(self, day: date, groups: Groups) -> dict[Record, str]:
        before = self.runs[-1][1] if self.runs else {}
        used = {before[record] for group in groups for record in group if record in before}
        bids = []
        for number, group in enumerate(groups):
            for company, first in self.ages.items():
                now = sum(before.get(record) == company for record in group)
                held = [self.since[record, company] for record in group if (record, company) in self.since]
                if now or (held and company not in used):
                    rank = (0, -now) if now else (1, -len(held))
                    bids.append((*rank, first, company, min(held), least(group), number))
        ids: dict[int, str] = {}
        for *_, company, _, _, number in sorted(bids):
            if number not in ids and company not in ids.values():
                ids[number] = company
        result = {}
        for number, group in enumerate(groups):
            new = hashlib.md5(f"={least(group)}|={day}".encode()).hexdigest()  # noqa: S324
            for record in group:
                company = result[record] = ids.get(number, new)
                self.since.setdefault((record, company), day)
                self.ages.setdefault(company, day)
        self.runs.append((day, result))
        return result


def log_of(runs: list[tuple[date, dict[Record, str]]]) -> Counter[tuple]:
    """What the log has to tell of runs: (company, day, change, other company, joined, left)."""
    rows: Counter[tuple] = Counter()
    known: set[str] = set()
    before: dict[Record, str] = {}
    for day, now in runs:
        was, are = set(before.values()), set(now.values())
        joined = Counter(company for record, company in now.items() if before.get(record) != company)
        left = Counter(company for record, company in before.items() if now.get(record) != company)
        moves = Counter(
            (before[record], now[record]) for record in before.keys() & now.keys() if before[record] != now[record]
        )
        into: dict[str, str] = {}
        for (origin, goal), n in sorted(moves.items(), key=lambda move: (-move[1], move[0][1])):
            if origin not in are and origin not in into:
                into[origin] = goal
                rows[origin, day, "merged_into", goal, 0, n] += 1
        for (origin, goal), n in moves.items():
            if goal not in was:
                rows[goal, day, "split_from", origin, n, 0] += 1
            elif into.get(origin) != goal:
                rows[goal, day, "moved_from", origin, n, 0] += 1
        for company in (was & are) & (joined.keys() | left.keys()):
            rows[company, day, "kept", None, joined[company], left[company]] += 1
        for company in are - was:
            if company in known:
                rows[company, day, "returned", None, joined[company], 0] += 1
            elif company not in {goal for _, goal in moves}:
                rows[company, day, "founded", None, joined[company], 0] += 1
        for company in was - are - into.keys():
            rows[company, day, "retired", None, 0, left[company]] += 1
        known |= are
        before = now
    return rows


# ---------------------------------------------------------------- the register's own SQL


def run(project: Project, day: date, groups: Groups, rng: random.Random) -> None:
    """One run of a day on these groups, their rows in a random order."""
    rows = [(*record, least(group), least(group)) for group in groups for record in sorted(group)]
    rng.shuffle(rows)
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    project.write_table(RECORDS, pa.table(columns, schema=SCHEMA))
    project.make(REGISTER, CHANGES, variables={"account_mapping__as_of": str(day)})


def ids_at(project: Project, day: date) -> dict[Record, str]:
    """The register's ids of a day."""
    rows = project.query(
        f"select partner_id, account_id, company_id from {REGISTER} where record = 'member' and valid_from <= '{day}'"
        f" and (valid_to is null or valid_to > '{day}')"
    )
    ids = {(row["partner_id"], row["account_id"]): row["company_id"] for row in rows}
    assert len(ids) == len(rows)
    return ids


def log(project: Project) -> Counter[tuple]:
    columns = ("company_id", "changed_on", "change", "other_company_id", "members_joined", "members_left")
    return Counter(tuple(row[column] for column in columns) for row in project.query(f"select * from {CHANGES}"))


def assert_ids_are_groups(ids: dict[Record, str], groups: Groups) -> None:
    """Each group has one id, and no id is of two groups."""
    assert ids.keys() == {record for group in groups for record in group}
    found = [{ids[record] for record in group} for group in groups]
    assert all(len(each) == 1 for each in found)
    assert len({company for each in found for company in each}) == len(groups)


VARIABLES = {"account_mapping__crms": ["generic"]}


@pytest.fixture(scope="module")
def two_years(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[Oracle], list[list[Groups]]]:
    """24 monthly runs of many worlds. A third of the months are run twice, at first with what somebody then mends."""
    project = Project(tmp_path_factory.mktemp("two_years"), VARIABLES)
    worlds, oracles = [World(number) for number in range(WORLDS)], [Oracle() for _ in range(WORLDS)]
    rng = random.Random(1)
    months: list[list[Groups]] = []
    for month in range(RUNS):
        day = first_of(month)
        seen = [world.step() for world in worlds]
        months.append(seen)
        if month % 3 == 1:
            wrong = [groups for number, groups in enumerate(seen) if number % 7]
            wrong = [[frozenset.union(*groups)] if len(groups) > 2 else groups for groups in wrong]
            run(project, day, [group for groups in wrong for group in groups], rng)
        run(project, day, [group for groups in seen for group in groups], rng)
        expected: dict[Record, str] = {}
        for oracle, groups in zip(oracles, seen, strict=True):
            expected |= oracle.run(day, groups)
        assert ids_at(project, day) == expected, day
    return project, oracles, months


def test_every_record_has_the_id_that_the_rule_gives_it_in_every_month(two_years) -> None:
    project, oracles, months = two_years
    for month, seen in enumerate(months):
        ids = ids_at(project, first_of(month))
        assert_ids_are_groups(ids, [group for groups in seen for group in groups])
        for oracle in oracles:
            day, expected = oracle.runs[month]
            assert day == first_of(month)
            assert expected.items() <= ids.items()


def test_the_log_tells_what_became_of_every_id_and_of_every_record_that_moved(two_years) -> None:
    project, oracles, _ = two_years
    expected: Counter[tuple] = Counter()
    for oracle in oracles:
        expected += log_of(oracle.runs)
    found = log(project)
    assert found == expected
    changes = Counter(change for _, _, change, *_ in found)
    assert min(changes.values()) > 20 and len(changes) == 7, changes

    # none silent: an id that is gone, and a record that has another one, are told with that day
    told = {(row[2], row[0], row[3], row[1]) for row in found}
    for oracle in oracles:
        for (_, before), (day, now) in pairwise(oracle.runs):
            for company in set(before.values()) - set(now.values()):
                assert any(row[1] == company and row[3] == day and row[0] in ("merged_into", "retired") for row in told)
            for record in before.keys() & now.keys():
                old, new = before[record], now[record]
                assert old == new or told & {
                    ("merged_into", old, new, day), ("split_from", new, old, day), ("moved_from", new, old, day),
                }  # fmt: skip


def test_a_company_that_neither_merged_nor_split_keeps_its_id(two_years) -> None:
    """Members that come, go, or have other tokens change nothing, as long as one of the former ones is there."""
    _, oracles, months = two_years
    kept = 0
    for world, oracle in enumerate(oracles):
        for month in range(1, RUNS):
            before, now = months[month - 1][world], months[month][world]
            for group in now:
                heirs = [former for former in before if former & group]
                if len(heirs) == 1 and sum(bool(heirs[0] & other) for other in now) == 1:
                    record = next(iter(heirs[0] & group))
                    assert oracle.runs[month - 1][1][record] == oracle.runs[month][1][record]
                    kept += 1
    assert kept > WORLDS * RUNS


def test_a_run_that_sees_the_same_again_gives_the_same_ids_and_writes_no_change(two_years) -> None:
    project, _, months = two_years
    before = project.arrow(f"select * from {REGISTER} where record = 'member' order by all")
    changes = log(project)
    last = [group for groups in months[-1] for group in groups]
    run(project, first_of(RUNS - 1), last, random.Random(2))
    assert project.arrow(f"select * from {REGISTER} where record = 'member' order by all") == before
    run(project, first_of(RUNS), last, random.Random(3))
    assert project.arrow(f"select * from {REGISTER} where record = 'member' order by all") == before
    assert log(project) == changes


@pytest.mark.parametrize("seed", range(2))
def test_runs_of_past_days_give_each_group_one_id_and_take_none_from_another(
    make_project: Callable[..., Project], seed: int
) -> None:
    """Days in any order, some twice: what ids are depends on the order then, but never that they are groups."""
    project = make_project(variables=VARIABLES)
    rng = random.Random(seed)
    days = [date(2026, 1, 1) + timedelta(days=7 * week) for week in range(8)]
    worlds = [World(1000 * (seed + 1) + number) for number in range(60)]
    by_day = {day: [group for world in worlds for group in world.step()] for day in days}
    order = [*days, *rng.choices(days, k=5)]
    rng.shuffle(order)
    last: dict[date, Groups] = {}
    for number, day in enumerate(order):
        # a day that is run again sees that day again, or another
        groups = by_day[rng.choice(days)] if number % 4 == 3 else by_day[day]
        run(project, day, groups, rng)
        last[day] = groups
        assert_ids_are_groups(ids_at(project, day), groups)
        ids = ids_at(project, day)
        run(project, day, groups, rng)
        assert ids_at(project, day) == ids
    runs = [(day, ids_at(project, day)) for day in sorted(last)]
    for day, ids in runs:
        assert_ids_are_groups(ids, last[day])
    assert log(project) == log_of(runs)


def test_a_run_of_a_past_day_takes_the_ids_that_later_days_have(make_project: Callable[..., Project]) -> None:
    """Of records that were in no earlier run; and where it sees what they saw there is no news between them."""
    project = make_project(variables=VARIABLES)
    groups = [group for number in range(20) for group in World(number).seen()]
    days = [date(2026, month, 1) for month in (3, 1, 2)]
    run(project, days[0], groups, random.Random(1))
    ids = ids_at(project, days[0])
    for day in days[1:]:
        run(project, day, groups, random.Random(2))
        assert ids_at(project, day) == ids
    assert {change for _, _, change, *_ in log(project)} == {"founded"}
    assert {row[1] for row in log(project)} == {date(2026, 1, 1)}


# ---------------------------------------------------------------- the whole way


class Market(Pair):
    """Our accounts, a partner with hashed keys, and partner nimbus with a readable list."""

    MODELS = (
        "+account_mapping__companies", "+account_mapping__company_members", f"+{CHANGES}",
        "+account_mapping__overlap_matrix",
    )  # fmt: skip
    nimbus = ("acme.com", "birch.com", "elm.com")
    is_active = True

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self.ours = [
            {"account_id": domain, "account_name": name, "website": domain, "lei": None, "parent_account_id": None}
            for domain, name in (
                ("acme.com", "Acme"),
                ("birch.com", "Birch"),
                ("cedar.com", "Cedar"),
                ("elm.com", "Elm"),
            )
        ]
        self.theirs = [("acme.com", "customer"), ("cedar.com", "prospect")]
        self.month = 0

    def set_epoch(self, epoch: str) -> None:
        self.epoch = epoch
        self.set_partners()

    def set_partners(self) -> None:
        nimbus = {"partner_id": "nimbus", "partner_name": "Nimbus", "exchange": "list", "tier": "gold"}
        nimbus["is_active"] = str(self.is_active).lower()
        peer = {**PARTNER, "secret_env": "AGREEMENTS_SECRET", "agreement_id": "pilot", "epoch": self.epoch}
        self.project.write_seed("account_mapping__partners", [nimbus, peer] if self.nimbus else [peer])

    def decide(self, *pairs: tuple[str, str]) -> None:
        columns = ("partner_id", "account_id", "partner_account_id", "decision")
        rows = [dict(zip(columns, ("nimbus", *pair, "match"), strict=True)) for pair in pairs]
        self.project.write_seed("account_mapping__match_overrides", rows, columns)

    def exclude(self, *accounts: str) -> None:
        columns = ("kind", "value", "partner_id", "reason")
        rows = [dict(zip(columns, ("account_id", account, "*", "test"), strict=True)) for account in accounts]
        self.project.write_seed("account_mapping__exclusions", rows, columns)

    def run_month(self, *command: str) -> dict[str, str]:
        """The company of each of our accounts after the next month's run."""
        self.send()
        query = "select 'nimbus' as partner_id, website as account_id, website, 'customer' as status"
        sites = ", ".join(f"('{site}')" for site in self.nimbus)
        tables = f"(values {sites}) as sites (website)" if self.nimbus else "(select '' as website) where false"
        self.project.write_table("partners.partner_accounts", f"{query} from {tables}")
        as_of = {"account_mapping__as_of": str(first_of(self.month))}
        if command:
            self.project.load_seeds()
            result = self.project.run(*command, "--select", *self.MODELS, variables=as_of)
            assert result.success, result.text
        else:
            self.project.make(*self.MODELS, variables=as_of)
        self.month += 1
        rows = self.project.query(
            "select * from account_mapping__company_members where side = 'ours' order by account_id"
        )
        return {row["account_id"].removeprefix("generic:"): row["company_id"] for row in rows}

    def company(self, company_id: str) -> dict[str, Any]:
        (row,) = self.project.query(f"select * from account_mapping__companies where company_id = '{company_id}'")
        return row

    def members(self, partner: str) -> set[str]:
        query = f"select account_id from account_mapping__company_members where partner_id = '{partner}'"
        return {row["account_id"] for row in self.project.query(query)}

    def news(self) -> Counter[tuple]:
        """What the log tells of the last run, without the numbers."""
        rows = self.project.query(f"select company_id, change, other_company_id from {CHANGES} where is_latest_run")
        return Counter(tuple(row.values()) for row in rows)


@pytest.fixture
def market(make_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> Market:
    monkeypatch.setenv("AGREEMENTS_SECRET", SECRET)
    return Market(make_project(variables=VARIABLES))


def test_an_id_outlives_epochs_pauses_names_exclusions_merges_and_a_partner_that_is_forgotten(market: Market) -> None:
    first = market.run_month("build", "--indirect-selection", "cautious")
    acme, birch, cedar, _ = first.values()
    assert len({*first.values()}) == 4 and list(first) == ["acme.com", "birch.com", "cedar.com", "elm.com"]
    assert market.company(acme)["partners"] == "nimbus; peer" and market.company(cedar)["partners"] == "peer"
    assert market.company(birch)["partner_account_ids"] == "nimbus:birch.com"
    assert market.news() == Counter((company, "founded", None) for company in first.values())
    hashed = market.members("peer")
    assert len(hashed) == 2

    # a new epoch: every token of the partner is another one
    market.set_epoch("2")
    assert market.run_month() == first
    assert market.members("peer").isdisjoint(hashed) and len(market.members("peer")) == 2
    assert market.news() == Counter((company, "kept", None) for company in (acme, cedar))

    # a partner pauses, and is back
    market.is_active = False
    market.set_partners()
    assert market.run_month() == first
    assert market.members("nimbus") == set()
    market.is_active = True
    market.set_partners()
    assert market.run_month("run", "--full-refresh") == first
    assert market.members("nimbus") == {"acme.com", "birch.com", "elm.com"}

    # one is renamed, and one gets a second record, whose id comes before the first one's
    market.ours[1] |= {"account_name": "Birch and Sons"}
    market.ours[0] |= {"lei": "5493001KJTIIGC8Y1R12"}
    market.ours.append(market.ours[0] | {"account_id": "aaa", "account_name": "Acme again", "website": None})
    assert market.run_month() == first | {"aaa": acme}
    assert market.company(birch)["name"] == "Birch and Sons"
    assert market.company(acme)["account_ids"] == "generic:aaa; generic:acme.com"
    assert market.news() == Counter([(acme, "kept", None)])

    # an account that is excluded is in no company; its id waits
    market.exclude("cedar.com", "aaa")
    assert market.run_month() == {name: company for name, company in first.items() if name != "cedar.com"}
    assert market.news() == Counter([(acme, "kept", None), (cedar, "retired", None)])
    market.exclude()
    assert market.run_month() == first | {"aaa": acme}
    assert market.news() == Counter([(acme, "kept", None), (cedar, "returned", None)])

    # what nimbus has as one is one company for joins, and only its own numbers move
    matrix = "select * from account_mapping__overlap_matrix where partner_id = 'peer' order by all"
    before = market.project.query(matrix)
    market.decide(("birch.com", "acme.com"))
    assert market.run_month() == first | {"aaa": acme, "birch.com": acme}
    assert market.company(acme)["partner_accounts"] == 3
    assert market.news() == Counter([(acme, "kept", None), (birch, "merged_into", acme)])
    assert market.project.query(matrix) == before

    # a partner is forgotten: nothing of it is left in the register, and what it held together gets its own ids back
    register = f"select distinct partner_id from {REGISTER} where record = 'member' order by all"
    assert [row["partner_id"] for row in market.project.query(register)] == ["", "nimbus", "peer"]
    folder = market.project.folder / "removed"
    folder.mkdir()
    arguments = json.dumps({"partner_id": "nimbus", "folder": str(folder)})
    operation = "account_mapping.account_mapping__forget_partner"
    result = market.project.run("run-operation", operation, "--args", arguments)
    assert result.success, result.text
    assert [row["partner_id"] for row in market.project.query(register)] == ["", "peer"]
    assert market.members("nimbus") == set()
    market.nimbus = ()
    market.decide()
    market.set_partners()
    assert market.run_month() == first | {"aaa": acme}
    assert market.news()[birch, "returned", None] == 1 and market.news()[birch, "split_from", acme] == 1
    assert "nimbus" not in repr(market.project.query("select * from account_mapping__companies"))


def test_a_family_is_one_by_our_hierarchy_or_a_partners(market: Market) -> None:
    market.ours[1] |= {"parent_account_id": "acme.com"}
    ids = market.run_month()
    families = {company: market.company(company) for company in ids.values()}
    assert {row["family_id"] for row in families.values()} == {ids["acme.com"], ids["cedar.com"], ids["elm.com"]}
    assert families[ids["birch.com"]]["family_id"] == ids["acme.com"]
    assert families[ids["birch.com"]]["family_companies"] == families[ids["acme.com"]]["family_companies"] == 2
