"""Signals: over runs of days in any order, run again, with late and corrected rows, each stands once, as an oracle in
plain Python has it that keeps the last input of each day. And what is read of partners' deals."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from harness import Project

# more of them: ACCOUNT_MAPPING_SIGNAL_WORLDS=100 pytest tests/python/test_signals.py
WORLDS = int(os.environ.get("ACCOUNT_MAPPING_SIGNAL_WORLDS", "6"))
# Worlds with partners and accounts of their own share a project, and with it the order of its runs.
PROJECTS = min(WORLDS, 2 if WORLDS < 20 else 4)
VARIABLES = {"account_mapping__crms": ["generic"], "account_mapping__history": True}
DAYS = [date(2026, 1, 5) + timedelta(days=7 * week) for week in range(8)]
PARTNERS = ("nimbus", "stratus")
ACCOUNTS = {f"crm:{number}": f"{name} Ltd" for number, name in enumerate(("Kudu", "Ibex", "Bison", "Eland"))}
# an account that left our list while its signals stay
GONE = "crm:3"
STATUSES = ("customer", "open_opportunity", "churned", "prospect", "not_shared")
STAGES = ("Qualify", "Propose", "PROPOSE", "Negotiate", None)
DEAL_COLUMNS = (
    "partner_id", "account_id", "deal_id", "stage", "opened_on", "closed_on", "is_won", "amount", "currency",
    "updated_at",
)  # fmt: skip
TOLD_COLUMNS = ("partner_id", "account_id", "deal_stage", "deal_close_date", "last_won_on")
FROM_LINKS = (
    "stg_account_mapping__settings_partners", "stg_account_mapping__settings_currency_rates",
    "stg_account_mapping__partner_deals", "int_account_mapping__deal_rows", "int_account_mapping__partner_deals",
    "int_account_mapping__named_partners", "int_account_mapping__history", "int_account_mapping__deals_by_account",
    "int_account_mapping__deal_history",
    "int_account_mapping__deal_signals", "account_mapping__overlap_history", "account_mapping__overlap_changes",
    "account_mapping__signals",
)  # fmt: skip
LINKS = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("partner_id", "account_id", "partner_account_id", "relationship", "decision")
        ),
        *((name, pa.string()) for name in ("our_unit_id", "partner_unit_id")),
        ("is_primary", pa.bool_()),
        *((name, pa.int32()) for name in ("our_status_rank", "our_unit_status_rank")),
        *((name, pa.int32()) for name in ("partner_status_rank", "partner_unit_status_rank")),
        *((name, pa.decimal128(28, 2)) for name in ("our_open_amount", "our_unit_open_amount")),
    ]
)

# partner, our account, partner account
Link = tuple[str, str, str]


@dataclass(frozen=True)
class Deal:
    """A deal as a partner's row means it.

    ending: `won`, `lost` or None; written by the flag, or by the stage's name alone. amount in the reporting currency.
    """

    account_id: str
    stage: str | None
    opened_on: date | None
    closed_on: date | None
    ending: str | None
    is_flagged: bool
    amount: Decimal | None


@dataclass
class World:
    """What lies in the warehouse: the status that a partner tells of each linked account, and its deals by their ids.

    lists: accounts in the partners' lists, linked or not. paused: partners that are not active. told: stage, day of its
    end and day of the last win, which a list or agreed fields tell of an account, of partners that send no deals.
    agreed: fields of hashed partners that may cross at an overlap, by the partner's status.
    """

    links: dict[Link, str] = field(default_factory=dict)
    deals: dict[tuple[str, str], Deal] = field(default_factory=dict)
    lists: dict[str, set[str]] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    told: dict[tuple[str, str], tuple[str | None, date | None, date | None]] = field(default_factory=dict)
    agreed: set[tuple[str, str, str]] = field(default_factory=set)


def together(worlds: dict[int, World]) -> World:
    """Several worlds in one, each with partners and accounts of its own."""
    made = World()
    for seed, world in worlds.items():
        for (partner, ours, theirs), status in world.links.items():
            made.links[f"{partner}_{seed}", f"{ours}_{seed}", theirs] = status
        made.deals |= {(f"{partner}_{seed}", deal_id): deal for (partner, deal_id), deal in world.deals.items()}
        made.lists |= {f"{partner}_{seed}": accounts for partner, accounts in world.lists.items()}
        made.paused |= {f"{partner}_{seed}" for partner in world.paused}
    return made


def slow(seed: str, step: int, odds: float) -> random.Random:
    """Draws that stay the same from step to step until, by `odds` a step, something changes."""
    changes = sum(random.Random(f"{seed} {past}").random() < odds for past in range(1, step + 1))
    return random.Random(f"{seed} value {changes}")


def world_of(seed: int, step: int, version: int) -> World:
    """A world that moves on with every step. version: later ones are what somebody has corrected."""
    world = World()
    for partner in PARTNERS:
        # stratus joins late, and pauses for a step
        if partner == "stratus" and step < 2:
            continue
        if partner == "stratus" and random.Random(f"{seed} pause").randrange(8) == step:
            world.paused.add(partner)
        world.lists[partner] = {
            str(number) for number in range(5) if slow(f"{seed} {partner} list {number}", step, 0.1).random() < 0.9
        }
        for theirs in sorted(world.lists[partner]) if partner not in world.paused else ():
            status = slow(f"{seed} {partner} status {theirs} {version // 2}", step, 0.3).choice(STATUSES)
            for ours in ACCOUNTS:
                if slow(f"{seed} {partner} link {ours} {theirs}", step, 0.12).random() < 0.4:
                    world.links[partner, ours, theirs] = status
        for number in range(12):
            name = f"{seed} {partner} deal {number}"
            if slow(f"{name} there", step, 0.1).random() < 0.15 or step < random.Random(name).randrange(4):
                continue
            rng = slow(f"{name} {version}", step, 0.6)
            stage = rng.choice(STAGES)
            ending = rng.choice([None] * 6 + ["won", "lost"])
            is_flagged = rng.random() < 0.6
            if ending and not is_flagged:
                stage = f"Closed {ending.title()}"
            base = random.Random(f"{name} opened")
            opened = rng.choice([None, *[DAYS[0] + timedelta(days=base.randrange(-30, 50))] * 4])
            # of an open deal, the day that is hoped for
            closed = DAYS[step] + timedelta(days=-rng.randrange(6) if ending else rng.randrange(1, 90))
            world.deals[partner, f"D{number}"] = Deal(
                account_id=slow(f"{name} account", step, 0.1).choice([*"01234", "none"]),
                stage=stage,
                opened_on=opened,
                # of a lost deal nothing but its past day may tell that it is closed
                closed_on=closed if (ending == "lost" and is_flagged) or rng.random() < 0.7 else None,
                ending=ending,
                is_flagged=is_flagged,
                amount=rng.choice([None, Decimal("1200.50"), Decimal(rng.randrange(1, 9999))]),
            )
    return world


def rows_of(world: World, rng: random.Random) -> list[dict[str, str | None]]:
    """The partners' table: deals as text, beside them older rows, and rows that do not count."""
    rows = []
    for (partner, deal_id), deal in world.deals.items():
        flag = {"won": rng.choice(["true", "Yes", "1"]), "lost": "no", None: rng.choice([None, "false"])}[deal.ending]
        in_krona = deal.amount is not None and rng.random() < 0.3
        row = {
            "partner_id": rng.choice([partner, partner.upper(), f" {partner} "]),
            "account_id": deal.account_id,
            "deal_id": deal_id,
            "stage": deal.stage,
            "opened_on": deal.opened_on and f"{deal.opened_on}",
            "closed_on": deal.closed_on and f"{deal.closed_on} 10:00:00",
            "is_won": flag if deal.is_flagged or not deal.ending else None,
            "amount": None if deal.amount is None else str(deal.amount * 10) if in_krona else f"{deal.amount:,}",
            "currency": "SEK" if in_krona else rng.choice([None, "usd"]),
            "updated_at": "2026-05-02T10:00:00Z",
        }
        rows.append(row)
        if rng.random() < 0.3:
            rows.append(row | {"stage": "Closed Won", "is_won": "true", "updated_at": "2026-05-02T09:59:59Z"})
        if rng.random() < 0.1:
            rows.append(row | {"deal_id": None, "is_won": "true"})
        if rng.random() < 0.1:
            rows.append(row | {"partner_id": "nobody", "is_won": "true"})
        if rng.random() < 0.1:
            # of an account that the list does not hold: not even the latest row counts
            rows.append(row | {"account_id": "99", "is_won": "true", "updated_at": "2026-06-01"})
    rows.append(dict.fromkeys(DEAL_COLUMNS, None) | {"partner_id": "hashed", "account_id": "1", "deal_id": "D1"})
    rng.shuffle(rows)
    return rows


