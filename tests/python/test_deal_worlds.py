"""Stages, deals and what agreements let cross of them, on random worlds, against an oracle in plain Python.

A world has a family of accounts with merges, deals in several versions that come late or correct each other, two
partners with lists and two that exchange hashes under agreements cell by cell. Worlds do not touch each other, so
that many of them stand in one project. Links, tokens and plays are made up here, in place of the models that find
them; everything from the CRM's rows to the marts of deals is the package's.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from harness import Project

Row = dict[str, Any]

# more of them: ACCOUNT_MAPPING_DEAL_WORLDS=100 pytest tests/python/test_deal_worlds.py
WORLDS = int(os.environ.get("ACCOUNT_MAPPING_DEAL_WORLDS", "5"))
AS_OF = date(2026, 6, 15)
RECENT_DAYS = 90
RATES = {"EUR": 2, "SEK": Decimal("0.5")}
STATUSES = ("customer", "open_opportunity", "churned", "prospect")
THEIR_STATUSES = (*STATUSES, "not_shared")
RELATIONSHIPS = ("same", "subsidiary", "parent", "sibling")
LEVELS = ("hidden", "counts", "overlapping", "all")
DEAL_FIELDS = ("deal_stage", "deal_close_date", "last_won_on")
RULE = ("partner_id", "direction", "our_status", "partner_status", "level", "fields")
OWNERS = [("Ann Kudu", "ann@ours.example"), ("Bo Ibex", None), ("=Cy", "cy@ours.example")]
MODELS = (
    *(f"stg_account_mapping__salesforce_{table}" for table in ("accounts", "contacts", "opportunities", "users")),
    *(f"stg_account_mapping__settings_{name}" for name in ("currency_rates", "deal_stages", "partners")),
    *("stg_account_mapping__settings_sharing_agreements", "stg_account_mapping__partner_agreements"),
    "stg_account_mapping__partner_fields",
    *(
        f"int_account_mapping__{name}"
        for name in (
            "owners", "crm_accounts", "account_versions", "account_merges", "merge_edges", "merge_roots", "account_ids",
            "opportunity_versions", "opportunities", "account_progress", "agreements_in_force", "agreed_fields",
            "received_fields", "partner_field_rows", "partner_accounts",
        )
    ),
    "account_mapping__deals",
    "account_mapping__shared_fields",
)  # fmt: skip


# ------------------------------------------------------------------------------ worlds


@dataclass
class World:
    """The rows of one world, as they lie in the warehouse, and what was made up in place of models.

    accounts, opportunities: rows of the CRM, every version of each. stages: rows of the seed. ours: our status by
    account. links: {partner_id, account_id, partner_account_id, relationship, decision, is_primary}. theirs: the status
    of (partner, account). listed: what a readable list says of deals. rules: {(partner, 'ours' or 'theirs'): rows}.
    fields: values that partners sent. scores: by partner and account, where a play speaks of them.
    """

    number: int
    accounts: list[Row] = field(default_factory=list)
    opportunities: list[Row] = field(default_factory=list)
    stages: list[Row] = field(default_factory=list)
    ours: dict[str, str] = field(default_factory=dict)
    links: list[Row] = field(default_factory=list)
    theirs: dict[tuple[str, str], str] = field(default_factory=dict)
    listed: dict[tuple[str, str], Row] = field(default_factory=dict)
    rules: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    fields: list[Row] = field(default_factory=list)
    scores: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def partners(self) -> dict[str, str]:
        """How each partner exchanges."""
        return {f"w{self.number}_{kind}{copy}": kind for kind in ("list", "keys") for copy in (1, 2)}


def our_token(partner: str, account: str) -> str:
    return f"ours {partner} {account}"


def moment(rng: random.Random) -> datetime:
    return datetime(2026, 1, 1) + timedelta(minutes=rng.randrange(200_000))


def versions(rng: random.Random, make: Callable[[], Row]) -> list[Row]:
    """One to three versions of a record, in any order; those that came late say themselves that they are older."""
    times = sorted({moment(rng) for _ in range(rng.choice([1, 1, 2, 3]))})
    rows = [{**make(), "last_modified_date": f"{time:%Y-%m-%dT%H:%M:%SZ}"} for time in times]
    # a loader that ran twice
    rows += rng.sample(rows, rng.choice([0, 0, 1]))
    rng.shuffle(rows)
    return rows


def make_world(number: int) -> World:
    rng = random.Random(f"world {number}")
    world = World(number)
    ids = [f"001{number:06d}{place:06d}AAA" for place in range(rng.randrange(5, 10))]
    root = ids[0]
    for place, account in enumerate(ids):

        def account_row(place: int = place, account: str = account) -> Row:
            # merges lead to accounts further left, so that none runs in a circle
            is_merged = place > 1 and rng.random() < 0.3
            return {
                "id": account[:15] if rng.random() < 0.5 else account,
                "name": f"Account {place}",
                "parent_id": root if place and rng.random() < 0.6 else None,
                "master_record_id": rng.choice(ids[:place]) if is_merged else None,
                "is_deleted": is_merged or rng.random() < 0.06,
            }

        world.accounts += versions(rng, account_row)

    labels = [f"{word} {number}" for word in ("Talks", "Offer", "=Terms", "Verbal")]
    for label in rng.sample(labels, rng.randrange(5)):
        world.stages.append(
            {
                "crm": "salesforce",
                "stage": rng.choice([label, label.upper(), f" {label} "]),
                "stage_name": rng.choice([None, None, f"Stage of {label.lower()}"]),
                "stage_rank": rng.choice([None, "1", "2", "2", "3"]),
                "probability": rng.choice([None, "0.25", "0.9"]),
            }
        )
    for place in range(rng.randrange(12, 25)):

        def opportunity_row(place: int = place) -> Row:
            state = rng.choice(["open", "open", "won", "lost"])
            closes = AS_OF + timedelta(days=rng.randrange(-120, 60))
            return {
                "id": f"006{number:06d}{place:06d}AAA",
                "account_id": rng.choice([*ids, *ids, None, f"001{number:06d}999999AAA"]),
                "name": rng.choice([None, f"Deal {place}", f"+Deal {place}"]),
                "stage_name": rng.choice([*labels, labels[0].upper(), None]),
                "probability": rng.choice([None, "10", "10", "60.5", "250"]),
                "amount": rng.choice([None, "100", "100.50", f"{rng.randrange(1, 9999) * 2}"]),
                "currency_iso_code": rng.choice(["USD", "usd", None, "EUR", "SEK", "XXX"]),
                # of a deal that says nothing of it, it is open
                "is_closed": {"open": rng.choice(["false", None]), "won": rng.choice(["true", None])}.get(
                    state, "true"
                ),
                "is_won": {"won": "true"}.get(state, "false"),
                "close_date": None if rng.random() < 0.05 else str(closes),
                "created_date": f"{closes - timedelta(days=30)}T08:00:00Z",
                "owner_id": rng.choice([None, *(f"005{place:012d}AAA" for place in range(len(OWNERS)))]),
                "is_deleted": rng.random() < 0.06,
            }

        world.opportunities += versions(rng, opportunity_row)

    survivors = sorted({account for account in (survivor(world, account) for account in ids) if account})
    world.ours = {f"salesforce:{account}": rng.choice(STATUSES) for account in survivors}
    for partner, kind in world.partners.items():
        make_partner(rng, world, partner, kind)
    return world


def make_partner(rng: random.Random, world: World, partner: str, kind: str) -> None:
    """Links of a partner's accounts to ours; what its list says of deals, or its agreement and its fields."""
    theirs = [f"{partner} {place}" for place in range(rng.randrange(3, 7))]
    for account in theirs:
        world.theirs[partner, account] = rng.choice(THEIR_STATUSES)
        if kind == "list":
            world.listed[partner, account] = {
                "deal_stage": rng.choice([None, "Pitch", "-Pitch"]),
                "deal_close_date": rng.choice([None, date(2026, 9, 1)]),
                "last_won_on": rng.choice([None, date(2025, 9, 1)]),
            }
    for ours in world.ours:
        linked = rng.sample(theirs, rng.choice([0, 1, 1, 2]))
        for place, account in enumerate(linked):
            decision = "accepted" if place == 0 or rng.random() < 0.6 else "review"
            world.links.append(
                {
                    "partner_id": partner,
                    "account_id": ours,
                    "partner_account_id": account,
                    "relationship": rng.choice(RELATIONSHIPS),
                    "decision": decision,
                    "is_primary": place == 0,
                }
            )
        if linked and rng.random() < 0.8:
            world.scores[partner, ours] = rng.randrange(1, 5) * 10
    if kind == "list":
        return
    # partners that have little to hide from each other, and others that are of two minds
    odds = rng.choice([0.03, 0.4])
    for side in ("ours", "theirs"):
        rows = []
        for direction in ("offered", "accepted"):
            # nobody says of its own accounts that it does not tell what they are
            cells = [(own, other) for own in STATUSES for other in THEIR_STATUSES if rng.random() < odds]
            for own, other in [*cells, *([("*", "*")] * (rng.random() < 0.9))]:
                level = "all" if own == "*" else rng.choice(LEVELS)
                fields = [name for name in (*DEAL_FIELDS, "segment") if own == "*" or rng.random() < 0.7]
                rows.append(dict(zip(RULE, (partner, direction, own, other, level, ";".join(fields)), strict=True)))
        world.rules[partner, side] = rows
    for account in theirs:
        for name in DEAL_FIELDS:
            if rng.random() < 0.2:
                continue
            ours = rng.choice([None, *world.ours])
            good = f"Stage {rng.randrange(3)}" if name == "deal_stage" else f"2026-0{rng.randrange(1, 9)}-01"
            world.fields.append(
                {
                    "partner_id": partner,
                    "agreement_id": rng.choice(["pilot"] * 9 + ["former"]),
                    "epoch": "1",
                    "account_token": account,
                    "partner_account_token": ours and our_token(partner, ours),
                    "field": name,
                    "value": rng.choice([good] * 9 + ["soon"]),
                }
            )


