"""Turn the marts into one HTML file that needs no network, decide pairs on another one, copy them, or tell of alerts.

usage: python dbt_packages/account_mapping/report html SOURCE [--schema main] [--output report.html]
       python dbt_packages/account_mapping/report review SOURCE [--schema main] [--output review.html]
       python dbt_packages/account_mapping/report merge-decisions SEED_CSV DECISIONS_CSV... [--dry-run]
       python dbt_packages/account_mapping/report export SOURCE FOLDER [--schema main] [--csv]
       python dbt_packages/account_mapping/report send-alerts SOURCE --channels CHANNELS_YML [--schema main]
           [--ledger FILE] [--dry-run]

`html` and `review` need requirements-report.txt. Their SOURCE is the DuckDB file that dbt built, or a folder of Parquet
files named by mart (account_mapping__plays.parquet and so on), from any warehouse.

`review` writes a page on which a person decides the pairs of account_mapping__match_review, and downloads the
decisions. `merge-decisions` merges such downloads into the project's seed account_mapping__match_overrides, in place.

`export` gives FOLDER one Parquet file per mart, named like it, and marts.duckdb, which readers on DuckDB 1.4 and later
open. Its SOURCE is the DuckDB file. With --csv also one CSV per mart, for spreadsheets: a text that would be run as a
formula, an id too, has an apostrophe in front.

`send-alerts` tells each row of account_mapping__alerts once, on the channels of CHANNELS_YML, and writes down in a file
beside SOURCE what was told. It needs requirements-alerts.txt. With --dry-run it prints what it would send.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from exchange.text import printable_lines

from .marts import REVIEW, Marts, ReportError

REQUIREMENTS = "pip install -r dbt_packages/account_mapping/requirements-report.txt"
ALERT_REQUIREMENTS = "pip install -r dbt_packages/account_mapping/requirements-alerts.txt"


def write_page(path: Path, text: str) -> None:
    """Write a page, whole or not at all: who looks at the former one meanwhile sees the former."""
    written = path.with_name(f".{path.name}.new")
    written.write_text(text, encoding="utf-8")
    written.replace(path)


def write_html(options: argparse.Namespace) -> str:
    """Write the report; returns what to tell."""
    from .page import page, read

    start = time.monotonic()
    data = read(Marts(options.source, options.schema))
    text = page(data)
    write_page(options.output, text)
    return (
        f"{options.output}: {len(data['names'])} partners, marts of {data['as_of']}, "
        f"{len(text.encode()) / 2**20:.1f} MB in {time.monotonic() - start:.1f} s"
    )


def write_review(options: argparse.Namespace) -> str:
    """Write the page on which pairs are decided; returns what to tell."""
    from .review import page, read

    data = read(Marts(options.source, options.schema, REVIEW, {}))
    write_page(options.output, page(data))
    return (
        f"{options.output}: {len(data['pairs']):,} pairs of {len(data['partners'])} partners await a person, "
        f"marts of {data['as_of']}"
    )


def merge_decisions(options: argparse.Namespace) -> str:
    """Merge downloaded decisions into the seed; returns what to tell."""
    from .decisions import merge_files

    return merge_files(options.seed, options.decisions, options.dry_run)


def write_export(options: argparse.Namespace) -> str:
    """Copy the marts; returns what to tell."""
    from .export import DATABASE, export

    rows = export(options.source, options.folder, options.schema, options.csv)
    lines = [f"{number:>9,}  {name}" for name, number in rows.items()]
    return "\n".join(
        [
            *lines,
            f"{len(rows)} marts in {options.folder}, as Parquet{', as CSV' if options.csv else ''} and in {DATABASE}",
        ]
    )


def send_alerts(options: argparse.Namespace) -> str:
    """Tell alerts that were not told yet; returns what to tell."""
    from .alerts import send_alerts as send

    return send(options.source, options.schema, options.channels, options.ledger, options.dry_run)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    html = commands.add_parser("html", help="turn the marts into one HTML file")
    review = commands.add_parser("review", help="write a page on which a person decides the pairs that await one")
    merge = commands.add_parser("merge-decisions", help="merge decisions that were downloaded from it into the seed")
    export = commands.add_parser("export", help="copy the public marts, and nothing else, for BI tools")
    alerts = commands.add_parser("send-alerts", help="tell people of the alerts, each once")
    sources = ((html, write_html), (review, write_review), (export, write_export), (alerts, send_alerts))
    for command, does in sources:
        command.add_argument("source", type=Path, metavar="SOURCE", help="the DuckDB file that dbt built")
        command.add_argument("--schema", default="main", help="where the marts are in it (default: %(default)s)")
        command.set_defaults(does=does)
    html.add_argument("--output", type=Path, default=Path("report.html"), help="default: %(default)s")
    review.add_argument("--output", type=Path, default=Path("review.html"), help="default: %(default)s")
    merge.add_argument("seed", type=Path, metavar="SEED_CSV", help="the seed's file in your project")
    merge.add_argument("decisions", type=Path, metavar="DECISIONS_CSV", nargs="+", help="what the page downloaded")
    merge.add_argument("--dry-run", action="store_true", help="tell what would change, and change nothing")
    merge.set_defaults(does=merge_decisions)
    alerts.add_argument("--channels", type=Path, metavar="CHANNELS_YML", required=True, help="who is told where")
    alerts.add_argument("--ledger", type=Path, metavar="FILE", help="what was told; default: SOURCE.alerts.jsonl")
    alerts.add_argument("--dry-run", action="store_true", help="print what would be sent, and send nothing")
    export.add_argument("folder", type=Path, metavar="FOLDER", help="gets the files")
    export.add_argument("--csv", action="store_true", help="also as CSV, for spreadsheets")
    return made


def main(command: Sequence[str] | None = None) -> int:
    """0: done; 1: it cannot be done; 2: wrong usage."""
    options = parser().parse_args(command)
    try:
        print(printable_lines(options.does(options)))
    except ReportError as error:
        print(printable_lines(error), file=sys.stderr)
        return 1
    except ImportError as error:
        needed = ALERT_REQUIREMENTS if options.does is send_alerts else REQUIREMENTS
        print(f"The report needs {error.name}: run `{needed}`.", file=sys.stderr)
        return 1
    return 0
