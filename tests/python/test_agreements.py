"""Agreements: 1,000 random pairs of statements against an oracle, and what leaves when either side changes its mind."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from harness import Project
from loading import load_model, properties

match_keys = load_model("int_account_mapping__match_keys")

NORMALISER_VERSION = properties("int_account_mapping__match_keys")["config"]["meta"]["normaliser_version"]
AS_OF = date(2026, 11, 15)
OURS = ("customer", "open_opportunity", "churned", "prospect")
THEIRS = (*OURS, "not_shared")
LEVELS = ("hidden", "counts", "overlapping", "all")
FIELDS = ("name", "status", "owner_name", "owner_email", "open_amount")
SETTINGS = ("partner_id", "direction", "our_status", "partner_status", "level", "fields", "minimum_count")
RULE = (*SETTINGS, "valid_from", "valid_until")

Rule = dict[str, str]


# ------------------------------------------------------------------------ oracle


class Side:
    """One side's statement, asked cell by cell; `own` is the writer's own status, `other` the counterpart's."""

    def __init__(self, rules: Iterable[Rule], as_of: date) -> None:
        self.rules = [rule for rule in rules if self.is_valid(rule, as_of)]

    @staticmethod
    def is_valid(rule: Rule, as_of: date) -> bool:
        begins = date.fromisoformat(rule["valid_from"]) if rule["valid_from"] else date.min
        ends = date.fromisoformat(rule["valid_until"]) if rule["valid_until"] else date.max
        return begins <= as_of <= ends

    def answer(self, direction: str, own: str, other: str) -> tuple[int, frozenset[str], int] | None:
        """Level, fields and minimum of a cell, or None without a rule: ask for the most specific rules first."""
        for wanted in ((own, other), (own, "*"), ("*", other), ("*", "*")):
            named = [
                rule
                for rule in self.rules
                if rule["direction"] == direction and (rule["our_status"], rule["partner_status"]) == wanted
            ]
            if named:
                fields = frozenset.intersection(*(frozenset(split(rule["fields"])) for rule in named))
                level = min(LEVELS.index(rule["level"]) for rule in named)
                return level, fields, max(int(rule["minimum_count"] or 0) for rule in named)
        return None


def split(fields: str) -> list[str]:
    return [field.strip() for field in fields.split(";") if field.strip()]


def in_force(ours: list[Rule], theirs: list[Rule], as_of: date = AS_OF) -> dict[tuple[str, str, str], tuple]:
    """(direction, our status, their status) -> level, fields and minimum that hold between two sides."""
    us, them = Side(ours, as_of), Side(theirs, as_of)
    found = {}
    for our_status in OURS:
        for their_status in THEIRS:
            for direction, giver, taker in (
                (
                    "out",
                    us.answer("offered", our_status, their_status),
                    them.answer("accepted", their_status, our_status),
                ),
                (
                    "in",
                    them.answer("offered", their_status, our_status),
                    us.answer("accepted", our_status, their_status),
                ),
            ):
                if giver is None or taker is None:
                    agreed = ("hidden", "", 10)
                else:
                    fields = ";".join(sorted(giver[1] & taker[1]))
                    agreed = (LEVELS[min(giver[0], taker[0])], fields, max(giver[2], taker[2], 10))
                found[direction, our_status, their_status] = agreed
    return found


def of_groups(rules: list[Rule], direction: str, own: str, other: str) -> bool:
    """Whether rules of a partner's tier and type, as far as they are in force, hide a cell."""
    return any(
        rule["level"] == "hidden"
        and rule["direction"] == direction
        and rule["our_status"] in ("*", own)
        and rule["partner_status"] in ("*", other)
        for rule in Side(rules, AS_OF).rules
    )


def in_force_of_groups(own: list[Rule], groups: list[Rule], theirs: list[Rule]) -> dict[tuple[str, str, str], tuple]:
    """`in_force` where our rules may name the partner's tier and type: cells that these hide are hidden before all."""
    named = {rule["direction"] for rule in own}
    found = in_force([*own, *(rule for rule in groups if rule["direction"] not in named)], theirs)
    for direction, our_status, their_status in found:
        stated = "offered" if direction == "out" else "accepted"
        if of_groups(groups, stated, our_status, their_status):
            _, fields, minimum = found[direction, our_status, their_status]
            found[direction, our_status, their_status] = ("hidden", fields, minimum)
    return found


