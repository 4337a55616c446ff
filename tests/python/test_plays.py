"""Populations, plays, whitespace and the accounts mart, computed a second time in plain Python.

Random worlds (with segments, owners, countries and dates added) and the demo are built, and what the models make of
accounts, members and links is computed again here, pair by pair, and compared row by row. How links and members come
about is test_rules.py's business; here they are given.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import yaml
from conftest import Demo
from harness import PACKAGE, Project, Result, opened
from oracle import STATUS_ORDER, companies
from test_rules import compared, load, variables
from worlds import make_world

Query = Callable[[str], list[dict[str, Any]]]
Row = dict[str, Any]

MARTS = ("population_matrix", "plays", "whitespace", "accounts")
MODELS = (*(f"+account_mapping__{mart}" for mart in MARTS), "+account_mapping__data_issues")
POPULATIONS = [
    ("everyone", "ours", "", ""),
    ("gold_customers", "ours", "status", "Customer"),
    ("gold_customers", "ours", "tier", " GOLD"),
    ("north", "ours", "region", "se"),
    ("north", "ours", "region", "US-AK"),
    ("north", "ours", "industry", "steel"),
    ("pipeline", "ours", "status", "open_opportunity"),
    ("pipeline", "ours", "status", "prospect"),
    ("untold", "ours", "segment", "big"),
    ("broken", "ours", "status", "customer"),
    ("broken", "ours", "tier_of_theirs", "gold"),
    ("everyone", "partner", "", ""),
    ("big_customers", "partner", "segment", "Big"),
    ("big_customers", "partner", "status", "customer"),
    ("kims", "partner", "owner", "kim@partner.example"),
    ("kims", "partner", "owner", "Lee"),
    ("broken", "partner", "tier", "gold"),
    ("broken_too", "partner", "status", "lost"),
]
POPULATION_COLUMNS = ("population", "side", "field", "value")
FULL_POINTS = {"recent_days": 180, "long_customer_days": 730, "full_amount": 100000}


def csv_rows(path: Any) -> list[Row]:
    """Rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Inputs:
    """What the models start from, as they have it, with the settings as written."""

    def __init__(self, query: Query, as_of: date, currency: str, populations: list[Row], rules: list[Row]) -> None:
        self.as_of, self.currency, self.populations, self.rules = as_of, currency, populations, rules
        self.partners = {row["partner_id"]: row for row in query("select * from int_account_mapping__partners")}
        self.accounts = {row["account_id"]: row for row in query("select * from int_account_mapping__accounts")}
        self.theirs = {
            (row["partner_id"], row["account_id"]): row
            for row in query("select * from int_account_mapping__partner_accounts")
        }
        self.members = query("select * from int_account_mapping__members where side = 'partner'")
        self.links = query("select * from int_account_mapping__links")
        self.wins = query("select * from int_account_mapping__opportunities where is_won and close_date is not null")
        self.first_seen = query("select * from int_account_mapping__overlap_first_seen")
        self.keys = query("select * from int_account_mapping__account_keys")
        self.domains = query("select * from int_account_mapping__account_domains where side = 'partner'")
        self.excluded = query("select * from int_account_mapping__excluded_accounts where side = 'ours'")
        self.targets = query(
            """
            select list_name, account_id, coalesce(aliases.canonical_domain, domains.domain) as domain
            from int_account_mapping__target_accounts as targets
            left join int_account_mapping__domains as domains on targets.target_domain = domains.raw_value
            left join int_account_mapping__domain_aliases as aliases
                on domains.domain = aliases.domain and aliases.relation = 'alias'
            """
        )

    def accepted(self, partner_id: str) -> list[Row]:
        """Accepted links of one partner."""
        return [row for row in self.links if row["partner_id"] == partner_id and row["decision"] == "accepted"]

    def their_members(self, partner_id: str) -> dict[str, Row]:
        """Accounts of one partner that count."""
        return {row["account_id"]: row for row in self.members if row["scope"] == partner_id}


# -------------------------------------------------------------------- populations


