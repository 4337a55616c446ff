"""Our two CRMs: Salesforce as Fivetran loads it, HubSpot as Airbyte does."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Sequence

from . import spellings
from .cast import (
    ALIASES,
    CURRENCY_OF,
    FREE_MAIL,
    HOME_SCRIPT,
    INDUSTRY_LABELS,
    NEAR_NAMES,
    PARTNERS,
    REAL_FAMILIES,
    Company,
)
from .world import (
    AS_OF,
    Record,
    account_name,
    amount,
    canonical_domain,
    days_ago,
    generator,
    iso,
    maybe_short,
    our_stage,
    person,
    pick,
    place,
    salesforce_id,
    special_names,
    subsidiary_kind,
    subsidiary_of,
    timestamp,
    web_presence,
)


def choose_ours(companies: list[Company]) -> tuple[list[Company], list[Company]]:
    """Companies of the Salesforce unit and of the HubSpot unit; some in both."""
    named = {company.name: company for company in companies}
    forced = [named[first] for first, _ in NEAR_NAMES]
    forced += [named[second] for _, second in NEAR_NAMES[::4]]
    forced += [named[name] for name in HOME_SCRIPT]
    forced += [c for c in companies if c.domain in {a[1] for a in ALIASES}]
    forced += [named[name] for group in REAL_FAMILIES for name in group[:2]]
    forced = list({company.entity: company for company in forced}.values())
    home = {"north_america": 3.0, "uk_ireland": 2.6, "dach": 2.6, "europe": 2.2,
            "nordics": 2.0, "oceania": 1.0, "middle_east_africa": 1.0,
            "japan_korea": 0.7, "latin_america": 0.8, "south_asia": 0.5,
            "china": 0.22}  # fmt: skip
    asia = {"japan_korea": 3.0, "oceania": 2.6, "south_asia": 2.0, "china": 0.9,
            "north_america": 0.4}  # fmt: skip
    taken = {company.entity for company in forced}
    rest = [company for company in companies if company.entity not in taken]
    salesforce = forced + pick(
        generator("ours", "salesforce"),
        rest,
        lambda c: home.get(c.region, 0.4) * c.size**0.6,
        2640 - len(forced),
    )
    in_salesforce = {company.entity for company in salesforce}
    both = pick(
        generator("ours", "both"),
        salesforce,
        lambda c: asia.get(c.region, 0.3) * c.size**0.3,
        300,
    )
    hubspot = both + pick(
        generator("ours", "hubspot"),
        [company for company in companies if company.entity not in in_salesforce],
        lambda c: asia.get(c.region, 0.25) * c.size**0.5,
        430,
    )
    return salesforce, hubspot


def salesforce_tables(
    companies: list[Company], everyone: list[Company], dirt: dict[str, int]
) -> tuple[dict[str, list[dict[str, object]]], list[Record]]:
    """Rows of account, opportunity, contact and user in Fivetran's spelling."""
    rng = generator("salesforce")
    users = []
    for number in range(28):
        first, last = person(rng)
        users.append(
            {
                "id": salesforce_id(number + 1, "005"),
                "name": f"{first} {last}",
                "email": f"{first}.{last}.{number}@our-company.example".lower(),
                "username": f"{first}.{last}.{number}@our-company.example".lower(),
                "is_active": number % 9 != 0,
                "title": rng.choice(("Account Executive", "Sales Manager", "SDR")),
                "_fivetran_synced": timestamp(AS_OF),
            }
        )
    accounts: list[dict[str, object]] = []
    records: list[Record] = []
    by_entity: dict[str, str] = {}

    def add(company: Company, parent: str = "") -> Record:
        identifier = salesforce_id(len(accounts) + 1)
        name, spelling = account_name(rng, company, 0.8, dirt)
        site, domains = web_presence(rng, company, 0.8, everyone, dirt)
        country, city = place(rng, company, 0.88, "free", 0.65, dirt)
        stage = our_stage(company)
        types = {
            "customer": ("Customer - Direct", "Customer - Channel", "Customer", ""),
            "open_opportunity": ("Prospect", "Prospect", ""),
            "churned": ("Former Customer",),
            "prospect": ("Prospect", "Prospect", "Other", ""),
        }[stage]
        account_type = rng.choice(types)
        if rng.random() < 0.004:
            account_type = rng.choice(("Tier 1 target", "Strategic?", "see notes"))
            dirt["unknown status value"] += 1
        synced = days_ago(rng, 0, 3)
        code = spellings.COUNTRIES.get(company.country, ("",))[0]
        accounts.append(
            {
                "id": identifier,
                "name": name,
                "type": account_type,
                "parent_id": maybe_short(rng, parent, 0.3),
                "master_record_id": "",
                "owner_id": rng.choice(users)["id"],
                "industry": INDUSTRY_LABELS[company.sector],
                "website": site,
                "annual_revenue": (round(company.size * 80) * 1_000_000 if rng.random() < 0.4 else ""),
                "number_of_employees": (round(company.size * 700) if rng.random() < 0.4 else ""),
                "billing_city": city,
                "billing_country": country,
                "billing_country_code": (code if country == company.country and rng.random() < 0.3 else ""),
                "duns_number": company.duns if rng.random() < 0.1 else "",
                "is_deleted": False,
                "created_date": timestamp(days_ago(rng, 400, 2800)),
                "last_modified_date": timestamp(days_ago(rng, 1, 380)),
                "_fivetran_deleted": False,
                "_fivetran_synced": timestamp(synced),
            }
        )
        record = Record(f"salesforce:{identifier}", company, domains, spelling=spelling)
        records.append(record)
        by_entity.setdefault(company.entity, identifier)
        return record

    for company in companies:
        add(company)
    first_children = len(accounts)
    for parent in pick(generator("ours", "parents"), companies, lambda c: c.size, 120):
        kinds = {subsidiary_kind(generator("subsidiary", parent.entity), parent)}
        if rng.random() < 0.35:
            kinds.add(subsidiary_kind(rng, parent))
        for kind in sorted(kinds):
            has_parent = rng.random() < 0.85
            add(
                subsidiary_of(parent, kind),
                parent=by_entity[parent.entity] if has_parent else "",
            )
    dirt["our subsidiaries"] += len(accounts) - first_children
    for company in rng.sample(companies, 115):
        add(company)
    dirt["our duplicates in Salesforce"] += 115
    by_id = {str(row["id"]): row for row in accounts}
    record_of = {record.record_id.split(":")[1]: record for record in records}
    special = special_names()
    base = [identifier for identifier, company in zip(by_id, companies, strict=False) if company.name not in special]
    contacts = contact_rows(rng, records, everyone, dirt)
    opportunities = opportunity_rows(rng, accounts, records, users, dirt)

    # Merged: a second record of the same company that lost, its rows still on it.
    for winner_id in rng.sample(base, 30):
        winner = record_of[winner_id]
        loser = add(winner.company)
        loser_id = loser.record_id.split(":")[1]
        accounts[-1].update(master_record_id=maybe_short(rng, winner_id, 0.3), is_deleted=True)
        loser.is_live = False
        extra = opportunity_rows(rng, accounts[-1:], [loser], users, dirt)
        for row in extra:
            row["id"] = salesforce_id(50_000 + len(opportunities), "006")
            opportunities.append(row)
        dirt["merged records"] += 1
        # A chain: the loser had itself won a merge before.
        if rng.random() < 0.2:
            earlier = add(winner.company)
            accounts[-1].update(master_record_id=loser_id, is_deleted=True)
            earlier.is_live = False
            dirt["merge chains"] += 1
    for loser_id in rng.sample(base, 45):
        if record_of[loser_id].is_live and not any(row["master_record_id"][:15] == loser_id[:15] for row in accounts):
            flag = rng.choice(("is_deleted", "is_deleted", "_fivetran_deleted"))
            by_id[loser_id][flag] = True
            record_of[loser_id].is_live = False
            dirt["deleted accounts"] += 1

    # A cycle of two parents, a parent that does not exist, and odd names.
    child = next(row for row in accounts if len(row["parent_id"]) == 18 and not row["is_deleted"])
    by_id[child["parent_id"]]["parent_id"] = child["id"]
    orphan, formula, emoji, rtl = rng.sample([i for i in base if record_of[i].is_live and not by_id[i]["parent_id"]], 4)
    by_id[orphan]["parent_id"] = salesforce_id(900_000)
    company = record_of[formula].company
    by_id[formula]["name"] = f'=HYPERLINK("https://www.{company.domain}","{company.name}")'
    by_id[emoji]["name"] = f"\U0001f525 {record_of[emoji].company.name}"
    by_id[rtl]["name"] = f"{record_of[rtl].company.name} \u202e"
    for key in (formula, emoji):
        by_id[key]["website"] = f"https://www.{record_of[key].company.domain}"
        record_of[key].web_domains = frozenset({record_of[key].company.domain})
    dirt["parents in a cycle"] += 2
    dirt["formula, emoji and bidirectional names"] += 3

    # Accounts that are no sales targets: the partners themselves and tests.
    for profile in PARTNERS:
        own_row(accounts, profile.name, "Technology Partner", users, rng)
    for name in ("Test Account", "TEST ACCOUNT ", "Demo Company (do not use)"):
        own_row(accounts, name, "Other", users, rng)
    for name in ("Gatecrasher Rivals Inc.", "Copycat Analytics Ltd"):
        own_row(accounts, name, "Competitor", users, rng)
    dirt["own partners, competitors and test accounts"] += len(PARTNERS) + 5
    rng.shuffle(accounts)
    rng.shuffle(opportunities)
    rng.shuffle(contacts)
    tables = {
        "salesforce/account": accounts,
        "salesforce/opportunity": opportunities,
        "salesforce/contact": contacts,
        "salesforce/user": users,
    }
    return tables, records


