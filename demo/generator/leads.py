"""Salesforce leads as Fivetran loads them: people who asked, and whom nobody has put to an account yet."""

from __future__ import annotations

from collections.abc import Sequence

from .cast import FREE_MAIL, Company
from .world import AS_OF, Record, days_ago, generator, maybe_short, person, salesforce_id, timestamp

# How many leads are at companies that are accounts of ours, at others, with private mail, and converted already.
AT_ACCOUNTS, AT_STRANGERS, PRIVATE, CONVERTED = 90, 22, 14, 12
TITLES = ("Head of IT", "Security Lead", "Procurement Manager", "Operations Manager", "CFO", "")


def lead_rows(
    ours: Sequence[Record], users: Sequence[dict[str, object]], companies: Sequence[Company]
) -> list[dict[str, object]]:
    """Rows of `lead`.

    ours: our records, of both CRMs. users: of our Salesforce. Drawn by a generator of its own, so that leads change
    no other table.
    """
    rng = generator("leads")
    known = {record.company.entity for record in ours}
    live = [record for record in ours if record.is_live and not record.is_excluded and record.web_domains]
    in_salesforce = [record for record in live if record.record_id.startswith("salesforce:")]
    strangers = [company for company in companies if company.entity not in known]
    rows: list[dict[str, object]] = []

    def add(company: Company, mail_host: str, converted_id: str = "") -> None:
        number = len(rows) + 1
        first, last = person(rng)
        created = days_ago(rng, 5, 300)
        rows.append(
            {
                "id": salesforce_id(number, "00Q"),
                "first_name": first,
                "last_name": last,
                "title": rng.choice(TITLES),
                "company": company.name,
                "email": f"demo.lead.{number}@{mail_host}",
                "website": f"www.{company.domain}" if mail_host == company.domain and rng.random() < 0.3 else "",
                "country": company.country if rng.random() < 0.8 else "",
                "status": "Qualified" if converted_id else rng.choice(("Open - Not Contacted", "Working - Contacted")),
                "is_converted": bool(converted_id),
                "converted_account_id": maybe_short(rng, converted_id),
                "owner_id": rng.choice(users)["id"],
                "is_deleted": False,
                "created_date": timestamp(created),
                "last_modified_date": timestamp(min(created + (AS_OF - created) / 2, AS_OF)),
                "_fivetran_deleted": False,
                "_fivetran_synced": timestamp(AS_OF),
            }
        )

    for record in rng.sample(live, AT_ACCOUNTS):
        add(record.company, min(record.web_domains))
    for company in rng.sample(strangers, AT_STRANGERS):
        add(company, company.domain)
    for record in rng.sample(live, PRIVATE):
        add(record.company, rng.choice(FREE_MAIL))
    for record in rng.sample(in_salesforce, CONVERTED):
        add(record.company, min(record.web_domains), record.record_id.removeprefix("salesforce:"))
    for row in rng.sample(rows[:AT_ACCOUNTS], 2):
        row["is_deleted"] = True
    rng.shuffle(rows)
    return rows
