"""The CRM of a partner that sends hashed keys: Pipedrive as Airbyte loads it.

What the partner tells of its deals and people has to come from a CRM; a plain list of accounts has neither.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence

from .cast import PartnerProfile
from .contacts import TITLES
from .world import Record, days_ago, generator, timestamp

PARTNER = "brasshelm_security"
# Stages of its one pipeline, by id, with how likely each is won.
STAGES = (("1", "Discovery", 20), ("2", "Security review", 50), ("3", "Contract", 80))
# At how many shared accounts it knows people, and at how many that are not ours.
SHARED, OTHERS = 110, 60


def pipedrive_tables(
    profile: PartnerProfile,
    listed: Iterable[dict[str, object]],
    records: Sequence[Record],
    truth: Iterable[dict[str, object]],
    ours: Iterable[dict[str, object]],
) -> dict[str, list[dict[str, object]]]:
    """Tables of one partner's Pipedrive by name.

    listed: its accounts in the layout of partner_accounts. records: the same ones as they truly are. truth: pairs of
    records. ours: contacts of our Salesforce. Deals fit how an account stands, so that they change no status.
    """
    accounts = list(listed)
    return {
        "organizations": [organization(row) for row in accounts],
        "stages": [dict(zip(("id", "name", "deal_probability"), stage, strict=True)) for stage in STAGES],
        "deals": deal_rows(profile, accounts),
        "persons": person_rows(accounts, records, truth, ours),
    }


def organization(row: dict[str, object]) -> dict[str, object]:
    """An account as an organization; website, e-mail domain, status and parent are fields that the partner added."""
    return {
        "id": row["account_id"],
        "name": row["account_name"],
        "address_country": row["country"],
        "address_locality": row["city"],
        "website": row["website"],
        "email_domain": row["email_domain"],
        "account_status": row["status"],
        "parent_id": row["parent_account_id"],
        "active_flag": True,
        "update_time": row["updated_at"],
    }


def deal_rows(profile: PartnerProfile, accounts: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Deals of most customers and open opportunities, and a few lost ones of prospects."""
    rng = generator("pipedrive", "deals")
    stages = {word: stage for stage, word in profile.words.items()}
    rows: list[dict[str, object]] = []
    for account in sorted(accounts, key=lambda row: str(row["account_id"])):
        standing = stages[str(account["status"])]
        states: list[str] = []
        if standing == "customer":
            states = ["won"] * (rng.random() < 0.8) + ["open"] * (rng.random() < 0.25)
        elif standing == "open_opportunity":
            states = ["open"] * (rng.random() < 0.9)
        elif standing == "prospect":
            states = ["lost"] * (rng.random() < 0.1)
        rows += [deal(rng, 5_001 + len(rows) + place, account, state) for place, state in enumerate(states)]
    rng.shuffle(rows)
    return rows


def deal(rng: random.Random, number: int, account: dict[str, object], state: str) -> dict[str, object]:
    """One deal in a state of Pipedrive: `open`, `won` or `lost`."""
    stage, _, _ = rng.choice(STAGES)
    closed = days_ago(rng, 20, 700)
    opened = days_ago(rng, 30, 150) if state == "open" else closed - (closed - days_ago(rng, 720, 900)) / 3
    return {
        "id": str(number),
        "title": f"Deal {number}",
        "org_id": account["account_id"],
        "stage_id": stage,
        "status": state,
        "value": str(rng.randint(8, 160) * 500),
        "currency": "USD",
        "add_time": timestamp(opened),
        "won_time": timestamp(closed) if state == "won" else "",
        "lost_time": timestamp(closed) if state == "lost" else "",
        "expected_close_date": timestamp(days_ago(rng, -150, -10))[:10] if state == "open" else "",
        "update_time": timestamp(opened if state == "open" else closed),
        "active": True,
    }


def person_rows(
    accounts: Sequence[dict[str, object]],
    records: Sequence[Record],
    truth: Iterable[dict[str, object]],
    ours: Iterable[dict[str, object]],
) -> list[dict[str, object]]:
    """People at some accounts; half of ours there are the partner's too.

    Their mail is at the website that the account has anyway, and elsewhere there is one person alone: so no account
    gets a domain by which it would be found more often than without people.
    """
    rng = generator("pipedrive", "persons")
    # domains of the website as it is written: an alias would be a domain more
    written = {str(row["account_id"]): str(row["website"]) for row in accounts}
    sites = {
        record.record_id: {domain for domain in record.web_domains if domain in written[record.record_id]}
        for record in records
    }
    known: dict[str, set[str]] = defaultdict(set)
    for row in ours:
        if "@" in str(row["email"]) and str(row["is_deleted"]).lower() == "false":
            known[str(row["account_id"])[:15]].add(str(row["email"]).lower())
    shared: dict[str, list[str]] = {}
    truth = [row for row in truth if row["partner_id"] == PARTNER and row["relationship"] == "same"]
    for row in truth:
        number = str(row["partner_account_id"])
        emails = known[str(row["account_id"]).removeprefix("salesforce:")[:15]]
        emails = {email for email in emails if email.rpartition("@")[2] in sites[number]}
        if emails:
            shared[number] = sorted({*shared.get(number, ()), *emails})
    rows: list[dict[str, object]] = []

    def add(number: str, email: str) -> None:
        rows.append(
            {
                "id": str(20_001 + len(rows)),
                "org_id": number,
                "email": json.dumps([{"label": "work", "value": email, "primary": True}]),
                "job_title": rng.choice((*TITLES, "")),
                "active_flag": True,
                "update_time": timestamp(days_ago(rng, 20, 400)),
            }
        )

    for number in rng.sample(sorted(shared), SHARED):
        host = shared[number][0].rpartition("@")[2]
        emails = [email for email in shared[number] if rng.random() < 0.5]
        emails += [f"demo.buyer.{len(rows) + place}@{host}" for place in range(rng.randint(0 if emails else 1, 2))]
        for email in emails:
            add(number, email)
    met = {str(row["partner_account_id"]) for row in truth}
    others = sorted(number for row in accounts if (number := str(row["account_id"])) not in met and sites[number])
    for number in rng.sample(others, OTHERS):
        add(number, f"demo.buyer.{len(rows)}@{min(sites[number])}")
    rng.shuffle(rows)
    return rows
