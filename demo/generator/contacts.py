"""Contacts that a partner with a readable list sends, in the layout of partner_contacts: some are ours too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .world import generator

PARTNER = "northwind_cloud"
ACCOUNTS = 150
TITLES = ("Head of IT", "Head of Purchasing", "CFO", "Data Protection Officer", "Plant Manager")


def contact_rows(truth: Iterable[dict[str, object]], ours: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """A few contacts at accounts that are ours too.

    truth: pairs of records. ours: contacts of our Salesforce. Half of ours at these accounts are the partner's too;
    whom it alone knows has an address of the same company.
    """
    known: dict[str, set[str]] = defaultdict(set)
    for row in ours:
        if "@" in str(row["email"]) and str(row["is_deleted"]).lower() == "false":
            known[str(row["account_id"])[:15]].add(str(row["email"]).lower())
    pairs = sorted(
        (str(row["account_id"]).removeprefix("salesforce:")[:15], str(row["partner_account_id"]))
        for row in truth
        if row["partner_id"] == PARTNER and row["relationship"] == "same"
    )
    rng = generator("contacts", PARTNER)
    rows: list[dict[str, object]] = []
    for account_id, partner_account_id in rng.sample([pair for pair in pairs if known[pair[0]]], ACCOUNTS):
        emails = [email for email in sorted(known[account_id]) if rng.random() < 0.5]
        host = min(known[account_id]).rpartition("@")[2]
        emails += [f"demo.person.{len(rows) + number}@{host}" for number in range(rng.randint(0, 2))]
        rows += [
            {
                "partner_id": PARTNER,
                "account_id": partner_account_id,
                "email": email,
                "job_title": rng.choice((*TITLES, "")),
            }
            for email in emails
        ]
    return rows
