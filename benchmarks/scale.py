"""What a whole build costs: seconds, processor seconds and memory, by room and by model, on a made world of any size.

usage: python -m benchmarks.scale [--accounts 50000] [--partners 5] [--list 20000] [--keys-partners 0]
       [--domains 0.85] [--skew none] [--doublings 0] [--changed SHARE ...] [--memory-limit LIMIT] [--folder FOLDER]
       [--json FILE]

Makes a world, builds all of the package's models without tests, and prints what each room took and which models took
most. Names are made of invented words and of the words that companies add, as often as the demo's companies do; half
of each list is ours, spelt otherwise at times. Keys partners hash their list in a project of their own, which is not
measured. --skew: `name` (one name), `domain` (one mail provider's website) or `partner` (a partner has half of all
rows). --doublings: the same at half the size, a quarter, and so on, and the growth per doubling. --changed: build again
after that share of the accounts of both sides got another name; 0 for an unchanged world. --json: add a line for each
build to that file, as benchmarks.cost_model reads it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import secrets
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from .market import BUNDLED
from .ours import DBT, KEY_COLUMNS, ROOT, Project, quoted, run_measured

SHOWN_MODELS = 15
SKEWED_SHARE = 10  # one row in ten
SYLLABLES = re.findall(
    "[a-z]+",
    "ba be bi bo bra bre bu ca ce co cra da de di do dra du fa fe fi flo fo ga ge gi go gra gu ha he ho hu ja jo ka ke"
    " ki ko kra la le li lo lu ma me mi mo mu na ne ni no nu o pa pe pi plo po qua ra re ri ro ru sa se si so sta su ta"
    " te ti to tra tu u va ve vi vo wa we wi xe ya zo",
)
LEGAL_FORMS = (" GmbH", " Inc.", " Ltd", " S.A.", " B.V.", " LLC", " AG", " Corp", "", "", "", "")
COUNTRIES = ("DE", "FR", "NO", "US", "US", "GB", "FR", "IT", "PT", "NL", "CH", "BE")
# The largest is as large as the 500 smallest together.
CITIES = 2_000
# A company is a number; everything about it follows from that number.
MACROS = """
    create macro pick(items, n, salt) as items[1 + cast(hash(n, salt) % len(items) as integer)];
    create macro brand(n) as
        upper(pick(getvariable('syllables'), n, 1)[1]) || pick(getvariable('syllables'), n, 1)[2:]
        || pick(getvariable('syllables'), n, 2)
        || case when hash(n, 3) % 10 < 7 then pick(getvariable('syllables'), n, 4) else '' end;
    create macro plain_name(n) as
        brand(n)
        || case when hash(n, 5) % 10 < 8 then ' ' || pick(getvariable('words'), n, 6) else '' end
        || case when hash(n, 5) % 10 < 3 then ' ' || pick(getvariable('words'), n, 7) else '' end;
    create macro website(n) as
        lower(regexp_replace(plain_name(n), '[^A-Za-z]', '', 'g')) || substr('abcdefgh', 1 + cast(n % 8 as integer), 1)
        || '.com';
    create macro city_number(n) as
        cast(floor(getvariable('cities') * power(cast(hash(n, 9) % 1000003 as double) / 1000003, 2)) as bigint);
    create macro city(n) as
        pick(getvariable('syllables'), city_number(n), 16) || pick(getvariable('syllables'), city_number(n), 17)
        || 'burg';
    create macro spelt(n, who) as
        case cast(hash(n, who, 1) % 20 as integer)
            when 0 then upper(plain_name(n))
            when 1 then substr(plain_name(n), 1, 4) || substr(plain_name(n), 6)
            when 2 then split_part(plain_name(n), ' ', 1) || ' Group'
            when 3 then plain_name(n) || pick(getvariable('forms'), n, who)
            when 4 then plain_name(n)
            else plain_name(n) || pick(getvariable('forms'), n, 8)
        end;
"""
# {named}: when a row has the one name; {mailed}: when it has the one website; {change}: added to the number of what
# changed, so that it is another company
ACCOUNTS = """
    select
        'a' || range as account_id,
        case when {named} then 'Kudu Services' else spelt(range + {change}, -1) end as account_name,
        case
            when hash(range, 11) % 1000 >= {domains} then null
            when {mailed} then 'gmail.com'
            else website(range + {change})
        end as website,
        ['customer', 'open_opportunity', 'churned', 'prospect', 'prospect'][1 + cast(hash(range, 12) % 5 as integer)]
            as status,
        case when hash(range, 12) % 5 = 1 then hash(range, 13) % 100000 end as open_amount,
        pick(getvariable('countries'), city_number(range), 18) as country, city(range) as city
    from range({accounts})