# ------------------------------------------------------------------------------ oracle


def latest(rows: list[Row]) -> dict[str, Row]:
    """The version of each record that was updated last, by its long id."""
    found: dict[str, Row] = {}
    for row in rows:
        key = (row["id"] + "AAA")[:18]
        if key not in found or row["last_modified_date"] > found[key]["last_modified_date"]:
            found[key] = row
    return found


def survivor(world: World, account: str | None) -> str | None:
    """The account that an id leads to through all merges; none where that was deleted, or no row has it.

    What some version says of a merge counts on, though a later one says nothing of it.
    """
    rows, merges = latest(world.accounts), latest([row for row in world.accounts if row["master_record_id"]])
    while account in merges:
        account = merges[account]["master_record_id"]
    return account if account in rows and not rows[account]["is_deleted"] else None


def shown(text: str | None) -> str | None:
    """Text as spreadsheets may show it."""
    return f"'{text}" if text and text[0] in "=+-@" else text


@dataclass(frozen=True)
class Deal:
    """A deal as it counts; rank is the stage's."""

    id: str
    account: str
    name: str | None
    state: str
    stage: str | None
    rank: int | None
    probability: Decimal | None
    amount: Decimal | None
    opens: date
    closes: date | None
    owner: tuple[str | None, str | None]