def write(project: Project, world: World, seeds: Iterable[int], rng: random.Random) -> None:
    """The raw deals, and in place of the models above what they would have made of the world.

    world: one that holds the worlds of `seeds`.
    """
    columns = {column: [] for column in DEAL_COLUMNS}
    for row in rows_of(world, rng):
        for column, values in columns.items():
            values.append(row[column])
    project.write_table(
        "partners.partner_deals", pa.table({name: pa.array(v, pa.string()) for name, v in columns.items()})
    )
    links = [
        {
            "partner_id": partner,
            "account_id": ours,
            "partner_account_id": theirs,
            "relationship": rng.choice(["same", "sibling"]),
            "decision": "accepted",
            "our_unit_id": ours,
            "partner_unit_id": theirs,
            "is_primary": rng.random() < 0.5,
            "our_status_rank": 4,
            "our_unit_status_rank": 4,
            "partner_status_rank": STATUSES.index(status) + 1,
            "partner_unit_status_rank": STATUSES.index(status) + 1,
            # a fact that changes while what signals tell does not
            "our_open_amount": Decimal(rng.randrange(3)),
            "our_unit_open_amount": Decimal(0),
        }
        for (partner, ours, theirs), status in world.links.items()
    ]
    links += [
        link | {"decision": "review", "account_id": ours, "partner_account_id": "5"}
        for link in links[:1]
        for ours in sorted({link["account_id"], f"crm:0_{max(seeds)}"})
    ]
    project.write_table("int_account_mapping__links", pa.Table.from_pylist(links, schema=LINKS))
    listed = [(partner, account) for partner, accounts in world.lists.items() for account in sorted(accounts)]
    tables = {
        "partner_records": (
            [
                {"partner_id": partner, "account_id": account, "is_readable": True}
                for partner, account in listed
                if partner not in world.paused
            ],
            [("partner_id", pa.string()), ("account_id", pa.string()), ("is_readable", pa.bool_())],
        ),
        "partner_accounts": (
            [
                dict(
                    zip(TOLD_COLUMNS, (partner, account, *world.told.get((partner, account), (None,) * 3)), strict=True)
                )
                for partner, account in listed
            ],
            [(name, pa.date32() if name.endswith(("date", "_on")) else pa.string()) for name in TOLD_COLUMNS],
        ),
        "received_fields": (
            [
                {"partner_id": partner, "our_status": "prospect", "partner_status": status, "field": name}
                for partner, status, name in sorted(world.agreed)
            ],
            [(name, pa.string()) for name in ("partner_id", "our_status", "partner_status", "field")],
        ),
        "company_links": (
            [],
            [(name, pa.string()) for name in ("rollup", "partner_id", "our_unit_id", "partner_unit_id", "company_id")],
        ),
        "compared_statuses": (
            [
                {"partner_id": partner, "side": "partner", "status_rank": 1, "is_hidden": False}
                for partner in world.lists
                if partner not in world.paused
            ],
            [
                ("partner_id", pa.string()),
                ("side", pa.string()),
                ("status_rank", pa.int32()),
                ("is_hidden", pa.bool_()),
            ],
        ),
        "accounts": (
            [
                {"account_id": f"{ours}_{seed}", "name": name, "status": "prospect", "owner": "Ann Kudu"}
                for seed in seeds
                for ours, name in ACCOUNTS.items()
                if ours != GONE
            ],
            [(name, pa.string()) for name in ("account_id", "name", "status", "owner")],
        ),
    }
    for name, (rows, schema) in tables.items():
        project.write_table(f"int_account_mapping__{name}", pa.Table.from_pylist(rows, schema=pa.schema(schema)))
    project.write_seed(
        "account_mapping__partners",
        [
            {
                "partner_id": partner,
                "partner_name": partner.title(),
                "exchange": "keys" if partner == "hashed" else "list",
                "is_active": str(partner not in world.paused).lower(),
            }
            for partner in (*(f"{partner}_{seed}" for partner in PARTNERS for seed in seeds), "hashed")
        ],
    )