def told(row: Row, fields: Iterable[str]) -> dict[str, set[str]]:
    """What a record tells of each field, folded."""
    region = {row["country_code"], f"{row['country_code']}-{row['state']}"} if row["country_code"] else set()
    values: dict[str, set[Any]] = {
        "status": {row["status"]} - {"not_shared"},
        "owner": {row["owner"], row["owner_email"]},
        "region": region,
        "segment": {row["segment"]},
        "industry": {row["industry"]},
    }
    if row.get("pass_through"):
        values |= {alias: {value} for alias, value in yaml.safe_load(row["pass_through"]).items()}
    return {f: {v.strip().lower() for v in values.get(f, ()) if v and v.strip()} for f in fields}


def definitions(populations: list[Row], side: str, known: set[str]) -> dict[str, dict[str, set[str]]]:
    """population -> field -> values that satisfy; populations with an unknown field or status are left out."""
    found: dict[str, dict[str, set[str]]] = {}
    broken = set()
    for row in populations:
        if row["side"] != side:
            continue
        wanted = found.setdefault(row["population"], {})
        field, value = row["field"].strip().lower(), row["value"].strip().lower()
        if field:
            wanted.setdefault(field, set()).add(value)
        if field and (field not in known or (field == "status" and value not in STATUS_ORDER[:4])):
            broken.add(row["population"])
    return {name: wanted for name, wanted in found.items() if name not in broken}


def holders(wanted: dict[str, set[str]], records: dict[str, Row]) -> set[str]:
    """Ids of the records that satisfy every field by any value."""
    return {
        record_id
        for record_id, row in records.items()
        if all(told(row, wanted)[field] & values for field, values in wanted.items())
    }


def is_untold(wanted: dict[str, set[str]], records: Iterable[Row]) -> bool:
    """Whether no record tells anything of a field that is asked for."""
    rows = list(records)
    return any(not any(told(row, [field])[field] for row in rows) for field in wanted)


def population_matrix(inputs: Inputs, aliases: set[str]) -> dict[tuple[str, str, str], tuple]:
    """(partner, our population, theirs) -> our accounts, theirs, companies, amount, state."""
    common = {"status", "owner", "region", "segment", "industry"}
    ours = {a: row for a, row in inputs.accounts.items() if not row["is_excluded"]}
    our_definitions = definitions(inputs.populations, "ours", common | aliases)
    cells = {}
    for partner_id in inputs.partners:
        theirs = {b: inputs.theirs[partner_id, b] for b in inputs.their_members(partner_id)}
        pairs = {
            (row["account_id"], row["partner_account_id"])
            for row in inputs.accepted(partner_id)
            if row["relationship"] == "same"
        }
        groups = [
            {pair for pair in pairs if pair[0] in our_group} for our_group, _ in companies(pairs)
        ]  # fmt: skip
        for our_name, our_wanted in our_definitions.items():
            in_ours = holders(our_wanted, ours)
            for their_name, their_wanted in definitions(inputs.populations, "partner", common).items():
                in_theirs = holders(their_wanted, theirs)
                held = {(a, b) for a, b in pairs if a in in_ours and b in in_theirs}
                amounts = [ours[a]["open_amount"] for a in {a for a, _ in held}]
                counts = (
                    len({a for a, _ in held}),
                    len({b for _, b in held}),
                    sum(bool(group & held) for group in groups),
                    sum(amounts, Decimal(0)),
                )
                unknown = not theirs or is_untold(our_wanted, ours.values()) or is_untold(their_wanted, theirs.values())
                shown = tuple(count or None for count in counts) if unknown else counts
                cells[partner_id, our_name, their_name] = (*shown, "not_shared" if unknown else "counted")
    return cells


def found_matrix(query: Query) -> dict[tuple[str, str, str], tuple]:
    """The mart in the same words."""
    return {
        (row["partner_id"], row["our_population"], row["partner_population"]): (
            *(row["our_accounts"], row["partner_accounts"], row["companies"], row["open_pipeline_amount"]),
            row["cell_state"],
        )
        for row in query("select * from account_mapping__population_matrix")
    }


# -------------------------------------------------------------------------- plays


def points(rule: Row, name: str) -> int:
    """Points or a limit of a rule, with the default of what is left open."""
    return int(rule.get(name) or FULL_POINTS.get(name, 0))