def random_statement(rng: random.Random, partner_id: str) -> list[Rule]:
    """Up to a dozen rules; few statuses, so that rules meet in one cell, and days around today."""
    days = ["", *(str(AS_OF + timedelta(days=shift)) for shift in (-300, -1, 0, 1, 300))]
    rules = []
    for _ in range(rng.choice((0, 2, 6, 12, 20))):
        spelled = [f" {field} " if rng.random() < 0.1 else field for field in rng.sample(FIELDS, rng.randrange(6))]
        rules.append(
            {
                "partner_id": partner_id,
                "direction": rng.choice(("offered", "accepted")),
                "our_status": rng.choice(("*", "*", *OURS)),
                "partner_status": rng.choice(("*", "*", *THEIRS)),
                "level": rng.choice((*LEVELS, "overlapping", "all", "all")),
                "fields": ";".join(spelled),
                "minimum_count": rng.choice(("", "1", "10", "11", "50")),
                "valid_from": rng.choice(days) if rng.random() < 0.3 else "",
                "valid_until": rng.choice(days) if rng.random() < 0.3 else "",
            }
        )
    # rules of one cell that contradict each other
    rules += [{**rule, "level": rng.choice(LEVELS), "fields": "name;status"} for rule in rules if rng.random() < 0.2]
    return rules


def test_a_thousand_random_pairs_of_statements_agree_with_the_oracle(make_project):
    rng = random.Random(20261115)
    ids = [f"p{number:04d}" for number in range(1_000)]
    ours = {partner_id: random_statement(rng, partner_id) for partner_id in ids}
    theirs = {partner_id: random_statement(rng, partner_id) for partner_id in ids}
    variables = {"account_mapping__crms": ["generic"], "account_mapping__as_of": str(AS_OF)}
    project = make_project(variables=variables)
    settings = [{"partner_id": i, "partner_name": i, "exchange": "keys", "is_active": "true"} for i in ids]
    project.write_seed("account_mapping__partners", settings)
    project.write_seed("account_mapping__sharing_agreements", [rule for rules in ours.values() for rule in rules], RULE)
    project.write_table("partners.partner_agreements", [rule for rules in theirs.values() for rule in rules])
    selection = "+int_account_mapping__agreements_in_force"
    result = project.run("build", "--select", selection)
    assert result.success, result.text

    found: dict[str, dict] = {}
    for row in project.query("select * from int_account_mapping__agreements_in_force"):
        cell = (row["direction"], row["our_status"], row["partner_status"])
        answer = (row["sharing_level"], row["shared_fields"], row["minimum_count"])
        found.setdefault(row["partner_id"], {})[cell] = answer
    wrong = [partner_id for partner_id in ids if found[partner_id] != in_force(ours[partner_id], theirs[partner_id])]
    assert wrong == []
    answers = [answer for cells in found.values() for answer in cells.values()]
    assert min(sum(answer[0] == level for answer in answers) for level in LEVELS) > 500
    assert sum(";" in answer[1] for answer in answers) > 500 and sum(answer[2] > 10 for answer in answers) > 500