def deals_of(world: World) -> list[Deal]:
    seed = {row["stage"].strip().lower(): row for row in world.stages}
    owners = {f"005{place:012d}AAA": owner for place, owner in enumerate(OWNERS)}
    deals = []
    for key, row in latest(world.opportunities).items():
        account = survivor(world, row["account_id"])
        if row["is_deleted"] or not account:
            continue
        rule = seed.get((row["stage_name"] or "").lower(), {})
        percent = Decimal(row["probability"]) if row["probability"] and Decimal(row["probability"]) <= 100 else None
        own = None if percent is None else percent / 100
        of_stage = Decimal(rule["probability"]) if rule.get("probability") else None
        currency = (row["currency_iso_code"] or "USD").upper()
        rate = 1 if currency == "USD" else RATES.get(currency)
        is_won = row["is_won"] == "true"
        is_open = not is_won and row["is_closed"] != "true"
        deals.append(
            Deal(
                id=f"salesforce:{key}",
                account=f"salesforce:{account}",
                name=row["name"],
                state="open" if is_open else "won" if is_won else "lost",
                stage=rule.get("stage_name") or row["stage_name"],
                rank=int(rule["stage_rank"]) if rule.get("stage_rank") else None,
                probability=of_stage if own is None else own,
                amount=None if row["amount"] is None or rate is None else Decimal(row["amount"]) * rate,
                opens=date.fromisoformat(row["created_date"][:10]),
                closes=date.fromisoformat(row["close_date"]) if row["close_date"] else None,
                owner=owners.get(row["owner_id"], (None, None)),
            )
        )
    return deals