def own_row(
    accounts: list[dict[str, object]],
    name: str,
    account_type: str,
    users: list[dict[str, object]],
    rng: random.Random,
) -> None:
    """Append an account that stands for no company of the file."""
    row: dict[str, object] = dict.fromkeys(accounts[0], "")
    row.update(
        id=salesforce_id(len(accounts) + 1),
        name=name,
        type=account_type,
        owner_id=rng.choice(users)["id"],
        is_deleted=False,
        _fivetran_deleted=False,
        created_date=timestamp(days_ago(rng, 400, 900)),
        last_modified_date=timestamp(days_ago(rng, 1, 300)),
        _fivetran_synced=timestamp(AS_OF),
    )
    accounts.append(row)


def contact_mail(
    rng: random.Random,
    record: Record,
    everyone: Sequence[Company],
    dirt: dict[str, int],
) -> tuple[str, str | None]:
    """Mail domain of a contact and, where it is a business one, that domain."""
    roll = rng.random()
    if roll < 0.1:
        dirt["free-mail contacts"] += 1
        return rng.choice(FREE_MAIL), None
    if roll < 0.115:
        dirt["contacts with another company's mail"] += 1
        domain = rng.choice(everyone).domain
        return domain, domain
    domain = canonical_domain(record.company.domain)
    return domain, domain


