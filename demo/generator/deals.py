"""Deals of two partners, in the layout of partner_deals."""

from __future__ import annotations

import random
from collections.abc import Iterable

from .cast import PARTNERS, PartnerProfile
from .world import Record, days_ago, generator, our_stage, timestamp

# How many deals a partner's table holds, and how it calls the stages of open, won and lost ones.
DEALS = {"northwind_cloud": 160, "lumen_data": 70}
# How many more it opened of late at accounts where we have an open deal.
RECENT = {"northwind_cloud": 6, "lumen_data": 3}
STAGES = {
    "northwind_cloud": (("Discovery", "Proposal", "Negotiation"), "Closed Won", "Closed Lost"),
    "lumen_data": (("Qualified", "Offer sent"), "Won", "Lost"),
}


def deal_rows(listed: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Deals of the partners' readable lists.

    listed: rows of partner_accounts. Deals are drawn by what these rows hold alone, and whatever their order.
    """
    rows: list[dict[str, object]] = []
    for profile in PARTNERS:
        if profile.partner_id not in DEALS:
            continue
        stages = {word: stage for stage, word in profile.words.items()}
        standing = {
            str(row["account_id"]): stages[str(row["status"])]
            for row in sorted(listed, key=lambda row: str(row["updated_at"]))
            if row["partner_id"] == profile.partner_id and row["account_name"] and row["status"] in stages
        }
        rng = generator("deals", profile.partner_id)
        chosen = rng.sample(sorted(standing), DEALS[profile.partner_id])
        rows += [
            deal(rng, profile, number, account_id, standing[account_id]) for number, account_id in enumerate(chosen)
        ]
    return rows


def deal(rng: random.Random, profile: PartnerProfile, number: int, account_id: str, standing: str) -> dict[str, object]:
    """One deal, which fits how the account stands: customers were won, prospects are open or were lost."""
    open_stages, won, lost = STAGES[profile.partner_id]
    ending = {"customer": won, "open_opportunity": "", "churned": lost}.get(standing, rng.choice((lost, "")))
    age = rng.randint(3, 200)
    opened = days_ago(rng, age + 20, age + 150)
    changed = days_ago(rng, age, age) if ending else days_ago(rng, profile.list_age_days, profile.list_age_days + 20)
    return {
        "partner_id": profile.partner_id,
        "account_id": account_id,
        "deal_id": f"{profile.partner_id[:2].upper()}-D{number + 1:04d}",
        "stage": ending or rng.choice(open_stages),
        "opened_on": timestamp(opened)[:10],
        "closed_on": timestamp(changed)[:10] if ending else "",
        "is_won": str(ending == won).lower() if ending else "",
        "amount": str(rng.randint(8, 240) * 500) if rng.random() < 0.9 else "",
        "currency": "USD",
        "updated_at": timestamp(max(opened, changed)),
    }


def recent_deal_rows(
    deals: Iterable[dict[str, object]],
    listed: Iterable[dict[str, object]],
    ours: Iterable[Record],
    truth: Iterable[dict[str, object]],
) -> list[dict[str, object]]:
    """Deals that partners opened in the last three months at accounts where we have an open one.

    deals: all others, whose accounts get no second one. listed: rows of partner_accounts. ours: our records. truth:
    pairs of records.
    """
    open_of_ours = {
        record.record_id
        for record in ours
        if record.is_live and not record.is_excluded and our_stage(record.company) == "open_opportunity"
    }
    words = {p.partner_id: p.words["open_opportunity"] for p in PARTNERS}
    negotiating = {
        (row["partner_id"], row["account_id"])
        for row in listed
        if row["partner_id"] in DEALS and row["status"] == words[str(row["partner_id"])]
    }
    taken = {(row["partner_id"], row["account_id"]) for row in deals}
    free = {
        (str(row["partner_id"]), str(row["partner_account_id"]))
        for row in truth
        if row["relationship"] == "same"
        and row["account_id"] in open_of_ours
        and (row["partner_id"], row["partner_account_id"]) in negotiating - taken
    }
    rows: list[dict[str, object]] = []
    for profile in PARTNERS:
        rng = generator("recent deals", profile.partner_id)
        accounts = sorted(account_id for partner_id, account_id in free if partner_id == profile.partner_id)
        for number, account_id in enumerate(
            rng.sample(accounts, min(RECENT.get(profile.partner_id, 0), len(accounts)))
        ):
            opened = days_ago(rng, profile.list_age_days + 1, 88)
            rows.append(
                {
                    "partner_id": profile.partner_id,
                    "account_id": account_id,
                    "deal_id": f"{profile.partner_id[:2].upper()}-D{DEALS[profile.partner_id] + number + 1:04d}",
                    "stage": rng.choice(STAGES[profile.partner_id][0]),
                    "opened_on": timestamp(opened)[:10],
                    "closed_on": "",
                    "is_won": "",
                    "amount": str(rng.randint(8, 240) * 500),
                    "currency": "USD",
                    "updated_at": timestamp(opened),
                }
            )
    return rows