def test_rules_may_name_a_tier_or_a_type_of_partners(make_project):
    rng = random.Random(7)
    groups = {
        name: random_statement(rng, name) for name in ("tier:gold", "TYPE:reseller", "tier:silver", "type:agency")
    }
    settings, ours, theirs = [], {}, {}
    for number in range(200):
        partner_id, tier, kind = (
            f"p{number:04d}",
            rng.choice(("Gold", "silver", "")),
            rng.choice(("reseller", "agency")),
        )
        settings.append({"partner_id": partner_id, "tier": tier, "partner_type": kind})
        ours[partner_id] = random_statement(rng, partner_id) if rng.random() < 0.5 else []
        theirs[partner_id] = random_statement(rng, partner_id)
    common = {"exchange": "keys", "is_active": "true"}
    rules = [rule for statements in (ours, groups) for statement in statements.values() for rule in statement]
    project = make_project(variables={"account_mapping__crms": ["generic"], "account_mapping__as_of": str(AS_OF)})
    project.write_seed(
        "account_mapping__partners", [{**row, "partner_name": row["partner_id"], **common} for row in settings]
    )
    nobody = {"partner_id": "tier:bronze", "direction": "offered", "our_status": "*", "partner_status": "*",
              "level": "all", "fields": "status"}  # fmt: skip
    project.write_seed("account_mapping__sharing_agreements", [*rules, nobody], RULE)
    project.write_table("partners.partner_agreements", [rule for statement in theirs.values() for rule in statement])
    result = project.run(
        "build", "--select", "+int_account_mapping__agreements_in_force", "+int_account_mapping__partners_issues"
    )
    assert result.success, result.text
    found: dict[str, dict] = {}
    for row in project.query("select * from int_account_mapping__agreements_in_force"):
        cell = (row["direction"], row["our_status"], row["partner_status"])
        found.setdefault(row["partner_id"], {})[cell] = (row["sharing_level"], row["minimum_count"])
    stated = project.query("select distinct partner_id from stg_account_mapping__settings_sharing_agreements")
    assert {row["partner_id"] for row in stated} <= {*ours, "tier:bronze"}
    opened_by_groups = 0
    for row in settings:
        partner_id = row["partner_id"]
        mine = (
            groups.get(f"tier:{row['tier'].lower()}", [])
            + groups["TYPE:reseller" if row["partner_type"] == "reseller" else "type:agency"]
        )
        wanted = in_force_of_groups(ours[partner_id], mine, theirs[partner_id])
        assert {cell: level for cell, (level, _) in found[partner_id].items()} == {
            cell: answer[0] for cell, answer in wanted.items()
        }, partner_id
        # what hides has no minimum of its own; of what is open it is the greatest
        for cell, (level, _, minimum) in wanted.items():
            assert level == "hidden" or found[partner_id][cell] == (level, minimum)
            opened_by_groups += level != "hidden" and not ours[partner_id]
    assert opened_by_groups > 100
    issues = project.query(
        "select row_key from int_account_mapping__partners_issues where problem in"
        " ('agreement_with_no_partner', 'setting_of_unknown_partner')"
    )
    assert issues == [{"row_key": "tier:bronze"}]


def test_the_oracle_sees_both_sides_alike():
    """What leaves us is what comes to them, in every pair: an agreement has one reading."""
    rng = random.Random(7)
    for _ in range(200):
        ours, theirs = random_statement(rng, "them"), random_statement(rng, "us")
        here, there = in_force(ours, theirs), in_force(theirs, ours)
        for our_status in OURS:
            for their_status in OURS:
                cell, mirrored = (our_status, their_status), (their_status, our_status)
                assert here["out", *cell] == there["in", *mirrored]


# --------------------------------------------------------------- through the build

K = 10
SECRET = hashlib.sha256(b"a pair under test").hexdigest()
# accounts that both have, by our status and the partner's
SHARED = {
    ("customer", "customer"): 60,
    ("customer", "prospect"): K,
    ("customer", "churned"): K + 1,
    ("prospect", "customer"): K - 1,
    ("prospect", "prospect"): 22,
    ("prospect", "churned"): 38,
    ("churned", "customer"): 23,
    ("churned", "prospect"): 27,
    ("churned", "churned"): 28,
}
PARTNER = {"partner_id": "peer", "partner_name": "Peer", "exchange": "keys", "is_active": "true"}
OPEN = {"minimum_count": "", "valid_from": "", "valid_until": ""}
EVERYTHING = {
    **OPEN,
    "our_status": "*",
    "partner_status": "*",
    "level": "overlapping",
    "fields": "status;name;owner_email",
}
SHARED_MODELS = ("shared_keys", "shared_counts", "shared_fields")
NOTHING: dict[str, list] = {name: [] for name in SHARED_MODELS}


def agreement(**changes: str) -> list[Rule]:
    """A statement that offers and accepts all that overlaps."""
    return [
        {"partner_id": "peer", "direction": direction, **EVERYTHING, **changes} for direction in ("offered", "accepted")
    ]


def token_of(value: str, key_type: str, epoch: str) -> str:
    """What the partner's side of the pair makes of a value."""
    key = match_keys.derive_key(bytes.fromhex(SECRET), "pilot", epoch, key_type, NORMALISER_VERSION)
    return hmac.digest(key, value.encode(), "sha256").hex()


def companies() -> list[tuple[str, str, str]]:
    """(domain, our status, their status) of each shared company."""
    return [
        (f"c{place:02d}x{number:02d}.com", *cell)
        for place, (cell, size) in enumerate(SHARED.items())
        for number in range(size)
    ]


