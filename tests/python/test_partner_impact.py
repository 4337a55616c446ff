"""The impact of partners and the pairs of owners, against a computation in plain Python.

Made accounts are linked by domains of their own, so that which account is whose customer is known beforehand; deals
are random, dirt included. Rates are compared with scipy's Wilson interval and Newcombe's formula in fractions, means
with scipy's t tests.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa
import pytest
from harness import Project, opened
from scipy import stats

RATES = {"EUR": Decimal("1.1"), "SEK": Decimal("0.095")}
AS_OF = date(2026, 11, 15)
STATUSES = ("customer", "prospect", "churned", None)
# partner: how many accounts it knows, and the statuses that it gives
PARTNERS = {
    "alpha": (60, STATUSES),
    "beta": (40, ("customer", "prospect")),
    "gamma": (30, ("prospect", "churned")),
    "silent": (30, (None,)),
    "gone": (50, ("customer",)),
}
OWN_EXCLUSIONS = {"beta": range(0, 8)}
EXCLUDED = range(100, 104)
ACCOUNTS = 120
OUR_OWNERS = [("Ann Lee", "Ann@ours.example"), ("Ann Lee", "ann.lee@ours.example"), ("Bo", None), (None, None)]
THEIR_OWNERS = [("Cy", "cy@them.example"), ("Di", None), (None, "el@them.example"), (None, None)]


@dataclass(frozen=True)
class Deal:
    """One opportunity; amount in the reporting currency, None where it is unknown."""

    account: int
    outcome: str
    amount: Decimal | None
    days: int | None


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def make_deals(rng: random.Random, number: int) -> tuple[list[dict[str, Any]], list[Deal]]:
    """Raw Salesforce rows, and what of them counts."""
    rows, deals = [], []
    for index in range(number):
        account = rng.randrange(ACCOUNTS)
        outcome = rng.choice(["won", "won", "lost", "open"])
        raw = None if rng.random() < 0.1 else cents(Decimal(rng.lognormvariate(9, 1)))
        if rng.random() < 0.02:
            raw = Decimal(10) ** 17
        currency = rng.choice(["USD", "EUR", "SEK", None, "XXX"])
        closed = AS_OF - timedelta(days=rng.randrange(400))
        created = closed - timedelta(days=rng.randrange(-20, 200))
        is_deleted = rng.random() < 0.05
        rows.append(
            {
                "id": f"006{index:012d}",
                "account_id": f"001{account:012d}",
                "amount": None if raw is None else str(raw),
                "currency_iso_code": currency,
                "is_closed": outcome != "open",
                "is_won": outcome == "won",
                "created_date": None if rng.random() < 0.05 else f"{created}T10:00:00Z",
                "close_date": str(closed),
                "is_deleted": is_deleted,
            }
        )
        rate = Decimal(1) if currency in ("USD", None) else RATES.get(currency)
        amount = None if raw is None or rate is None else cents(raw * rate)
        known = rows[-1]["created_date"] is not None and created <= closed
        if not is_deleted:
            deals.append(Deal(account, outcome, amount, (closed - created).days if known else None))
    return rows, deals


@dataclass(frozen=True)
class Made:
    """A built project and what is true of it."""

    project: Project
    deals: list[Deal]
    best: dict[str, dict[int, str | None]]
    owners: dict[int, tuple[str | None, str | None]]
    links: dict[str, dict[int, list[tuple[str | None, tuple[str | None, str | None]]]]]


def written(project: Project, name: str, rows: list[dict[str, Any]]) -> None:
    """Write raw rows; text and booleans, so that columns that happen to be null keep a type."""
    columns = dict.fromkeys(key for row in rows for key in row)
    project.write_table(
        name,
        pa.table(
            {
                column: pa.array(
                    [row.get(column) for row in rows],
                    pa.bool_() if any(isinstance(row.get(column), bool) for row in rows) else pa.string(),
                )
                for column in columns
            }
        ),
    )


@pytest.fixture(scope="module", params=[1, 2])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    rng = random.Random(request.param)
    project = Project(
        tmp_path_factory.mktemp("impact"),
        variables={
            "account_mapping__crms": ["salesforce"],
            "account_mapping__as_of": str(AS_OF),
            # as far back as any deal was closed
            "account_mapping__recent_deal_days": 400,
        },
    )
    opportunities, deals = make_deals(rng, 1200)
    words = ["".join(rng.choices("bdfgklmnprstvz", k=9)) for _ in range(ACCOUNTS)]
    owners = {account: rng.choice(OUR_OWNERS) for account in range(ACCOUNTS)}
    people = [owner for owner in OUR_OWNERS if owner[0]]
    written(
        project,
        "salesforce.account",
        [
            {
                "id": f"001{account:012d}",
                "name": words[account],
                "website": f"{words[account]}.com",
                "is_deleted": False,
                "owner_id": None if owners[account][0] is None else f"005{people.index(owners[account]):012d}",
            }
            for account in range(ACCOUNTS)
        ],
    )
    written(project, "salesforce.opportunity", opportunities)
    users = [{"id": f"005{index:012d}", "name": name, "email": email} for index, (name, email) in enumerate(people)]
    written(project, "salesforce.user", users)

    listed, best, links = [], {}, {}
    for partner, (size, statuses) in PARTNERS.items():
        best[partner], links[partner] = {}, defaultdict(list)
        for account in rng.sample(range(ACCOUNTS), size):
            # some companies twice in a list
            for copy in range(1 + (rng.random() < 0.2)):
                status, owner = rng.choice(statuses), rng.choice(THEIR_OWNERS)
                listed.append(
                    {
                        "partner_id": partner,
                        "account_id": f"{account}-{copy}",
                        "account_name": words[account],
                        "website": f"{words[account]}.com",
                        "status": status,
                        "owner_name": owner[0],
                        "owner_email": owner[1],
                    }
                )
                links[partner][account].append((status, owner))
    written(project, "partners.partner_accounts", listed)
    project.write_seed(
        "account_mapping__partners",
        [
            {"partner_id": p, "partner_name": p, "exchange": "list", "is_active": str(p != "gone").lower()}
            for p in PARTNERS
        ],
    )
    project.write_seed(
        "account_mapping__exclusions",
        [
            {
                "kind": "account_id",
                "value": salesforce_id(account),
                "partner_id": partner,
                "reason": "x",
            }
            for partner, accounts in {"*": EXCLUDED, **OWN_EXCLUSIONS}.items()
            for account in accounts
        ],
    )
    project.write_seed(
        "account_mapping__currency_rates", [{"currency": c, "rate": str(rate)} for c, rate in RATES.items()]
    )
    models = [f"+account_mapping__{mart}" for mart in ("partner_impact", "owner_pairs", "partner_coverage", "deals")]
    project.make(*models)
    project.check(*models, options=("--indirect-selection", "cautious"))
    order = ("customer", "open_opportunity", "churned", "prospect", None)
    for partner, accounts in links.items():
        best[partner] = {a: min((status for status, _ in rows), key=order.index) for a, rows in accounts.items()}
    return Made(project, deals, best, owners, links)


def salesforce_id(account: int) -> str:
    """The account's id in settings; of an id without upper-case letters the 18-character form ends with AAA."""
    return f"salesforce:001{account:012d}AAA"