def progress_of(world: World) -> dict[str, Row]:
    """How far each account that has deals is."""
    by_account: dict[str, list[Deal]] = defaultdict(list)
    for deal in deals_of(world):
        by_account[deal.account].append(deal)
    found = {}
    for account, deals in by_account.items():
        best: Deal | None = None
        for deal in deals:
            if deal.state == "open" and (best is None or is_further(deal, best)):
                best = deal
        wins = [deal.closes for deal in deals if deal.state == "won" and deal.closes and deal.closes <= AS_OF]
        found[account] = {
            "deal_stage": best and best.stage,
            "deal_close_date": best and best.closes,
            "open_deals": sum(deal.state == "open" for deal in deals),
            "first_won_on": min(wins, default=None),
            "last_won_on": max(wins, default=None),
        }
    return found


def is_further(one: Deal, other: Deal) -> bool:
    """Whether the first of two open deals is the one to show: what is unknown comes last, and ids settle the rest."""
    for mine, yours, is_more_better in (
        (one.rank, other.rank, True),
        (one.probability, other.probability, True),
        (one.amount, other.amount, True),
        (one.closes, other.closes, False),
    ):
        if mine != yours:
            if mine is None or yours is None:
                return yours is None
            return (mine > yours) == is_more_better
    return one.id < other.id


def in_force(world: World, partner: str, direction: str) -> dict[tuple[str, str], tuple[str, set[str]]]:
    """{(our status, their status): (level, fields)} of what crosses in a direction, `out` or `in`."""
    found = {}
    ours, theirs = ("offered", "accepted") if direction == "out" else ("accepted", "offered")
    for our in STATUSES:
        for their in THEIR_STATUSES:
            said = []
            for side, word, own, other in (("ours", ours, our, their), ("theirs", theirs, their, our)):
                by_cell = {
                    (row["our_status"], row["partner_status"]): row
                    for row in world.rules[partner, side]
                    if row["direction"] == word
                }
                row = by_cell.get((own, other)) or by_cell.get(("*", "*")) or {"level": "hidden", "fields": ""}
                said.append((row["level"], set(row["fields"].split(";"))))
            level = min((level for level, _ in said), key=LEVELS.index)
            found[our, their] = level, said[0][1] & said[1][1] & set(DEAL_FIELDS)
    return found