# ---------------------------------------------------------------------------- oracle


def outcome(deal: Deal, day: date) -> str:
    """How a deal stands on a day by what its row writes."""
    if deal.ending == "won":
        return "won"
    if deal.ending == "lost" and not deal.is_flagged:
        return "lost"
    if deal.ending == "lost" and deal.closed_on and deal.closed_on <= day:
        return "lost"
    return "open"


def expected(last: dict[date, World]) -> set[tuple[Any, ...]]:
    """Every signal after runs whose last input of each day is `last`, by going through the days in order, as FACTS."""
    signals: list[tuple[Any, ...]] = []
    here: dict[Link, str] = {}
    told: dict[Link, str] = {}
    partner_since: dict[str, date] = {}
    seen: dict[tuple[str, str, str], list[tuple[str, Deal]]] = {}
    once: set[tuple[Any, ...]] = set()
    for day in sorted(last):
        world = last[day]
        is_first = day == min(last)
        for partner in world.lists:
            if partner not in world.paused:
                partner_since.setdefault(partner, day)
        for link in here.keys() - world.links.keys():
            signals.append((*link, "overlap_lost", None, here[link], None, None, None, day))
        for link, status in world.links.items():
            if link not in here and not is_first:
                signals.append((*link, "overlap_new", None, None, status, None, None, day))
            if status == "not_shared":
                continue
            if link in here and told.get(link, status) != status:
                signals.append((*link, "status_flipped", None, told[link], status, None, None, day))
            told[link] = status
        here = dict(world.links)

        linked: dict[tuple[str, str], list[str]] = {}
        for partner, ours, theirs in world.links:
            linked.setdefault((partner, theirs), []).append(ours)
        for (partner, deal_id), deal in world.deals.items():
            if partner in world.paused or deal.account_id not in world.lists[partner]:
                continue
            for ours in linked.get((partner, deal.account_id), ()):
                past = seen.setdefault((partner, ours, deal_id), [])
                now = outcome(deal, day)
                news: list[tuple[Any, ...]] = []
                if not past:
                    is_later = deal.opened_on is not None and deal.opened_on > partner_since[partner]
                    if now == "open" or is_later:
                        news.append(("deal_opened", None, deal.stage if now == "open" else None, deal.opened_on))
                if now != "open":
                    news.append((f"deal_{now}", past[-1][1].stage if past else None, deal.stage, deal.closed_on))
                else:
                    stages = [known.stage for was, known in past if was == "open" and known.stage]
                    if deal.stage and stages and stages[-1].lower() != deal.stage.lower():
                        news.append(("deal_advanced", stages[-1], deal.stage, None))
                for signal, was, to, happened in news:
                    is_move = signal == "deal_advanced"
                    key = (partner, ours, deal_id, signal, *((was.lower(), to.lower()) if is_move else ()))
                    if key not in once:
                        once.add(key)
                        place = (partner, ours, deal.account_id, signal, deal_id)
                        signals.append((*place, was, to, deal.amount, happened, day))
                past.append((now, deal))
    assert len(signals) == len(set(signals))
    return set(signals)