def standing(made: Made, partner: str, account: int) -> str | None:
    """`customer`, `other`, `unknown`, or None for an account that does not count."""
    if account in EXCLUDED or account in OWN_EXCLUSIONS.get(partner, ()):
        return None
    if partner == "all":
        found = {standing(made, p, account) for p in ("alpha", "beta", "gamma")}
        return next(word for word in ("customer", "unknown", "other") if word in found | {"other"})
    if partner == "silent":
        return "unknown"
    if account not in made.best[partner]:
        return "other"
    status = made.best[partner][account]
    return {"customer": "customer", None: "unknown"}.get(status, "other")


def newcombe(won: int, of: int, won_other: int, of_other: int) -> tuple[float, float, float]:
    """Difference of two rates with limits, by method 10 of Newcombe (1998)."""
    p, q = won / of, won_other / of_other
    low, high = stats.binomtest(won, of).proportion_ci(method="wilson")
    other_low, other_high = stats.binomtest(won_other, of_other).proportion_ci(method="wilson")
    down = ((p - low) ** 2 + (other_high - q) ** 2) ** 0.5
    up = ((high - p) ** 2 + (q - other_low) ** 2) ** 0.5
    return p - q, p - q - down, p - q + up


def expected(made: Made, partner: str, measure: str) -> dict[str, Any]:
    """A row of the mart, as floats and integers."""
    sides: dict[str, list[float]] = {"customer": [], "other": [], "unknown": []}
    for deal in made.deals:
        side = standing(made, partner, deal.account)
        if side is None:
            continue
        won = deal.outcome == "won"
        if measure == "win_rate" and deal.outcome != "open":
            sides[side].append(float(won))
        elif measure == "deal_size" and won and deal.amount is not None and abs(deal.amount) < 10**15:
            sides[side].append(float(deal.amount))
        elif measure == "days_to_close" and won and deal.days is not None:
            sides[side].append(float(deal.days))
        elif (measure == "influenced_revenue" and won) or (measure == "potential_revenue" and deal.outcome == "open"):
            sides[side].append(float(deal.amount or 0))
    customer, other = sides["customer"], sides["other"]
    row: dict[str, Any] = {"unknown_deals": len(sides["unknown"]), "state": "measured"}
    if partner == "silent":
        return row | {"state": "not_shared", "customer_deals": None, "other_deals": None}
    row |= {"customer_deals": len(customer), "other_deals": len(other)}
    if measure.endswith("_revenue"):
        return row | {"customer_value": sum(customer), "other_value": sum(other)}
    if min(len(customer), len(other)) < 10:
        return row | {"state": "too_few"}
    for side, values in {"customer": customer, "other": other}.items():
        row[f"{side}_value"] = sum(values) / len(values)
        if measure == "win_rate":
            limits = stats.binomtest(int(sum(values)), len(values)).proportion_ci(method="wilson")
        else:
            limits = stats.ttest_1samp(values, 0).confidence_interval()
        row[f"{side}_low"], row[f"{side}_high"] = limits
    if measure == "win_rate":
        difference = newcombe(int(sum(customer)), len(customer), int(sum(other)), len(other))
    else:
        welch = stats.ttest_ind(customer, other, equal_var=False)
        difference = (row["customer_value"] - row["other_value"], *welch.confidence_interval())
    return row | dict(zip(("difference", "difference_low", "difference_high"), difference, strict=True))