def contact_rows(
    rng: random.Random,
    records: list[Record],
    everyone: Sequence[Company],
    dirt: dict[str, int],
) -> list[dict[str, object]]:
    """Salesforce contacts of about half of the accounts."""
    rows: list[dict[str, object]] = []
    for record in records:
        account_id = record.record_id.split(":")[1]
        count = rng.choice((0, 0, 0, 1, 2, 2, 3))
        for _ in range(count):
            domain, business = contact_mail(rng, record, everyone, dirt)
            number = len(rows) + 1
            first, last = person(rng)
            short = maybe_short(rng, account_id)
            dirt["15-character foreign keys"] += len(short) == 15
            rows.append(
                {
                    "id": salesforce_id(number, "003"),
                    "account_id": short,
                    "email": f"demo.contact.{number}@{domain}",
                    "first_name": first,
                    "last_name": last,
                    "is_deleted": rng.random() < 0.01,
                    "_fivetran_deleted": False,
                }
            )
            if business:
                record.mail_domains.add(business)
    return rows


def created_at(deal: str, close: dt.datetime, dirt: dict[str, int]) -> dt.datetime:
    """When a deal was created: before it closed, but for the few that were imported afterwards."""
    rng = generator("created", deal)
    if close < AS_OF - dt.timedelta(days=20) and rng.random() < 0.02:
        dirt["deals created after they closed"] += 1
        return close + dt.timedelta(days=rng.randint(1, 20))
    return min(close, AS_OF) - dt.timedelta(days=round(rng.gammavariate(3, 25)) + 5)