FACTS = (
    "partner_id", "account_id", "partner_account_id", "signal", "deal_id", "from_value", "to_value", "amount",
    "happened_on", "first_seen_on",
)  # fmt: skip


def found(project: Project) -> dict[str, tuple[Any, ...]]:
    """The mart's facts by signal_id."""
    rows = project.query("select * from account_mapping__signals")
    signals = {row["signal_id"]: tuple(row[fact] for fact in FACTS) for row in rows}
    assert len(signals) == len(rows)
    return signals


def run(project: Project, day: date, world: World, seeds: Iterable[int], seed: str) -> None:
    write(project, world, seeds, random.Random(seed))
    project.make(*FROM_LINKS, variables={"account_mapping__as_of": day.isoformat()})


@pytest.mark.parametrize("batch", range(PROJECTS))
def test_random_worlds_give_each_signal_once_whatever_the_order_of_runs(
    make_project: Callable[..., Project], batch: int
) -> None:
    """Each day once, in any order, then days again with corrected rows and with the rows that they had before."""
    project = make_project(variables=VARIABLES)
    project.write_seed("account_mapping__currency_rates", [{"currency": "SEK", "rate": "0.1"}])
    seeds = range(batch, WORLDS, PROJECTS)
    rng = random.Random(batch)
    steps = [*range(len(DAYS)), *rng.choices(range(len(DAYS)), k=6)]
    rng.shuffle(steps)
    # a correction, back and forth
    steps += [steps[-1]] * 2
    last: dict[date, World] = {}
    known: dict[str, set[tuple[Any, ...]]] = {}
    for number, step in enumerate(steps):
        is_last = number == len(steps) - 1
        last[DAYS[step]] = together(
            {seed: world_of(seed, step, 0 if is_last else rng.choice([0, 0, 1, 2, 3])) for seed in seeds}
        )
        run(project, DAYS[step], last[DAYS[step]], seeds, f"{batch} {number}")
        signals = found(project)
        assert set(signals.values()) == expected(last), f"run {number} of {DAYS[step]}"
        for signal_id, facts in signals.items():
            # an id always means the same signal
            place = (facts[0], facts[1], facts[3], facts[4])
            known.setdefault(signal_id, set()).add(place)
    assert len(steps) >= 12 and all(len(places) == 1 for places in known.values())
    before = project.query("select * from account_mapping__signals")
    run(project, DAYS[steps[-1]], last[DAYS[steps[-1]]], seeds, f"{batch} again")
    assert project.query("select * from account_mapping__signals") == before

    # the same days in their order, each once, end alike
    ordered = make_project(name="ordered", variables=VARIABLES)
    ordered.write_seed("account_mapping__currency_rates", [{"currency": "SEK", "rate": "0.1"}])
    for day in sorted(last):
        run(ordered, day, last[day], seeds, f"{batch} ordered")
    assert ordered.query("select * from account_mapping__signals") == before

    shared = {(partner, ours) for partner, ours, _ in last[max(last)].links}
    for row in before:
        assert row["is_shared_now"] == ((row["partner_id"], row["account_id"]) in shared)
        assert row["partner_name"] == row["partner_id"].title() and row["partner_name"] in row["what"]
        assert (row["account_name"] is None) == row["account_id"].startswith(GONE) == (row["our_status"] is None)
        assert (row["account_name"] or row["account_id"]) in row["what"] and row["what"].endswith(".")
    assert {row["signal"] for row in before} >= {
        "overlap_new",
        "overlap_lost",
        "deal_opened",
        "deal_advanced",
        "deal_won",
    }


