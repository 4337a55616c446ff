"""The partners' lists, in the layout of partner_accounts."""

from __future__ import annotations

import math

from .cast import (
    ALIASES,
    CURRENCY_OF,
    HOME_SCRIPT,
    NEAR_NAMES,
    PARTNER_ROW_COLUMNS,
    PARTNERS,
    Company,
    PartnerProfile,
)
from .world import (
    Record,
    account_name,
    amount,
    days_ago,
    generator,
    partner_stage,
    person,
    pick,
    place,
    subsidiary_kind,
    subsidiary_of,
    timestamp,
    web_presence,
)


def partner_rows(
    profile: PartnerProfile,
    companies: list[Company],
    our_entities: set[str],
    dirt: dict[str, int],
) -> tuple[list[dict[str, object]], list[Record]]:
    """One partner's list in the layout of partner_accounts, and its records."""
    rng = generator("partner", profile.partner_id)
    named = {company.name: company for company in companies}
    slot = PARTNERS.index(profile)
    forced = [named[second] for _, second in NEAR_NAMES[slot :: len(PARTNERS)]]
    forced += [named[first] for first, _ in NEAR_NAMES[slot :: 2 * len(PARTNERS)]]
    forced += [named[name] for name in list(HOME_SCRIPT)[slot % 3 :: 3]]
    if slot < 2:
        forced += [c for c in companies if c.domain in {a[1] for a in ALIASES}]
    forced = list({company.entity: company for company in forced}.values())
    taken = {company.entity for company in forced}
    children = round(profile.accounts * 0.035)
    doubles = round(profile.accounts * 0.025)
    chosen = forced + pick(
        rng,
        [company for company in companies if company.entity not in taken],
        # Ecosystems overlap because they sell to the same kind of company.
        lambda c: (
            profile.regions.get(c.region, 0.6)
            * profile.sectors.get(c.sector, 1.0)
            * c.size**profile.size_power
            * math.exp(0.25 * c.affinity)
            * (1.5 if c.entity in our_entities else 1.0)
        ),
        profile.accounts - children - doubles - len(forced),
    )
    rows: list[dict[str, object]] = []
    records: list[Record] = []
    numbers = rng.sample(range(1_000, 99_999), profile.accounts + 50)
    owners = [person(rng) for _ in range(12)]

    def add(company: Company, parent: str = "") -> str:
        account_id = profile.id_format.format(numbers[len(rows)])
        name, spelling = account_name(rng, company, profile.dirt, dirt)
        site, domains = web_presence(rng, company, profile.website_rate, companies, dirt)
        country, city = place(
            rng,
            company,
            profile.country_rate,
            profile.country_style,
            profile.city_rate,
            dirt,
        )
        stage = partner_stage(profile, company)
        status = profile.words[stage]
        roll = rng.random()
        if roll < 0.06 and profile.exchange == "list":
            status = ""
            dirt["partner accounts without a status"] += 1
        elif roll < 0.066 and profile.exchange == "list":
            status = rng.choice(("TBD", "??", "ask Robin"))
            dirt["unknown status value"] += 1
        mail = ""
        if not site and rng.random() < 0.25:
            mail = company.domain
        open_amount = currency = ""
        if profile.amounts and stage == "open_opportunity" and rng.random() < 0.7:
            currency = "USD"
            if profile.country_style == "free":
                currency = CURRENCY_OF.get(company.country, "USD")
            open_amount = amount(rng, company.size, currency)
        row: dict[str, object] = dict.fromkeys(PARTNER_ROW_COLUMNS, "")
        row.update(
            partner_id=profile.partner_id,
            account_id=account_id,
            account_name=name,
            website=site,
            email_domain=mail,
            country=country,
            city=city,
            status=status,
            segment=segment(company) if profile.owners else "",
            open_amount=open_amount,
            currency=currency,
            parent_account_id=parent,
            updated_at=timestamp(days_ago(rng, profile.list_age_days, profile.list_age_days + 120)),
        )
        if rng.random() < profile.duns_rate:
            row["duns"] = company.duns
        if profile.owners and rng.random() < 0.8:
            first, last = rng.choice(owners)
            host = profile.partner_id.replace("_", "-")
            row["owner_name"] = f"{first} {last}"
            row["owner_email"] = f"{first}.{last}@{host}.example".lower()
        if stage == "customer" and rng.random() < 0.5:
            row["customer_since"] = timestamp(days_ago(rng, 100, 3000))[:10]
        rows.append(row)
        mails = {company.domain} if mail else set()
        records.append(Record(account_id, company, domains, mails, spelling=spelling))
        return account_id

    ids = {company.entity: add(company) for company in chosen}
    for parent in pick(rng, chosen, lambda c: c.size, children):
        # Mostly the subsidiary that our CRM would have too.
        kind = subsidiary_kind(generator("subsidiary", parent.entity), parent)
        add(
            subsidiary_of(parent, kind),
            ids[parent.entity] if rng.random() < 0.5 else "",
        )
    dirt["partners' subsidiaries"] += children
    for company in rng.sample(chosen, doubles):
        add(company)
    dirt["partners' duplicates"] += doubles
    return rows, records