def opportunity_rows(
    rng: random.Random,
    accounts: list[dict[str, object]],
    records: list[Record],
    users: list[dict[str, object]],
    dirt: dict[str, int],
) -> list[dict[str, object]]:
    """Opportunities that make each account what its stage says."""
    rows: list[dict[str, object]] = []
    for account, record in zip(accounts, records, strict=True):
        stage = our_stage(record.company)
        # Duplicates and subsidiaries carry their own, thinner history.
        outcomes: list[str] = []
        if stage == "customer":
            outcomes = ["won"] * rng.choice((1, 1, 2)) + ["open"] * (rng.random() < 0.3)
        elif stage == "open_opportunity":
            outcomes = ["open"] * rng.choice((1, 1, 2))
        elif stage == "churned":
            outcomes = ["won"]
        elif rng.random() < 0.25:
            outcomes = ["lost"]
        for outcome in outcomes:
            currency = "USD"
            if rng.random() < 0.35:
                currency = CURRENCY_OF.get(record.company.country, "USD")
            if rng.random() < 0.002:
                currency = "XDR"
                dirt["amounts in a currency without a rate"] += 1
            closed = outcome != "open"
            close = days_ago(rng, 20, 1400) if closed else days_ago(rng, -200, -5)
            created = created_at(f"salesforce/{len(rows) + 1}", close, dirt)
            value = amount(rng, record.company.size, currency)
            if rng.random() < 0.06:
                value = ""
                dirt["opportunities without an amount"] += 1
            short = maybe_short(rng, str(account["id"]))
            dirt["15-character foreign keys"] += len(short) == 15
            rows.append(
                {
                    "id": salesforce_id(len(rows) + 1, "006"),
                    "account_id": short,
                    "name": f"Deal {len(rows) + 1}",
                    "amount": value,
                    "currency_iso_code": currency,
                    "stage_name": {
                        "won": "Closed Won",
                        "lost": "Closed Lost",
                        "open": rng.choice(("Qualification", "Proposal", "Review")),
                    }[outcome],
                    "is_closed": closed,
                    "is_won": outcome == "won",
                    "created_date": timestamp(created),
                    "close_date": timestamp(close)[:10],
                    "owner_id": rng.choice(users)["id"],
                    "is_deleted": rng.random() < 0.005,
                    "_fivetran_deleted": False,
                }
            )
    return rows


