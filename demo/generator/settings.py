"""The demo's seeds, which replace the package's."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from .cast import (
    ALIASES,
    NEAR_NAMES,
    PARTNERS,
    RATES,
    Company,
)
from .world import (
    Record,
    generator,
)

# Stages of two CRMs as one ladder: crm, stage, what it is called, how far it is, how likely it is won.
STAGES = (
    ("salesforce", "Qualification", "", 1, 0.2),
    ("salesforce", "Review", "Technical review", 2, 0.4),
    ("salesforce", "Proposal", "", 3, 0.6),
    ("hubspot", "contractsent", "Contract sent", 4, 0.8),
    ("hubspot", "closedwon", "Closed Won", "", ""),
    ("hubspot", "closedlost", "Closed Lost", "", ""),
)
# What a partner that sends hashed keys and we tell each other beyond an account's status.
AGREED_FIELDS = {"brasshelm_security": "status;deal_stage;deal_close_date;last_won_on;person;person_rows"}
PACKAGE_SEEDS = Path(__file__).resolve().parents[2] / "seeds"


def read_seed(name: str) -> list[dict[str, str]]:
    """Rows of one of the package's own seeds: a replacement starts from them."""
    path = PACKAGE_SEEDS / f"{name}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def settings(
    ours: list[Record],
    theirs: dict[str, list[Record]],
    investors: list[Company],
    hidden: list[tuple[str, str]],
    excluded_ids: list[str],
    companies: list[Company],
) -> dict[str, list[dict[str, object]]]:
    """Rows of the demo's seeds, which replace the package's."""
    rng = generator("settings")
    partners = [
        {
            "partner_id": p.partner_id,
            "partner_name": p.name,
            "partner_type": "technology",
            "tier": "strategic" if index < 2 else "growth",
            "exchange": p.exchange,
            "is_active": True,
            "secret_env": "",
            "agreement_id": f"{p.partner_id}-2026" if p.exchange == "keys" else "",
            "epoch": "2026q4" if p.exchange == "keys" else "",
            "partner_manager": f"{'robin' if index % 2 else 'kim'}@our-company.example",
        }
        for index, p in enumerate(PARTNERS)
    ]
    rules: list[dict[str, object]] = list(read_seed("account_mapping__status_rules"))
    rules += [
        dict(zip(("source_system", "field", "raw_value", "status"), values, strict=True))
        for values in (
            ("salesforce", "account_type", "Competitor", "excluded"),
            ("lumen_data", "status", "In pipeline", "open_opportunity"),
            ("lumen_data", "status", "Lost client", "churned"),
            ("quillfjord_systems", "status", "Negotiation", "open_opportunity"),
            ("northwind_cloud", "status", "Internal", "excluded"),
        )
    ]
    exclusions: list[dict[str, object]] = list(read_seed("account_mapping__exclusions"))
    exclusions += [
        {"kind": kind, "value": value, "partner_id": partner, "reason": reason}
        for kind, value, partner, reason in (
            ("domain", "google.com", "*", "hosting"),
            *(("domain", c.domain, "*", "investor") for c in investors),
            *(("name", p.name, "*", "own_partner") for p in PARTNERS),
            ("name", "Test Account", "*", "test_account"),
            ("name", "Demo Company (do not use)", "*", "test_account"),
            *(("account_id", i, "*", "legal_hold") for i in excluded_ids),
            *(("account_id", i, p, "named_account_agreement") for p, i in hidden),
        )
    ]
    named_ours: dict[str, list[Record]] = defaultdict(list)
    for record in ours:
        if record.is_live and not record.is_excluded:
            named_ours[record.company.entity].append(record)
    overrides = overrides_of(named_ours, theirs)
    targets: list[dict[str, object]] = []
    usable = sorted((r for rs in named_ours.values() for r in rs), key=lambda r: r.record_id)
    ideal = [r for r in usable if r.company.size > 1.1 and r.company.sector != "mining"]
    for record in rng.sample(ideal, 420):
        by_id = rng.random() < 0.4
        targets.append(
            {
                "list_name": "icp_2026",
                "account_id": record.record_id if by_id else "",
                "domain": "" if by_id else record.company.domain,
            }
        )
    for record in rng.sample([r for r in usable if r.company.region == "nordics"], 60):
        targets.append({"list_name": "nordic_push", "account_id": record.record_id, "domain": ""})
    known = set(named_ours)
    strangers = [c for c in companies if c.entity not in known]
    for company in rng.sample(strangers, 25):
        targets.append({"list_name": "icp_2026", "account_id": "", "domain": company.domain})
    # A target once per domain, since records of one company share it.
    targets = list({tuple(t.values()): t for t in targets}.values())
    populations = [
        dict(zip(("population", "side", "field", "value"), values, strict=True))
        for values in (
            *(("nordic_accounts", "ours", "region", country) for country in ("SE", "NO", "DK", "FI")),
            ("north_american_pipeline", "ours", "status", "open_opportunity"),
            ("north_american_pipeline", "ours", "region", "US"),
            ("north_american_pipeline", "ours", "region", "CA"),
            ("everyone", "ours", "", ""),
            ("enterprise_customers", "partner", "status", "customer"),
            ("enterprise_customers", "partner", "segment", "enterprise"),
            ("in_motion", "partner", "status", "customer"),
            ("in_motion", "partner", "status", "open_opportunity"),
        )
    ]
    agreements = [
        {
            "partner_id": p.partner_id,
            "direction": direction,
            "our_status": "*",
            "partner_status": "*",
            "level": "overlapping",
            "fields": AGREED_FIELDS.get(p.partner_id, "status"),
            "minimum_count": "",
            "valid_from": "2026-01-01",
            "valid_until": "2027-12-31",
        }
        for p in PARTNERS
        if p.exchange == "keys"
        for direction in ("offered", "accepted")
    ]
    return {
        "partners": partners,
        "status_rules": rules,
        "exclusions": exclusions,
        "match_overrides": overrides,
        "domain_aliases": [dict(zip(("domain", "canonical_domain", "relation"), a, strict=True)) for a in ALIASES],
        "target_accounts": targets,
        "currency_rates": [{"currency": c, "rate": r} for c, r in RATES.items()],
        "sharing_agreements": agreements,
        "populations": populations,
        "deal_stages": [
            dict(zip(("crm", "stage", "stage_name", "stage_rank", "probability"), row, strict=True)) for row in STAGES
        ],
    }