"""
# half of a list is ours; others have numbers behind all of ours
LISTS = """
    with

    numbers as (
        select
            sizes.partner, sizes.partner_id, range as row,
            case
                when range % 2 = 0 then cast(hash(partner, range) % {accounts} as bigint)
                else {accounts} + cast(hash(partner, range, 1) % (4 * {accounts}) as bigint)
            end as number
        from sizes cross join range((select max(rows) from sizes))
        where range < sizes.rows
    ),

    rows as (
        select * from numbers
        qualify row_number() over (partition by partner, number order by row) = 1
    )

    select
        partner_id, partner_id || '-' || row as account_id,
        case when {named} then 'Kudu Services' else spelt(number + {change}, partner) end as account_name,
        case
            when hash(row, partner, 14) % 1000 >= {domains} then null
            when {mailed} then 'gmail.com'
            else website(number + {change})
        end as website,
        ['customer', 'open_opportunity', 'prospect'][1 + cast(hash(row, partner, 15) % 3 as integer)] as status,
        pick(getvariable('countries'), city_number(number), 18) as country, city(number) as city
    from rows
"""
# columns of the package's layout for lists, as those of our accounts
KEYS_SIDE = """
    select account_id, account_name, website, status, country, city
    from world.partners.all_lists where partner_id = ?
"""


@dataclass(frozen=True)
class World:
    """How large and how even. list_rows: of each partner; domains: the share of rows that have a website."""

    accounts: int
    partners: int
    list_rows: int
    keys_partners: int
    domains: float
    skew: str

    def ids(self) -> list[str]:
        return [f"partner_{number:03}" for number in range(self.partners)]

    def sizes(self) -> list[int]:
        if self.skew != "partner" or self.partners < 2:
            return [self.list_rows] * self.partners
        rows = self.partners * self.list_rows
        return [rows // 2, *[rows // 2 // (self.partners - 1)] * (self.partners - 1)]

    def exchange(self, number: int) -> str:
        return "keys" if number >= self.partners - self.keys_partners else "list"


def vocabulary() -> list[str]:
    """The words that follow the first one in the names of the demo's companies, as often as they do."""
    words: Counter[str] = Counter()
    for path, column, _ in BUNDLED:
        with (ROOT / "demo" / "project" / path).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                words.update(re.findall("[A-Za-z]{4,}", row[column])[1:])
    return sorted(word.title() for word, times in words.items() if times > 1 for _ in range(times))