class Pair:
    """Our project, and a partner that holds the same secret and sends what its side would make."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.ours = [
            {"account_id": domain, "account_name": f"Firm {domain}", "website": domain, "status": status,
             "owner_email": "eve@us.com", "owner_name": "Eve"}
            for domain, status, _ in companies()
        ]  # fmt: skip
        self.theirs = [(domain, status) for domain, _, status in companies()]
        # what the partner adds: (account, one of its domains, status)
        self.more: list[tuple[str, str, str]] = []
        self.exchange = "keys"
        project.write_seed(
            "account_mapping__status_rules",
            [{"source_system": "generic", "field": "status", "raw_value": status, "status": status} for status in OURS],
        )
        self.state(agreement())
        self.answer(agreement())
        self.set_epoch("1")

    def set_epoch(self, epoch: str) -> None:
        self.epoch = epoch
        self.project.write_seed(
            "account_mapping__partners",
            [
                {
                    **PARTNER,
                    "exchange": self.exchange,
                    "secret_env": "AGREEMENTS_SECRET",
                    "agreement_id": "pilot",
                    "epoch": epoch,
                }
            ],
        )

    def state(self, rules: list[Rule]) -> None:
        """What we say."""
        self.project.write_seed("account_mapping__sharing_agreements", rules, RULE)

    def answer(self, rules: list[Rule]) -> None:
        """What the partner says, as a receipt would load it."""
        columns = ", ".join(f"null::varchar as {column}" for column in RULE)
        self.project.write_table("partners.partner_agreements", rules or f"select {columns} where false")

    def send(self) -> None:
        """Load our accounts, and the partner's keys of this epoch."""
        self.project.write_table("generic.accounts", self.ours)
        theirs = [*((domain, domain, status) for domain, status in self.theirs), *self.more]
        if self.exchange == "list":
            rows = [{"partner_id": "peer", "account_id": account, "website": domain, "status": status}
                    for account, domain, status in theirs]  # fmt: skip
            self.project.write_table("partners.partner_accounts", rows)
            return
        common = {"partner_id": "peer", "agreement_id": "pilot", "epoch": self.epoch, "normaliser_version": "3"}
        self.project.write_table(
            "partners.partner_keys",
            [
                {**common, "key_type": "domain", "token": token_of(domain, "domain", self.epoch), "status": status,
                 "account_token": token_of(account, "account", self.epoch)}
                for account, domain, status in theirs
            ],
        )  # fmt: skip

    def build(self, *command: str) -> dict[str, list[dict]]:
        """The rows of each shared model, and the problems, after a build.

        command: dbt's, if it has to be dbt, and its options.
        """
        self.send()
        models = ["+account_mapping__data_issues", *(f"+account_mapping__{name}" for name in SHARED_MODELS)]
        if command:
            result = self.project.run(*command, "--select", *models, "--indirect-selection", "cautious")
            assert result.success, result.text
        else:
            self.project.make(*models)
        found = {name: self.project.query(f"select * from account_mapping__{name}") for name in SHARED_MODELS}
        issues = self.project.query("select distinct problem from account_mapping__data_issues")
        return {**found, "issues": sorted(row["problem"] for row in issues)}


@pytest.fixture
def pair(make_project, monkeypatch) -> Pair:
    monkeypatch.setenv("AGREEMENTS_SECRET", SECRET)
    return Pair(make_project(variables={"account_mapping__crms": ["generic"], "account_mapping__as_of": str(AS_OF)}))


def counts_of(rows: list[dict]) -> dict[tuple[str, str], int | None]:
    return {(row["our_status"], row["partner_status"]): row["companies"] for row in rows if row["rollup"] == "account"}