def hubspot_tables(
    companies: list[Company], everyone: list[Company], dirt: dict[str, int]
) -> tuple[dict[str, list[dict[str, object]]], list[Record]]:
    """Rows of companies, deals, contacts and owners in Airbyte's spelling."""
    rng = generator("hubspot")
    owners = []
    for number in range(9):
        first, last = person(rng)
        owners.append(
            {
                "id": str(70_001 + number),
                "email": f"{first}.{last}.hs{number}@our-company.example".lower(),
                "firstName": first,
                "lastName": last,
                "userId": str(90_001 + number),
                "archived": number == 8,
            }
        )
    rows: list[dict[str, object]] = []
    records: list[Record] = []

    def add(company: Company, parent: str = "") -> Record:
        identifier = str(9_100_000_000 + 7 * (len(rows) + 1))
        name, spelling = account_name(rng, company, 0.9, dirt)
        site, domains = web_presence(rng, company, 0.8, everyone, dirt)
        country, city = place(rng, company, 0.8, "free", 0.5, dirt)
        domain_cell = ""
        if domains == {company.domain} and rng.random() < 0.7:
            domain_cell = company.domain
            if rng.random() < 0.15:
                domain_cell = domain_cell.capitalize()
            if rng.random() < 0.5:
                site = ""
        additional = ""
        if domains and rng.random() < 0.06:
            host = min(domains)
            additional = f"careers.{host};{host}"
            dirt["additional domains"] += 1
        stage = our_stage(company)
        lifecycle = {
            "customer": ("customer", "customer", "opportunity"),
            "open_opportunity": ("opportunity", "salesqualifiedlead"),
            "churned": ("customer",),
            "prospect": ("lead", "marketingqualifiedlead", "subscriber", ""),
        }[stage]
        lifecycle_stage = rng.choice(lifecycle)
        if rng.random() < 0.004:
            # A stage of the portal's own: HubSpot gives its number.
            lifecycle_stage = "48213377"
            dirt["unknown status value"] += 1
        rows.append(
            {
                "id": identifier,
                "createdAt": iso(days_ago(rng, 200, 1500)),
                "updatedAt": iso(days_ago(rng, 0, 190)),
                "archived": False,
                "properties_name": name,
                "properties_domain": domain_cell,
                "properties_website": site,
                "properties_hs_additional_domains": additional,
                "properties_lifecyclestage": lifecycle_stage,
                "properties_type": "PROSPECT" if rng.random() < 0.2 else "",
                "properties_industry": INDUSTRY_LABELS[company.sector].upper(),
                "properties_annualrevenue": "",
                "properties_numberofemployees": (round(company.size * 700) if rng.random() < 0.3 else ""),
                "properties_city": city,
                "properties_country": country,
                "properties_hubspot_owner_id": rng.choice(owners)["id"],
                "properties_hs_parent_company_id": parent,
                "properties_hs_merged_object_ids": "",
                "properties_hs_lastmodifieddate": iso(days_ago(rng, 0, 190)),
            }
        )
        record = Record(f"hubspot:{identifier}", company, domains, spelling=spelling)
        records.append(record)
        return record

    by_entity = {}
    for company in companies:
        by_entity[company.entity] = add(company).record_id.split(":")[1]
    for parent in pick(generator("ours", "hs"), companies, lambda c: c.size, 30):
        add(
            subsidiary_of(parent, subsidiary_kind(rng, parent)),
            parent=by_entity[parent.entity],
        )
    dirt["our subsidiaries"] += 30
    for company in rng.sample(companies, 22):
        add(company)
    dirt["our duplicates in HubSpot"] += 22
    dirt["our companies in both CRMs"] += 300
    merged: dict[str, list[str]] = {}
    for index in rng.sample(range(len(companies)), 12):
        merged[str(rows[index]["id"])] = [str(9_000_000_000 + 13 * index + k) for k in range(rng.choice((1, 1, 2)))]
        rows[index]["properties_hs_merged_object_ids"] = ";".join(merged[str(rows[index]["id"])])
    dirt["merged records"] += sum(map(len, merged.values()))
    for index in rng.sample(range(len(companies)), 14):
        if str(rows[index]["id"]) not in merged:
            rows[index]["archived"] = True
            records[index].is_live = False
            dirt["deleted accounts"] += 1

    contacts: list[dict[str, object]] = []
    deals: list[dict[str, object]] = []
    for row, record in zip(rows, records, strict=True):
        for _ in range(rng.choice((0, 0, 1, 2, 2))):
            domain, business = contact_mail(rng, record, everyone, dirt)
            first, last = person(rng)
            number = len(contacts) + 1
            contacts.append(
                {
                    "id": str(600_000 + number),
                    "archived": False,
                    "properties_email": f"Demo.HS.{number}@{domain}",
                    "properties_firstname": first,
                    "properties_lastname": last,
                    "properties_associatedcompanyid": row["id"],
                }
            )
            if business:
                record.mail_domains.add(business)
        stage = our_stage(record.company)
        outcomes = {
            "customer": ["won"],
            "open_opportunity": ["open"],
            "churned": ["lost"],
            "prospect": ["lost"] if rng.random() < 0.2 else [],
        }[stage]
        for outcome in outcomes if rng.random() < 0.85 else []:
            currency = "USD"
            if rng.random() < 0.4:
                currency = CURRENCY_OF.get(record.company.country, "USD")
            company_ids = [str(row["id"])]
            if str(row["id"]) in merged and rng.random() < 0.7:
                company_ids = merged[str(row["id"])][:1]
            if rng.random() < 0.05:
                company_ids.append(str(rng.choice(rows)["id"]))
                dirt["deals on two companies"] += 1
            value = amount(rng, record.company.size, currency)
            close = days_ago(rng, -120, 700)
            deals.append(
                {
                    "id": str(300_000 + len(deals) + 1),
                    "archived": False,
                    "properties_dealname": f"Deal {len(deals) + 1}",
                    "properties_dealstage": f"closed{outcome}" if outcome != "open" else "contractsent",
                    "properties_amount": value,
                    "properties_deal_currency_code": currency,
                    "properties_createdate": iso(created_at(f"hubspot/{len(deals) + 1}", close, dirt)),
                    "properties_closedate": iso(close),
                    "properties_hs_is_closed": outcome != "open",
                    "properties_hs_is_closed_won": outcome == "won",
                    "properties_hubspot_owner_id": row["properties_hubspot_owner_id"],
                    "companies": json.dumps(company_ids),
                }
            )
    order = list(rows)
    rng.shuffle(order)
    rng.shuffle(contacts)
    rng.shuffle(deals)
    tables = {
        "hubspot/companies": order,
        "hubspot/deals": deals,
        "hubspot/contacts": contacts,
        "hubspot/owners": owners,
    }
    return tables, records
