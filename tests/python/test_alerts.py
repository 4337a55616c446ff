"""Alerts: each has one id in every run and stands as long as it is news; `send-alerts` tells each once, also when it is
killed or refused, and a dry run prints what is then sent. The servers that are told are on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from harness import PACKAGE, Project

from benchmarks import alerts_soak
from benchmarks.alert_receivers import ACCEPT, REFUSE, SILENT, Inbox, receivers
from report import alerts
from report.command import main as report
from report.marts import ReportError

Row = dict[str, Any]

# apprise is not among what the models need; `requirements-dev.lock` has it
with_apprise = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", "import apprise"], capture_output=True).returncode != 0
    and not os.environ.get("CI"),
    reason="apprise is not installed",
)
VARIABLES = {
    "account_mapping__crms": ["salesforce", "hubspot"],
    "account_mapping__history": True,
    "account_mapping__unit_tests": True,
}


# ---------------------------------------------------------------- the mart


def account(number: int, name: str, partner_id: str = "", **others: Any) -> Row:
    """An account of a partner, or of ours."""
    domain = f"{name.split()[0].lower()}.com"
    return {
        **({"partner_id": partner_id, "account_id": str(number)} if partner_id else {"id": f"001A{number:011d}IAA"}),
        "account_name" if partner_id else "name": name,
        "website": domain,
        **others,
    }


NAMES = ("Kudu Works", "Ibex Foods", "Bison Tools", "Eland Air")


def write_day(project: Project, nimbus: dict[str, str], deal_is_won: bool, updated_at: str) -> None:
    """What the partner's list and its deal say on a day: statuses by name; one deal, at the first of our accounts."""
    rows = [
        account(NAMES.index(name), name, "nimbus", status=status, updated_at=updated_at)
        for name, status in nimbus.items()
    ]
    project.write_table("partners.partner_accounts", rows)
    deal = {"partner_id": "nimbus", "account_id": "0", "deal_id": "d", "opened_on": "2026-01-02", "amount": "50"}
    closing = {"is_won": "true", "closed_on": "2026-02-01"} if deal_is_won else {"is_won": "", "closed_on": ""}
    project.write_table("partners.partner_deals", [deal | closing])