def test_counts_fields_and_keys_leave_under_an_agreement_and_dropping_either_consent_empties_them(pair):
    first = pair.build("build")
    assert first["issues"] == []
    assert len({row["account_token"] for row in first["shared_keys"]}) == len(pair.ours)
    assert {row["status"] for row in first["shared_keys"]} == {"customer", "prospect", "churned"}
    # k - 1 is withheld and takes the cheapest cells along that hide it; k and k + 1 are published, rounded
    hidden = {(ours, theirs) for ours in ("prospect", "churned") for theirs in ("customer", "prospect")}
    assert counts_of(first["shared_counts"]) == {
        cell: None if cell in hidden else 5 * round(size / 5) for cell, size in SHARED.items()
    }
    fields = first["shared_fields"]
    assert len(fields) == 3 * len(pair.ours)
    tokens = {token_of(f"generic:{row['account_id']}", "account", "1"): row for row in pair.ours}
    for row in fields:
        ours = tokens[row["account_token"]]
        assert row["partner_account_token"] == token_of(ours["account_id"], "account", "1")
        expected = {"name": ours["account_name"], "status": ours["status"], "owner_email": "eve@us.com"}
        assert row["value"] == expected[row["field"]]

    assert pair.build("run", "--full-refresh") == first

    pair.answer([rule for rule in agreement() if rule["direction"] == "offered"])
    assert pair.build() == {**NOTHING, "issues": ["nothing_in_force"]}
    pair.answer([])
    assert pair.build() == {**NOTHING, "issues": ["no_statement", "status_not_agreed"]}
    # one rule that cannot be read may be the one that hides
    pair.answer([*agreement(), {**agreement()[0], "our_status": "custmer", "level": "hidden"}])
    assert pair.build() == {**NOTHING, "issues": ["malformed_statement", "status_not_agreed"]}
    pair.answer(agreement())
    pair.state([rule for rule in agreement() if rule["direction"] == "accepted"])
    assert pair.build() == {**NOTHING, "issues": ["nothing_offered"]}

    # counts alone: accounts are compared here, and nothing of a single one leaves
    pair.state(agreement(level="counts"))
    counted = pair.build()
    assert counted == {**first, "shared_keys": [], "shared_fields": []}


def test_counts_stay_for_an_epoch_and_a_new_one_with_nearly_the_same_list_has_none(pair):
    first = pair.build()["shared_counts"]
    del pair.ours[0], pair.theirs[-1]
    assert pair.build()["shared_counts"] == first, "a changed list changes nothing within the epoch"

    def try_epoch(epoch: str) -> dict[str, list[dict]]:
        pair.set_epoch(epoch)
        return pair.build()

    refused = try_epoch("2")
    assert (refused["shared_counts"], refused["issues"]) == ([], ["counts_refused"])
    # our list differs by k - 1 accounts, then by k; the partner's by none
    pair.theirs = [(domain, status) for domain, _, status in companies()]
    pair.ours = pair.ours[K - 2 :]
    assert try_epoch("2")["issues"] == ["counts_refused"]
    pair.ours = pair.ours[1:]
    second = try_epoch("2")
    assert second["issues"] == []
    assert counts_of(second["shared_counts"])["customer", "customer"] == 60 - K
    # the partner drops one that we share: its tokens are new, yet the links tell
    pair.theirs = pair.theirs[:-1]
    assert try_epoch("3")["issues"] == ["counts_refused"]


def test_copies_and_bridges_of_the_partner_move_no_count(pair):
    """Seven targets in 20 x 2^n copies, and rows that carry the websites of two companies of ours."""
    first = pair.build()["shared_counts"]
    assert any(counts_of(first).values())
    targets = [domain for domain, status in pair.theirs if status == "customer"][:70:10]
    for place, domain in enumerate(targets):
        pair.more += [(f"copy {place}.{number}", domain, "customer") for number in range(20 * 2**place)]
        pair.more += [(f"bridge {place}", domain, "customer"), (f"bridge {place}", f"c00x{place + 20}.com", "customer")]
    pair.set_epoch("2")
    second = pair.build()
    assert (second["issues"], counts_of(second["shared_counts"])) == ([], counts_of(first))
    counted = "select sum(partner_accounts - companies) as more from int_account_mapping__overlap_matrix"
    ours = pair.project.query(counted)
    assert ours[0]["more"] > 1_000, "our own matrix counts the rows that came"


def test_rows_that_match_nothing_do_not_hide_that_one_company_changed(pair):
    """A target, and as many invented accounts as make two lists differ by more than k."""
    pair.exchange = "list"
    pair.set_epoch("1")
    assert pair.build()["shared_counts"]
    pair.theirs = pair.theirs[:-1]
    pair.more = [(f"ghost {number}", f"ghost{number}.com", "customer") for number in range(3 * K)]
    pair.set_epoch("2")
    refused = pair.build()
    assert (refused["shared_counts"], "counts_refused" in refused["issues"]) == ([], True)


