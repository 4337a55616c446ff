"""Small raw tables of CRMs as public bug reports tell of them, each with what the public marts must say.

A case is the raw tables of one CRM, as SQL, and the answer. All are read side by side in one build, each as a CRM of
its own. Salesforce ids that end in `AAH` are right: the suffix of `0015g00000AAA01` is that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One case.

    name: kind and CRM, and the name of the instance that reads it. crm: its kind. tables: SQL by raw table.
    accounts: what the mart holds of each account that there is, by the CRM's id; any other account is wrong.
    issues: data issues as (what follows the name in their source, row key, problem, rows), None where any will do;
    those of KNOWN problems that are not named are wrong. census: what an input's rows are, by its table.
    candidates: var account_mapping__column_candidates, of this instance.
    """

    name: str
    crm: str
    tables: dict[str, str]
    accounts: dict[str, dict[str, Any]]
    issues: list[tuple[str, str | None, str, int | None]] = field(default_factory=list)
    census: dict[str, dict[str, int]] = field(default_factory=dict)
    candidates: dict[str, Any] = field(default_factory=dict)


def alpha(number: int) -> str:
    """A made-up Salesforce account id."""
    return f"0015g00000AAA{number:02d}AAH"


# The problems of which a case names every data issue.
KNOWN = {
    "ambiguous_dates", "ambiguous_stage", "blank_rows", "currency_without_rate", "date_not_readable",
    "flag_not_readable", "footer_rows", "id_not_readable", "opportunity_without_account", "setting_names_nothing",
    "unknown_account", "unknown_parent", "unknown_stage", "unknown_state", "unrecognised_columns", "missing_id",
    "amount_not_a_number", "merge_cycle", "number_not_readable",
}  # fmt: skip

OPEN, WON, NONE = "open_opportunity", "customer", "prospect"

K02_OPPORTUNITIES = """
    select * from (values ('1', 'a', 1, 10.0), ('2', 'b', 2, 20.0))
    v(opportunityid, parentaccountid, statecode, estimatedvalue)
"""
K02_ACCOUNTS = "select * from (values ('a', 'Theta', 'theta-ag.com'), ('b', 'Iota', 'iota-ag.com')) v({})".format(
    "accountid, name, websiteurl"
)
K02_ANSWER = {
    "a": {"name": "Theta", "status": WON, "open_amount": "0.00"},
    "b": {"name": "Iota", "status": NONE, "open_amount": "0.00"},
}
K16_TABLES = {
    "account": """
        select * from (values
            ('0015g00000AAA01', 'Alpha Corp', 'alphacorp.com', 'Ann Lee', null, 'Bavaria', 'Customer'),
            ('0015g00000AAA02', 'Beta Corp', 'betacorp.com', 'Bo Oz', '0015g00000AAA01', 'Bavaria', 'Prospect'))
        v(account_id, account_name, website, account_owner, parent_account_id, billing_state_province, account_type)
    """
}
K16_ANSWER = {
    alpha(1): {"name": "Alpha Corp", "status": WON, "owner": "Ann Lee", "domains": "alphacorp.com"},
    alpha(2): {
        "name": "Beta Corp",
        "status": NONE,
        "owner": "Bo Oz",
        "domains": "betacorp.com",
        "ultimate_parent_account_id": alpha(1),
    },
}
K17_TABLES = {
    "companies": """
        select
            123 as "companyId",
            {'value': 'Acme', 'timestamp': '2026-01-01', 'source': 'CRM_UI'} as property_name,
            {'value': 'acme.com'} as property_domain
    """
}
K17_ANSWER = {"123": {"name": "Acme", "domains": "acme.com", "status": NONE}}