def shared_fields(world: World) -> set[tuple[str, ...]]:
    """What leaves of our deals: partner, our token, their token or '', field, value."""
    progress = progress_of(world)
    leaving = set()
    for partner, kind in world.partners.items():
        if kind == "list":
            continue
        cells = in_force(world, partner, "out")
        accepted = [link for link in world.links if link["partner_id"] == partner and link["decision"] == "accepted"]
        grants: list[tuple[str, str, str]] = []
        for link in accepted:
            level, fields = cells[world.ours[link["account_id"]], world.theirs[partner, link["partner_account_id"]]]
            if level in ("overlapping", "all"):
                grants += [(link["account_id"], link["partner_account_id"], name) for name in fields]
        linked = {link["account_id"] for link in accepted}
        for account in world.ours.keys() - linked:
            row = [cells[world.ours[account], their] for their in THEIR_STATUSES]
            if all(level == "all" for level, _ in row):
                grants += [(account, "", name) for name in set.intersection(*(fields for _, fields in row))]
        for account, token, name in grants:
            value = progress.get(account, {}).get(name)
            if value is not None:
                leaving.add((partner, our_token(partner, account), token, name, shown(str(value))))
    return leaving


def received(world: World) -> dict[tuple[str, str], Row]:
    """What a partner's account is known to be at, as its list or the fields that it sent say."""
    found = {key: dict(world.listed.get(key, dict.fromkeys(DEAL_FIELDS))) for key in world.theirs}
    tokens = {our_token(partner, ours): ours for partner in world.partners for ours in world.ours}
    values: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in world.fields:
        partner, account, name = row["partner_id"], row["account_token"], row["field"]
        cells = {
            cell: fields if level in ("overlapping", "all") else set()
            for cell, (level, fields) in in_force(world, partner, "in").items()
        }
        levels = {cell: level for cell, (level, _) in in_force(world, partner, "in").items()}
        their = world.theirs[partner, account]
        if row["partner_account_token"]:
            our = world.ours[tokens[row["partner_account_token"]]]
            # of a partner that tells no status any cell may be meant
            meant = THEIR_STATUSES if their == "not_shared" else (their,)
            is_agreed = any(name in cells[our, status] for status in meant)
        else:
            is_agreed = all(levels[our, their] == "all" and name in cells[our, their] for our in STATUSES)
        is_readable = name == "deal_stage" or row["value"] != "soon"
        if is_agreed and is_readable and row["agreement_id"] == "pilot":
            values[partner, account, name].append(row["value"])
    for (partner, account, name), texts in values.items():
        found[partner, account][name] = min(texts) if name == "deal_stage" else date.fromisoformat(min(texts))
    return found


def deal_rows(world: World) -> set[tuple[Any, ...]]:
    """The mart of deals, as DEAL_COLUMNS."""
    known = received(world)
    rows = set()
    for deal in deals_of(world):
        is_recent = deal.closes is not None and 0 <= (AS_OF - deal.closes).days <= RECENT_DAYS
        if deal.state != "open" and not is_recent:
            continue
        links = [link for link in world.links if link["is_primary"] and link["account_id"] == deal.account]
        ranked = sorted(
            links,
            key=lambda link: (
                -world.scores.get((link["partner_id"], deal.account), 0),
                link["relationship"] != "same",
                THEIR_STATUSES.index(world.theirs[link["partner_id"], link["partner_account_id"]]),
                link["partner_id"],
            ),
        )
        scores = [world.scores.get((link["partner_id"], deal.account), 0) for link in ranked]
        for place, link in enumerate(ranked):
            partner, account = link["partner_id"], link["partner_account_id"]
            name, email = deal.owner
            rows.add(
                (
                    *(deal.id, partner, deal.account, account),
                    *(shown(deal.name), deal.state, shown(deal.stage), shown(name or email), email),
                    *(world.theirs[partner, account], shown(known[partner, account]["deal_stage"])),
                    *(link["relationship"], deal.amount, deal.probability, scores[place], place + 1),
                    scores[0] - scores[1] if len(scores) > 1 else None,
                    *(ranked[0]["partner_id"], ranked[1]["partner_id"] if len(ranked) > 1 else None, place == 0),
                    *(deal.opens, deal.closes),
                )
            )
    return rows