def test_single_cells_are_shared_and_what_is_withheld_is_not_shown_as_zero(pair):
    """We offer customers only, and their names for the partner's prospects only; the partner offers no churned."""
    pair.state(
        [
            {**rule, "partner_id": "peer"}
            for rule in (
                {**EVERYTHING, "direction": "accepted"},
                {**EVERYTHING, "direction": "offered", "our_status": "customer", "fields": "status"},
                {**EVERYTHING, "direction": "offered", "our_status": "customer", "partner_status": "prospect"},
            )
        ]
    )
    pair.answer([*agreement(), {**agreement()[0], "our_status": "churned", "level": "hidden"}])
    pair.theirs = [(domain, status) for domain, status in pair.theirs if status != "churned"]
    found = pair.build()
    n_customers = sum(row["status"] == "customer" for row in pair.ours)
    assert len({row["account_token"] for row in found["shared_keys"]}) == n_customers
    fields = [row["field"] for row in found["shared_fields"]]
    assert fields.count("name") == SHARED["customer", "prospect"]
    assert fields.count("status") == SHARED["customer", "prospect"] + SHARED["customer", "customer"]
    cells = {
        (row["our_status"], row["partner_status"]): (row["companies"], row["cell_state"])
        for row in pair.project.query("select * from int_account_mapping__overlap_matrix where rollup = 'account'")
    }
    withheld = {cell: state for cell, state in cells.items() if cell[0] != "customer" or cell[1] == "churned"}
    assert len(withheld) == 7 and set(withheld.values()) == {(None, "not_shared")}
    assert cells["customer", "customer"] == (SHARED["customer", "customer"], "counted")


def test_fields_that_the_partner_sends_fill_its_accounts_where_they_are_agreed(pair):
    deals = "deal_stage;deal_close_date;last_won_on"
    pair.answer(agreement(fields=f"name;open_amount;owner_name;owner_email;{deals}"))
    pair.state(agreement(fields=f"name;open_amount;owner_email;phone;{deals}"))
    domain = pair.theirs[0][0]
    common = {
        "partner_id": "peer",
        "agreement_id": "pilot",
        "epoch": "1",
        "account_token": token_of(domain, "account", "1"),
        "partner_account_token": token_of(f"generic:{domain}", "account", "1"),
    }
    values = {
        "name": "=Firm(1)",
        "open_amount": "1200.50 USD",
        "owner_name": "Mallory",
        "owner_email": "+cmd|' /C calc'!A0",
        "deal_stage": "=Offer",
        "deal_close_date": "2026-12-24",
        "last_won_on": "soon",
    }
    pair.project.write_table(
        "partners.partner_fields", [{**common, "field": field, "value": value} for field, value in values.items()]
    )
    found = pair.build()
    # its keys tell statuses, which no rule names here
    assert found["issues"] == ["field_not_agreed", "field_not_readable", "status_not_agreed", "unknown_field"]
    pair.project.make("+account_mapping__overlaps")
    named = pair.project.query("select * from account_mapping__overlaps where partner_account_name is not null")
    assert len(named) == 1
    assert named[0]["account_id"] == f"generic:{domain}"
    assert named[0]["partner_account_name"] == "'=Firm(1)"
    assert (float(named[0]["partner_open_amount"]), named[0]["partner_owner"]) == (
        1200.5,
        "'+cmd|' /C calc'!A0",
    )
    assert [named[0][f"partner_{column}"] for column in ("deal_stage", "deal_close_date", "last_won_on")] == [
        "'=Offer",
        date(2026, 12, 24),
        None,
    ]


def test_a_rule_of_ours_that_cannot_be_read_stops_the_build_and_is_no_consent(make_project):
    """A model may stand in for the seed: its dates are text, and one that is no date must not count as left open."""
    variables = {"account_mapping__crms": ["generic"], "account_mapping__as_of": str(AS_OF)}
    project = make_project(variables=variables)
    project.write_seed("account_mapping__partners", [PARTNER])
    project.write_seed("account_mapping__sharing_agreements", [], RULE)
    (project.folder / "seeds/account_mapping__sharing_agreements.csv").unlink()
    (project.folder / "models").mkdir()
    rules = [{**rule, "valid_until": "end of the year"} for rule in agreement()]
    selects = (", ".join(f"'{value}' as {name}" for name, value in rule.items()) for rule in rules)
    model = project.folder / "models/account_mapping__sharing_agreements.sql"
    model.write_text(" union all ".join(f"select {columns}" for columns in selects))
    project.write_table("partners.partner_agreements", agreement())
    selection = ("--select", "+int_account_mapping__agreements_in_force")
    result = project.run("build", *selection)
    assert not result.success and "is_readable" in " ".join(result.errors)
    assert project.run("run", *selection).success
    levels = project.query("select distinct sharing_level from int_account_mapping__agreements_in_force")
    assert levels == [{"sharing_level": "hidden"}]