def overrides_of(named_ours: dict[str, list[Record]], theirs: dict[str, list[Record]]) -> list[dict[str, object]]:
    """Decisions a person took: pairs no evidence shows, and two look-alikes."""
    rows: list[dict[str, object]] = []

    def decide(partner_id: str, our: Record, their: Record, decision: str) -> None:
        rows.append(
            {
                "partner_id": partner_id,
                "account_id": our.record_id,
                "partner_account_id": their.record_id,
                "decision": decision,
                "decided_by": "robin.larkwood@our-company.example",
                "decided_on": "2026-10-0" + str(len(rows) % 9 + 1),
            }
        )

    for profile in PARTNERS:
        if profile.exchange != "list":
            continue
        hard = 0
        for their in theirs[profile.partner_id]:
            if their.spelling not in ("acronym", "other_script", "trade_name"):
                continue
            for our in named_ours.get(their.company.entity, ()):
                if hard < 2 and not our.web_domains & their.web_domains:
                    decide(profile.partner_id, our, their, "match")
                    hard += 1
        alike = 0
        second_to_first = {second: first for first, second in NEAR_NAMES}
        for their in theirs[profile.partner_id]:
            first = second_to_first.get(their.company.entity)
            for our in named_ours.get(first or "", ())[:1]:
                if alike < 2:
                    decide(profile.partner_id, our, their, "no_match")
                    alike += 1
    # Seeds may give the bare id, and reports give it in 15 characters.
    for row in rows[:1]:
        row["account_id"] = str(row["account_id"]).removeprefix("salesforce:")[:15]
    return rows