def test_impact_is_what_plain_python_says(made: Made) -> None:
    found = {
        (row["partner_id"], row["measure"]): row
        for row in made.project.query("select * from account_mapping__partner_impact")
    }
    measures = ("win_rate", "deal_size", "days_to_close", "influenced_revenue", "potential_revenue")
    partners = ("alpha", "beta", "gamma", "silent", "all")
    assert found.keys() == {(partner, measure) for partner in partners for measure in measures}
    states = Counter(row["state"] for row in found.values())
    assert states["measured"] >= 10 and states["too_few"] == 3 and states["not_shared"] == 5, states
    for (partner, measure), row in found.items():
        wanted = expected(made, partner, measure)
        for column, value in row.items():
            if column in ("partner_id", "partner_name", "partner_type", "tier", "measure", "unit"):
                continue
            if column.endswith(("_value", "_low", "_high")) or column == "difference":
                value = None if value is None else float(value)
                # the t quantile is within .00002, relative to a width of at most the value's size
                wanted_value = wanted.get(column)
                if wanted_value is not None:
                    wanted_value = pytest.approx(wanted_value, rel=2e-5, abs=1e-4)
                assert value == wanted_value, (partner, measure, column)
            else:
                assert value == wanted.get(column), (partner, measure, column)


def test_potential_revenue_is_the_pipeline_of_the_matrix(made: Made) -> None:
    rows = made.project.query(
        "with cells as ("
        "select partner_id, sum(open_pipeline_amount) as amount from int_account_mapping__overlap_matrix "
        "where rollup = 'account' and partner_status = 'customer' group by partner_id) "
        "select customer_value, amount from account_mapping__partner_impact inner join cells using (partner_id) "
        "where measure = 'potential_revenue'"
    )
    assert len(rows) == 2
    assert all(row["customer_value"] == row["amount"] > 0 for row in rows)