def prepare(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    connection.execute("set variable cities = ?", [CITIES])
    lists = {"syllables": SYLLABLES, "words": vocabulary(), "forms": LEGAL_FORMS, "countries": COUNTRIES}
    for name, items in lists.items():
        connection.execute(f"set variable {name} = ?", [list(items)])
    connection.execute(MACROS.replace("create macro", "create or replace temp macro"))
    connection.execute("create or replace temp table sizes (partner bigint, partner_id text, rows bigint)")
    connection.executemany(
        "insert into sizes values (?, ?, ?)",
        [[number, name, rows] for number, (name, rows) in enumerate(zip(world.ids(), world.sizes(), strict=True))],
    )


def make_rows(database: Path, world: World, changed: float) -> None:
    """Write our accounts and all lists, of which a share `changed` are other companies than in the first world."""
    with duckdb.connect(str(database)) as connection:
        prepare(connection, world)
        for schema in ("generic", "partners"):
            connection.execute(f"create schema if not exists {schema}")
        thousandths = round(changed * 1000)
        for table, query, row in (("generic.accounts", ACCOUNTS, "range"), ("partners.all_lists", LISTS, "row")):
            values = {
                "accounts": world.accounts,
                "domains": round(world.domains * 1000),
                "named": f"{row} % {SKEWED_SHARE} = 3" if world.skew == "name" else "false",
                "mailed": f"{row} % {SKEWED_SHARE} = 3" if world.skew == "domain" else "false",
                "change": f"case when hash({row}, 21) % 1000 < {thousandths} then {9 * world.accounts} else 0 end",
            }
            connection.execute(f"create or replace table {table} as {query.format(**values)}")
        readable = [name for number, name in enumerate(world.ids()) if world.exchange(number) == "list"]
        connection.execute(
            "create or replace table partners.partner_accounts as "
            "select * from partners.all_lists where list_contains(?, partner_id)",
            [readable],
        )


class Built:
    """A project with its world, and the projects of the partners that send keys."""

    def __init__(self, folder: Path, world: World, memory_limit: str) -> None:
        self.world, self.folder = world, folder
        self.secrets = {name: secrets.token_hex(32) for name in world.ids()}
        self.engine = {"memory_limit": memory_limit} if memory_limit else None
        seeds = {
            "account_mapping__partners": [
                {
                    "partner_id": name, "partner_name": name, "exchange": world.exchange(number), "is_active": "true",
                    "agreement_id": "scale" if world.exchange(number) == "keys" else "", "epoch": "1",
                }
                for number, name in enumerate(world.ids())
            ],
            "account_mapping__sharing_agreements": self.rules(world.ids()),
        }  # fmt: skip
        self.project = Project(
            folder / "ours", "list", {"account_mapping__partner_lists_path": ""}, engine=self.engine, seeds=seeds
        )
        make_rows(self.project.database, world, 0)
        self.load_statements()
        self.load_keys()

    @staticmethod
    def rules(partners: list[str]) -> list[dict[str, str]]:
        return [
            {"partner_id": name, "direction": direction, "our_status": "*", "partner_status": "*",
             "level": "overlapping", "fields": "status", "minimum_count": "", "valid_from": "", "valid_until": ""}
            for name in partners
            for direction in ("offered", "accepted")
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        return {f"ACCOUNT_MAPPING_SECRET_{name.upper()}": secret for name, secret in self.secrets.items()}

    def load_statements(self) -> None:
        path = self.project.folder / "seeds" / "account_mapping__sharing_agreements.csv"
        with duckdb.connect(str(self.project.database)) as connection:
            connection.execute(
                "create or replace table partners.partner_agreements as "
                "select * from read_csv(?, header = true, all_varchar = true)",
                [str(path)],
            )

    def load_keys(self) -> None:
        """Have each keys partner hash its list in a project of its own, and take what it shares."""
        keys = [name for number, name in enumerate(self.world.ids()) if self.world.exchange(number) == "keys"]
        columns = ", ".join(KEY_COLUMNS)
        for name in keys:
            with tempfile.TemporaryDirectory(dir=self.folder) as made:
                seeds = {
                    "account_mapping__partners": [
                        {"partner_id": name, "partner_name": "us", "exchange": "keys", "is_active": "true",
                         "agreement_id": "scale", "epoch": "1"}
                    ],
                    "account_mapping__sharing_agreements": self.rules([name]),
                }  # fmt: skip
                partner = Project(Path(made) / "partner", "keys", seeds=seeds)
                with duckdb.connect(str(partner.database)) as connection:
                    connection.execute(f"attach '{quoted(self.project.database)}' as world (read_only)")
                    connection.execute("create schema generic; create schema partners")
                    connection.execute(f"create table generic.accounts as {KEYS_SIDE}", [name])
                    connection.execute(
                        "create table partners.partner_agreements as "
                        "select * from world.partners.partner_agreements where partner_id = ?",
                        [name],
                    )
                os.environ.update(self.environment())
                partner.build("+account_mapping__shared_keys")
                with duckdb.connect(str(self.project.database)) as connection:
                    connection.execute(f"attach '{quoted(partner.database)}' as partner_side (read_only)")
                    is_first = name == keys[0]
                    connection.execute(
                        ("create or replace table partners.partner_keys as" if is_first
                         else "insert into partners.partner_keys")
                        + f" select partner_id, {columns} from partner_side.account_mapping__shared_keys"
                    )  # fmt: skip

    def change(self, share: float) -> None:
        make_rows(self.project.database, self.world, share)
        self.load_keys()

    def build(self) -> dict:
        """Build all models, one at a time, and return the report of measure_nodes."""
        environment = {
            "DBT_PROFILES_DIR": str(self.project.folder),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "PYTHONPATH": str(ROOT),
            **self.environment(),
        }
        folder = self.project.folder
        if not (folder / "dbt_packages").exists():
            run_measured([*DBT, "deps"], folder / "cost.json", folder, environment)
        report = folder / "nodes.json"
        command = [
            sys.executable, "-m", "benchmarks.measure_nodes", report, "build",
            "--exclude-resource-type", "test", "unit_test",
        ]  # fmt: skip
        run_measured(command, folder / "cost.json", folder, environment)
        return json.loads(report.read_text(encoding="utf-8"))

    def rooms(self) -> dict[str, str]:
        """The room of each node: the folder below models/ or python_models/, or `seeds`."""
        manifest = json.loads((self.project.folder / "target" / "manifest.json").read_text(encoding="utf-8"))
        return {
            name: "seeds" if node["resource_type"] == "seed" else Path(node["original_file_path"]).parts[1]
            for name, node in manifest["nodes"].items()
        }

    def rows(self) -> int:
        return self.world.accounts + sum(self.world.sizes())


def table(title: str, cost: dict[str, dict[str, float]], all_seconds: float, rows: int) -> None:
    print(f"{title:<44} {'wall s':>8} {'CPU s':>8} {'share':>6} {'MB':>7} {'rows/s':>10}")
    for name, one in sorted(cost.items(), key=lambda item: -item[1]["cpu_seconds"]):
        print(
            f"{name:<44} {one['seconds']:>8.1f} {one['cpu_seconds']:>8.1f} {one['cpu_seconds'] / all_seconds:>6.1%}"
            f" {one['megabytes']:>7,.0f} {rows / max(one['seconds'], 0.001):>10,.0f}"
        )


def by_room(report: dict, rooms: dict[str, str]) -> dict[str, dict[str, float]]:
    """What each room took, and the start of dbt."""
    found: dict[str, dict[str, float]] = {}
    for name, one in report["nodes"].items():
        room = found.setdefault(rooms.get(name, "other"), {"seconds": 0.0, "cpu_seconds": 0.0, "megabytes": 0.0})
        room["seconds"] += one["seconds"]
        room["cpu_seconds"] += one["cpu_seconds"]
        room["megabytes"] = max(room["megabytes"], one["megabytes"])
    found["start of dbt"] = {
        name: report["total"][name] - sum(room[name] for room in found.values()) for name in ("seconds", "cpu_seconds")
    } | {"megabytes": 0.0}
    return found


def show(report: dict, rooms: dict[str, dict[str, float]], rows: int) -> None:
    """Print a build: by room, then the dearest models."""
    total = report["total"]
    table("room", rooms, total["cpu_seconds"], rows)
    dearest = sorted(report["nodes"].items(), key=lambda item: -item[1]["cpu_seconds"])[:SHOWN_MODELS]
    table("model", {name.split(".")[2]: one for name, one in dearest}, total["cpu_seconds"], rows)
    nodes = total["cpu_seconds"] - rooms["start of dbt"]["cpu_seconds"]
    print(
        f"all: {total['seconds']:,.1f} s, processors {total['cpu_seconds']:,.1f} s ({nodes:,.1f} s without the start of"
        f" dbt), memory {total['megabytes']:,.0f} MB"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=50_000)
    parser.add_argument("--partners", type=int, default=5)
    parser.add_argument("--list", type=int, default=20_000)
    parser.add_argument("--keys-partners", type=int, default=0)
    parser.add_argument("--domains", type=float, default=0.85)
    parser.add_argument("--skew", choices=("none", "name", "domain", "partner"), default="none")
    parser.add_argument("--doublings", type=int, default=0)
    parser.add_argument("--changed", type=float, action="append", default=[])
    parser.add_argument("--memory-limit", default="")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    before = None
    for halves in range(options.doublings, -1, -1):
        world = World(
            options.accounts >> halves, options.partners, options.list >> halves, options.keys_partners,
            options.domains, options.skew,
        )  # fmt: skip
        with tempfile.TemporaryDirectory(dir=options.folder) as made:
            built = Built(Path(made), world, options.memory_limit)
            print(f"\n{world}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", flush=True)
            first = None
            for share in (None, *options.changed):
                if share is not None:
                    built.change(share)
                report = built.build()
                rooms = by_room(report, built.rooms())
                first = first or report
                if share is not None:
                    of_first = report["total"]["cpu_seconds"] / first["total"]["cpu_seconds"]
                    print(f"\n{share:.1%} of the accounts changed: {of_first:.1%} of the processor seconds")
                show(report, rooms, built.rows())
                if options.json:
                    line = asdict(world) | {"changed": share, "rooms": rooms, "total": report["total"]}
                    with options.json.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(line) + "\n")
            nodes = sum(one["cpu_seconds"] for one in first["nodes"].values())
            if before:
                print(f"growth per doubling: {nodes / before:.2f}")
            before = nodes
    return 0


if __name__ == "__main__":
    sys.exit(main())