def segment(company: Company) -> str:
    """Size class of the invented weight."""
    if company.size > 2.5:
        return "enterprise"
    return "mid_market" if company.size > 0.8 else "small_business"


def spoil_list(
    profile: PartnerProfile,
    rows: list[dict[str, object]],
    records: list[Record],
    dirt: dict[str, int],
) -> list[dict[str, object]]:
    """Add the rows that a partner's readable export should not have."""
    rng = generator("spoil", profile.partner_id)
    record_of = {record.record_id: record for record in records}
    # Some of the usable rows are in the export twice, the older one stale.
    for row in rng.sample(rows, 5):
        stale = dict(row, status=profile.words["prospect"])
        stale["updated_at"] = timestamp(days_ago(rng, 500, 900))
        rows.append(stale)
        dirt["partner rows with a repeated id"] += 1
    for number in range(2):
        empty: dict[str, object] = dict.fromkeys(PARTNER_ROW_COLUMNS, "")
        empty.update(
            partner_id=profile.partner_id,
            account_id=profile.id_format.format(number + 1),
            status=profile.words["prospect"],
            updated_at=timestamp(days_ago(rng, 300, 400)),
        )
        rows.append(empty)
        dirt["partner rows without name or website"] += 1
    if profile.partner_id == "northwind_cloud":
        formula, emoji = rng.sample(rows[:1000], 2)
        for row, shape in (
            (formula, '=HYPERLINK("{}","{}")'),
            (emoji, "\U0001f680 {1}"),
        ):
            record = record_of[str(row["account_id"])]
            site = f"https://www.{record.company.domain}"
            row["account_name"] = shape.format(site, record.company.name)
            row["website"] = site
            record.web_domains = frozenset({record.company.domain})
        dirt["formula, emoji and bidirectional names"] += 2
        # The partner's export holds us and its own test rows.
        for number, name in enumerate(("Test Account", "Our Company (internal)")):
            test: dict[str, object] = dict.fromkeys(PARTNER_ROW_COLUMNS, "")
            test.update(
                partner_id=profile.partner_id,
                account_id=profile.id_format.format(number + 10),
                account_name=name,
                status="Internal",
                updated_at=timestamp(days_ago(rng, 10, 40)),
            )
            rows.append(test)
        dirt["partner rows that are tests or ourselves"] += 2
    rng.shuffle(rows)
    return rows


def unknown_partner_rows(companies: list[Company]) -> list[dict[str, object]]:
    """Rows that a former partner left in the table: settings do not know it."""
    rng = generator("unknown partner")
    rows = []
    for number, company in enumerate(rng.sample(companies, 6)):
        row: dict[str, object] = dict.fromkeys(PARTNER_ROW_COLUMNS, "")
        row.update(
            partner_id="former_friends",
            account_id=f"ff{number}",
            account_name=company.name,
            website=company.domain,
            status="customer",
            updated_at=timestamp(days_ago(rng, 700, 800)),
        )
        rows.append(row)
    return rows