def test_impact_adds_up_the_deals_that_are_told_one_by_one(made: Made) -> None:
    """By partner and over all of them, where a deal that several partners know counts once."""
    measures = {
        "win_rate": "deal_state <> 'open'",
        "influenced_revenue": "deal_state = 'won'",
        "potential_revenue": "deal_state = 'open'",
    }
    for measure, condition in measures.items():
        told = made.project.query(
            "with deals as (select distinct on (deal_id, partner) deal_id, partner, amount "
            "from (select *, unnest([partner_id, 'all']) as partner from account_mapping__deals) "
            f"where partner_status = 'customer' and relationship = 'same' and {condition}) "
            "select partner, count(*) as deals, sum(coalesce(amount, 0)) as amount from deals group by partner"
        )
        impact = made.project.query(
            "select partner_id, customer_deals, customer_value, unit from account_mapping__partner_impact "
            f"where measure = '{measure}' and customer_deals > 0"
        )
        assert {row["partner"] for row in told} == {"alpha", "beta", "all"}
        assert {row["partner"]: row["deals"] for row in told} == {r["partner_id"]: r["customer_deals"] for r in impact}
        if measure != "win_rate":
            amounts = {row["partner"]: row["amount"] for row in told}
            assert amounts == {row["partner_id"]: row["customer_value"] for row in impact}


def test_all_partners_together_count_each_opportunity_once(made: Made) -> None:
    customers = {deal for deal in range(ACCOUNTS) if standing(made, "all", deal) == "customer"}
    both = [a for a in customers if sum(made.best[p].get(a) == "customer" for p in ("alpha", "beta")) == 2]
    assert both
    rows = made.project.query(
        "select partner_id = 'all' as is_all, sum(customer_value) as revenue from account_mapping__partner_impact "
        "where measure = 'influenced_revenue' group by all"
    )
    revenue = {row["is_all"]: row["revenue"] for row in rows}
    won = sum((d.amount or 0 for d in made.deals if d.account in customers and d.outcome == "won"), Decimal(0))
    assert revenue[True] == won < revenue[False]


def person(owner: tuple[str | None, str | None]) -> str | None:
    name, email = owner
    return email.lower() if email else name


def test_owner_pairs_share_what_plain_python_says(made: Made) -> None:
    order = ("customer", "open_opportunity", "churned", "prospect", None)
    amounts: dict[int, Decimal] = defaultdict(Decimal)
    for deal in made.deals:
        if deal.outcome == "open":
            amounts[deal.account] += deal.amount or 0
    wanted: dict[tuple, list[Decimal]] = defaultdict(list)
    for partner in ("alpha", "beta", "gamma", "silent"):
        for account, rows in made.links[partner].items():
            if account not in EXCLUDED and account not in OWN_EXCLUSIONS.get(partner, ()):
                # links of one probability: the better status, then the lesser id
                _, owner = min(rows, key=lambda row: order.index(row[0]))
                wanted[partner, person(made.owners[account]), person(owner)].append(amounts[account])
    found = {
        (row["partner_id"], row["our_owner_key"], row["partner_owner_key"]): (
            row["shared_accounts"],
            row["our_open_amount"],
        )
        for row in made.project.query("select * from account_mapping__owner_pairs")
    }
    assert found == {key: (len(values), sum(values)) for key, values in wanted.items()}
    assert any(key[1] is None for key in found) and any(key[2] is None for key in found)
    plays = made.project.query(
        "select (select sum(plays) from account_mapping__owner_pairs) as of_pairs, count(*) as of_the_same "
        "from account_mapping__plays where relationship = 'same'"
    )
    assert plays[0]["of_pairs"] == plays[0]["of_the_same"] > 0
    covered = made.project.query(
        "with pairs as ("
        "select partner_id, sum(shared_accounts) as shared from account_mapping__owner_pairs group by 1) "
        "select shared, covered_accounts from pairs inner join account_mapping__partner_coverage using (partner_id) "
        "where rollup = 'account' and our_status = 'all' and target_list = 'all'"
    )
    assert len(covered) == 4 and all(row["shared"] == row["covered_accounts"] for row in covered)


