"""The report: what stands in it, that it is safe and always the same, and how it works in a browser without network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from loading import PACKAGE, properties

from report import charts, marts, page

REPORT = PACKAGE / "report"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
STATUSES = ("customer", "open_opportunity", "churned", "prospect")
EVIL = "</script><script>document.title='broken'</script>"
CHARTS = {"matrix", "curve", "contribution", "changes", "quality"}


def contract(mart: str) -> dict[str, str]:
    """Columns of a mart with their types, as its contract has them."""
    return {column["name"]: column["data_type"] for column in properties(f"account_mapping__{mart}")["columns"]}


def write_mart(connection: duckdb.DuckDBPyConnection, mart: str, rows: list[dict[str, Any]]) -> None:
    """A mart with all columns of its contract; what the rows do not name is null."""
    columns = contract(mart)
    connection.execute(
        f"create table account_mapping__{mart} ({', '.join(f'{name} {type_}' for name, type_ in columns.items())})"
    )
    for row in rows:
        assert row.keys() <= columns.keys()
        connection.execute(
            f"insert into account_mapping__{mart} ({', '.join(row)}) values ({', '.join('?' * len(row))})",
            list(row.values()),
        )


def make_marts(database: Path, partners: int, with_history: bool = True) -> Path:
    """Marts of made-up partners, the first of which withholds a status; a cell of the last one is withheld."""
    ids = [f"partner_{number:02}" for number in range(1, partners + 1)]
    with duckdb.connect(str(database)) as connection:
        write_mart(connection, "build", [{"build_id": "b", "as_of": "2026-11-15"}])
        write_mart(
            connection,
            "overlap_matrix",
            [
                {
                    "partner_id": partner,
                    "rollup": rollup,
                    "our_status": ours,
                    "partner_status": theirs,
                    "our_accounts": None if theirs == "not_shared" and ours == "churned" else number + 10 * place,
                    "partner_accounts": number,
                    "companies": number,
                    "open_pipeline_amount": 1_500_000 if ours == "open_opportunity" else 0,
                    "cell_state": "not_shared"
                    if theirs == "not_shared"
                    else "suppressed"
                    if (partner, ours, theirs) == (ids[-1], "churned", "churned")
                    else "counted",
                }
                for number, partner in enumerate(ids, 1)
                for rollup in ("account", "parent")
                for place, ours in enumerate(STATUSES)
                for theirs in (*STATUSES, *(["not_shared"] if number == 1 else []))
            ],
        )
        write_mart(
            connection,
            "partner_coverage",
            [
                {
                    "partner_id": partner,
                    "rollup": "account",
                    "our_status": "all",
                    "target_list": "all",
                    "our_accounts": 1000,
                    "covered_accounts": 400 // number,
                    "unique_accounts": 100 // number,
                    "partner_accounts": 500,
                    "matched_partner_accounts": 400 // number,
                    "open_pipeline_amount": 5_000_000,
                    "covered_open_pipeline_amount": 1_000_000,
                    "list_age_days": number,
                }
                for number, partner in enumerate(ids, 1)
            ],
        )
        reached = [sum(400 // number for number in range(1, rank + 1)) // 4 for rank in range(1, partners + 1)]
        write_mart(
            connection,
            "ecosystem_coverage",
            [
                {
                    "rollup": "account",
                    "target_list": target_list,
                    "our_status": status,
                    "rank": rank,
                    "partner_id": partner,
                    "our_accounts": 1000,
                    "added_accounts": reached[rank - 1] - (reached[rank - 2] if rank > 1 else 0),
                    "cumulative_accounts": reached[rank - 1],
                    "cumulative_rate": reached[rank - 1] / 1000,
                    "limit_accounts": reached[-1],
                    "limit_rate": reached[-1] / 1000,
                    "open_pipeline_amount": 5_000_000,
                    "limit_open_pipeline_amount": 2_500_000,
                    "cumulative_pipeline_rate": min(1, reached[rank - 1] / 900),
                }
                for target_list in ("all", "icp")
                for status in ("all", "customer")
                for rank, partner in enumerate(ids, 1)
            ],
        )
        write_mart(
            connection,
            "match_quality",
            [
                {
                    "partner_id": partner,
                    "match_method": method,
                    "accepted_pairs": 100,
                    "review_pairs": 5,
                    "estimated_precision": 0.98,
                    "estimated_recall": 0.9,
                    "how_estimated": "match_probabilities",
                    "labelled_pairs": 0,
                }
                for partner in ids
                for method in ("all", "domain")
            ],
        )
        names = [EVIL, "=cmd()", "Äpfel & Söhne", "株式会社", *(f"Firm {number}" for number in range(60))]
        write_mart(
            connection,
            "plays",
            [
                {
                    "partner_id": ids[number % partners],
                    "account_id": f"crm:{number}",
                    "account_name": name,
                    "partner_account_name": name,
                    "play": ["warm_introduction", "co_sell"][number % 2],
                    "why": f"{name} is shared.",
                    "ask": "Ask them",
                    "give_back": None,
                    "our_status": "prospect",
                    "partner_status": "customer",
                    "our_owner": None if number % 7 == 0 else f"Owner {number % 3}",
                    "score": 100 - number,
                    "our_open_amount": (number * 37) % 50 * 1000,
                }
                for number, name in enumerate(names)
            ],
        )
        if with_history:
            write_mart(
                connection,
                "overlap_changes",
                [
                    {
                        "partner_id": partner,
                        "account_id": f"{day} {number}",
                        "changed_on": day,
                        "change": change,
                        "is_primary": True,
                    }
                    for partner in ids
                    for day, kinds in (
                        ("2026-09-01", ["first_run"] * 5),
                        ("2026-10-01", ["entered"] * 3 + ["left"]),
                        ("2026-11-01", ["left"] * 2 + ["returned", "status_changed"]),
                    )
                    for number, change in enumerate(kinds)
                ],
            )
    return database


def run(source: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPORT), "html", str(source), "--output", str(output), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_marts(tmp_path_factory.mktemp("report") / "marts.duckdb", 20)


# ------------------------------------------------------------------- what stands in it


def test_the_same_marts_give_the_same_small_file_from_a_database_and_from_parquet(
    database: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "marts"
    folder.mkdir()
    with duckdb.connect(str(database), read_only=True) as connection:
        for (table,) in connection.sql("select table_name from duckdb_tables()").fetchall():
            connection.execute(f"copy (select * from {table} order by all desc) to '{folder}/{table}.parquet'")
    first = run(database, tmp_path / "first.html")
    assert first.returncode == 0, first.stderr
    assert re.search(r"first\.html: 20 partners, marts of 2026-11-15, \d\.\d MB in \d+\.\d s", first.stdout)
    assert run(folder, tmp_path / "second.html").returncode == 0
    written = (tmp_path / "first.html").read_bytes()
    assert written == (tmp_path / "second.html").read_bytes()
    assert len(written) < 3 * 2**20
    ours = written.replace(page.vl_convert.javascript_bundle().encode(), b"")
    assert len(ours) < len(written) / 2
    assert not re.search(rb"<(script|link|img|iframe)[^>]*(src|href)=", ours), "something would be loaded"


def test_text_of_the_marts_cannot_become_part_of_the_page(database: Path) -> None:
    text = page.page(page.read(marts.Marts(database)))
    assert EVIL not in text
    play = json.loads(re.search(r'id="plays-data">(.*?)</script>', text).group(1))[0]
    assert play["account_name"] == EVIL
    assert page.embedded("<&>\u2028") == '"\\u003c\\u0026\\u003e\u2028"'


def test_what_is_not_known_is_never_a_zero(database: Path) -> None:
    data = page.read(marts.Marts(database))
    rows = charts.matrix_rows(data["cells"], data["titles"])
    first, last = data["titles"]["partner_01"], data["titles"]["partner_20"]
    told = {(row["partner"], row["ours"], row["theirs"]): row for row in rows if row["rollup"] == "account"}
    assert (told[first, "churned", "not shared"]["first"], told[first, "churned", "not shared"]["known"]) == (
        "–",
        False,
    )
    assert told[first, "customer", "not shared"]["first"] == "1 linked"
    assert (told[last, "churned", "churned"]["first"], told[last, "churned", "churned"]["known"]) == ("withheld", False)
    assert told[last, "prospect", "churned"]["shade"] == 1
    assert told[last, "open opportunity", "churned"]["second"] == "1.5M"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, ""),
        (0, ""),
        (7, "7"),
        (999, "999"),
        (1499, "1k"),
        (2_349_000, "2.3M"),
        (123_400_000, "123M"),
        (5e9, "5.0B"),
    ],
)
def test_amounts_are_short(amount: float | None, text: str) -> None:
    assert charts.money(amount) == text


def test_partners_of_one_name_keep_their_ids() -> None:
    assert page.partner_names(["a_b", "c"]) == {"a_b": "A B", "c": "C"}
    assert page.partner_names(["a_b", "A B"]) == {"a_b": "a_b", "A B": "A B"}


def test_a_project_without_partners_and_history_has_a_report_too(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "empty.duckdb")) as connection:
        for mart in marts.REQUIRED:
            rows = [{"build_id": "b", "as_of": "2026-11-15"}] if mart == "build" else []
            write_mart(connection, mart, rows)
    text = page.page(page.read(marts.Marts(tmp_path / "empty.duckdb")))
    assert "No partner has accounts yet" in text and "No history is kept" in text


def test_what_is_wrong_with_the_source_is_one_sentence(database: Path, tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("no database")
    (tmp_path / "folder").mkdir()
    old = tmp_path / "old.duckdb"
    shutil.copy(database, old)
    with duckdb.connect(str(old)) as connection:
        connection.execute("alter table account_mapping__plays drop column score")
    for source, message in (
        (tmp_path / "none", "There is no file or folder"),
        (tmp_path / "text.duckdb", "cannot be read as a DuckDB file"),
        (tmp_path / "folder", "has no account_mapping__build: run dbt build"),
        (old, "account_mapping__plays of .* has no column score"),
    ):
        done = run(source, tmp_path / "x.html")
        assert done.returncode == 1 and re.search(message, done.stderr), done.stderr
        assert done.stderr.count("\n") == 1 and not (tmp_path / "x.html").exists()
    writer = duckdb.connect(str(database))
    try:
        assert "being written by another process" in run(database, tmp_path / "x.html").stderr
    finally:
        writer.close()


# ------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium without a window and without network."""
    if not (CHROMIUM and DRIVER):
        if os.environ.get("CI_BROWSER"):
            pytest.fail("CI_BROWSER is set, but chromium and chromedriver are not installed")
        pytest.skip("chromium and chromedriver are not installed")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "no-first-run", "disable-sync",
        "disable-background-networking", "disable-component-update", "window-size=1280,1000",
        "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def opened(browser: Any, path: Path) -> None:
    """Open a report and wait until all charts are drawn; nothing may be wrong on the console."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(path.as_uri())
    WebDriverWait(browser, 60).until(
        lambda driver: driver.execute_script(
            "const all = [...document.querySelectorAll('.chart')];"
            "return all.length > 0 && all.every(place => place.hasAttribute('data-drawn'))"
        )
    )
    assert browser.get_log("browser") == []


def marks(browser: Any, place: str) -> int:
    """Shapes that a chart draws for data: what vega calls marks, without axes and legends."""
    return browser.execute_script(
        "return document.querySelectorAll('#' + arguments[0] + ' svg '"
        " + ':is(.mark-rect, .mark-symbol, .mark-line, .mark-rule).role-mark > *').length",
        place,
    )


@pytest.fixture(scope="module", params=[20, 1])
def shown(request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, int]:
    folder = tmp_path_factory.mktemp("shown")
    assert run(make_marts(folder / "marts.duckdb", request.param), folder / "report.html").returncode == 0
    opened(browser, folder / "report.html")
    return browser, request.param


def test_every_chart_shows_marks_and_fits_the_page(shown: tuple[Any, int]) -> None:
    browser, partners = shown
    places = {place.get_attribute("id") for place in browser.find_elements("css selector", ".chart")}
    assert places == CHARTS
    # cells of each partner, four more of the first; two lines with a point each a partner, and the limit
    assert marks(browser, "matrix") == 16 * partners + 4
    assert marks(browser, "curve") == 2 + 2 * partners + 1
    assert marks(browser, "contribution") == 2 * partners
    assert marks(browser, "changes") == 4
    assert marks(browser, "quality") == 2 * partners
    assert browser.execute_script(
        "return document.documentElement.scrollWidth <= innerWidth"
        " && [...document.querySelectorAll('.chart')].every(place => place.scrollWidth <= place.clientWidth + 1)"
    )


def test_cells_that_are_not_known_look_so(shown: tuple[Any, int]) -> None:
    browser, _ = shown
    fills = browser.execute_script(
        "return [...document.querySelectorAll('#matrix .mark-rect.role-mark > path')]"
        ".map(cell => [cell.getAttribute('fill'), cell.getAttribute('stroke-dasharray')])"
    )
    striped = [dash for fill, dash in fills if "#gradient" in fill]
    assert len(striped) == 5 and all(striped)
    texts = browser.find_element("id", "matrix").text
    assert "withheld" in texts and "1 linked" in texts and "–" in texts


def test_lists_change_what_a_chart_counts(shown: tuple[Any, int]) -> None:
    from selenium.webdriver.support.ui import Select

    browser, partners = shown
    chosen = Select(browser.find_element("css selector", "#changes select"))
    assert len(chosen.options) == partners + 1
    height = "return Math.max(...[...document.querySelectorAll('#changes .mark-rect.role-mark > path')]" \
        ".map(bar => +(bar.getAttribute('aria-label').match(/shared accounts: (-?\\d+)/) || [0, 0])[1]))"  # fmt: skip
    assert browser.execute_script(height) == 3 * partners
    chosen.select_by_visible_text("Partner 01")
    assert browser.execute_script(height) == 3
    chosen.select_by_index(0)


def rows(browser: Any) -> list[list[str]]:
    """Texts of the cells of the table of plays, as shown."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#plays tbody tr')]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )


def test_the_table_sorts_and_filters(shown: tuple[Any, int]) -> None:
    from selenium.webdriver.support.ui import Select

    browser, partners = shown
    assert [row[0] for row in rows(browser)] == [str(100 - number) for number in range(64)]
    assert rows(browser)[0][2] == EVIL and browser.title.startswith("Account mapping")

    def click(column: str) -> None:
        browser.find_element("css selector", f"#plays th[data-column={column}] button").click()

    click("our_open_amount")
    amounts = [int(row[4].replace(",", "") or 0) for row in rows(browser)]
    assert amounts == sorted(amounts, reverse=True) and len(set(amounts)) > 10
    click("our_open_amount")
    assert [int(row[4].replace(",", "") or 0) for row in rows(browser)] == sorted(amounts)
    click("our_owner")
    owners = [row[5] for row in rows(browser)]
    assert owners == sorted(owners, key=lambda owner: (owner == "", owner)) and owners[-1] == ""
    click("score")

    search = browser.find_element("id", "search")
    search.send_keys("söhne")
    assert [row[2] for row in rows(browser)] == ["Äpfel & Söhne"]
    assert browser.find_element("id", "shown").text == "1 shown"
    browser.execute_script("arguments[0].value = ''; arguments[0].dispatchEvent(new Event('input'))", search)
    Select(browser.find_element("id", "by-play")).select_by_visible_text("co sell")
    Select(browser.find_element("id", "by-partner")).select_by_visible_text("Partner 01")
    assert {(row[1], row[3]) for row in rows(browser)} <= {("co sell", "Partner 01")}
    assert len(rows(browser)) == (32 if partners == 1 else 0)
    Select(browser.find_element("id", "by-partner")).select_by_index(0)
    assert {row[1] for row in rows(browser)} == {"co sell"} and len(rows(browser)) == 32
    Select(browser.find_element("id", "by-play")).select_by_index(0)
    assert len(rows(browser)) == 64


def test_on_paper_there_are_no_controls_and_the_whole_table(shown: tuple[Any, int]) -> None:
    browser, _ = shown
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        looks = browser.execute_script(
            "const style = (selector, name) => getComputedStyle(document.querySelector(selector))[name];"
            "return [style('.controls', 'display'), style('form.vega-bindings', 'display'),"
            " style('.scroll', 'overflowY'), style('.scroll', 'maxHeight')]"
        )
        assert looks == ["none", "none", "visible", "none"]
        printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
        assert len(printed) > 10_000
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