def plays(inputs: Inputs) -> dict[tuple[str, str], tuple]:
    """(partner, account) -> their account, play, score, why."""
    found = {}
    first_lists: dict[str, Any] = {}
    seen = {}
    for row in inputs.first_seen:
        partner_id, at = row["partner_id"], row["first_seen_at"]
        first_lists[partner_id] = min(first_lists.get(partner_id, at), at)
        seen[partner_id, row["account_id"], row["partner_account_id"]] = at
    wins: dict[str, list[date]] = defaultdict(list)
    for row in inputs.wins:
        if row["close_date"] <= inputs.as_of:
            wins[row["account_id"]].append(row["close_date"])
    for partner_id, partner in inputs.partners.items():
        links: dict[str, list[Row]] = defaultdict(list)
        for row in inputs.accepted(partner_id):
            links[row["account_id"]].append(row)
        for account_id, own_links in links.items():
            link = min(
                own_links,
                key=lambda row: (
                    row["relationship"] != "same",
                    STATUS_ORDER.index(inputs.theirs[row["partner_id"], row["partner_account_id"]]["status"]),
                    -row["match_probability"],
                    row["partner_account_id"],
                ),
            )
            their_id = link["partner_account_id"]
            new_since = seen[partner_id, account_id, their_id]
            best = None
            for rule in inputs.rules:
                ours, theirs = inputs.accounts[account_id], inputs.theirs[partner_id, their_id]
                if (rule["our_status"], rule["partner_status"]) == (ours["status"], theirs["status"]):
                    score, why = judged(
                        inputs,
                        rule,
                        (ours, theirs, link["relationship"], partner["partner_name"]),
                        wins[account_id],
                        new_since.date() if new_since > first_lists[partner_id] else None,
                    )
                    if best is None or (-score, rule["play"]) < (-best[2], best[1]):
                        best = (their_id, rule["play"], score, why)
            if best:
                found[partner_id, account_id] = best
    return found


def judged(
    inputs: Inputs, rule: Row, pair: tuple[Row, Row, str, str], wins: list[date], new_since: date | None
) -> tuple[int, str]:
    """Score of one play and its sentence."""
    ours, theirs, relationship, partner_name = pair
    since = ours["customer_since"]
    our_days = [*wins, *([since] if since else [])] if ours["status"] == "customer" else []
    their_days = [theirs["customer_since"]] if theirs["status"] == "customer" and theirs["customer_since"] else []
    recent, long = points(rule, "recent_days"), points(rule, "long_customer_days")

    def age(day: date) -> int:
        return (inputs.as_of - day).days

    said, score = [], int(rule["base_score"])
    won = [
        f"won by {side} on {max(days)}"
        for side, days in (("them", their_days), ("us", our_days))
        if days and 0 <= age(max(days)) <= recent
    ]
    kept = [
        f"{side} customer since {min(days)}"
        for side, days in (("their", their_days), ("our", our_days))
        if days and age(min(days)) >= long
    ]
    is_new = new_since is not None and 0 <= age(new_since) <= recent
    earned = [
        ("recent_win_points", won),
        ("long_customer_points", kept),
        ("new_overlap_points", [f"shared since {new_since}"] if is_new else []),
        ("owners_known_points", ["both owners known"] if ours["owner"] and theirs["owner"] else []),
    ]
    for name, facts in earned:
        if facts and points(rule, name):
            score += points(rule, name)
            said += facts
    amount, full = max(ours["open_amount"], Decimal(0)), points(rule, "full_amount")
    amount_points = int(points(rule, "open_amount_points") * min(amount, Decimal(full)) / full)
    if amount_points:
        score += amount_points
        said.append(f"{ours['open_amount'].quantize(Decimal(1), ROUND_HALF_UP)} {inputs.currency} open")
    words = {"customer": "{} customer", "open_opportunity": "{} open opportunity", "churned": "{} former customer"}
    our_words = "our customer" if ours["status"] == "customer" else words.get(ours["status"], "{} prospect").format(
        "an" if ours["status"] == "open_opportunity" else "a"
    ) + " of ours"  # fmt: skip
    their_words = words.get(theirs["status"], "{} prospect").format(
        "an" if theirs["status"] == "open_opportunity" else "a"
    )
    relatives = {"subsidiary": "parent company", "parent": "subsidiary", "sibling": "sister company"}
    middle = " and "
    if relationship != "same":
        middle = f", its {relatives[relationship]}{' ' + theirs['name'] if theirs['name'] else ''} is "
    why = f"{ours['name']} is {our_words}{middle}{their_words} of {partner_name}"
    return score, why + (": " + ", ".join(said) if said else "") + "."