QUIET_SIGNALS = [
    ("1 (open)", "deal_advanced", "Qualify", "Propose", None, DAYS[1]),
    ("1 (open)", "deal_opened", None, "Qualify", None, DAYS[0]),
    ("1 (won 2026-11-03)", "deal_won", None, None, date(2026, 11, 3), DAYS[3]),
    ("2 (open)", "deal_opened", None, "Negotiate", None, DAYS[3]),
    ("2 (won 2025-05-05)", "deal_won", None, None, date(2025, 5, 5), DAYS[0]),
]


def test_of_a_partner_that_sends_no_deals_its_accounts_tell_signals_once(make_project: Callable[..., Project]) -> None:
    """Opened, advanced and won, from columns of a list as from agreed fields; none of a partner that sends deals.

    Those from fields go with the agreement, field by field and status by status, and come back with it, as the same.
    """
    project = make_project(variables=VARIABLES)
    project.write_seed("account_mapping__currency_rates", [{"currency": "SEK", "rate": "0.1"}])
    quiet, sender, hashed = "nimbus_0", "stratus_0", "hashed"
    told = [
        {"1": ("Qualify", date(2027, 1, 1), None), "2": (None, None, date(2025, 5, 5))},
        {"1": ("Propose", date(2027, 2, 1), None), "2": (None, None, date(2025, 5, 5))},
        # what is not told any more is no news
        {"1": (None, None, None), "2": (None, None, None)},
        {"1": (None, None, date(2026, 11, 3)), "2": ("Negotiate", None, date(2025, 5, 5))},
    ]
    deal = Deal("1", "Qualify", date(2026, 1, 1), None, None, False, None)
    statuses = {"1": "customer", "2": "churned"}
    agreed = {(hashed, status, name) for status in statuses.values() for name in ("deal_stage", "last_won_on")}

    def run_day(day: int, agreed: set[tuple[str, str, str]], seed: str, linked: str = "12") -> list[dict[str, Any]]:
        partners = (quiet, sender, hashed)
        world = World(
            links={
                (partner, "crm:0_0", account): statuses[account]
                for partner in partners
                for account in (linked if partner == hashed else "12")
            },
            deals={(sender, "9"): deal},
            lists={partner: {"1", "2"} for partner in partners},
            told={(partner, account): value for account, value in told[day].items() for partner in partners},
            agreed=agreed,
        )
        run(project, DAYS[day], world, [0], seed)
        return project.query("select * from account_mapping__signals where deal_id is not null order by all")

    facts = ("partner_id", "deal_id", "signal", "from_value", "to_value", "happened_on", "first_seen_on")

    def facts_of(rows: list[dict[str, Any]], partner_id: str) -> list[tuple[Any, ...]]:
        return sorted(
            (tuple(row[name] for name in facts[1:]) for row in rows if row["partner_id"] == partner_id), key=repr
        )

    for number, day in enumerate([0, 0, 1, 2, 3, 3]):
        rows = run_day(day, agreed, f"told {number}")
    assert facts_of(rows, quiet) == facts_of(rows, hashed) == sorted(QUIET_SIGNALS, key=repr)
    assert facts_of(rows, sender) == [("9", "deal_opened", None, "Qualify", date(2026, 1, 1), DAYS[0])]

    # the agreement narrows: stages of customers only, wins of former customers only
    narrow = {(hashed, "customer", "deal_stage"), (hashed, "churned", "last_won_on"), (quiet, "prospect", "deal_stage")}
    less = run_day(3, narrow, "narrow")
    assert facts_of(less, hashed) == sorted((QUIET_SIGNALS[place] for place in (0, 1, 4)), key=repr)
    assert facts_of(less, quiet) == facts_of(rows, quiet)
    assert facts_of(run_day(3, set(), "none"), hashed) == []
    # an account that is no overlap any more is in no cell of the agreement
    gone = run_day(3, agreed, "gone", linked="2")
    assert facts_of(gone, hashed) == sorted((QUIET_SIGNALS[place] for place in (3, 4)), key=repr)
    assert run_day(3, agreed, "again") == rows


