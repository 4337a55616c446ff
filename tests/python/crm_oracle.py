"""What the marts must say of CRM tables, computed from rows whose meaning is known.

It knows no notation: a row is a mapping of plain Python values (`id`, `updated`, `extracted`, `deleted`, `current` and
what its table holds), which crm_worlds.py writes down in the way of some loader. It shares no code with the package.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]
Census = dict[str, int]

ACCOUNTS = {
    "salesforce": "account",
    "hubspot": "company",
    "pipedrive": "organizations",
    "dynamics_365": "account",
    "generic": "accounts",
}
DEALS = {"salesforce": "opportunity", "hubspot": "deal", "pipedrive": "deals", "dynamics_365": "opportunity"}
CONTACTS = {"salesforce": "contact", "hubspot": "contact", "pipedrive": "persons", "dynamics_365": "contact"}
OWNERS = {"salesforce": "user", "hubspot": "owner", "pipedrive": "users", "dynamics_365": "systemuser"}

LONG_AGO = datetime(1, 1, 1)


@dataclass(frozen=True)
class Instance:
    """One CRM: its name, its kind, and the rows of its tables."""

    name: str
    kind: str
    tables: dict[str, list[Row]]


@dataclass(frozen=True)
class Settings:
    """What the seeds say.

    rules: status by (instance or kind, field, raw value in lower case). rates: of a currency to the reporting one.
    excluded_names: names in lower case whose accounts are excluded.
    """

    rules: dict[tuple[str, str, str], str]
    rates: dict[str, Decimal]
    currency: str
    excluded_names: frozenset[str]


def order_of(row: Row) -> tuple[Any, ...]:
    """The later of two versions of a record has the greater one."""
    return (
        row.get("current", True),
        row.get("updated") or LONG_AGO,
        row.get("extracted") or LONG_AGO,
        row.get("deleted", False),
    )


def latest_rows(rows: Iterable[Row], key: Callable[[Row], Any]) -> tuple[dict[Any, Row], int, int]:
    """The latest row of each record, how many others there are, and how many rows without an id."""
    found: dict[Any, Row] = {}
    older = nameless = 0
    for row in rows:
        name = key(row)
        if name is None:
            nameless += 1
            continue
        if name in found:
            older += 1
        if name not in found or order_of(row) > order_of(found[name]):
            found[name] = row
    return found, older, nameless


def is_gone(row: Row) -> bool:
    return row.get("deleted", False) or not row.get("current", True)


def survivors(latest: dict[str, Row]) -> tuple[dict[str, str], set[str]]:
    """For each id that was merged away into a record that is there: that record; and ids merged into a deleted one."""
    into = {}
    for name, row in latest.items():
        if row.get("master") and row["master"] != name:
            into[name] = row["master"]
        for other in row.get("merged") or ():
            if other != name:
                into[other] = name
    ends, lost = {}, set()
    for name in into:
        end, seen = name, set()
        while end in into and end not in seen:
            seen.add(end)
            end = into[end]
        if end in latest and not is_gone(latest[end]):
            ends[name] = end
        elif end in latest and end != name:
            lost.add(name)
    return ends, lost


class Solved:
    """One instance, worked out.

    accounts: by the CRM's id what the mart holds. census: numbers by table.
    """

    def __init__(self, instance: Instance, settings: Settings) -> None:
        self.instance, self.settings = instance, settings
        self.census: dict[str, Census] = {}
        self.issues: Counter[tuple[str, str]] = Counter()
        self._solve_lookups()
        self._solve_accounts()
        if instance.kind in DEALS:
            self._solve_deals()
            self._solve_contacts()
        if "deal_company" in instance.tables:
            self._solve_associations()
        self._solve_parents()
        self._solve_waste()

    # ------------------------------------------------------------------ tables that are looked up

    def _solve_lookups(self) -> None:
        keys: dict[str, Callable[[Row], Any]] = {
            OWNERS.get(self.instance.kind, ""): lambda row: row["id"],
            "deal_pipeline_stage": lambda row: row["id"] and (row["pipeline"], row["id"]),
            "transactioncurrency": lambda row: row["id"],
            "stringmap": lambda row: row["id"] and (row["object"], row["attribute"], row["id"], row["language"]),
        }
        self.lookups: dict[str, dict[Any, Row]] = {}
        for table, key in keys.items():
            rows = self.instance.tables.get(table)
            if rows is None:
                continue
            latest, older, nameless = latest_rows(rows, key)
            gone = {name for name, row in latest.items() if is_gone(row)}
            # whoever left still is the owner's name, and a stage or currency means what it meant; a label is replaced
            self.lookups[table] = {
                name: row for name, row in latest.items() if name not in gone or table != "stringmap"
            }
            self._count(table, rows, older=older, rejected=nameless, deleted=len(gone))

    def _count(self, table: str, rows: list[Row], **parts: int) -> None:
        census = dict.fromkeys(("merged", "older", "deleted", "excluded", "rejected"), 0) | parts
        self.census[table] = {"read": len(rows), "used": len(rows) - sum(census.values()), **census}

    # ------------------------------------------------------------------ accounts

    def _solve_accounts(self) -> None:
        table = ACCOUNTS[self.instance.kind]
        rows = self.instance.tables[table]
        self.latest, older, nameless = latest_rows(rows, lambda row: row["id"])
        self.merged_into, lost = survivors(self.latest)
        self.accounts: dict[str, Row] = {}
        merged = deleted = excluded = 0
        for name, row in self.latest.items():
            if name in self.merged_into:
                merged += 1
            elif is_gone(row) or name in lost:
                deleted += 1
            else:
                account = self._account(row)
                self.accounts[name] = account
                excluded += account["is_excluded"]
        self._count(table, rows, merged=merged, older=older, deleted=deleted, excluded=excluded, rejected=nameless)

    def _account(self, row: Row) -> Row:
        says = {
            self._rule(field, row[field]) for field in ("account_type", "lifecycle_stage", "status") if row.get(field)
        }
        owners = self.lookups.get(OWNERS.get(self.instance.kind, ""), {})
        owner = owners.get(row.get("owner"), {})
        return {
            "name": row["name"],
            "owner": owner.get("name"),
            "is_excluded": "excluded" in says
            or bool(row.get("person"))
            or row["name"].strip().lower() in self.settings.excluded_names,
            "says": says,
            "wins": 0,
            "opens": 0,
            "open_amount": self.converted(row.get("open_amount"), row.get("currency")),
        }

    def _rule(self, field: str, value: str) -> str | None:
        if self.instance.kind == "dynamics_365" and field == "account_type":
            label = self.lookups.get("stringmap", {}).get(("account", "customertypecode", value, "1033"))
            value = label["label"] if label else value
        for system in (self.instance.name, self.instance.kind):
            if (system, field, value.lower()) in self.settings.rules:
                return self.settings.rules[system, field, value.lower()]
        words = ("customer", "open_opportunity", "churned", "prospect", "excluded")
        return value.lower() if self.instance.kind == "generic" and value.lower() in words else None

    def converted(self, amount: Decimal | None, currency: str | None) -> Decimal:
        rate = Decimal(1) if currency in (None, self.settings.currency) else self.settings.rates.get(currency)
        if amount is None or rate is None:
            return Decimal("0.00")
        return (amount * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)

    def known(self, reference: str | None) -> str | None:
        """The account that a reference means; none if there is none."""
        name = self.merged_into.get(reference, reference)
        return name if name in self.accounts else None

    # ------------------------------------------------------------------ what belongs to accounts

    def _members(
        self, table: str, account_of: Callable[[Row], str | None]
    ) -> tuple[list[tuple[Row, str]], dict[str, Row], dict[str, str]]:
        """Count a table whose rows belong to accounts; its records that are not lost, each with its account."""
        rows = self.instance.tables.get(table)
        if rows is None:
            return [], {}, {}
        latest, older, nameless = latest_rows(rows, lambda row: row["id"])
        ends, lost = survivors(latest)
        numbers = Counter(older=older, rejected=nameless)
        kept = []
        for name, row in latest.items():
            account = self.known(account_of(row))
            if name in ends:
                numbers["merged"] += 1
            elif is_gone(row) or name in lost:
                numbers["deleted"] += 1
            elif account is None:
                numbers["rejected"] += 1
                if account_of(row) is None and table == DEALS[self.instance.kind]:
                    self.issues[f"{self.instance.name}.{table}", "opportunity_without_account"] += 1
            else:
                numbers["excluded"] += self.accounts[account]["is_excluded"]
                kept.append((row, account))
        self._count(table, rows, **numbers)
        return kept, latest, ends

    def _solve_deals(self) -> None:
        kept, self.deals, self.merged_deals = self._members(DEALS[self.instance.kind], self._company)
        for row, account in kept:
            state = self._state(row)
            found = self.accounts[account]
            found["wins"] += state == "won"
            if state == "open":
                found["opens"] += 1
                found["open_amount"] += self._amount(row)

    def _company(self, row: Row) -> str | None:
        """The company of a deal: the primary, else the first listed; of pairs the least id is first."""
        if "deal_company" not in self.instance.tables:
            return row["account"]
        pairs, _, _ = latest_rows(
            (pair for pair in self.instance.tables["deal_company"] if pair["deal"] == row["id"]),
            lambda pair: pair["company"],
        )
        listed = sorted((not pair["primary"], int(pair["company"])) for pair in pairs.values() if not is_gone(pair))
        return str(listed[0][1]) if listed else None

    def _state(self, row: Row) -> str:
        if "deal_pipeline_stage" not in self.instance.tables:
            return row["state"]
        stage = self.lookups["deal_pipeline_stage"].get((row["pipeline"], row["stage"]))
        return stage["state"] if stage else "open"

    def _amount(self, row: Row) -> Decimal:
        if "transactioncurrency" not in self.instance.tables or row["currency"] is None:
            return self.converted(row["amount"], row["currency"])
        currency = self.lookups["transactioncurrency"].get(row["currency"])
        return self.converted(row["amount"], currency["code"] if currency else "no currency")

    def _solve_contacts(self) -> None:
        self._members(CONTACTS[self.instance.kind], lambda row: row["account"])

    def _solve_associations(self) -> None:
        rows = self.instance.tables["deal_company"]
        latest, older, nameless = latest_rows(
            rows, lambda row: row["deal"] and row["company"] and (row["deal"], row["company"])
        )
        numbers = Counter(older=older, rejected=nameless)
        for (deal, _), row in latest.items():
            end = self.merged_deals.get(deal, deal)
            if is_gone(row):
                numbers["deleted"] += 1
            elif end not in self.deals or is_gone(self.deals[end]) or self.known(row["company"]) is None:
                numbers["rejected"] += 1
            else:
                numbers["excluded"] += self.accounts[self.known(row["company"])]["is_excluded"]
        self._count("deal_company", rows, **numbers)

    def _solve_waste(self) -> None:
        """Data issues of rows that are no records, and of what names nobody."""
        kind = self.instance.kind
        for table in (ACCOUNTS[kind], DEALS.get(kind), CONTACTS.get(kind)):
            for row in self.instance.tables.get(table or "", []):
                if "waste" in row:
                    self.issues[f"{self.instance.name}.{table}", row["waste"]] += 1
        for name in self.accounts:
            owner = self.latest[name].get("owner")
            if owner and owner not in self.lookups.get(OWNERS[kind], {}):
                self.issues[f"{self.instance.name}.{ACCOUNTS[kind]}", "unknown_owner"] += 1

    # ------------------------------------------------------------------ families and statuses

    def _solve_parents(self) -> None:
        """Who stands above whom: a parent that is lost or excluded makes its children roots."""
        above = {}
        for name in self.accounts:
            parent = self.known(self.latest[name].get("parent"))
            if parent and parent != name and not self.accounts[parent]["is_excluded"]:
                above[name] = parent
        for name, account in self.accounts.items():
            path = [name]
            while path[-1] in above and above[path[-1]] not in path:
                path.append(above[path[-1]])
            is_cycle = path[-1] in above
            circle = path[path.index(above[path[-1]]) :] if is_cycle else path[-1:]
            account["ultimate_parent"] = min(circle)

    def rows(self) -> dict[str, Row]:
        """What the mart of accounts holds, by account_id."""
        found = {}
        for name, account in self.accounts.items():
            says = account["says"]
            if "churned" not in says and ("customer" in says or account["wins"]):
                status = "customer"
            elif "open_opportunity" in says or account["opens"]:
                status = "open_opportunity"
            else:
                status = "churned" if "churned" in says else "prospect"
            row = {key: account[key] for key in ("name", "owner", "is_excluded", "open_amount")} | {"status": status}
            # which unit an account that is excluded would belong to is nobody's question
            if not account["is_excluded"]:
                row["ultimate_parent_account_id"] = f"{self.instance.name}:{account['ultimate_parent']}"
            found[f"{self.instance.name}:{name}"] = row
        return found


def solve(
    instances: Iterable[Instance], settings: Settings
) -> tuple[dict[str, Row], dict[str, Census], Counter[tuple[str, str]]]:
    """Accounts by account_id, the census by input, and how many rows have which problem."""
    accounts: dict[str, Row] = {}
    census: dict[str, Census] = {}
    issues: Counter[tuple[str, str]] = Counter()
    for instance in instances:
        solved = Solved(instance, settings)
        accounts |= solved.rows()
        census |= {f"{instance.name}.{table}": numbers for table, numbers in solved.census.items()}
        issues += solved.issues
    return accounts, census, issues