def found_plays(query: Query) -> dict[tuple[str, str], tuple]:
    """The mart in the same words."""
    return {
        (row["partner_id"], row["account_id"]): (row["partner_account_id"], row["play"], row["score"], row["why"])
        for row in query("select * from account_mapping__plays")
    }


# --------------------------------------------------------------------- whitespace

TELLING_KEYS = {"lei", "duns", "vat_id", "linkedin", "domain", "name_sorted"}


def whitespace(inputs: Inputs) -> dict[tuple, tuple]:
    """(partner, rollup, level, segment, target list, their account) -> counts, state."""
    found: dict[tuple, tuple] = {}
    lists = {row["list_name"] for row in inputs.targets}
    missing = defaultdict(set)
    for row in inputs.targets:
        if row["account_id"] is None and row["domain"]:
            missing[row["domain"]].add(row["list_name"])
    for partner_id, partner in inputs.partners.items():
        members = inputs.their_members(partner_id)
        excluded = {row["account_id"] for row in inputs.excluded if row["for_partner_id"] in ("*", partner_id)}
        keys_of_excluded = {
            (row["key_type"], row["key_value"])
            for row in inputs.keys
            if row["side"] == "ours" and row["account_id"] in excluded and row["key_type"] in TELLING_KEYS
        }
        known = {
            row["account_id"]
            for row in inputs.keys
            if row["partner_id"] == partner_id and (row["key_type"], row["key_value"]) in keys_of_excluded
        }
        listed = defaultdict(set)
        for row in inputs.domains:
            if row["partner_id"] == partner_id:
                listed[row["account_id"]] |= missing.get(row["key_domain"], set())
        accepted = inputs.accepted(partner_id)
        reviewed = {
            row["partner_account_id"]
            for row in inputs.links
            if row["partner_id"] == partner_id and row["decision"] == "review"
        }
        relatives = {row["partner_account_id"] for row in accepted if row["relationship"] != "same"}
        is_list = partner["exchange"] == "list"
        for rollup in ("account", "parent"):
            units = defaultdict(set)
            for account_id, row in members.items():
                units[account_id if rollup == "account" else row["unit_id"]].add(account_id)
            covered = {
                row["partner_account_id"] for row in accepted if rollup == "parent" or row["relationship"] == "same"
            }
            counts: dict[tuple, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
            for unit_id, ids in units.items():
                if ids & covered or ids & known:
                    continue
                segment = inputs.theirs[partner_id, unit_id]["segment"]
                if segment and segment[0] in "=+-@":
                    segment = f"'{segment}"
                targets = sorted({name for account_id in ids for name in listed[account_id]})
                is_customer = any(members[account_id]["status"] == "customer" for account_id in ids)
                measures = (1, is_customer, bool(ids & reviewed), bool(ids & relatives))
                places: list[tuple] = [("segments", segment, None, None)]
                places += [("targets", None, name, None) for name in targets]
                if is_list:
                    places.append(("accounts", segment, "; ".join(targets) or None, unit_id))
                for place in places:
                    counts[place] = [old + new for old, new in zip(counts[place], measures, strict=True)]
            for name in lists:
                counts.setdefault(("targets", None, name, None), [0, 0, 0, 0])
            if not any(place[0] == "segments" for place in counts):
                counts["segments", None, None, None] = [0, 0, 0, 0]
            for place, numbers in counts.items():
                is_told = bool(members) and (is_list or place[0] != "targets")
                state = "counted" if is_told else "not_shared"
                found[(partner_id, rollup, *place)] = (*(numbers if is_told else [None] * 4), state)
    return found


def found_whitespace(query: Query) -> dict[tuple, tuple]:
    """The mart in the same words."""
    return {
        (
            *(row["partner_id"], row["rollup"], row["whitespace_level"], row["segment"], row["target_list"]),
            row["partner_account_id"],
        ): (
            *(row["accounts"], row["customer_accounts"], row["in_review_accounts"], row["family_known_accounts"]),
            row["cell_state"],
        )
        for row in query("select * from account_mapping__whitespace")
    }


# ----------------------------------------------------------------- what is compared


def best_plays(found: dict[tuple[str, str], tuple]) -> dict[str, tuple[str, str]]:
    """account -> best partner and play."""
    best: dict[str, tuple[int, str, str]] = {}
    for (partner_id, account_id), (_, play, score, _) in found.items():
        best[account_id] = min(best.get(account_id, (1, "", "")), (-score, partner_id, play))
    return {account_id: (partner_id, play) for account_id, (_, partner_id, play) in best.items()}


def differences(query: Query, inputs: Inputs, aliases: set[str]) -> list[str]:
    """Lines that tell where the marts depart from what is computed here."""
    expected_plays = plays(inputs)
    partners = defaultdict(set)
    for partner_id in inputs.partners:
        for row in inputs.accepted(partner_id):
            partners[row["account_id"]].add(partner_id)
    best = best_plays(expected_plays)
    accounts = {
        account_id: (
            len(partners[account_id]),
            "; ".join(sorted(partners[account_id])) or None,
            *best.get(account_id, (None, None)),
        )
        for account_id in inputs.accounts
    }
    found_accounts = {
        row["account_id"]: (row["n_partners"], row["partners"], row["best_partner_id"], row["best_play"])
        for row in query("select * from account_mapping__accounts")
    }
    return [
        *compared("population cell", population_matrix(inputs, aliases), found_matrix(query)),
        *compared("play", expected_plays, found_plays(query)),
        *compared("whitespace", whitespace(inputs), found_whitespace(query)),
        *compared("account", accounts, found_accounts),
    ]


# ------------------------------------------------------------------------- worlds


def pick(column: str, values: list[str | None]) -> str:
    """SQL that picks one of some values by an id, as if at random but always alike."""
    cases = " ".join(
        f"when {number} then {'null' if value is None else repr(value)}" for number, value in enumerate(values)
    )
    return f"case hash({column}) % {len(values)} {cases} end"


def enrich(project: Project) -> None:
    """Give raw rows the columns that populations and plays look at."""
    ours = {
        "tier__c": pick("'t' || id", ["Gold", "gold ", "Silver", None]),
        "industry": pick("'i' || id", ["Steel", "Ships", None]),
        "billing_country": pick("'c' || id", ["Sweden", "United States", "US", None]),
        "billing_state": pick("'s' || id", ["AK", "CA", None]),
        "owner_id": pick("'o' || id", ["005000000000001AAA", "005000000000002AAA", None]),
    }
    theirs = {
        "segment": pick("'g' || account_id", ["big", "Small", "=1+1", None]),
        "owner_name": pick("'o' || account_id", ["Kim", "LEE", None]),
        "owner_email": pick("'o' || account_id", ["kim@partner.example", "lee@partner.example", None]),
        "customer_since": pick("'d' || account_id", ["2019-02-28", "2026-09-01", "2031-01-01", None]),
    }
    for table, columns in (("salesforce.account", ours), ("partners.partner_accounts", theirs)):
        added = ", ".join(f"{expression} as {column}" for column, expression in columns.items())
        project.execute(f"create or replace table {table} as select *, {added} from {table}")
    project.write_table("salesforce.user", [{"id": "005000000000001AAA", "name": "Robin", "email": "robin@us.example"}])


@pytest.mark.parametrize("group", [0, 3, 6])
def test_random_worlds_equal_a_second_computation(make_project: Callable[..., Project], group: int) -> None:
    passed = [{"crm": "salesforce", "name": "tier__c", "alias": "tier"}]
    populations = [dict(zip(POPULATION_COLUMNS, row, strict=True)) for row in POPULATIONS]
    rules = csv_rows(PACKAGE / "seeds/account_mapping__play_rules.csv")
    rules.append({"our_status": "prospect", "partner_status": "churned", "play": "ask_why", "base_score": "5"})
    rules.append({"our_status": "customer", "partner_status": "customer", "play": "expand", "base_score": "25"})
    seen: dict[str, int] = defaultdict(int)
    for seed in (group, group + 10)[: 1 + (group == 0)]:
        world = make_world(seed)
        settings = variables(world) | {"account_mapping__pass_through_columns": passed}
        project = make_project(f"world_{seed}", variables=settings)
        project.write_seed("account_mapping__populations", populations)
        project.write_seed("account_mapping__play_rules", rules, rules[0])
        load(project, world)
        enrich(project)
        models = (
            *MODELS,
            "+account_mapping__partner_coverage",
            "+account_mapping__deals",
            "+account_mapping__partner_impact",
        )
        project.make(*models)
        project.check(*models)
        inputs = Inputs(project.query, world.as_of, world.currency, populations, rules)
        wrong = differences(project.query, inputs, {"tier"})
        assert not wrong, f"world {seed}:\n" + "\n".join(wrong[:40])
        issues = project.query(
            "select row_key, detail from account_mapping__data_issues where problem = 'unreadable_condition'"
        )
        assert sorted((row["row_key"], row["detail"]) for row in issues) == [
            ("broken", "ours: tier_of_theirs = gold"),
            ("broken", "partner: tier = gold"),
            ("broken_too", "partner: status = lost"),
        ]
        for row in project.query("select * from account_mapping__population_matrix"):
            seen[f"cell {row['cell_state']}"] += bool(row["our_accounts"]) or row["cell_state"] == "not_shared"
        for row in project.query("select * from account_mapping__plays"):
            seen[row["relationship"] == "same"] += 1
        for row in project.query("select * from account_mapping__whitespace where accounts > 0"):
            seen[row["whitespace_level"]] += 1
    assert all(seen[what] for what in ("cell counted", "cell not_shared", True, "accounts", "segments")), dict(seen)


def test_the_demo_equals_a_second_computation(demo: Demo) -> None:
    options = yaml.safe_load((demo.project / "dbt_project.yml").read_text())["vars"]
    with opened(demo.database) as connection:

        def query(sql: str) -> list[Row]:
            return connection.sql(sql).to_arrow_table().to_pylist()

        inputs = Inputs(
            query,
            date.fromisoformat(options["account_mapping__as_of"]),
            "USD",
            csv_rows(demo.project / "seeds/account_mapping__populations.csv"),
            csv_rows(PACKAGE / "seeds/account_mapping__play_rules.csv"),
        )
        assert len(inputs.links) > 1000
        wrong = differences(query, inputs, set())
        assert not wrong, "\n".join(wrong[:40])
        listed = query(
            "select distinct partner_id from account_mapping__whitespace where partner_account_id is not null"
        )
        assert {row["partner_id"] for row in listed} == {"lumen_data", "northwind_cloud", "quillfjord_systems"}


# ------------------------------------------------------------- changes and settings


@pytest.fixture
def small(make_project: Callable[..., Project]) -> Project:
    """Two accounts of ours, one of them shared with a partner that also has another."""
    project = make_project(variables={"account_mapping__crms": ["generic"]})
    project.write_table(
        "generic.accounts",
        [
            {
                "account_id": "1",
                "account_name": "Acme",
                "website": "acme.com",
                "owner_name": "Kim",
                "status": "prospect",
            },
            {
                "account_id": "2",
                "account_name": "Bolt",
                "website": "bolt.com",
                "owner_name": "Kim",
                "status": "prospect",
            },
        ],
    )
    project.write_table(
        "partners.partner_accounts",
        [
            {
                "partner_id": "nimbus",
                "account_id": "n1",
                "account_name": "Acme",
                "website": "acme.com",
                "status": "customer",
            },
            {
                "partner_id": "nimbus",
                "account_id": "n2",
                "account_name": "Zinc",
                "website": "zinc.com",
                "status": "customer",
            },
        ],
    )
    project.write_seed(
        "account_mapping__partners",
        [{"partner_id": "nimbus", "partner_name": "Nimbus", "exchange": "list", "is_active": "true"}],
    )
    return project


def build(project: Project, as_of: str) -> dict[str, str]:
    """Build the four marts as of a day; when each account last changed."""
    project.make(*MODELS, variables={"account_mapping__as_of": as_of})
    rows = project.query("select source_account_id as id, strftime(changed_at, '%Y-%m-%d') as day "
                         "from account_mapping__accounts")  # fmt: skip
    return {row["id"]: row["day"] for row in rows}


def test_an_account_changes_on_the_day_on_which_its_row_does(small: Project) -> None:
    assert build(small, "2026-03-01") == {"1": "2026-03-01", "2": "2026-03-01"}
    before = small.query("select * from account_mapping__accounts order by all")
    assert build(small, "2026-03-01") == {"1": "2026-03-01", "2": "2026-03-01"}
    refresh = ("run", "--full-refresh", "--select", *MODELS)
    assert small.run(*refresh, variables={"account_mapping__as_of": "2026-03-02"}).success
    assert small.query("select * from account_mapping__accounts order by all") == before

    small.execute("update generic.accounts set owner_name = 'Lee' where account_id = '2'")
    assert build(small, "2026-03-03") == {"1": "2026-03-01", "2": "2026-03-03"}
    # what a partner adds changes the row too
    small.execute("update partners.partner_accounts set status = 'prospect' where account_id = 'n1'")
    assert build(small, "2026-03-04") == {"1": "2026-03-04", "2": "2026-03-03"}
    # a run for an earlier day that finds something else does not fall behind what was pushed
    small.execute("update generic.accounts set owner_name = 'Mo'")
    assert build(small, "2026-02-01") == {"1": "2026-03-04", "2": "2026-03-03"}
    small.execute("insert into generic.accounts select '3', 'Cleat', 'cleat.com', 'Kim', 'prospect'")
    assert build(small, "2026-03-05") == {"1": "2026-03-04", "2": "2026-03-03", "3": "2026-03-05"}


def test_an_overlap_that_came_later_counts_as_new_and_the_first_list_does_not(small: Project) -> None:
    build(small, "2026-03-01")
    assert small.query("select score from account_mapping__plays") == [{"score": 40}]
    small.execute(
        "update partners.partner_accounts set website = 'bolt.com', account_name = 'Bolt' where account_id = 'n2'"
    )
    build(small, "2026-03-05")
    rows = small.query("select account_id, score, why from account_mapping__plays order by 1")
    assert rows == [
        {"account_id": "generic:1", "score": 40, "why": "Acme is a prospect of ours and a customer of Nimbus."},
        {
            "account_id": "generic:2",
            "score": 45,
            "why": "Bolt is a prospect of ours and a customer of Nimbus: shared since 2026-03-05.",
        },
    ]


def test_what_we_have_and_exclude_is_no_whitespace(small: Project) -> None:
    sql = "select partner_account_id as id from account_mapping__whitespace where whitespace_level = 'accounts' "
    build(small, "2026-03-01")
    assert small.query(f"{sql} and rollup = 'account'") == [{"id": "n2"}]
    small.write_seed(
        "account_mapping__exclusions",
        [{"kind": "account_id", "value": "generic:1", "partner_id": "nimbus", "reason": "named account"}],
    )
    build(small, "2026-03-01")
    assert small.query("select * from account_mapping__plays") == []
    assert small.query(f"{sql} and rollup = 'account'") == [{"id": "n2"}]


def rebuild(project: Project, seed: str, mart: str) -> Result:
    """Build, with its data tests, what lies between a seed that has changed and a mart."""
    between = f"account_mapping__{seed}+,+account_mapping__{mart}"
    return project.run("build", "--full-refresh", "--select", between)


def test_rules_may_leave_columns_out_and_numbers_must_be_numbers(small: Project) -> None:
    rule = {"our_status": "Prospect", "partner_status": "customer", "play": "call", "base_score": "7"}
    small.write_seed("account_mapping__play_rules", [rule])
    build(small, "2026-03-01")
    rows = small.query("select play, score, ask, give_back from account_mapping__plays")
    assert rows == [{"play": "call", "score": 7, "ask": None, "give_back": None}]

    small.write_seed("account_mapping__play_rules", [rule | {"full_amount": "0"}])
    result = rebuild(small, "play_rules", "plays")
    assert not result.success and "is_readable" in " ".join(result.errors)
    assert small.query("select score from account_mapping__plays") == [{"score": 7}]

    small.write_seed("account_mapping__play_rules", [{k: v for k, v in rule.items() if k != "base_score"}])
    result = rebuild(small, "play_rules", "plays")
    assert "the settings table account_mapping__play_rules has no column `base_score`" in result.text


def test_a_population_of_neither_side_fails_the_build_before_the_mart_is_replaced(small: Project) -> None:
    rows = [{"population": "everyone", "side": side} for side in ("ours", "partner")]
    small.write_seed("account_mapping__populations", rows)
    build(small, "2026-03-01")
    before = small.query("select * from account_mapping__population_matrix")
    assert [row["our_accounts"] for row in before] == [1]
    small.write_seed("account_mapping__populations", [*rows, {"population": "everyone", "side": "theirs"}])
    result = rebuild(small, "populations", "population_matrix")
    assert not result.success and "settings_populations_side" in " ".join(result.errors)
    assert small.query("select * from account_mapping__population_matrix") == before