def found(project: Project) -> dict[str, Row]:
    rows = project.query("select * from account_mapping__alerts")
    by_id = {row["alert_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    return by_id


def told(rows: dict[str, Row]) -> set[tuple[str, str]]:
    return {(row["kind"], row["title"]) for row in rows.values()}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with history after its first run, with all tests of the package, unit tests included."""
    made = Project(tmp_path_factory.mktemp("alerts") / "project", variables=VARIABLES)
    made.write_table(
        "salesforce.account", [account(number, name, type="Prospect") for number, name in enumerate(NAMES)]
    )
    made.write_table("hubspot.companies", "select 1 as id, 'x' as name where false")
    made.write_table(
        "salesforce.opportunity",
        [
            {
                "id": "006A00000000001IAA", "account_id": "001A00000000000IAA", "is_closed": False, "is_won": False,
                "amount": 1000, "stage_name": "Offer",
            }
        ],
    )  # fmt: skip
    made.write_seed(
        "account_mapping__partners",
        [
            {"partner_id": "nimbus", "partner_name": "Nimbus", "exchange": "list", "is_active": "true",
             "partner_manager": "ann@us.example"}
        ],
    )  # fmt: skip
    first = {"Kudu Works": "prospect", "Bison Tools": "customer", "Eland Air": "prospect"}
    write_day(made, first, deal_is_won=False, updated_at="2026-01-05")
    result = made.run("build", variables={"account_mapping__as_of": "2026-01-05"})
    assert result.success, result.text
    units = [
        f"{test['name']}_v1" if test["model"].startswith("account_mapping__") else test["name"]
        for path in (PACKAGE / "models").rglob("*.yml")
        for test in yaml.safe_load(path.read_text()).get("unit_tests", ())
        if "and var('account_mapping__history')" in str(test.get("config"))
    ]
    # no other test runs those that need history
    assert len(units) >= 4 and {result.statuses.get(name) for name in units} == {"pass"}
    return made


def test_the_first_list_is_no_news_and_what_happens_later_stands_once_and_as_long_as_it_is_news(
    project: Project,
) -> None:
    assert told(found(project)) == {("signal", "Kudu Works and Nimbus: deal opened")}

    # a prospect became a customer, a deal was won, a company came, and two of three are gone
    second = {"Kudu Works": "customer", "Ibex Foods": "customer"}
    write_day(project, second, deal_is_won=True, updated_at="2026-02-02")
    project.make("+account_mapping__alerts", variables={"account_mapping__as_of": "2026-02-02"})
    alerts_then = found(project)
    assert told(alerts_then) == {
        ("warm_introduction", "Warm introduction to Kudu Works by Nimbus"),
        ("warm_introduction", "Warm introduction to Ibex Foods by Nimbus"),
        ("signal", "Kudu Works and Nimbus: another status"),
        ("signal", "Kudu Works and Nimbus: deal won"),
        ("coverage_drop", "Nimbus knows fewer of our accounts"),
    }
    assert {row["recipient"] for row in alerts_then.values()} == {"ann@us.example"}
    (drop,) = [row for row in alerts_then.values() if row["kind"] == "coverage_drop"]
    assert drop["text"].startswith(
        "On 2026-02-02 Nimbus knew 2 accounts of ours, and 3 in the run before, on 2026-01-05"
    )
    assert drop["happened_on"] == date(2026, 2, 2)

    project.make("+account_mapping__alerts", variables={"account_mapping__as_of": "2026-02-02"})
    assert found(project) == alerts_then
    project.make("+account_mapping__alerts", variables={"account_mapping__as_of": "2026-02-10"})
    assert found(project) == alerts_then

    # the status is not told any more, so that nothing tells of it
    write_day(project, {"Kudu Works": "", "Ibex Foods": "customer"}, deal_is_won=True, updated_at="2026-02-02")
    project.make("+account_mapping__alerts", variables={"account_mapping__as_of": "2026-02-11"})
    later = found(project)
    assert later.keys() < alerts_then.keys()
    assert told(alerts_then) - told(later) == {
        ("warm_introduction", "Warm introduction to Kudu Works by Nimbus"),
        ("signal", "Kudu Works and Nimbus: another status"),
    }

    project.make("+account_mapping__alerts", variables={"account_mapping__as_of": "2026-04-15"})
    assert told(found(project)) == {("list_stale", "The list of Nimbus is old")}


# ---------------------------------------------------------------- the command

CHANNELS = {
    "default": "team",
    "managers": {"Ann@us.example": "ann"},
    "channels": {"team": {"url_env": "TEST_TEAM"}, "ann": {"url_env": "TEST_ANN"}, "log": {"file": "told.jsonl"}},
}


class Place:
    """A folder with alerts and channels, and the servers that are told."""

    def __init__(self, folder: Path, inbox: Inbox) -> None:
        self.folder, self.inbox = folder, inbox
        self.database, self.channels = folder / "marts.duckdb", folder / "channels.yml"
        self.ledger = folder / "marts.duckdb.alerts.jsonl"
        self.ids = alerts_soak.write_alerts(self.database, 9)
        self.channels.write_text(yaml.safe_dump(CHANNELS))

    def send(self, *options: str) -> int:
        return report(["send-alerts", str(self.database), "--channels", str(self.channels), *options])

    def entries(self) -> list[Row]:
        return [json.loads(line) for line in self.ledger.read_text().splitlines()]

    def change(self, sql: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(sql)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    inbox = Inbox()
    with receivers(inbox) as addresses:
        monkeypatch.setenv("TEST_TEAM", addresses["http"])
        monkeypatch.setenv("TEST_ANN", addresses["smtp"])
        yield Place(tmp_path, inbox)


@with_apprise
def test_a_dry_run_prints_what_is_then_sent_and_each_alert_is_told_once(place: Place, capsys) -> None:
    place.change(
        "update account_mapping__alerts set title = '<!channel> [pay](http://evil.example)' where title = 'Alert 0'"
    )
    place.change(
        "update account_mapping__alerts set text = 'Kudu' || chr(10) || chr(27) || '[31m' where title = 'Alert 1'"
    )
    assert place.send("--dry-run") == 0
    printed = capsys.readouterr().out
    assert not place.ledger.exists() and not place.inbox.deliveries

    assert place.send() == 0
    assert capsys.readouterr().out == f"9 alerts told, 0 failed, 0 not tried; the ledger is {place.ledger}\n"
    names = {"http": "team", "smtp": "ann"}
    sent = [(one.alert_id, f"To {names[one.kind]}:\n{one.title}\n{one.body}") for one in place.inbox.deliveries]
    lines = (place.folder / "told.jsonl").read_text().splitlines()
    for line in map(json.loads, lines):
        sent.append((line["alert_id"], f"To log:\n{line['title']}\n{line['body']}"))
    assert [one for one, _ in sorted(sent)] == place.ids
    assert "\n\n".join(text for _, text in sorted(sent)) + "\n" == printed
    assert "‹!channel› (pay)(http://evil.example)" in printed and "Kudu\\u000a\\u001b(31m" in printed
    assert [one.message_id for one in place.inbox.deliveries if one.kind == "smtp"] == [
        f"<{alert_id}@alerts.account-mapping.invalid>" for alert_id in place.ids[1::3]
    ]

    assert place.send() == 0
    assert capsys.readouterr().out.startswith("0 alerts told, 0 failed, 0 not tried")
    assert place.send("--dry-run") == 0
    assert capsys.readouterr().out == "Nothing is to be told.\n"
    assert len(place.inbox.deliveries) == 6 and len(lines) == 3
    assert [entry["event"] for entry in place.entries()] == ["intent", "told"] * 9


@with_apprise
def test_what_was_refused_is_told_at_the_next_run_and_a_channel_that_fails_is_left_alone(place: Place, capsys) -> None:
    answers = iter([REFUSE, ACCEPT])
    place.inbox.plan = lambda _: next(answers, ACCEPT)
    assert place.send() == 1
    said = capsys.readouterr().err
    assert said.startswith("8 alerts told, 1 failed, 0 not tried") and "team: HTTP 503. The next run" in said
    assert place.send() == 0
    assert sorted(one.alert_id for one in place.inbox.deliveries) == sorted(place.ids[0::3] + place.ids[1::3])
    assert place.inbox.refused == 1
    assert place.entries()[-1]["attempt"] == 2 and place.entries()[-1]["alert_id"] == place.ids[0]

    place.ledger.unlink()
    place.change("update account_mapping__alerts set channel = 'ann', alert_id = 'b' || alert_id")
    place.inbox.plan = lambda _: REFUSE
    assert place.send() == 1
    assert capsys.readouterr().err.startswith("0 alerts told, 3 failed, 6 not tried")


@with_apprise
def test_what_was_accepted_without_an_answer_comes_again_with_its_id(place: Place, capsys) -> None:
    answers = iter([SILENT])
    place.inbox.plan = lambda _: next(answers, ACCEPT)
    assert place.send() == 1
    assert place.send() == 0
    ids = [one.alert_id for one in place.inbox.deliveries]
    assert len(ids) == 7 and set(ids) == set(place.ids[0::3] + place.ids[1::3])

    # a run that ended between both lines of the ledger, and one that ended within a line
    place.change(f"delete from account_mapping__alerts where alert_id not in ('{place.ids[0]}', '{place.ids[3]}')")
    first, second = (json.dumps({"event": "intent", "alert_id": place.ids[number]}) for number in (0, 3))
    place.ledger.write_text(f"{first}\n{second[:20]}")
    capsys.readouterr()
    assert place.send() == 0
    said = capsys.readouterr().out
    assert said.startswith("2 alerts told") and "1 were begun by a run that ended before their answer" in said
    assert [entry["event"] for entry in place.entries()] == ["intent", "intent", "told", "intent", "told"]


@with_apprise
def test_no_address_is_printed_or_kept_and_a_channel_leads_to_one_place(
    place: Place, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "T0PS3CRET"  # noqa: S105
    address = os.environ["TEST_TEAM"]
    monkeypatch.setenv("TEST_TEAM", f"{address.replace('//', f'//ann:{secret}@')}?+X-Token={secret}")
    monkeypatch.setenv(
        "TEST_ANN", f"mailto://ann:{secret}@127.0.0.1:1/?from=a@us.example&to=b@us.example&mode=insecure"
    )
    assert place.send() == 1
    printed = "".join(capsys.readouterr())
    assert "6 alerts told, 3 failed" in printed and "ann: refused, or not reached" in printed
    kept = b"".join(path.read_bytes() for path in place.folder.iterdir() if path.is_file())
    assert secret not in printed and secret.encode() not in kept

    for value, finding in {
        "mailto://127.0.0.1/?from=a@us.example&to=b@us.example,c@us.example&mode=insecure": "leads to 2 places",
        "mailto://127.0.0.1/?from=a@us.example&to=b@us.example&cc=c@us.example&mode=insecure": "leads to 2 places",
        f"nonsense://{secret}": "holds no address",
        "": "which is not set",
    }.items():
        monkeypatch.setenv("TEST_ANN", value)
        assert place.send() == 1
        printed = "".join(capsys.readouterr())
        assert finding in printed and secret not in printed


@pytest.mark.parametrize(
    ("channels", "finding"),
    [
        ("- list", "needs `default` and `channels`"),
        ("{", "cannot be read as YAML"),
        ({"default": "team"}, "names channel team, which is not among"),
        (CHANNELS | {"managers": {"ann": "nobody"}}, "ann of"),
        (CHANNELS | {"more": 1}, "has nothing else"),
        (CHANNELS | {"channels": {"team": {"url": "json://T0PS3CRET"}}}, "needs either `url_env`"),
        (CHANNELS | {"channels": {"team": {"url_env": "json://T0PS3CRET"}}}, "does not hold the name"),
    ],
)
def test_channels_that_cannot_be_used_are_told(tmp_path: Path, channels: Any, finding: str) -> None:
    path = tmp_path / "channels.yml"
    path.write_text(channels if isinstance(channels, str) else yaml.safe_dump(channels))
    with pytest.raises(ReportError) as error:
        alerts.read_channels(path)
    assert finding in str(error.value) and "T0PS3CRET" not in str(error.value)


def test_a_file_gets_each_alert_once_whenever_a_run_ended_and_needs_no_library(
    place: Place, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert place.send() == 1
    assert "requirements-alerts.txt" in capsys.readouterr().err
    assert place.entries() == []

    place.change("update account_mapping__alerts set channel = 'log'")
    assert place.send() == 0
    path = place.folder / "told.jsonl"
    whole, entries = path.read_bytes(), place.ledger.read_bytes()
    assert [json.loads(line)["alert_id"] for line in whole.splitlines()] == place.ids
    # as if the process had ended at any byte of either file; the file is written between two lines of the ledger
    lines = entries.splitlines(keepends=True)
    starts = [sum(map(len, whole.splitlines(keepends=True)[:number])) for number in range(10)]
    for number in range(9):
        for extra in (0, 1, starts[number + 1] - starts[number]):
            path.write_bytes(whole[: starts[number] + extra])
            place.ledger.write_bytes(b"".join(lines[: 2 * number + 1]) + lines[2 * number + 1][: extra % 7])
            assert place.send() == 0
            assert path.read_bytes() == whole


def test_two_runs_do_not_meet_and_a_ledger_that_cannot_be_read_stops_one(place: Place, capsys) -> None:
    place.change("update account_mapping__alerts set channel = 'log'")
    with alerts.Ledger(place.ledger):
        assert place.send() == 1
        assert "another `send-alerts` is running" in capsys.readouterr().err
    place.ledger.write_text('{"event": "told"}\n')
    assert place.send() == 1
    assert f"Line 1 of {place.ledger} cannot be read" in capsys.readouterr().err
    place.ledger.unlink()
    place.change("update account_mapping__alerts set channel = 'nowhere'")
    assert place.send() == 1
    assert "names channel nowhere" in capsys.readouterr().err


@with_apprise
def test_killed_at_any_moment_and_refused_each_alert_is_told_once(tmp_path: Path) -> None:
    """A short one; `python -m benchmarks.alerts_soak` is the long one."""
    wrong, _ = alerts_soak.soak(tmp_path, kills=3, alerts=24, seed=7)
    assert wrong == []