def test_no_partner_has_no_impact(make_project: Callable[..., Project]) -> None:
    project = make_project(variables={"account_mapping__crms": ["salesforce"]})
    project.write_table("salesforce.account", [{"id": "001A0000006Vm9r", "name": "Acme"}])
    project.make("+account_mapping__partner_impact", "+account_mapping__owner_pairs")
    assert project.query("select * from account_mapping__partner_impact") == []
    assert project.query("select * from account_mapping__owner_pairs") == []


def test_all_is_no_name_of_a_partner(make_project: Callable[..., Project]) -> None:
    project = make_project(variables={"account_mapping__crms": ["generic"]})
    project.write_seed(
        "account_mapping__partners",
        [{"partner_id": "all", "partner_name": "All", "exchange": "list", "is_active": "true"}],
    )
    result = project.run("build", "--select", "account_mapping__partners", "stg_account_mapping__settings_partners")
    assert not result.success
    failed = [name for name, status in result.statuses.items() if status == "fail"]
    assert [name.partition("settings_partners")[0] for name in failed] == [
        "account_mapping__grain_stg_account_mapping__"
    ]


def test_the_demo_pairs_and_impact_belong_to_its_matrix_and_coverage(demo) -> None:
    with opened(demo.database) as connection:
        shared = connection.sql(
            "select partner_id, sum(shared_accounts) from account_mapping__owner_pairs group by 1 order by 1"
        ).fetchall()
        covered = connection.sql(
            "select partner_id, covered_accounts from account_mapping__partner_coverage "
            "where rollup = 'account' and our_status = 'all' and target_list = 'all' order by 1"
        ).fetchall()
        assert shared == covered and len(covered) == 5
        hashed = connection.sql(
            "select count(*), count(partner_owner_key) from account_mapping__owner_pairs "
            "where partner_id in ('papermoon_payments', 'brasshelm_security')"
        ).fetchall()
        assert hashed[0][0] > 50 and hashed[0][1] == 0, "no agreement lets their owners come"
        potential = connection.sql(
            "select partner_id, customer_value from account_mapping__partner_impact "
            "where measure = 'potential_revenue' and partner_id <> 'all' order by 1"
        ).fetchall()
        pipeline = connection.sql(
            "select partner_id, sum(open_pipeline_amount) from account_mapping__overlap_matrix "
            "where rollup = 'account' and partner_status = 'customer' group by 1 order by 1"
        ).fetchall()
        assert potential == pipeline and len(pipeline) == 5
        sums = connection.sql(
            "select partner_id, customer_deals + other_deals + unknown_deals from account_mapping__partner_impact "
            "where measure = 'win_rate' order by 1"
        ).fetchall()
        # accounts that are excluded for one partner are in no figure of it
        closed = connection.sql(
            "select partners.partner_id, sum(closed_deals) from int_account_mapping__members as members "
            "inner join int_account_mapping__account_deals using (account_id) "
            "inner join int_account_mapping__partners as partners on members.scope = partners.account_scope "
            "where side = 'ours' group by 1 "
            "union all select 'all', sum(closed_deals) from int_account_mapping__members "
            "inner join int_account_mapping__account_deals using (account_id) where side = 'ours' and scope = '*' "
            "order by 1"
        ).fetchall()
        assert sums == closed and len(set(closed)) == 6, "every closed deal is on one side or unknown"
