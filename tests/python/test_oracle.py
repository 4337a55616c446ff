"""The oracle itself, on worlds small enough to solve by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from oracle import (
    Undefined,
    World,
    companies,
    registrable,
    roots,
    salesforce_id,
    solve,
    terminal_survivors,
)


def world(accounts: list[dict], theirs: list[dict], **settings: Any) -> World:
    """A generic CRM and a partner `p`; every account is a prospect by default."""
    churn_after_days = settings.pop("churn_after_days", 0)
    crms = settings.pop("crms", {"generic": {"accounts": accounts}})
    active = {"partner_id": "p", "exchange": "list", "is_active": True}
    return World(
        as_of=date(2026, 6, 30),
        crms=crms,
        partner_accounts=[{"partner_id": "p", **row} for row in theirs],
        settings={"partners": [active], **settings},
        churn_after_days=churn_after_days,
    )


def ours(account_id: str, **values: Any) -> dict[str, Any]:
    return {"account_id": account_id, "account_name": f"Name {account_id}", **values}


def sf_opportunity(account_id: str, **values: Any) -> dict[str, Any]:
    return {"id": f"006{account_id}", "account_id": account_id, **values}


def test_ids_get_their_suffix_once():
    assert salesforce_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert salesforce_id("001A0000006Vm9rIAC") == "001A0000006Vm9rIAC"


@pytest.mark.parametrize(
    ("raw", "domain"),
    [
        ("https://www.Acme.com/about?x=1", "acme.com"),
        ("shop.acme.co.uk:443", "acme.co.uk"),
        ("co.uk", None),
        ("localhost", None),
        ("10.0.0.1", None),
        ("www.expressl&t.net", None),
    ],
)
def test_websites_become_registrable_domains(raw, domain):
    assert registrable(raw) == domain


def test_merges_are_followed_to_their_end_and_cycles_end_in_the_least_id():
    merges = [("a", "b"), ("b", "c"), ("x", "z"), ("z", "y"), ("y", "x"), ("w", "y")]
    assert terminal_survivors(merges) == {
        "a": "c",
        "b": "c",
        "w": "x",
        "x": "x",
        "y": "x",
        "z": "x",
    }


def test_roots_stop_at_unknown_parents_and_cycles():
    parents = {"a": "b", "b": "c", "c": "b", "d": "gone", "e": "e", "f": None}
    assert roots(parents) == {
        "a": "b",
        "b": "b",
        "c": "b",
        "d": "d",
        "e": "e",
        "f": "f",
    }


def test_a_company_is_a_connected_group():
    groups = companies([("a", "x"), ("b", "x"), ("b", "y"), ("c", "z")])
    assert len(groups) == 2
    assert ({"a", "b"}, {"x", "y"}) in groups
    assert ({"c"}, {"z"}) in groups


@pytest.mark.parametrize(
    ("account_type", "opportunities", "churn_after_days", "status"),
    [
        (None, [], 0, "prospect"),
        ("Client", [], 0, "customer"),
        (None, [{"is_won": True, "is_closed": True}], 0, "customer"),
        (None, [{"is_won": False, "is_closed": None}], 0, "open_opportunity"),
        (None, [{"is_won": True, "is_closed": None}], 0, "customer"),
        (None, [{"is_closed": True}], 0, "prospect"),
        ("Lost", [{"is_won": True}], 0, "churned"),
        ("Lost", [{"is_won": True}, {"is_closed": False}], 0, "open_opportunity"),
        (None, [{"is_won": True, "close_date": "2026-06-20"}], 10, "customer"),
        (None, [{"is_won": True, "close_date": "2026-06-19"}], 10, "churned"),
        (None, [{"is_won": True, "close_date": None}], 10, "customer"),
        ("Client", [{"is_won": True, "close_date": "2020-01-01"}], 10, "customer"),
    ],
)
def test_status_is_the_best_evidence(account_type, opportunities, churn_after_days, status):
    account_id = "001000000000001AAA"
    answer = solve(
        world(
            [],
            [],
            crms={
                "salesforce": {
                    "account": [{"id": account_id, "name": "A", "type": account_type}],
                    "opportunity": [sf_opportunity("001000000000001", **o) for o in opportunities],
                }
            },
            status_rules=[
                {
                    "source_system": "salesforce",
                    "field": "account_type",
                    "raw_value": raw,
                    "status": means,
                }
                for raw, means in [(" client", "customer"), ("LOST", "churned")]
            ],
            churn_after_days=churn_after_days,
        )
    )
    assert answer.accounts[f"salesforce:{account_id}"]["status"] == status


def test_amounts_are_converted_and_rounded_one_by_one():
    deals = [
        {"id": "1", "companies": '["7", "8"]', "properties_amount": "0.05"},
        {"id": "2", "companies": '["7"]', "properties_amount": "0.05"},
        {"id": "3", "companies": '["7"]', "properties_amount": None},
        {"id": "4", "companies": '["7"]', "properties_amount": "9"},
        {"id": "5", "companies": '["7"]', "properties_amount": "1.10"},
    ]
    for deal, currency in zip(deals, ["EUR", "EUR", "EUR", "XXX", None], strict=True):
        deal["properties_deal_currency_code"] = currency
    answer = solve(
        world(
            [],
            [],
            crms={
                "hubspot": {
                    "companies": [
                        {"id": "7", "properties_name": "A"},
                        {"id": "8", "properties_name": "B"},
                    ],
                    "deals": deals,
                }
            },
            currency_rates=[
                {"currency": "EUR", "rate": "1.1"},
                {"currency": "USD", "rate": "5"},
            ],
        )
    )
    assert answer.accounts["hubspot:7"]["open_amount"] == Decimal("1.22")
    assert answer.accounts["hubspot:8"]["open_amount"] == 0


def test_domain_link_fills_one_cell_and_not_shared_is_never_zero():
    answer = solve(
        world(
            [
                ours("1", website="acme.com", status="customer", open_amount="10"),
                ours("2", website="b.com", status="Prospect"),
            ],
            [
                {"account_id": "x", "account_name": "X", "website": "www.acme.com"},
                {"account_id": "y", "account_name": "Y", "status": "prospect"},
                {"account_id": "z", "status": "prospect"},
            ],
        )
    )
    assert answer.links == {("p", "generic:1", "x"): "same"}
    assert answer.matrix["p", "account", "customer", "not_shared"] == {
        "our_accounts": 1,
        "partner_accounts": 1,
        "companies": 1,
        "open_pipeline_amount": 10,
        "cell_state": "not_shared",
    }
    cell = answer.matrix["p", "parent", "prospect", "not_shared"]
    assert cell["our_accounts"] is None
    assert answer.matrix["p", "parent", "prospect", "prospect"]["our_accounts"] == 0
    row = answer.coverage["p", "account", "all", "all"]
    assert (row["our_accounts"], row["covered_accounts"]) == (2, 1)
    assert (row["partner_accounts"], row["partner_matched"]) == (2, 1)


def test_family_shares_a_website_and_the_name_decides():
    answer = solve(
        world(
            [
                ours("1", website="acme.com"),
                ours("2", website="acme.com", parent_account_id="1"),
                ours("3", website="acme.com", parent_account_id="1"),
                ours("4", website="acme.com", parent_account_id="2"),
            ],
            [{"account_id": "x", "account_name": "NAME 2", "website": "acme.com"}],
        )
    )
    assert {a: r for (_, a, _), r in answer.links.items()} == {
        "generic:1": "parent",
        "generic:2": "same",
        "generic:3": "sibling",
        "generic:4": "subsidiary",
    }
    assert answer.coverage["p", "account", "all", "all"]["covered_accounts"] == 1
    assert answer.coverage["p", "parent", "all", "all"]["covered_accounts"] == 1
    assert answer.coverage["p", "parent", "all", "all"]["our_accounts"] == 1


def test_exclusion_beats_override_and_frees_the_children():
    override = {
        "partner_id": "p",
        "account_id": "1",
        "partner_account_id": "x",
        "decision": "match",
    }
    answer = solve(
        world(
            [
                ours("1", website="acme.com"),
                ours("2", website="b.com", parent_account_id="1"),
            ],
            [{"account_id": "x", "account_name": "X", "website": "b.com"}],
            match_overrides=[override],
            exclusions=[
                {"kind": "domain", "value": "acme.com", "partner_id": "*"},
                {
                    "kind": "domain",
                    "value": "b.com",
                    "partner_id": "*",
                    "reason": "hosting",
                },
            ],
        )
    )
    assert answer.links == {}
    assert answer.accounts["generic:1"]["reasons"] == {"domain"}
    ultimate = answer.accounts["generic:2"]["ultimate_parent_account_id"]
    assert ultimate == "generic:2"
    assert answer.coverage["p", "account", "all", "all"]["our_accounts"] == 1


def test_latest_override_decides_and_a_tie_is_no_match():
    def decided(decision: str, on: str | None) -> dict[str, Any]:
        return {
            "partner_id": "p",
            "account_id": "generic:1",
            "partner_account_id": "x",
            "decision": decision,
            "decided_on": on,
        }

    accounts = [ours("1", website="acme.com")]
    theirs = [{"account_id": "x", "account_name": "X", "website": "acme.com"}]
    for decisions, linked in [
        ([decided("no_match", None), decided("match", "2026-01-01")], True),
        ([decided("no_match", "2026-01-01"), decided("match", "2026-01-01")], False),
        ([decided("no_match", "2026-01-01"), decided("match", "2025-01-01")], False),
    ]:
        answer = solve(world(accounts, theirs, match_overrides=decisions))
        assert bool(answer.links) is linked


def test_what_hangs_on_a_similarity_is_refused():
    with pytest.raises(Undefined):
        solve(
            world(
                [
                    ours("1", website="acme.com"),
                    ours("2", website="acme.com", parent_account_id="1"),
                ],
                [{"account_id": "x", "account_name": "X", "website": "acme.com"}],
            )
        )


def test_unique_accounts_look_at_the_other_active_partners():
    partners = [{"partner_id": p, "is_active": active} for p, active in [("p", "true"), ("q", "true"), ("r", "false")]]
    accounts = [ours(i, website=f"{i}.com") for i in ("a1", "a2", "a3")]
    theirs = [
        {"account_id": "x1", "account_name": "X1", "website": "a1.com"},
        {"account_id": "x2", "account_name": "X2", "website": "a2.com"},
        {
            "partner_id": "q",
            "account_id": "x2",
            "account_name": "X2",
            "website": "a2.com",
        },
        {
            "partner_id": "r",
            "account_id": "x1",
            "account_name": "X1",
            "website": "a1.com",
        },
    ]
    targets = [
        {"list_name": "t", "domain": "https://a1.com"},
        {"list_name": "t", "account_id": "a3"},
        {"list_name": "t", "domain": "nobody.com"},
    ]
    answer = solve(world(accounts, theirs, partners=partners, target_accounts=targets))
    row = answer.coverage["p", "account", "all", "all"]
    assert (row["covered_accounts"], row["unique_accounts"]) == (2, 1)
    row = answer.coverage["p", "account", "prospect", "t"]
    assert row["our_accounts"] == 2
    assert (row["covered_accounts"], row["unique_accounts"]) == (1, 1)
    assert row["unnamed_targets"] == 1
    assert not any(key[0] == "r" for key in answer.coverage)


def test_subsidiary_domain_links_unless_a_person_says_the_same():
    alias = {"domain": "b.com", "canonical_domain": "acme.com"}
    accounts = [ours("1", website="b.com"), ours("2", website="acme.com")]
    theirs = [
        {"account_id": "x", "account_name": "X", "website": "acme.com"},
        {"account_id": "y", "account_name": "Y", "website": "b.com"},
    ]
    subsidiary = [{**alias, "relation": "subsidiary"}]
    answer = solve(world(accounts, theirs, domain_aliases=subsidiary))
    assert answer.links == {
        ("p", "generic:1", "x"): "subsidiary",
        ("p", "generic:1", "y"): "same",
        ("p", "generic:2", "x"): "same",
        ("p", "generic:2", "y"): "parent",
    }
    override = {
        "partner_id": "p",
        "account_id": "1",
        "partner_account_id": "x",
        "decision": "match",
    }
    answer = solve(world(accounts, theirs[:1], domain_aliases=subsidiary, match_overrides=[override]))
    assert answer.links["p", "generic:1", "x"] == "same"


def test_an_alias_is_the_same_domain_everywhere():
    accounts = [ours("1", website="acme.com"), ours("2", website="b.com")]
    theirs = [{"account_id": "x", "account_name": "X", "website": "acme.io"}]
    settings = {
        "domain_aliases": [{"domain": "acme.io", "canonical_domain": "acme.com", "relation": "alias"}],
        "target_accounts": [{"list_name": "t", "domain": "acme.io"}],
    }
    answer = solve(world(accounts, theirs, **settings))
    assert answer.links == {("p", "generic:1", "x"): "same"}
    assert answer.coverage["p", "account", "all", "t"]["our_accounts"] == 1
    exclusion = {"kind": "domain", "value": "acme.io", "partner_id": "*"}
    answer = solve(world(accounts, theirs, exclusions=[exclusion], **settings))
    assert answer.accounts["generic:1"]["is_excluded"]


def test_duplicates_do_not_make_a_domain_ambiguous():
    accounts = [
        ours("1", account_name="Acme", website="acme.com", parent_account_id="3"),
        ours("2", account_name="Acme", website="acme.com"),
        ours("3"),
    ]
    theirs = [{"account_id": "x", "account_name": "X", "website": "acme.com"}]
    answer = solve(world(accounts, theirs))
    assert set(answer.links.values()) == {"same"}
    assert len(answer.links) == 2


def test_mail_makes_a_domain_from_two_contacts_and_half_of_business_mail():
    def links(hosts: list[str]) -> int:
        contacts = [
            {
                "id": str(i),
                "properties_associatedcompanyid": "7",
                "properties_email": f"a{i}@{host}",
            }
            for i, host in enumerate(hosts)
        ]
        hubspot = {
            "companies": [{"id": "7", "properties_name": "A"}],
            "contacts": contacts,
        }
        theirs = [{"account_id": "x", "account_name": "X", "email_domain": "acme.com"}]
        free = {
            "kind": "domain",
            "value": "gmail.com",
            "partner_id": "*",
            "reason": "free_mail",
        }
        return len(solve(world([], theirs, crms={"hubspot": hubspot}, exclusions=[free])).links)

    assert links(["acme.com", "mail.acme.com", "gmail.com", "gmail.com"]) == 1
    assert links(["acme.com", "acme.com", "b.com", "c.com"]) == 1
    assert links(["acme.com", "acme.com", "b.com", "c.com", "d.com"]) == 0
    assert links(["acme.com"]) == 0