def test_the_worlds_hold_every_kind_of_signal_and_the_hard_cases() -> None:
    """The oracle alone, over what the random worlds hold."""
    kinds: set[str] = set()
    is_won_at_once = is_opened_and_won = is_lost_and_won = is_moved_back = False
    for seed in range(WORLDS):
        signals = expected({day: world_of(seed, step, 0) for step, day in enumerate(DAYS)})
        kinds |= {signal[3] for signal in signals}
        by_deal: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        for signal in signals:
            if signal[4]:
                by_deal.setdefault((signal[0], signal[1], signal[4]), []).append(signal)
        for those in by_deal.values():
            names = {signal[3]: signal[-1] for signal in those}
            is_won_at_once |= "deal_won" in names and "deal_opened" not in names
            is_opened_and_won |= "deal_won" in names and names["deal_won"] == names.get("deal_opened")
            is_lost_and_won |= {"deal_won", "deal_lost"} <= set(names)
            moves = {(signal[5], signal[6]) for signal in those if signal[3] == "deal_advanced"}
            is_moved_back |= bool(moves & {(to, was) for was, to in moves})
    assert kinds == {
        "overlap_new", "overlap_lost", "status_flipped", "deal_opened", "deal_advanced", "deal_won", "deal_lost",
    }  # fmt: skip
    assert is_won_at_once and is_opened_and_won and is_lost_and_won and is_moved_back