CASES = [
    Case(
        "k01_sf",
        "salesforce",
        {
            "account": """
                select * from (values
                    ('0015g00000AAA01AAH', 'Alpha Tools', 'alphatools.com'),
                    ('0015g00000AAA02AAH', 'Beta Tools', 'betatools.com'))
                v("Id", "Name", "Website")
            """,
            "opportunity": """
                select * from (values
                    ('0065g00000AAA01AAH', '0015g00000AAA01AAH', 'Proposal', 5000.0, false, false,
                        '2026-01-01T00:00:00.000+0000'),
                    ('0065g00000AAA01AAH', '0015g00000AAA01AAH', 'Closed Won', 5000.0, true, true,
                        '2026-03-01T00:00:00.000+0000'),
                    ('0065g00000AAA02AAH', '0015g00000AAA02AAH', 'Proposal', 1000.0, false, false,
                        '2026-01-01T00:00:00.000+0000'),
                    ('0065g00000AAA02AAH', '0015g00000AAA02AAH', 'Proposal', 1000.0, false, false,
                        '2026-01-01T00:00:00.000+0000'))
                v("Id", "AccountId", "StageName", "Amount", "IsClosed", "IsWon", "SystemModstamp")
            """,
        },
        {
            alpha(1): {"name": "Alpha Tools", "status": WON, "open_amount": "0.00"},
            alpha(2): {"name": "Beta Tools", "status": OPEN, "open_amount": "1000.00"},
        },
        census={"account": {"used": 2}, "opportunity": {"used": 2, "older": 2}},
    ),
    Case(
        "k02_dy",
        "dynamics_365",
        {
            "account": K02_ACCOUNTS,
            "opportunity": K02_OPPORTUNITIES,
            "stringmap": """
                select * from (values
                    ('opportunity', 'statecode', 0, 'Offen', 1031),
                    ('opportunity', 'statecode', 1, 'Gewonnen', 1031),
                    ('opportunity', 'statecode', 2, 'Verloren', 1031))
                v(objecttypecode, attributename, attributevalue, value, langid)
            """,
        },
        K02_ANSWER,
        census={"opportunity": {"used": 2}, "stringmap": {"used": 3}},
    ),
    Case(
        "k02_dy_without_labels",
        "dynamics_365",
        {"account": K02_ACCOUNTS, "opportunity": K02_OPPORTUNITIES},
        K02_ANSWER,
        census={"opportunity": {"used": 2}},
    ),
    Case(
        "k03_dy",
        "dynamics_365",
        {
            "account": "select 'b' as accountid, 'Iota' as name, 'iotaco.com' as websiteurl",
            "opportunity": """
                select * from (values ('1', 'b', 0, 10.0, 12.0, 'eur-guid'), ('2', 'b', 0, 30.0, 30.0, 'usd-guid'))
                v(opportunityid, parentaccountid, statecode, estimatedvalue, estimatedvalue_base, transactioncurrencyid)
            """,
            "transactioncurrency": """
                select * from (values ('usd-guid', 'USD'), ('eur-guid', 'EUR'))
                v(transactioncurrencyid, isocurrencycode)
            """,
            "stringmap": """
                select * from (values
                    ('opportunity', 'statecode', 0, 'Open', 1033),
                    ('opportunity', 'statecode', 1, 'Won', 1033),
                    ('opportunity', 'statecode', 2, 'Lost', 1033))
                v(objecttypecode, attributename, attributevalue, value, langid)
            """,
        },
        {"b": {"name": "Iota", "status": OPEN, "open_amount": "30.00"}},
        issues=[(" opportunities", "1", "currency_without_rate", 1)],
        census={"opportunity": {"used": 2}, "transactioncurrency": {"used": 2}},
    ),
    Case(
        "k04_dy",
        "dynamics_365",
        {
            "account": """
                select * from (values ('c', 'Kappa', 'kappa-ag.com', false), ('d', 'Lambda', 'lambda-ag.com', true))
                v(accountid, name, websiteurl, "IsDelete")
            """
        },
        {"c": {"name": "Kappa", "status": NONE, "domains": "kappa-ag.com"}},
        census={"account": {"used": 1, "deleted": 1}},
    ),
    Case(
        "k04_pd",
        "pipedrive",
        {
            "organizations": """
                select * from (values (1, 'Zeta', false), (2, 'Zeta Gone', true)) v(id, name, __hevo__marked_deleted)
            """,
            "deals": """
                select * from (values (1, 1, 'open', 10.0, 'USD', false), (2, 1, 'open', 20.0, 'USD', true))
                v(id, org_id, status, value, currency, __hevo__marked_deleted)
            """,
        },
        {"1": {"name": "Zeta", "status": OPEN, "open_amount": "10.00"}},
        census={"organizations": {"used": 1, "deleted": 1}, "deals": {"used": 1, "deleted": 1}},
    ),
    Case(
        "k04_sf",
        "salesforce",
        {
            "account": """
                select * from (values
                    ('0015g00000AAA01AAH', 'Alpha', 'alphaco.com', null),
                    ('0015g00000AAA02AAH', 'Alpha Gone', 'alphagone.com', '2026-01-05T00:00:00Z'))
                v(id, name, website, _sdc_deleted_at)
            """,
            "opportunity": """
                select * from (values
                    ('0065g00000AAA01AAH', '0015g00000AAA01AAH', 10.0, false, null),
                    ('0065g00000AAA02AAH', '0015g00000AAA01AAH', 20.0, false, '2026-01-05T00:00:00Z'))
                v(id, accountid, amount, isclosed, _sdc_deleted_at)
            """,
        },
        {alpha(1): {"name": "Alpha", "status": OPEN, "open_amount": "10.00"}},
        census={"account": {"used": 1, "deleted": 1}, "opportunity": {"used": 1, "deleted": 1}},
    ),
    Case(
        "k05_sf",
        "salesforce",
        {
            "account": """
                select * from (values
                    ('0015g00000AAA01AAH', 'Alpha', 'alphaco.com', null, false, null, null),
                    ('0015g00000AAA02AAH', 'Alpha Child', 'alphachild.com', null, null, '0015g00000AAA01AAH', null),
                    ('0015g00000AAA03AAH', 'Alpha Gone', 'alphagone.com', null, null, null, true))
                v(id, name, website, parent_id, is_deleted, "ParentId", "IsDeleted")
            """
        },
        {
            alpha(1): {"name": "Alpha", "ultimate_parent_account_id": alpha(1)},
            alpha(2): {"name": "Alpha Child", "ultimate_parent_account_id": alpha(1)},
        },
        census={"account": {"used": 2, "deleted": 1}},
    ),
    Case(
        "k06_hs",
        "hubspot",
        {
            "company": "select 1 as id, 'Beta' as property_name, 'betaco.com' as property_domain",
            "deal": """
                select * from (values (1, 'p_sales', '5', 100.0))
                v(deal_id, deal_pipeline_id, deal_pipeline_stage_id, property_amount)
            """,
            "deal_company": "select 1 as deal_id, 1 as company_id",
            "deal_pipeline_stage": """
                select * from (values
                    ('5', 'p_renew', 'Renewed', '1.0', true, true),
                    ('5', 'p_sales', 'Qualified', '0.2', false, false))
                v(stage_id, pipeline_id, label, probability, is_closed, closed_won)
            """,
        },
        {"1": {"name": "Beta", "status": OPEN, "open_amount": "100.00"}},
        census={"deal": {"used": 1}, "deal_company": {"used": 1}, "deal_pipeline_stage": {"used": 2}},
    ),
    Case(
        "k07_hs",
        "hubspot",
        {
            "companies": "select '501' as id, 'Gamma Works' as properties_name, 'gammaworks.com' as properties_domain",
            "deals": """
                select * from (values
                    ('11', '["501"]', '300', 'false', 'false', null),
                    ('12', '["501","501"]', '300', 'false', 'false', '11'))
                v(id, companies, properties_amount, properties_hs_is_closed, properties_hs_is_closed_won,
                    properties_hs_merged_object_ids)
            """,
        },
        {"501": {"name": "Gamma Works", "status": OPEN, "open_amount": "300.00"}},
        census={"deal": {"used": 1, "merged": 1}},
    ),
    Case(
        "k08_hs",
        "hubspot",
        {
            "company": """
                select * from (values (3, 'Gamma', 'gammaco.com'), (4, 'Delta', 'deltaco.com'))
                v(id, property_name, property_domain)
            """,
            "deal": """
                select * from (values (3, 300.0, null), (8, 800.0, '[
                    {"toObjectId": 3, "associationTypes": [
                        {"category": "HUBSPOT_DEFINED", "typeId": 341, "label": null}]},
                    {"toObjectId": 4, "associationTypes": [
                        {"category": "HUBSPOT_DEFINED", "typeId": 341, "label": null},
                        {"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"}]}]'))
                v(deal_id, property_amount, companies)
            """,
            "deal_company": """
                select * from (values (3, 3, 'USER_DEFINED', 5), (3, 4, 'HUBSPOT_DEFINED', 341),
                    (3, 4, 'HUBSPOT_DEFINED', 5))
                v(deal_id, company_id, category, type_id)
            """,
        },
        {
            "3": {"name": "Gamma", "status": NONE, "open_amount": "0.00"},
            "4": {"name": "Delta", "status": OPEN, "open_amount": "1100.00"},
        },
        census={"deal": {"used": 2}},
    ),
    Case(
        "k09_hs",
        "hubspot",
        {
            "companies": """
                select
                    id,
                    'Comp ' || id as properties_name,
                    'comp' || id || '.com' as properties_domain,
                    a as archived,
                    case when a then '2026-02-01T00:00:00Z' end as "archivedAt",
                    '2026-01-01T00:00:00Z' as "updatedAt",
                    case when a then '2026-02-02'::timestamp else '2026-01-02'::timestamp end as _airbyte_extracted_at
                from (values ('1'), ('2'), ('3'), ('4'), ('5'), ('6')) v(id)
                cross join (values (false), (true)) w(a)
            """
        },
        {},
        census={"company": {"used": 0, "older": 6, "deleted": 6}},
    ),
    Case(
        "k10_dy",
        "dynamics_365",
        {
            "account": "select 'c' as accountid, 'Kappa' as name, 'kappaco.com' as websiteurl",
            "opportunity": """
                select '2' as opportunityid, null::varchar as parentaccountid, 'c' as customerid, 0 as statecode,
                    30.0 as estimatedvalue
            """,
            "stringmap": """
                select 'opportunity' as objecttypecode, 'statecode' as attributename, 0 as attributevalue,
                    'Open' as value, 1033 as langid
            """,
        },
        {"c": {"name": "Kappa", "status": OPEN, "open_amount": "30.00"}},
        census={"opportunity": {"used": 1}},
    ),
    Case(
        "k10_hs",
        "hubspot",
        {
            "companies": "select * from (values ('201', 'Beta', 'betaco.com')) v(id, name, domain)",
            "deals": """
                select * from (values
                    ('1', '[{"value":"1","companies_id":"201"}]', '100', 'false', 'false'),
                    ('2', null, '901', 'false', 'false'))
                v(id, companies, amount, hs_is_closed, hs_is_closed_won)
            """,
        },
        {"201": {"name": "Beta", "status": OPEN, "open_amount": "100.00"}},
        issues=[(".deal", "(all)", "opportunity_without_account", 1)],
        census={"deal": {"used": 1, "rejected": 1}},
    ),
    Case(
        "k11_sf",
        "salesforce",
        {
            "account": "select '0015g00000AAA01' as id, 'Alpha' as name, 'alphaco.com' as website",
            "opportunity": """
                select * from (values
                    ('0065g00000AAA01', '0015g00000AAA01', 10.0, 'Proposal'),
                    ('0065g00000AAA02', '0015g00000AAA01', 20.0, 'Proposal'))
                v(id, account_c, amount, stage_name)
            """,
        },
        {alpha(1): {"name": "Alpha", "status": NONE, "open_amount": "0.00"}},
        issues=[
            (".opportunity", None, "unrecognised_columns", None),
            (".opportunity", "(all)", "opportunity_without_account", 2),
        ],
        census={"opportunity": {"used": 0, "rejected": 2}},
    ),
    Case(
        "k12_dy",
        "dynamics_365",
        {
            "account": "select 'x' as accountid, 'x' as name where false",
            "accounts": "select 'AAA0-1' as accountid, 'Theta' as name, 'thetaco.com' as websiteurl",
        },
        {"AAA0-1": {"name": "Theta", "domains": "thetaco.com"}},
        census={"account": {"used": 1}},
    ),
    Case(
        "k13_pd",
        "pipedrive",
        {
            "organizations": """
                select * from (values
                    (1, 'Zeta Org', 7,
                        {'value': 'Storgatan 1, Malmo', 'country': 'Sweden', 'admin_area_level_1': 'Skane',
                            'locality': 'Malmo', 'postal_code': '21120'},
                        '{"4ee3c3cb78e3518ef42bac3fb2a191d94805d5e8":"https://zetaorg.com"}', false))
                v(id, name, owner_id, address, custom_fields, is_deleted)
            """,
            "deals": """
                select * from (values (1, 1, 'open', 100.0, 'USD', false), (2, 1, 'open', 200.0, 'USD', true))
                v(id, org_id, status, value, currency, is_archived)
            """,
        },
        {
            "1": {
                "name": "Zeta Org",
                "status": OPEN,
                "open_amount": "100.00",
                "domains": "zetaorg.com",
                "country_code": "SE",
            }
        },
        census={"organizations": {"used": 1}, "deals": {"used": 2}},
        candidates={
            "organizations": {
                "website": ["custom_fields.4ee3c3cb78e3518ef42bac3fb2a191d94805d5e8"],
                "segment": ["custom_fields.nowhere"],
            }
        },
    ),
    Case(
        "k14_ge",
        "generic",
        {
            "accounts": """
                select * from (values
                    ('g1', 'Del decimal', 'd1.com', '1.00', '31/12/2025'),
                    ('g2', 'Del on', 'd2.com', 'on', 'Jan 31, 2026'),
                    ('g3', 'Del X', 'd3.com', 'X', '05/06/2024'))
                v(account_id, account_name, website, is_deleted, customer_since)
            """
        },
        {},
        census={"accounts": {"used": 0, "deleted": 3}},
    ),
    Case(
        "k14_numbers_ge",
        "generic",
        {
            "accounts": """
                select * from (values
                    ('g1', 'Rho Works', 'rhoworks.com', 'ask sales', '12'),
                    ('g2', 'Tau Works', 'tauworks.com', '1.250,50', 'a dozen'))
                v(account_id, account_name, website, annual_revenue, employee_count)
            """
        },
        {"g1": {"name": "Rho Works"}, "g2": {"name": "Tau Works"}},
        issues=[
            (".accounts", "annual_revenue", "number_not_readable", 1),
            (".accounts", "employee_count", "number_not_readable", 1),
        ],
        census={"accounts": {"used": 2}},
    ),
    Case(
        "k15_sf",
        "salesforce",
        {
            "account": """
                select '0015g00000AAA01AAH' as id, 'Alpha' as name, 'alphaco.com' as website, 'gold' as tier__c
            """
        },
        {alpha(1): {"name": "Alpha", "domains": "alphaco.com"}},
        candidates={"accounts": {"segment": ["tier__c"]}, "account": {"industry": ["Tier_c"]}},
    ),
    Case("k16_sf", "salesforce", K16_TABLES, K16_ANSWER, census={"account": {"used": 2}}),
    Case(
        "k16_sf_with_candidates",
        "salesforce",
        K16_TABLES,
        K16_ANSWER,
        census={"account": {"used": 2}},
        candidates={"account": {"source_account_id": ["account_id"]}},
    ),
    Case("k17_hs", "hubspot", K17_TABLES, K17_ANSWER, census={"company": {"used": 1}}),
    Case(
        "k17_hs_with_candidates",
        "hubspot",
        K17_TABLES,
        K17_ANSWER,
        census={"company": {"used": 1}},
        candidates={"company": {"source_account_id": ["companyId"]}},
    ),
    Case(
        "k17_hs_as_the_interface_gives_it",
        "hubspot",
        {
            "companies": """
                select '7' as id, '{"name": "Eta Works", "domain": "etaworks.com"}' as properties,
                    '2026-01-01T00:00:00Z' as "updatedAt", false as archived
            """,
            "deals": """
                select '1' as id, {'amount': '70', 'hs_is_closed': 'false', 'hs_is_closed_won': 'false'} as properties,
                    '{"companies": {"results": [{"id": "7", "type": "deal_to_company"}]}}' as associations
            """,
        },
        {"7": {"name": "Eta Works", "domains": "etaworks.com", "status": "open_opportunity", "open_amount": "70.00"}},
        census={"company": {"used": 1}, "deal": {"used": 1}},
    ),
    Case(
        "airbyte_hs",
        "hubspot",
        {
            "companies": """
                select '1' as id, 'Mu Tools' as properties_name, 'mutools.com' as properties_domain, '9' as
                    properties_hubspot_owner_id
                union all select '2', 'Nu Tools', 'nutools.com', '8'
            """,
            "owners": "select '8' as id, 'nu@ours.example' as email, 'Nu' as \"firstName\", 'Day' as \"lastName\"",
            "owners_archived": """
                select '9' as id, 'mu@ours.example' as email, 'Mu' as "firstName", 'Gone' as "lastName",
                    true as archived
            """,
            "deal_pipelines": """
                select 'p' as id, 'Sales' as label, '[{"id": "a", "label": "Talks", "metadata": {"isClosed": "false",
                    "probability": "0.2"}}, {"id": "z", "label": "Signed", "metadata": {"isClosed": "true",
                    "probability": "1.0"}}]' as stages
            """,
            "deals": """
                select * from (values ('1', '["1"]', 'p', 'z', '10'), ('2', '["2"]', 'p', 'a', '20'))
                v(id, companies, properties_pipeline, properties_dealstage, properties_amount)
            """,
        },
        {
            "1": {"status": WON, "open_amount": "0.00", "owner": "Mu Gone"},
            "2": {"status": OPEN, "open_amount": "20.00", "owner": "Nu Day"},
        },
        census={
            "owner": {"used": 1},
            "owner_archived": {"used": 1},
            "deal_pipeline": {"used": 1},
            "deal": {"used": 2},
        },
    ),
    Case(
        "base_currency_dy",
        "dynamics_365",
        {
            "account": "select 'b' as accountid, 'Iota' as name, 'iotaco.com' as websiteurl",
            "opportunity": """
                select '1' as opportunityid, 'b' as parentaccountid, 0 as statecode, 10.0 as estimatedvalue,
                    12.0 as estimatedvalue_base, 'eur-guid' as transactioncurrencyid
            """,
            "transactioncurrency": """
                select * from (values ('usd-guid', 'USD', 1.0), ('eur-guid', 'EUR', 0.83))
                v(transactioncurrencyid, isocurrencycode, exchangerate)
            """,
        },
        {"b": {"status": OPEN, "open_amount": "12.00"}},
        census={"transactioncurrency": {"used": 2}},
    ),
    Case(
        "persons_sf",
        "salesforce",
        {
            "account": """
                select * from (values ('0015g00000AAA01AAH', 'Alpha', 'alphaco.com', false),
                    ('0015g00000AAA02AAH', 'Ann Lee', null, true))
                v("Id", "Name", "Website", "IsPersonAccount")
            """,
        },
        {
            alpha(1): {"name": "Alpha", "is_excluded": "False"},
            alpha(2): {"name": "Ann Lee", "is_excluded": "True", "exclusion_reason": "person_account"},
        },
        census={"account": {"used": 1, "excluded": 1}},
    ),
    Case(
        "k18_sf",
        "salesforce",
        {
            "account": """
                select * from (values
                    ('0015g00000AAA01', 'Alpha Corp', 'alphacorp.com'),
                    (null, null, null),
                    ('Confidential Information - Do Not Distribute', null, null),
                    ('Generated By:  Ann Lee  01/12/2026 10:15', null, null),
                    ('Our Company', null, null))
                v("Account ID", "Account Name", "Website")
            """
        },
        {alpha(1): {"name": "Alpha Corp", "domains": "alphacorp.com"}},
        issues=[
            (".account", "(all)", "footer_rows", 3),
            (".account", "(all)", "blank_rows", 1),
        ],
        census={"account": {"used": 1, "rejected": 4}},
    ),
    Case(
        "k19_dy",
        "dynamics_365",
        {
            "account": """
                select * from (values
                    ('A0000000-0000-4000-8000-00000000000A', 'Theta AG', 'theta-ag.com', null),
                    ('b0000000-0000-4000-8000-00000000000b', 'Iota AG', 'iota-ag.com',
                        'a0000000-0000-4000-8000-00000000000a'))
                v(accountid, name, websiteurl, _parentaccountid_value)
            """,
            "opportunity": """
                select '1' as opportunityid, 'a0000000-0000-4000-8000-00000000000a' as _parentaccountid_value,
                    'Open' as statecode, 10.0 as estimatedvalue
            """,
        },
        {
            "a0000000-0000-4000-8000-00000000000a": {"name": "Theta AG", "status": OPEN, "open_amount": "10.00"},
            "b0000000-0000-4000-8000-00000000000b": {
                "name": "Iota AG",
                "ultimate_parent_account_id": "a0000000-0000-4000-8000-00000000000a",
            },
        },
        census={"account": {"used": 2}, "opportunity": {"used": 1}},
    ),
    Case(
        "k20_hs",
        "hubspot",
        {
            "companies": """
                select * from (values ('201', 'Beta', 'betaco.com'), ('446642248919', 'Gamma', 'gammaco.com'))
                v(id, name, domain)
            """,
            "deals": """
                select * from (values ('3', '[''201'']', '300'), ('2', '["4.46642248919e+11"]', '200'))
                v(id, companies, amount)
            """,
        },
        {
            "201": {"name": "Beta", "status": OPEN, "open_amount": "300.00"},
            "446642248919": {"name": "Gamma", "status": OPEN, "open_amount": "200.00"},
        },
        census={"deal": {"used": 2}},
    ),
    Case(
        "k21_sf",
        "salesforce",
        {
            "account": """
                select '0015g00000AAA01AAH' as "\ufeffAccount ID", 'Alpha' as "Account Name", 'alphaco.com' as "Website"
            """
        },
        {alpha(1): {"name": "Alpha", "domains": "alphaco.com"}},
        census={"account": {"used": 1}},
    ),
    Case(
        "k22_sf",
        "salesforce",
        {
            "account": """
                select * from (values
                    ('0015g00000AAA01AAH', 'Alpha', 'alphaco.com'),
                    ('0015g00000AAA02AAH', 'Beta', 'betaco.com'),
                    ('0015g00000AAA03AAH', 'Gamma', 'gammaco.com'))
                v("Account ID", "Account Name", "Website")
            """,
            "opportunity": """
                select * from (values
                    ('0065g00000AAA01AAH', '0015g00000AAA01AAH', 'Closed Won - Expansion', '100.00'),
                    ('0065g00000AAA02AAH', '0015g00000AAA02AAH', '5 - Closed Lost', '200.00'),
                    ('0065g00000AAA03AAH', '0015g00000AAA03AAH', '3 - Proposal', '300.00'))
                v("Opportunity ID", "Account ID", "Stage", "Amount (converted)")
            """,
        },
        {
            alpha(1): {"name": "Alpha", "status": WON, "open_amount": "0.00"},
            alpha(2): {"name": "Beta", "status": NONE, "open_amount": "0.00"},
            alpha(3): {"name": "Gamma", "status": OPEN, "open_amount": "300.00"},
        },
        census={"opportunity": {"used": 3}},
    ),
]
