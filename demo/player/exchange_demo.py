"""Play two companies and a clean room, which pass each other nothing but files, and compare what they count.

usage: python -m demo.player.exchange_demo [--folder FOLDER]

Aster has the demo's two CRMs, Birch the list of Papermoon Payments. Each is a dbt project with a database of its own,
and so is the clean room. They go through the steps of docs/map_accounts_with_a_partner.md; only files of an outbox are
copied. The pair's secret is made anew and lives only in the environment of the two companies' commands; the room has
none.

It is played with all keys, and without names, so that websites, mail domains and numbers are compared alone. A readable
list is compared by those keys as well, so a fourth project gets Birch's list in plain text, and has to count the same.
Each is played again by private set intersection, without a clean room: both sides have to count the same records, and
it is told in how many matches and cells that differs from keys.

Ends with a table of the shared companies per cell, as each of them reports it, and with 1 if any differs.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange import command
from exchange.dbt_project import DbtProject
from exchange.text import printable_lines

from . import load
from .play import PACKAGE, PARTNER_SIDE, PROJECT, DemoError, dbt

AS_OF = "2026-11-15"
AGREEMENT = {"agreement_id": "aster-birch-2026", "epoch": "1"}
FIELDS = "status;name;country"
BIRCH_LIST = "papermoon_payments"
# Where names stand in the raw tables.
NAMES = {"salesforce.account": "name", "hubspot.companies": "properties_name", "generic.accounts": "account_name",
         "partners.partner_accounts": "account_name"}  # fmt: skip

Row = Mapping[str, str]
Cell = tuple[str, str, str]


@dataclass(frozen=True)
class Company:
    """One side: what it calls itself and the other, its CRMs, its status rules, and what loads its raw tables."""

    name: str
    partner: str
    crms: tuple[str, ...]
    status_rules: tuple[Row, ...]
    load: Callable[[Path], Any]


# ---------------------------------------------------------------- the demo's companies


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def load_list(database: Path, partner_id: str) -> None:
    """Load Birch's list in plain text, as the readable list of a partner."""
    import duckdb

    load.load_partner(database, BIRCH_LIST)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema if not exists partners")
        connection.execute(
            "create or replace table partners.partner_accounts as select ? as partner_id, * from generic.accounts",
            [partner_id],
        )
        connection.execute("drop table generic.accounts")