# ------------------------------------------------------------------ what is read of deals


def small_world(project: Project) -> None:
    """One account of ours, which nimbus and stratus know; cirrus exchanges keys, and gone is not active."""
    project.write_table("generic.accounts", [{"account_id": "1", "account_name": "Kudu", "website": "kudu.com"}])
    project.write_table(
        "partners.partner_accounts",
        [
            {
                "partner_id": partner,
                "account_id": "K",
                "account_name": "Kudu",
                "website": "kudu.com",
                "status": "customer",
            }
            for partner in ("nimbus", "stratus", "gone")
        ],
    )
    project.write_seed(
        "account_mapping__partners",
        [
            {"partner_id": name, "partner_name": name.title(), "exchange": exchange, "is_active": is_active}
            for name, exchange, is_active in (
                ("nimbus", "list", "true"), ("stratus", "list", "true"), ("cirrus", "keys", "true"),
                ("gone", "list", "false"),
            )
        ],
    )  # fmt: skip


BAD_DEALS = [
    {"partner_id": "nimbus", "account_id": "K", "deal_id": "1", "stage": "Propose", "Owner": "Ann"},
    {"partner_id": "nimbus", "account_id": "K", "deal_id": "1", "stage": "Old", "updated_at": "2020-01-01"},
    {"partner_id": "nimbus", "account_id": "K", "deal_id": "2", "closed_on": "soon", "opened_on": "2026-13-40"},
    {"partner_id": "nimbus", "account_id": "K", "deal_id": "3", "amount": "a lot"},
    {"partner_id": "nimbus", "account_id": "K", "deal_id": "4", "is_won": "perhaps", "stage": "Closed Won"},
    {"partner_id": "nimbus", "account_id": "K", "deal_id": "5", "is_won": "no", "stage": "Closed Won"},
    {"partner_id": "nimbus", "account_id": "K", "deal_id": "6", "closed_on": "2026-01-01"},
    {"partner_id": "nimbus", "account_id": "K", "deal_id": "7", "amount": "5", "currency": "XXX"},
    {"partner_id": "nimbus", "account_id": "K", "stage": "Propose"},
    {"partner_id": "nimbus", "account_id": "K", "deal_id": "1.5E+9"},
    {"partner_id": "nimbus", "account_id": "K", "deal_id": "1.23E+9"},
    {"partner_id": "nimbus", "deal_id": "8"},
    {"partner_id": "nimbus", "account_id": "L", "deal_id": "9"},
    {"partner_id": "nimbus", "account_id": "L", "deal_id": "10"},
    {"partner_id": "nobody", "account_id": "K", "deal_id": "1"},
    {"account_id": "K", "deal_id": "1"},
    {"partner_id": "cirrus", "account_id": "K", "deal_id": "1"},
    {"partner_id": "gone", "account_id": "K", "deal_id": "1"},
    {"partner_id": "stratus", "account_id": "K", "deal_id": "1", "_fivetran_deleted": "true"},
]
ISSUES = {
    ("(all)", "unread_columns", 1),
    ("(no partner)", "missing_partner_id", 1),
    ("amount", "number_not_readable", 1),
    ("cirrus", "readable_rows_of_hashed_partner", 1),
    ("closed_on", "date_not_readable", 1),
    ("nimbus", "deal_currency_without_rate", 1),
    ("nimbus", "deal_flag_not_readable", 1),
    ("nimbus", "deal_id_lost_digits", 2),
    ("nimbus", "deal_of_unknown_account", 2),
    ("nimbus", "deal_outcome_unknown", 1),
    ("nimbus", "deal_outcomes_differ", 1),
    ("nimbus", "deal_without_account", 1),
    ("nimbus", "duplicate_deal_id", 1),
    ("nimbus", "missing_deal_id", 1),
    ("nobody", "unknown_partner", 1),
    ("opened_on", "date_not_readable", 1),
}