DEAL_COLUMNS = (
    "deal_id", "partner_id", "account_id", "partner_account_id", "deal_name", "deal_state", "deal_stage", "deal_owner",
    "deal_owner_email", "partner_status", "partner_deal_stage", "relationship", "amount", "probability", "score",
    "partner_rank", "recommended_ahead_by", "recommended_partner_id", "alternative_partner_id", "is_recommended",
    "opened_on", "close_on",
)  # fmt: skip


# ------------------------------------------------------------------------------ comparison


def texts(rows: list[Row], columns: tuple[str, ...] = ()) -> pa.Table:
    """Raw rows as text, booleans as such."""
    names = columns or tuple(dict.fromkeys(name for row in rows for name in row))
    kinds = {
        name: pa.bool_() if any(isinstance(row.get(name), bool) for row in rows) else pa.string() for name in names
    }
    return pa.table({name: pa.array([row.get(name) for row in rows], kinds[name]) for name in names})


def typed(rows: list[Row], columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Rows in the place of a model; a column that no row has is null."""
    return pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in columns.items()})


def strings(names: str) -> dict[str, pa.DataType]:
    return dict.fromkeys(names.split(), pa.string())


def write(project: Project, worlds: list[World]) -> None:
    project.write_table("salesforce.account", texts([row for world in worlds for row in world.accounts]))
    project.write_table("salesforce.opportunity", texts([row for world in worlds for row in world.opportunities]))
    users = [{"id": f"005{place:012d}AAA", "name": name, "email": email} for place, (name, email) in enumerate(OWNERS)]
    project.write_table("salesforce.user", texts(users))
    exchange = {partner: kind for world in worlds for partner, kind in world.partners.items()}
    partners = [
        {"partner_id": partner, "partner_name": partner, "exchange": kind, "is_active": "true"}
        | ({"agreement_id": "pilot", "epoch": "1"} if kind == "keys" else {})
        for partner, kind in exchange.items()
    ]
    columns = ("partner_id", "partner_name", "exchange", "is_active", "agreement_id", "epoch")
    project.write_seed("account_mapping__partners", partners, columns)
    project.write_seed("account_mapping__deal_stages", [row for world in worlds for row in world.stages])
    rates = [{"currency": currency, "rate": str(rate)} for currency, rate in RATES.items()]
    project.write_seed("account_mapping__currency_rates", rates)
    rules: dict[str, list[Row]] = defaultdict(list)
    for world in worlds:
        for (_, side), rows in world.rules.items():
            rules[side] += rows
    project.write_seed("account_mapping__sharing_agreements", rules["ours"], RULE)
    project.write_table("partners.partner_agreements", texts(rules["theirs"], RULE))
    project.write_table("partners.partner_fields", texts([row for world in worlds for row in world.fields]))

    accounts = [(account, status) for world in worlds for account, status in world.ours.items()]
    theirs = [(*key, status) for world in worlds for key, status in world.theirs.items()]
    listed = {key: row for world in worlds for key, row in world.listed.items()}
    links = [link for world in worlds for link in world.links]
    status_of = {(partner, account): status for partner, account, status in theirs}
    offered = [
        {"partner_id": partner, "account_id": account}
        for world in worlds
        for partner, kind in world.partners.items()
        for account in world.ours
        if kind == "keys"
    ]
    day, number, flag = pa.date32(), pa.int32(), pa.bool_()
    fakes = {
        "links": typed(
            [
                link
                | {
                    "account_scope": "*",
                    "partner_status_rank": THEIR_STATUSES.index(
                        status_of[link["partner_id"], link["partner_account_id"]]
                    )
                    + 1,
                }
                for link in links
            ],
            strings("partner_id account_id partner_account_id relationship decision account_scope")
            | {"is_primary": flag, "partner_status_rank": number},
        ),
        "partners": typed(
            [row | {"account_scope": "*"} for row in partners],
            strings("partner_id partner_name partner_type tier exchange agreement_id epoch account_scope"),
        ),
        "accounts": typed(
            [{"account_id": account, "name": f"Name of {account}"} for account, _ in accounts],
            strings("account_id name owner owner_email"),
        ),
        "account_records": typed(
            [{"account_id": account} for account, _ in accounts],
            strings("account_id website country segment owner_name owner_email") | {"customer_since": day},
        ),
        "account_statuses": typed(
            [{"account_id": account, "status": status} for account, status in accounts],
            strings("account_id status") | {"open_amount": pa.decimal128(28, 2)},
        ),
        "members": typed(
            [{"side": "ours", "scope": "*", "account_id": account, "status": status} for account, status in accounts]
            + [
                {"side": "partner", "scope": p, "account_id": account, "status": status}
                for p, account, status in theirs
            ],
            strings("side scope account_id status unit_id") | {"open_amount": pa.decimal128(28, 2)},
        ),
        "offered_accounts": typed(
            [row | {"is_shared": True} for row in offered], strings("partner_id account_id") | {"is_shared": flag}
        ),
        "match_keys": typed(
            [row | {"key_type": "account", "token": our_token(*row.values())} for row in offered],
            strings("partner_id account_id key_type token"),
        ),
        "partner_records": typed(
            [{"partner_id": p, "account_id": account, **listed.get((p, account), {})} for p, account, _ in theirs],
            strings(
                "partner_id account_id website country state city postal_code owner_name owner_email segment industry "
                "deal_stage"
            )
            | {"deal_close_date": day, "last_won_on": day, "customer_since": day, "updated_at": pa.timestamp("us")}
            | {"annual_revenue": pa.decimal128(28, 2), "employee_count": pa.int64()},
        ),
        "partner_statuses": typed(
            [{"partner_id": p, "account_id": account, "status": status} for p, account, status in theirs],
            strings("partner_id account_id status"),
        ),
        "normalized": typed(
            [], strings("side partner_id account_id display_name country_code lei duns vat_id linkedin")
        ),
        "excluded_accounts": typed([], strings("side for_partner_id account_id reason")),
        "account_domains": typed([], strings("side partner_id account_id domain")),
        "plays": typed(
            [
                {"partner_id": p, "account_id": account, "score": score, "play": "ask", "why": "Because."}
                for world in worlds
                for (p, account), score in world.scores.items()
            ],
            strings("partner_id account_id play ask why") | {"score": pa.int64()},
        ),
        "overlap_first_seen": typed(
            [link | {"first_seen_at": datetime(2026, 6, 1)} for link in links],
            strings("partner_id account_id partner_account_id") | {"first_seen_at": pa.timestamp("us")},
        ),
    }
    for name, table in fakes.items():
        project.write_table(f"int_account_mapping__{name}", table)


def differences(what: str, expected: set[tuple[Any, ...]], found: list[tuple[Any, ...]]) -> list[str]:
    """Lines that tell rows that are missing, too many or doubled."""
    lines = [f"{what} missing: {row}" for row in expected - set(found)]
    lines += [f"{what} too many: {row}" for row in set(found) - expected]
    lines += [f"{what} doubled: {row}" for row in set(found) if found.count(row) > 1]
    return sorted(lines)


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [make_world(number) for number in range(WORLDS)]


@pytest.fixture(scope="module")
def built(worlds: list[World], tmp_path_factory: pytest.TempPathFactory) -> Project:
    variables = {
        "account_mapping__crms": ["salesforce"],
        "account_mapping__as_of": str(AS_OF),
        "account_mapping__recent_deal_days": RECENT_DAYS,
    }
    project = Project(tmp_path_factory.mktemp("deal_worlds"), variables=variables)
    write(project, worlds)
    project.make(*MODELS)
    return project


def test_the_stage_of_each_account_is_that_of_its_most_advanced_deal(built: Project, worlds: list[World]) -> None:
    expected = {account: row for world in worlds for account, row in progress_of(world).items()}
    rows = built.query("select * from int_account_mapping__account_progress")
    found = {row.pop("account_id"): row for row in rows}
    assert len(found) == len(rows)
    wrong = [
        f"{account}: {found.get(account)}, by the oracle {expected.get(account)}"
        for account in sorted(expected.keys() | found.keys())
        if found.get(account) != expected.get(account)
    ]
    assert not wrong, "\n".join(wrong)


def test_each_deal_stands_once_for_each_partner_that_knows_its_account(built: Project, worlds: list[World]) -> None:
    rows = built.query("select * from account_mapping__deals")
    found = [tuple(row[column] for column in DEAL_COLUMNS) for row in rows]
    wrong = differences("deal", set().union(*map(deal_rows, worlds)), found)
    assert not wrong, "\n".join(wrong)


def test_of_deals_leaves_what_both_sides_agreed_on_cell_by_cell(built: Project, worlds: list[World]) -> None:
    columns = ("partner_id", "account_token", "partner_account_token", "field", "value")
    rows = built.query("select * from account_mapping__shared_fields")
    found = [tuple(row[column] or "" for column in columns) for row in rows]
    wrong = differences("field", set().union(*map(shared_fields, worlds)), found)
    assert not wrong, "\n".join(wrong)


def test_of_what_partners_send_of_deals_only_what_is_agreed_counts(built: Project, worlds: list[World]) -> None:
    expected = {key: row for world in worlds for key, row in received(world).items()}
    rows = built.query("select * from int_account_mapping__partner_accounts")
    found = {(row["partner_id"], row["account_id"]): {name: row[name] for name in DEAL_FIELDS} for row in rows}
    assert len(found) == len(rows)
    assert found == expected


def test_the_worlds_hold_the_hard_cases() -> None:
    """The oracle alone: what the comparisons above would not see if no world had it."""
    worlds = [make_world(number) for number in range(max(WORLDS, 5))]
    seen: set[str] = set()
    for world in worlds:
        rows = latest(world.accounts)
        for row in latest(world.opportunities).values():
            account = row["account_id"]
            if account in rows and survivor(world, account) not in (None, account):
                seen.add("a deal of an account that was merged away")
            if account in rows and survivor(world, account) is None:
                seen.add("a deal of an account that was deleted")
        last = {row["id"]: row for row in world.opportunities}
        if any(latest(world.opportunities)[key] != row for key, row in last.items()):
            seen.add("an older version that came late")
        if any(row["parent_id"] for row in rows.values()):
            seen.add("a family")
        open_deals: dict[str, list[Deal]] = defaultdict(list)
        for deal in deals_of(world):
            if deal.state == "open":
                open_deals[deal.account].append(deal)
        for deals in open_deals.values():
            likeliest = max(deals, key=lambda deal: deal.probability or -1)
            if any(is_further(deal, likeliest) and deal.rank != likeliest.rank for deal in deals):
                seen.add("a rank that goes before the probability")
            if len(deals) > 1:
                seen.add("several open deals")
        leaving = shared_fields(world)
        seen |= {f"{row[3]} leaves" for row in leaving}
        seen |= {"a field of an account without link leaves" for row in leaving if not row[2]}
        told = received(world)
        keyed = [row for key, row in told.items() if key not in world.listed]
        seen |= {f"{name} came" for row in keyed for name in DEAL_FIELDS if row[name]}
        if sum(row[name] is not None for row in keyed for name in DEAL_FIELDS) < len(world.fields):
            seen.add("a field that is not agreed")
    wanted = {
        "a deal of an account that was merged away", "a deal of an account that was deleted", "a family",
        "an older version that came late", "a rank that goes before the probability", "several open deals",
        "a field of an account without link leaves", "a field that is not agreed",
        *(f"{name} {verb}" for name in DEAL_FIELDS for verb in ("leaves", "came")),
    }  # fmt: skip
    assert seen >= wanted, wanted - seen