def load_aster(database: Path) -> None:
    """Load the demo's CRMs, and no list of anybody."""
    import duckdb

    load.load(database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop schema partners cascade")


ASTER = Company(
    "aster",
    "birch",
    ("salesforce", "hubspot"),
    tuple(read_csv(PROJECT / "seeds" / "account_mapping__status_rules.csv")),
    load_aster,
)
BIRCH = Company(
    "birch",
    "aster",
    ("generic",),
    tuple(
        rule
        for rule in read_csv(PARTNER_SIDE / "seeds" / "account_mapping__status_rules.csv")
        if rule["source_system"] == "generic"
    ),
    lambda database: load.load_partner(database, BIRCH_LIST),
)


def hide_names(database: Path) -> None:
    """Empty every name in the raw tables, so that keys of names do not exist."""
    import duckdb

    with duckdb.connect(str(database)) as connection:
        tables = connection.sql("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        for (table,) in tables:
            if table in NAMES:
                connection.execute(f"update {table} set {NAMES[table]} = null")


# ---------------------------------------------------------------- projects


def write_seed(project: Path, name: str, rows: Sequence[Row]) -> None:
    with (project / "seeds" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make_project(folder: Path, variables: Mapping[str, Any], seeds: Mapping[str, Sequence[Row]]) -> Path:
    """A dbt project that installs the package, with a DuckDB file of its own and these settings."""
    (folder / "seeds").mkdir(parents=True)
    for name, rows in seeds.items():
        write_seed(folder, name, rows)
    project = {
        "name": "exchange_demo",
        "version": "1.0.0",
        "config-version": 2,
        "profile": "exchange_demo",
        "vars": {"account_mapping__as_of": AS_OF, **variables},
        "seeds": {"account_mapping": {name: {"+enabled": False} for name in seeds}},
        "flags": {"warn_error_options": {"silence": ["PackageNodeDependsOnRootProjectNode"]}},
    }
    output = {"type": "duckdb", "path": str(folder / "warehouse.duckdb"), "schema": "main", "threads": 2}
    profiles = {"exchange_demo": {"target": "dev", "outputs": {"dev": output}}}
    # JSON is YAML too
    (folder / "dbt_project.yml").write_text(json.dumps(project, indent=2), encoding="utf-8")
    (folder / "profiles.yml").write_text(json.dumps(profiles, indent=2), encoding="utf-8")
    # what `dbt deps` does for a local package
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "account_mapping").symlink_to(PACKAGE, target_is_directory=True)
    return folder


def switch_tests_off(project: Path) -> None:
    """Run no data test of the package in this project."""
    path = project / "dbt_project.yml"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["data_tests"] = {"account_mapping": {"+enabled": False}}
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def make_company(folder: Path, company: Company, exchange: str = "keys") -> Path:
    """A company's project: its settings, its raw tables, and neither exclusions nor overrides of its own."""
    rule = {"partner_id": company.partner, "our_status": "*", "partner_status": "*", "level": "overlapping"}
    days = {"minimum_count": "", "valid_from": "2026-01-01", "valid_until": "2026-12-31"}
    rules = [{**rule, "direction": direction, "fields": FIELDS, **days} for direction in ("offered", "accepted")]
    partner = {"partner_id": company.partner, "partner_name": company.partner.title(), "exchange": exchange}
    seeds = {
        "account_mapping__partners": [{**partner, "is_active": "true", **AGREEMENT}],
        "account_mapping__sharing_agreements": rules,
        "account_mapping__status_rules": company.status_rules,
    }
    variables = {"account_mapping__crms": list(company.crms), "account_mapping__company_id": company.name}
    project = make_project(folder / company.name, variables, seeds)
    company.load(project / "warehouse.duckdb")
    return project


def make_room(folder: Path, own: Company) -> Path:
    """A clean room's project, with `own` as the side whose view is wanted."""
    partner = {"partner_id": own.partner, "partner_name": own.partner.title(), "exchange": "keys", "is_active": "true"}
    variables = {"account_mapping__crms": ["shared_keys"], "account_mapping__company_id": own.name}
    return make_project(folder / "clean_room", variables, {"account_mapping__partners": [{**partner, **AGREEMENT}]})


def make_reader(folder: Path, own: Company, other: Company, load_readable: Callable[[Path, str], Any]) -> Path:
    """A project of `own` that has the list of `other` in plain text."""
    partner = {"partner_id": own.partner, "partner_name": own.partner.title(), "exchange": "list", "is_active": "true"}
    theirs = [{**rule, "source_system": own.partner} for rule in other.status_rules]
    seeds = {"account_mapping__partners": [partner], "account_mapping__status_rules": [*own.status_rules, *theirs]}
    project = make_project(folder / "readable_list", {"account_mapping__crms": list(own.crms)}, seeds)
    own.load(project / "warehouse.duckdb")
    load_readable(project / "warehouse.duckdb", own.partner)
    return project


# ---------------------------------------------------------------- the exchange


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """This process with these environment variables and no others."""
    former = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(variables)
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)


class Play:
    """One exchange between two companies, in a folder of its own.

    said: every command with its output, in the order in which they are told.
    """

    def __init__(
        self, folder: Path, sides: tuple[Company, Company], tell: Callable[[str], None], exchange: str, secret: str
    ) -> None:
        self.folder, self.sides, self.tell, self.exchanged = folder, sides, tell, exchange
        self.said: list[tuple[str, str, str]] = []
        base = {name: value for name, value in os.environ.items() if not name.startswith("ACCOUNT_MAPPING_SECRET_")}
        base |= {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "PYTHONUTF8": "1"}
        self.environments = {
            side.name: base
            | {f"ACCOUNT_MAPPING_SECRET_{side.partner.upper()}": secret}
            # blinds a side's own points, and is known to nobody else
            | ({"ACCOUNT_MAPPING_PSI_SECRET": secrets.token_hex(32)} if exchange == "psi" else {})
            for side in sides
        }
        self.environments |= {name: base for name in ("clean_room", "readable_list") if (folder / name).exists()}
        # each is parsed once
        self.projects = {name: DbtProject(folder / name) for name in self.environments}

    def exchange(self, place: str, *arguments: str) -> str:
        """Run the exchange command in one project, with that side's secret; DemoError with its words where it fails."""
        project = self.folder / place
        said = io.StringIO()
        with environment(self.environments[place]), chdir(project), redirect_stdout(said), redirect_stderr(said):
            code = command.main(arguments, self.projects[place])
        if code:
            raise DemoError(f"`exchange {' '.join(arguments)}` failed in {project}:\n{said.getvalue()}")
        return said.getvalue().strip()

    def both(self, name: str, *options: str) -> None:
        """Both companies run one command, one after the other, and what they say is told."""
        outputs = [self.exchange(side.name, name, side.partner, *options) for side in self.sides]
        for side, output in zip(self.sides, outputs, strict=True):
            self.report(side.name, " ".join((name, side.partner, *options)), output)

    def report(self, place: str, command: str, output: str) -> None:
        self.said.append((place, command, output))
        lines = "\n".join(f"    {line}" for line in output.splitlines())
        self.tell(f"{place}$ exchange {command}\n{lines}")

    def send(self) -> None:
        """Each company's outbox becomes the other's inbox: all that ever passes between them."""
        for side in self.sides:
            inbox = self.folder / side.partner / "inbox" / side.name
            shutil.rmtree(inbox, ignore_errors=True)
            shutil.copytree(self.folder / side.name / "outbox" / side.partner, inbox)

    def send_to_room(self) -> None:
        """The clean room gets both manifests, and both files of keys and of counts, and nothing readable."""
        for side in self.sides:
            inbox = self.folder / "clean_room" / "inbox" / side.name
            inbox.mkdir(parents=True)
            for pattern in ("manifest.json", "keys-*", "counts-*"):
                for path in (self.folder / side.name / "outbox" / side.partner).glob(pattern):
                    shutil.copy(path, inbox)

    def run(self) -> None:
        """All steps of the guide, and the clean room."""
        own = self.sides[0]
        self.both("publish")
        self.send()
        self.both("receive", "--no-build")
        self.both("publish")
        self.send()
        if self.exchanged == "psi":
            # what came first were commitments; points, answers and matches follow
            for _ in range(3):
                self.both("receive", "--no-build")
                self.both("publish", "--no-build")
                self.send()
            self.both("receive", "--no-build")
            self.both("reveal")
            self.send()
            self.both("receive")
            self.both("status")
            self.report(own.name, f"ledger {own.partner}", self.exchange(own.name, "ledger", own.partner))
            return
        self.both("receive")
        looks = ("preview", own.partner, "--no-build")
        self.report(own.name, " ".join(looks), self.exchange(own.name, *looks))
        self.both("reveal")
        self.send()
        self.send_to_room()
        self.both("receive")
        self.report("clean_room", f"room {own.partner}", self.exchange("clean_room", "room", own.partner))
        self.both("status")
        self.report(own.name, f"ledger {own.partner}", self.exchange(own.name, "ledger", own.partner))


def companies(project: Path, turned: bool = False) -> dict[Cell, int | None]:
    """Shared companies by rollup, first side's status and second side's; `turned` where the second side counts."""
    import duckdb

    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.sql(
            "select rollup, our_status, partner_status, companies from account_mapping__overlap_matrix"
        ).fetchall()
    return {
        (rollup, theirs, ours) if turned else (rollup, ours, theirs): number for rollup, ours, theirs, number in rows
    }


def links(project: Path) -> set[tuple[str, str, str]]:
    """Accepted matches: our account, the partner's account, and how they are related."""
    import duckdb

    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.sql(
            "select account_id, partner_account_id, relationship from account_mapping__matches"
            " where decision = 'accepted'"
        ).fetchall()
    return set(rows)


def compare_exchanges(by_keys: Path, by_psi: Path, sides: tuple[Company, Company], tell: Callable[[str], None]) -> None:
    """Tell how the matches and cells of two plays with one secret differ, side by side."""
    for side in sides:
        keys, psi = links(by_keys / side.name), links(by_psi / side.name)
        tell(
            f"{side.name}: {len(keys & psi):,} matches by keys and by psi alike, {len(keys - psi):,} by keys only, "
            f"{len(psi - keys):,} by psi only"
        )
    counted = [companies(place / side.name, side is sides[1]) for place in (by_keys, by_psi) for side in sides]
    headings = [f"{side.name}, {exchange}" for exchange in ("keys", "psi") for side in sides]
    tell(table(headings, counted)[0])


def shown(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def published(project: Path, counts: str) -> dict[Cell, int | str | None]:
    """What a table of shared counts says of each cell, in the words of who counted: a number, or why there is none."""
    import duckdb

    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.sql(
            f"select rollup, our_status, partner_status, coalesce(companies::varchar, cell_state) from {counts}"
        ).fetchall()
    return {tuple(cell): said for *cell, said in rows}


def as_read(folder: Path, sides: tuple[Company, Company], tell: Callable[[str], None]) -> list[Cell]:
    """Tell what each side publishes of its own companies, as itself, the other and the room have it.

    Returns the cells that one of them reads otherwise.
    """
    differing = []
    for side, in_room in zip(sides, ("own.shared_counts", "partners.partner_counts"), strict=True):
        read = [
            published(folder / side.name, "account_mapping__shared_counts"),
            published(folder / side.partner, "partners.partner_counts"),
            published(folder / "clean_room", in_room),
        ]
        text, others = table(["published", side.partner, "clean room"], read, "nothing")
        tell(f"Companies of {side.name}, as it publishes them and as they are read\n{text}")
        differing += others
    return differing


def table(
    headings: Sequence[str], counted: Sequence[Mapping[Cell, int | str | None]], missing: int | str = 0
) -> tuple[str, list[Cell]]:
    """The cells of all, side by side, and those on which they differ. A cell that one has not is `missing` there."""
    statuses = ("customer", "open_opportunity", "churned", "prospect", "not_shared")
    places = {status: place for place, status in enumerate(statuses)}
    cells = sorted(
        {cell for cells in counted for cell in cells}, key=lambda c: (c[0], *(places[status] for status in c[1:]))
    )
    lines = [f"{'rollup':<8}{'first':<18}{'second':<18}" + "".join(f"{heading:>15}" for heading in headings)]
    differing = []
    for cell in cells:
        numbers = [cells.get(cell) or missing for cells in counted]
        if len(set(numbers)) > 1:
            differing.append(cell)
        mark = "  DIFFERS" if len(set(numbers)) > 1 else ""
        lines.append(f"{cell[0]:<8}{cell[1]:<18}{cell[2]:<18}" + "".join(f"{shown(n):>15}" for n in numbers) + mark)
    totals = [sum(number for number in cells.values() if isinstance(number, int)) for cells in counted]
    if any(totals):
        lines.append(f"{'all':<44}" + "".join(f"{shown(total):>15}" for total in totals))
    return "\n".join(lines), differing


def play_exchange(
    folder: Path,
    sides: tuple[Company, Company] = (ASTER, BIRCH),
    load_readable: Callable[[Path, str], Any] | None = load_list,
    named: bool = True,
    tested: bool = True,
    tell: Callable[[str], None] = print,
    exchange: str = "keys",
    secret: str | None = None,
) -> tuple[Play, list[Cell]]:
    """Play one exchange in `folder`, and the readable list where there are no names; returns the cells that differ.

    load_readable: loads the second side's list in plain text; None to leave that out.

    tested: whether the builds run the package's data tests, which take most of their time. exchange: `keys`, or `psi`,
    which has no clean room. secret: of the pair; with an equal one two plays have equal tokens.
    """
    shutil.rmtree(folder, ignore_errors=True)
    projects = [make_company(folder, side, exchange) for side in sides]
    headings = [sides[0].name, sides[1].name]
    if exchange == "keys":
        projects.append(make_room(folder, sides[0]))
        headings.append("clean room")
    if not named:
        if load_readable is not None:
            projects.append(make_reader(folder, *sides, load_readable))
            headings.append("readable list")
        for project in projects:
            if project.name != "clean_room":
                hide_names(project / "warehouse.duckdb")
    if not tested:
        for project in projects:
            switch_tests_off(project)
    made = Play(folder, sides, tell, exchange, secret or secrets.token_hex(32))
    made.run()
    if (folder / "readable_list").exists():
        selection = ("--select", "+account_mapping__overlap_matrix", "--exclude-resource-type", "unit_test", "test")
        with environment(made.environments["readable_list"]):
            dbt(made.projects["readable_list"], "build", *selection)
    counted = [companies(project, project.name == sides[1].name) for project in projects]
    text, differing = table(headings, counted)
    tell(text)
    if exchange == "psi":
        # of a partner's family only matched members are known, so it may lie in another cell than for its owner
        return made, [cell for cell in differing if cell[0] == "account"]
    return made, differing + as_read(folder, sides, tell)


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=PROJECT / "target" / "exchange", help="default: %(default)s")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    differing: list[Cell] = []
    try:
        for named, title in ((True, "All keys"), (False, "Websites, mail domains and numbers, without names")):
            place, secret = folder / ("with_names" if named else "without_names"), secrets.token_hex(32)
            print(f"\n== {title}\n", flush=True)
            differing += play_exchange(place, named=named, secret=secret)[1]
            blinded = place.with_name(f"{place.name}_by_psi")
            print(f"\n== {title}, by private set intersection\n", flush=True)
            differing += play_exchange(blinded, load_readable=None, named=named, exchange="psi", secret=secret)[1]
            # by psi an unmatched name or website speaks neither for nor against a pair, so matches may differ
            compare_exchanges(place, blinded, (ASTER, BIRCH), print)
    except DemoError as error:
        print(f"\nThe exchange stopped: {printable_lines(error)}", file=sys.stderr)
        return 1
    said = "All count the same companies in every cell, and read what the other publishes."
    print(f"\n{len(differing)} cells differ" if differing else f"\n{said}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