def test_what_is_not_used_of_deals_is_a_data_issue_and_the_census_adds_up(make_project: Callable[..., Project]) -> None:
    """With history off no mart tells of deals, and an issue says so."""
    project = make_project(variables={"account_mapping__crms": ["generic"], "account_mapping__as_of": "2026-05-01"})
    small_world(project)
    project.write_table("partners.partner_deals", BAD_DEALS)
    marts = ("+account_mapping__data_issues", "+account_mapping__inputs")
    project.make(*marts)
    query = "select * from account_mapping__data_issues where source = 'partners.partner_deals'"
    told = {(row["row_key"], row["problem"], row["n_rows"]) for row in project.query(query)}
    assert told == ISSUES | {("nimbus", "deals_without_history", 7)}
    (census,) = project.query("select * from account_mapping__inputs where input = 'partners.partner_deals'")
    outcomes = {name: census[f"rows_{name}"] for name in ("used", "merged", "older", "deleted", "excluded", "rejected")}
    assert outcomes == {"used": 7, "merged": 0, "older": 1, "deleted": 1, "excluded": 1, "rejected": 9}
    assert census["rows_read"] == sum(outcomes.values()) == len(BAD_DEALS)
    assert (census["rows_repaired"], census["columns_unread"]) == (3, "Owner")
    outcomes = project.query("select deal_id, outcome, amount from int_account_mapping__partner_deals order by deal_id")
    assert [row["outcome"] for row in outcomes] == ["open", "open", "open", "won", "open", "open", "open"]
    assert {row["amount"] for row in outcomes} == {None}
    off = project.run("run", "--select", "account_mapping__signals")
    assert off.success and "account_mapping__signals" not in off.statuses

    project.execute("drop table partners.partner_deals")
    project.make(*marts)
    assert project.query(query) == []
    assert project.query("select * from account_mapping__inputs where input = 'partners.partner_deals'") == []


def test_deals_may_be_typed_elsewhere_or_a_model_and_reach_the_mart(make_project: Callable[..., Project]) -> None:
    typed = """
        select 'nimbus' as "Partner Id", 'K' as "Account ID", 7 as deal_id, 'Verloren' as "Stage",
            date '2026-03-01' as opened_on, timestamp '2026-04-20 12:00:00' as closed_on, false as is_won,
            1234.5::double as amount, 'EUR' as currency, timestamp '2026-04-20 12:00:00' as updated_at
    """
    written = {
        "partner_id": "Nimbus", "account_id": "K", "deal_id": "7.0", "stage": "Verloren", "opened_on": "03/01/2026",
        "closed_on": "20.04.2026", "is_won": "No", "amount": "EUR 1.234,50", "currency": "eur",
        "updated_at": "2026-04-20T12:00:00Z",
    }  # fmt: skip
    places = {
        "text": {},
        "typed": {"partners_partner_deals_identifier": "sales"},
        "model": {"partners_partner_deals_model": "my_deals"},
    }
    signals = {}
    for name, variables in places.items():
        project = make_project(name=name, variables=VARIABLES | variables | {"account_mapping__as_of": "2026-05-01"})
        small_world(project)
        project.write_seed("account_mapping__currency_rates", [{"currency": "EUR", "rate": "2"}])
        if name == "text":
            project.write_table("partners.partner_deals", [written])
        elif name == "typed":
            project.write_table("partners.sales", typed)
        else:
            (project.folder / "models").mkdir()
            (project.folder / "models/my_deals.sql").write_text(typed)
        project.make("+account_mapping__signals", *(["my_deals"] if name == "model" else []))
        signals[name] = project.query("select * from account_mapping__signals")
    assert signals["text"] == signals["typed"] == signals["model"]
    (signal,) = signals["text"]
    assert (signal["signal"], signal["to_value"], signal["amount"]) == ("deal_lost", "Verloren", Decimal("2469.00"))
    assert signal["what"] == "Nimbus has lost a deal with Kudu on 2026-04-20, worth 2469.00 USD."
    assert (signal["partner_account_id"], signal["account_id"]) == ("K", "generic:1")
    assert (signal["happened_on"], signal["first_seen_on"]) == (date(2026, 4, 20), date(2026, 5, 1))
