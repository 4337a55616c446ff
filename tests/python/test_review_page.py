"""The page for decisions and the merge of what it downloads: decisions arrive in the marts as they were made.

A person decides by keyboard in a browser without network, the download is merged into the seed of a project, and the
build obeys. Names and ids of strangers do no harm on the way.

usage: python tests/python/test_review_page.py REVIEW.html PICTURE.png

takes the picture of a page on which some pairs are decided, 1280 pixels wide, for the documentation.
"""

from __future__ import annotations

import base64
import csv
import http.server
import io
import json
import re
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Demo
from harness import PACKAGE, Project
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_report import BUILD, Tags, chromium, started, write_mart

from report import decisions, marts, page, review
from report.decisions import COLUMNS, Decision, merge_files, safe, unsafe
from report.export import FORMULA
from report.marts import ReportError

DEMO = PACKAGE / "demo" / "project" / "data"
SEED = "account_mapping__match_overrides"
HEADER = ",".join(COLUMNS)
FORMULAS = ("=cmd|' /C calc'!A0", "'=1", "''=1", "-1", "@SUM(A1)", "\u200f=1", '"=1"', "+1", "\uff1d1")
NAMES = (
    "<script>document.title='broken'</script> Kudu",
    "</script><script>document.title='broken'</script>",
    '"><img src=x onerror="document.title=\'broken\'">',
    "=cmd|' /C calc'!A0",
    "Ibex \u202egnp.exe",
    'Bison; "Gnu", but other; x',
    "<!--",
    "שלום Oryx",
)


# ------------------------------------------------------------------------------- the merge


def written(folder: Path, name: str, *lines: str, end: str = "\n", header: str = HEADER) -> Path:
    path = folder / name
    path.write_bytes("".join(line + end for line in (header, *lines)).encode())
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_new_pairs_follow_and_other_rows_stay_byte_by_byte(tmp_path: Path) -> None:
    kept = ['kudu,"crm:1",1,match,ada,2026-01-01', "", 'ibex,crm:2,"0,07",NO_MATCH,,', "bison,crm:3,3,match,bo,"]
    seed = written(tmp_path, "seed.csv", *kept)
    download = written(
        tmp_path, "new.csv", "gnu,crm:9,009,no_match,cleo,2026-11-15", "eland,crm:8,8,match,cleo,2026-11-15"
    )
    before = seed.read_text()
    told = merge_files(seed, [download])
    assert seed.read_text() == before + "gnu,crm:9,009,no_match,cleo,2026-11-15\neland,crm:8,8,match,cleo,2026-11-15\n"
    assert told.endswith(": 2 added, 0 changed, 0 as they were, 3 other rows kept, 0 conflicts")
    changed = seed.stat().st_mtime_ns
    again = merge_files(seed, [download])
    assert seed.stat().st_mtime_ns == changed
    assert again.endswith("0 added, 0 changed, 2 as they were, 3 other rows kept, 0 conflicts; nothing to change")


def test_the_latest_decision_stands_where_the_pair_stood(tmp_path: Path) -> None:
    seed = written(
        tmp_path, "seed.csv", "a,crm:1,1,match,ada,2026-01-01", "b,crm:1,1,match,ada,2026-01-01",
        "a,crm:1,1,no_match,ada,2026-02-01", "c,crm:1,1,no_match,ada,2026-12-01",
    )  # fmt: skip
    download = written(
        tmp_path, "new.csv", "a,crm:1,1,match,ada,2026-11-15", "c,crm:1,1,match,ada,2026-11-15",
    )  # fmt: skip
    told = merge_files(seed, [download])
    assert seed.read_text().splitlines()[1:] == [
        "a,crm:1,1,match,ada,2026-11-15", "b,crm:1,1,match,ada,2026-01-01", "c,crm:1,1,no_match,ada,2026-12-01",
    ]  # fmt: skip
    assert "former rows of the same pairs taken out: 1" in told
    assert "0 added, 1 changed, 1 as they were, 1 other rows kept, 0 conflicts" in told


def test_two_people_who_disagree_are_told_one_a_line(tmp_path: Path) -> None:
    seed = written(tmp_path, "seed.csv", "a,crm:1,1,match,ada,2026-11-01")
    first = written(tmp_path, "1.csv", "a,crm:1,1,no_match,bo\x1b[31m,2026-11-02", "b,crm:1,1,no_match,bo,2026-11-02")
    second = written(tmp_path, "2.csv", "b,crm:1,1,match,cleo,2026-11-02", "d,crm:1,1,match,cleo,2026-11-02")
    lines = merge_files(seed, [second, first]).splitlines()
    assert lines[:2] == [
        "conflict: b crm:1 1: no_match by bo on 2026-11-02, which counts; match by cleo on 2026-11-02",
        "conflict: a crm:1 1: no_match by bo\\u001b[31m on 2026-11-02, which counts; match by ada on 2026-11-01",
    ]
    assert len(lines) == 3 and lines[2].endswith("2 added, 1 changed, 0 as they were, 0 other rows kept, 2 conflicts")
    assert [(row["partner_id"], row["decision"]) for row in rows(seed)] == [
        ("a", "no_match"), ("b", "no_match"), ("d", "match"),
    ]  # fmt: skip


def test_who_thinks_better_of_it_on_one_day_is_no_conflict(tmp_path: Path) -> None:
    seed = written(tmp_path, "seed.csv")
    first = written(tmp_path, "1.csv", "a,crm:1,1,no_match,bo,2026-11-02")
    second = written(tmp_path, "2.csv", "a,crm:1,1,match,bo,2026-11-02")
    assert "0 conflicts" in merge_files(seed, [first, second])
    assert [row["decision"] for row in rows(seed)] == ["match"]


def test_decisions_without_a_name_may_be_of_two(tmp_path: Path) -> None:
    seed = written(tmp_path, "seed.csv", "a,crm:1,1,match,,")
    download = written(tmp_path, "1.csv", "a,crm:1,1,no_match,,")
    assert "conflict: a crm:1 1: no_match by nobody named on no day" in merge_files(seed, [download])
    assert [row["decision"] for row in rows(seed)] == ["no_match"]


def test_columns_that_the_seed_lacks_are_added_and_its_own_are_kept(tmp_path: Path) -> None:
    seed = written(
        tmp_path, "seed.csv", '1,"a ""x""",crm:1,no_match,our note', ",b,crm:2,match,",
        header="partner_account_id,partner_id,account_id,decision,note", end="\r\n",
    )  # fmt: skip
    seed.write_bytes(("\ufeff" + seed.read_text(encoding="utf-8").replace(",b,", "2,b,").rstrip("\n")).encode())
    seed.write_bytes(seed.read_bytes().replace(b"\n", b"\r\n"))
    download = written(tmp_path, "new.csv", '"a ""x""",crm:1,1,match,ada,2026-11-15', "c,crm:3,3,match,bo,2026-11-15")
    assert "columns added: decided_by, decided_on" in merge_files(seed, [download])
    assert seed.read_bytes().decode() == "\ufeff" + "\r\n".join(
        (
            "partner_account_id,partner_id,account_id,decision,note,decided_by,decided_on",
            '1,"a ""x""",crm:1,match,our note,ada,2026-11-15',
            "2,b,crm:2,match,,,",
            "3,c,crm:3,match,,bo,2026-11-15",
            "",
        )
    )


def test_a_dry_run_tells_the_same_and_writes_nothing(tmp_path: Path) -> None:
    seed = written(tmp_path, "seed.csv", "a,crm:1,1,match,ada,2026-01-01")
    download = written(tmp_path, "new.csv", "a,crm:1,1,no_match,bo,2026-11-15")
    before = seed.read_bytes()
    told = merge_files(seed, [download], dry_run=True)
    assert seed.read_bytes() == before and told.endswith("; nothing is written, since this is a dry run")
    assert told == merge_files(seed, [download]) + "; nothing is written, since this is a dry run"
    assert seed.read_bytes() != before


def test_the_file_is_replaced_whole_with_its_rights_and_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seeds").mkdir()
    seed = written(tmp_path / "seeds", "seed.csv")
    seed.chmod(0o640)
    (tmp_path / "link.csv").symlink_to(seed)
    download = written(tmp_path, "new.csv", "a,crm:1,1,no_match,bo,2026-11-15")
    before = seed.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(decisions.os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(ReportError, match=r"cannot be written: No space left\. It is as it was"):
            merge_files(seed, [download])
    assert seed.read_bytes() == before and list(seed.parent.iterdir()) == [seed]
    merge_files(tmp_path / "link.csv", [download])
    assert (tmp_path / "link.csv").is_symlink() and len(rows(seed)) == 1
    assert stat.S_IMODE(seed.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        (HEADER + ",comment", "a,crm:1,1,match,bo,2026-11-15,x", "unknown column comment: take it out. Known are"),
        (HEADER, "a,crm:1,1,maybe,bo,2026-11-15", "Line 2 of .* decision `maybe`: write `match` or `no_match`"),
        (HEADER, "a,crm:1,1,,bo,2026-11-15", "decision ``: write `match`"),
        (HEADER, "a,crm:1, ,match,bo,2026-11-15", "Line 2 of .* has no partner_account_id: fill it in"),
        (HEADER, "a,crm:1,1,match,bo,15.11.2026", "`15.11.2026`, which is no day: write it as 2026-11-15"),
        (HEADER, "a,crm:1,1,match,bo,20261115", "`20261115`, which is no day"),
        (HEADER, "a,crm:1,1,match", "Line 2 of .* has 4 cells where the header has 6: download"),
        (HEADER, 'a,crm:1,"1,match', "is no CSV .*: download the decisions again"),
        (HEADER.replace(",", ";"), "a;crm:1;1;match;bo;2026-11-15", "no column partner_id, .* with commas between"),
        (HEADER + ",decision", "a,crm:1,1,match,bo,,match", "has column decision twice"),
        ("", "", "The first line of .* has no columns"),
    ],
)
def test_what_cannot_be_merged_names_its_remedy_and_changes_nothing(
    tmp_path: Path, header: str, line: str, message: str
) -> None:
    seed = written(tmp_path, "seed.csv", "a,crm:1,1,match,ada,2026-01-01")
    good = written(tmp_path, "good.csv", "a,crm:1,1,no_match,bo,2026-11-15")
    bad = written(tmp_path, "bad.csv", line, header=header)
    before = seed.read_bytes()
    with pytest.raises(ReportError, match=message):
        merge_files(seed, [good, bad])
    assert seed.read_bytes() == before


def test_files_that_are_missing_or_in_another_encoding_name_their_remedy(tmp_path: Path) -> None:
    seed = written(tmp_path, "seed.csv")
    with pytest.raises(
        ReportError, match=rf"There is no file .*none\.csv: write one with the line `{HEADER}`.*enabled"
    ):
        merge_files(tmp_path / "none.csv", [seed])
    with pytest.raises(ReportError, match=r"There is no file .*none\.csv: download the decisions again"):
        merge_files(seed, [tmp_path / "none.csv"])
    (tmp_path / "latin.csv").write_bytes(f"{HEADER}\na,crm:1,1,match,Zoë,\n".encode("latin-1"))
    with pytest.raises(ReportError, match="is not in UTF-8, so a program has changed it"):
        merge_files(seed, [tmp_path / "latin.csv"])


def test_the_command_tells_and_ends_with_its_code(tmp_path: Path) -> None:
    seed = written(tmp_path, "seed.csv")
    download = written(tmp_path, "new.csv", "a,crm:1,1,no_match,bo,2026-11-15")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(PACKAGE / "report"), "merge-decisions", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run("--dry-run", str(seed), str(download))
    assert (done.returncode, done.stderr) == (0, "") and "dry run" in done.stdout and not rows(seed)
    assert run(str(seed), str(download)).returncode == 0 and len(rows(seed)) == 1
    failed = run(str(seed), str(tmp_path / "none.csv"))
    assert (failed.returncode, failed.stdout) == (1, "") and failed.stderr.count("\n") == 1


TEXTS = st.text(st.sampled_from([*"ab'=-+@\",; \n\r", "\u202e", "\u200f", "\uff1d", "\u00a0", "é", "株"]), max_size=6)


@given(TEXTS | st.text(max_size=8) | st.sampled_from(FORMULAS))
def test_an_apostrophe_makes_a_text_safe_and_can_be_told_from_its_own(text: str) -> None:
    assert unsafe(safe(text)) == text
    if "\0" not in text:
        is_run = duckdb.execute(f"select regexp_matches($1, '{FORMULA}')", [safe(text)]).fetchone()
        assert is_run == (False,)


PAIRS = st.tuples(st.sampled_from("ab"), st.sampled_from(["crm:1", "crm:2"]), st.sampled_from(["1", "=1"]))
GIVEN = st.builds(
    Decision,
    PAIRS,
    st.sampled_from(["match", "no_match"]),
    st.sampled_from(["ada", "bo", "=cleo, jr", ""]),
    st.sampled_from(["2026-11-01", "2026-11-02", ""]),
)


def table(path: Path, given_rows: Sequence[Decision], is_download: bool) -> Path:
    made = io.StringIO(newline="")
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in given_rows:
        cells = (*row.pair, row.decision, row.by, row.on)
        writer.writerow(map(safe, cells) if is_download else cells)
    path.write_bytes(made.getvalue().encode())
    return path


@settings(max_examples=200)
@given(st.lists(GIVEN, max_size=6), st.lists(st.lists(GIVEN, max_size=4), min_size=1, max_size=3))
@example([], [[Decision(("a", "crm:1", "=1"), "match", "=cleo, jr", "")]])
def test_any_downloads_merge_once_and_the_models_read_what_counts(
    former: list[Decision], downloads: list[list[Decision]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seed = table(folder / "seed.csv", former, False)
        files = [table(folder / f"{number}.csv", download, True) for number, download in enumerate(downloads)]
        merge_files(seed, files)
        once = seed.read_bytes()
        assert merge_files(seed, files).endswith("; nothing to change") and seed.read_bytes() == once
        found = decisions.read(seed, "")
        merged = [
            decisions.decision_of(dict(zip(found.header, row, strict=True)), seed, 0) for *_, row in found.records
        ]
    given_pairs = {row.pair for download in downloads for row in download}
    assert [row for row in merged if row.pair not in given_pairs] == [r for r in former if r.pair not in given_pairs]
    for pair in given_pairs:
        (counts,) = [row for row in merged if row.pair == pair]
        every = [row for row in [*former, *(row for download in downloads for row in download)] if row.pair == pair]
        assert counts in every
        assert counts.on == max(row.on for row in every)
        # of one day `no_match` counts, unless who said it thought better of it later
        taken_back = {
            (row.by, row.on) for row in every
            if row.by and [r for r in every if (r.by, r.on) == (row.by, row.on)][-1].decision == "match"
        }  # fmt: skip
        refused = any(
            row.decision == "no_match" and row.on == counts.on and (row.by, row.on) not in taken_back for row in every
        )
        assert counts.decision == ("no_match" if refused else "match")


# -------------------------------------------------------------------------------- the page


def a_pair(number: int, ours: str, theirs: str | None, partner: str = "kudu", **others: Any) -> dict[str, Any]:
    """A row of the queue."""
    return {
        "partner_id": partner, "account_id": f"crm:{number}", "partner_account_id": str(number),
        "partner_display_name": partner.title(), "our_name": ours, "partner_name": theirs,
        "our_domains": f"ours{number}.example", "partner_domains": None, "our_city": "Oslo", "our_owner": "Ada",
        "our_status": "open_opportunity", "match_probability": 0.75, "match_method": "name_fuzzy",
        "match_reason": f'Similar name: "{ours}" and "{theirs}" (75 of 100); same country. Awaits a person: 75 % sure.',
        "is_account_already_matched": False, "pairs_waiting": 1, "our_open_amount": 1000 - number,
    } | others  # fmt: skip


def made_page(folder: Path, queue: list[dict[str, Any]]) -> Path:
    """The page of a queue."""
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        write_mart(connection, "build", [BUILD])
        write_mart(connection, "match_review", queue)
    text = review.page(review.read(marts.Marts(folder / "marts.duckdb", "main", marts.REVIEW, {})))
    (folder / "review.html").write_text(text, encoding="utf-8")
    return folder / "review.html"


def embedded(text: str, name: str) -> dict[str, Any]:
    """What a page holds as JSON."""
    return json.loads(re.search(rf'id="{name}-data">(.*?)</script>', text).group(1))


def test_evidence_repeats_the_reason_piece_by_piece() -> None:
    names = {"our_name": 'Kudu; "A", but B', "partner_name": "Kudu Group", "our_other_words": "a; b"}
    row = dict.fromkeys(marts.REVIEW["match_review"]) | names
    row["match_reason"] = (
        f'Similar name: "{names["our_name"]}" and "Kudu Group" (70 of 100); only ours says "a; b"; but their websites '
        "differ; same country, but another city: our name begins with the name of that group. Awaits a person: 80 %."
    )
    row |= {"shared_words": "kudu", "is_account_already_matched": True, "partner_other_words": "group"}
    assert review.evidence(row) == (
        [
            f'Similar name: "{names["our_name"]}" and "Kudu Group" (70 of 100)', "Same country",
            "Our name begins with the name of that group", 'Both say "kudu"',
        ],
        [
            'Only ours says "a; b"', "Their websites differ", "Another city", 'Only theirs says "group"',
            "Ours has an accepted match with this partner already",
        ],
    )  # fmt: skip


def test_every_circumstance_of_a_reason_is_for_or_against() -> None:
    """A piece that the matcher adds later has to be looked at here."""
    sql = (PACKAGE / "models/matching/int_account_mapping__match_reasons.sql").read_text()
    found = [text.replace("''", "'") for text in re.findall(r"'((?:; |, but |: our|: their|, so)(?:[^']|'')*)'", sql)]
    pieces = [piece.rstrip("( ") for text in found for piece in review.END.split(text) if piece.strip()]
    favourable = {piece for piece in pieces if piece.startswith(review.FOR)}
    assert favourable == {
        "same country", "same country and city", "same city", "our name begins with the name of that group",
        "their name begins with the name of our group", "so taken for a company of the same group",
        *(f"ours is {one} of that company" for one in ("a subsidiary", "the parent", "a sister")),
    }  # fmt: skip
    against = re.compile(
        r"only |but |the website|other|another|their numbers|a person's|the order|the word|a word|many|so short"
    )
    assert len(found) > 20
    assert [piece for piece in pieces if piece not in favourable and not against.match(piece)] == []


def test_the_same_queue_gives_the_same_page_without_anything_to_load(tmp_path: Path) -> None:
    queue = [a_pair(number, f"Kudu {number}", f"Kudu {number} AB") for number in range(5)]
    (tmp_path / "other").mkdir()
    first = made_page(tmp_path, queue).read_bytes()
    assert made_page(tmp_path / "other", queue[::-1]).read_bytes() == first
    assert not {name for _, *names in Tags(first.decode()).found for name in names} & {
        "src",
        "href",
        "style",
        "onclick",
    }
    policy = re.search(rb'Content-Security-Policy" content="([^"]*)"', first).group(1).decode()
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy


@pytest.mark.parametrize("name", NAMES)
def test_a_name_adds_no_tag_and_no_script(tmp_path: Path, name: str) -> None:
    (tmp_path / "plain").mkdir()
    plain = made_page(tmp_path / "plain", [a_pair(1, "Kudu", "Gnu")]).read_text()
    spoilt = made_page(
        tmp_path,
        [a_pair(1, name, name, partner_account_id=name, partner_display_name=name, our_city=name, rival_name=name,
                rival_partner_account_id=name, rival_probability=0.5)],
    ).read_text()  # fmt: skip
    assert Tags(spoilt).found == Tags(plain).found
    assert "\u202e" not in spoilt
    assert embedded(spoilt, "ids")["ids"] == [["kudu", "crm:1", name]]
    assert embedded(spoilt, "pairs")["pairs"][0]["sides"][0] == [page.shown(name)] * 2


def test_the_queue_is_all_that_the_page_holds(tmp_path: Path) -> None:
    told = embedded(made_page(tmp_path, [a_pair(1, "Kudu", "Gnu")]).read_text(), "pairs")
    assert set(told["pairs"][0]) == {
        "key", "partner", "sides", "probability", "method", "reason", "for", "against", "rival", "waiting", "amount",
    }  # fmt: skip
    assert told["sides"] == ["name", "websites", "country", "city", "status", "owner", "id"]
    assert set(marts.REVIEW) == {"build", "match_review"}


def test_a_queue_of_no_pairs_says_so_and_other_marts_are_not_needed(tmp_path: Path) -> None:
    text = made_page(tmp_path, []).read_text()
    assert "No pair awaits a person." in text and "<script" not in text
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as connection:
        connection.execute("drop table account_mapping__match_review")
    with pytest.raises(ReportError, match="has no account_mapping__match_review: run dbt build"):
        marts.Marts(tmp_path / "marts.duckdb", "main", marts.REVIEW, {})


def test_a_decision_on_other_names_is_none_on_these() -> None:
    row = a_pair(1, "Kudu", "Gnu")
    assert review.key(row) == review.key(dict(row, match_probability=0.9, our_city="Rome"))
    assert len({review.key(row), *(review.key({**row, name: "x"}) for name in list(row)[:3])}) == 4
    assert review.key(row) != review.key(row | {"partner_name": "Gnu Ltd"})


# -------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from chromium(tmp_path_factory.mktemp("chromium"))


@dataclass
class Reviewer:
    """A person at a page. folder: where downloads arrive."""

    driver: Any
    folder: Path

    def open(self, path: Path) -> None:
        self.driver.get(path.as_uri())
        self.folder.mkdir(exist_ok=True)
        place = {"behavior": "allow", "downloadPath": str(self.folder)}
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", place)

    def press(self, keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(keys).perform()

    def sign(self, name: str) -> None:
        from selenium.webdriver.common.keys import Keys

        place = self.driver.find_element("id", "name")
        place.clear()
        place.send_keys(name + Keys.ENTER)

    def text(self, name: str) -> str:
        return self.driver.execute_script("return document.getElementById(arguments[0]).textContent", name)

    def pair(self) -> tuple[str, str]:
        """Names of the pair that is shown."""
        cells = self.driver.find_elements("css selector", "#sides tbody tr:first-child td")
        return cells[0].get_attribute("textContent"), cells[1].get_attribute("textContent")

    def download(self) -> Path:
        from selenium.webdriver.support.ui import WebDriverWait

        before = set(self.folder.iterdir())
        self.press("d")
        WebDriverWait(self.driver, 20).until(
            lambda _: [path for path in set(self.folder.iterdir()) - before if path.suffix == ".csv"]
        )
        (path,) = set(self.folder.iterdir()) - before
        return path

    def is_clean(self) -> bool:
        """Whether the page loaded nothing, broke no rule of its policy and kept its title."""
        loaded = self.driver.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        return (loaded, self.driver.get_log("browser")) == ([], []) and self.driver.title.startswith("Pairs that await")


@pytest.fixture
def reviewer(browser: Any, tmp_path: Path) -> Iterator[Reviewer]:
    made = Reviewer(browser, tmp_path / "downloads")
    yield made
    # what is kept is kept for all pages of files
    browser.execute_script("localStorage.clear()")


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return made_page(
        tmp_path,
        [a_pair(number, f"Ibex {number}", f"Ibex {number} AB", ["kudu", "oryx"][number % 2]) for number in range(6)],
    )


def test_nothing_is_decided_before_there_is_a_name(reviewer: Reviewer, queue: Path) -> None:
    reviewer.open(queue)
    assert reviewer.driver.switch_to.active_element.get_attribute("id") == "name"
    reviewer.driver.find_element("id", "match").click()
    assert "Type your name first" in reviewer.text("told")
    assert reviewer.text("counter").startswith("0 of 6 pairs decided")
    assert not reviewer.driver.find_element("id", "download").is_enabled()
    reviewer.sign("  Ada   Lind ")
    assert reviewer.driver.switch_to.active_element.get_attribute("id") == "title"
    reviewer.press("m")
    assert "Next: Ibex 1" in reviewer.text("told") and rows(reviewer.download())[0]["decided_by"] == "Ada Lind"


def test_keys_decide_skip_undo_and_move(reviewer: Reviewer, queue: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    reviewer.open(queue)
    reviewer.sign("Ada")
    reviewer.press("mns")
    assert reviewer.text("counter") == "2 of 6 pairs decided: 1 match, 1 no match. 1 skipped, 3 left."
    assert reviewer.pair() == ("Ibex 3", "Ibex 3 AB")
    reviewer.press(Keys.ARROW_LEFT * 3)
    assert reviewer.pair()[0] == "Ibex 0" and reviewer.text("state").startswith("Decided: match, by Ada on 2")
    # another mind, and back step by step
    reviewer.press("n")
    assert "0 match, 2 no match" in reviewer.text("counter")
    reviewer.press("u")
    assert "1 match, 1 no match" in reviewer.text("counter") and reviewer.pair()[0] == "Ibex 0"
    reviewer.press("u")
    assert "1 match, 1 no match. 0 skipped" in reviewer.text("counter") and reviewer.pair()[0] == "Ibex 2"
    reviewer.press("uuuu")
    assert reviewer.text("counter").startswith("0 of 6") and reviewer.text("told") == "There is nothing to undo."
    reviewer.press(Keys.ARROW_LEFT * 9)
    assert reviewer.pair()[0] == "Ibex 0"
    reviewer.press(Keys.ARROW_RIGHT * 9)
    assert reviewer.pair()[0] == "Ibex 5"
    # after the last one from the top again
    reviewer.press("m")
    assert reviewer.pair()[0] == "Ibex 0"
    reviewer.press("mmmms")
    assert "Nothing is left but 1 skipped pair." in reviewer.text("told")
    # a decision is not skipped away
    reviewer.press(Keys.ARROW_LEFT * 9 + "s")
    assert reviewer.text("counter").startswith("5 of 6 pairs decided: 5 match")


def test_keys_rest_where_one_types_or_wants_none(reviewer: Reviewer, queue: Path) -> None:
    reviewer.open(queue)
    reviewer.driver.find_element("id", "name").send_keys("mnsud")
    assert reviewer.text("counter").startswith("0 of 6") and "0 skipped" in reviewer.text("counter")
    reviewer.driver.find_element("id", "keys").click()
    reviewer.driver.find_element("id", "next").click()
    reviewer.press("mn")
    assert reviewer.text("counter").startswith("0 of 6")
    reviewer.driver.find_element("id", "match").click()
    assert reviewer.text("counter").startswith("1 of 6")
    # held down, a key would decide on what nobody has read
    reviewer.driver.find_element("id", "keys").click()
    reviewer.driver.execute_script(
        "document.getElementById('title')"
        ".dispatchEvent(new KeyboardEvent('keydown', {key: 'm', repeat: true, bubbles: true}))"
    )
    assert reviewer.text("counter").startswith("1 of 6")


def test_state_survives_a_reload_and_a_new_build_of_the_queue(reviewer: Reviewer, queue: Path, tmp_path: Path) -> None:
    reviewer.open(queue)
    reviewer.sign("Ada")
    reviewer.press("mns")
    told = reviewer.text("counter")
    reviewer.driver.refresh()
    assert reviewer.text("counter") == told and reviewer.pair()[0] == "Ibex 3"
    assert reviewer.driver.find_element("id", "name").get_attribute("value") == "Ada"
    reviewer.press("u")
    assert reviewer.pair()[0] == "Ibex 2"
    # what is kept holds no name of a company
    kept = reviewer.driver.execute_script("return JSON.stringify(localStorage)")
    assert "Ibex" not in kept and "crm:" not in kept and "Ada" in kept
    # the first pair has left the queue, the second is another company by now
    (tmp_path / "later").mkdir()
    later = made_page(
        tmp_path / "later", [a_pair(1, "Ibex One", "Ibex 1 AB", "oryx"), a_pair(2, "Ibex 2", "Ibex 2 AB")]
    )
    reviewer.open(later)
    assert reviewer.text("counter") == "0 of 2 pairs decided: 0 match, 0 no match. 0 skipped, 2 left."
    reviewer.open(queue)
    assert reviewer.text("counter").startswith("2 of 6 pairs decided: 1 match, 1 no match.")
    reviewer.driver.find_element("id", "forget").click()
    reviewer.driver.switch_to.alert.accept()
    assert reviewer.text("counter").startswith("0 of 6")
    assert reviewer.driver.execute_script("return localStorage.length") == 0


def test_what_others_wrote_into_the_storage_is_no_decision(reviewer: Reviewer, queue: Path) -> None:
    reviewer.open(queue)
    key = embedded(queue.read_text(), "pairs")["pairs"][0]["key"]
    for value in ("{", "null", "[]", '{"what":"yes","by":"x","on":"2026-01-01","time":1}', '{"what":"match","time":1}'):
        reviewer.driver.execute_script(
            "localStorage.setItem('account_mapping__review/pair/' + arguments[0], arguments[1])", key, value
        )
        reviewer.driver.refresh()
        assert reviewer.text("counter").startswith("0 of 6 pairs decided"), value
    assert reviewer.is_clean()


def test_without_storage_the_page_says_so_and_still_works(reviewer: Reviewer, queue: Path) -> None:
    script = {"source": "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no'); }})"}
    hook = reviewer.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)["identifier"]
    try:
        reviewer.open(queue)
        assert "keeps nothing for this page" in reviewer.driver.find_element("id", "storage").text
        reviewer.sign("Ada")
        reviewer.press("mnu")
        assert [row["decision"] for row in rows(reviewer.download())] == ["match"]
    finally:
        reviewer.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": hook})
        reviewer.driver.get(queue.as_uri())


def test_two_windows_of_the_page_keep_each_others_decisions(reviewer: Reviewer, queue: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    reviewer.open(queue)
    reviewer.sign("Ada")
    first = reviewer.driver.current_window_handle
    reviewer.driver.switch_to.new_window("tab")
    try:
        reviewer.open(queue)
        reviewer.press("m")
        reviewer.driver.switch_to.window(first)
        WebDriverWait(reviewer.driver, 10).until(lambda _: reviewer.text("counter").startswith("1 of 6"))
        # both windows showed the first pair
        assert reviewer.pair()[0] == "Ibex 0" and reviewer.text("state").startswith("Decided: match")
        reviewer.press("\ue014n")  # one to the right
        reviewer.driver.switch_to.window(reviewer.driver.window_handles[-1])
        WebDriverWait(reviewer.driver, 10).until(lambda _: reviewer.text("counter").startswith("2 of 6"))
        assert [row["decision"] for row in rows(reviewer.download())] == ["match", "no_match"]
    finally:
        reviewer.driver.switch_to.window(reviewer.driver.window_handles[-1])
        reviewer.driver.close()
        reviewer.driver.switch_to.window(first)


def test_the_filter_shows_a_partner_and_the_download_holds_all(reviewer: Reviewer, queue: Path) -> None:
    from selenium.webdriver.support.ui import Select

    reviewer.open(queue)
    reviewer.sign("Ada")
    reviewer.press("m")
    Select(reviewer.driver.find_element("id", "partner")).select_by_visible_text("Oryx")
    assert len(reviewer.driver.find_elements("css selector", "#list li")) == 3
    assert reviewer.text("counter").startswith("0 of 3 pairs decided") and reviewer.pair()[0] == "Ibex 1"
    reviewer.driver.find_element("id", "title").click()
    reviewer.press("nnn")
    assert "All pairs of this list are decided." in reviewer.text("told")
    # what is taken back comes into sight
    reviewer.press("uuuu")
    assert reviewer.pair()[0] == "Ibex 0" and len(reviewer.driver.find_elements("css selector", "#list li")) == 6
    reviewer.press("mn")
    assert {row["partner_id"] for row in rows(reviewer.download())} == {"kudu", "oryx"}


def test_a_long_list_is_shown_in_parts(reviewer: Reviewer, tmp_path: Path) -> None:
    reviewer.open(made_page(tmp_path, [a_pair(number, f"Ibex {number}", f"Ibex {number} AB") for number in range(250)]))
    assert len(reviewer.driver.find_elements("css selector", "#list li")) == 100
    assert reviewer.text("window") == "1 to 100 of 250 pairs"
    for _ in range(2):
        reviewer.driver.find_element("id", "later").click()
    assert reviewer.text("window") == "201 to 250 of 250 pairs"
    assert not reviewer.driver.find_element("id", "later").is_enabled() and reviewer.pair()[0] == "Ibex 200"
    reviewer.driver.find_elements("css selector", "#list button")[7].click()
    assert reviewer.pair()[0] == "Ibex 207"
    assert reviewer.driver.switch_to.active_element.get_attribute("aria-current") == "true"


def test_everything_has_a_label_can_be_reached_and_be_read(reviewer: Reviewer, queue: Path) -> None:
    reviewer.open(queue)
    reviewer.sign("Ada")
    reviewer.press("mns")
    nameless = reviewer.driver.execute_script(
        "return [...document.querySelectorAll('input, select, button')].filter(one =>"
        " !(one.matches('button') ? one.textContent.trim() : one.labels.length) || one.tabIndex < 0).map(one => one.id)"
    )
    assert nameless == []
    for name, heading in (("card", "title"), ("told", None)):
        place = reviewer.driver.find_element("id", name)
        assert place.get_attribute("aria-labelledby") == heading
    assert reviewer.driver.find_element("id", "told").get_attribute("aria-live") == "polite"
    faint = reviewer.driver.execute_script(
        """
        const light = colour => {
          const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = one => {
          for (; one; one = one.parentElement) {
            const colour = getComputedStyle(one).backgroundColor;
            if (colour !== 'rgba(0, 0, 0, 0)') return colour;
          }
          return 'rgb(255, 255, 255)';
        };
        return [...document.body.querySelectorAll('*:not(script)')].filter(one => one.checkVisibility()
            && [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
          .filter(one => {
            const [a, b] = [light(getComputedStyle(one).color), light(ground(one))].sort((x, y) => y - x);
            return (a + 0.05) / (b + 0.05) < 4.5;
          }).map(one => one.outerHTML);
        """
    )
    assert faint == []
    reviewer.driver.find_element("id", "name").click()
    reviewer.press("\ue004")  # tab
    outline = reviewer.driver.switch_to.active_element.value_of_css_property("outline-style")
    assert outline == "solid"
    for width in (1280, 400):
        reviewer.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        assert reviewer.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth"), width
    reviewer.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server of this machine that writes down who asks it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_hostile_names_are_shown_as_text_and_reach_nobody(
    reviewer: Reviewer, tmp_path: Path, listener: tuple[str, list[str]]
) -> None:
    address, asked = listener
    names = [*NAMES, f"<img src='{address}/image'>", f"<script src='{address}/script'></script>"]
    path = made_page(
        tmp_path,
        [
            a_pair(number, name, name, partner_display_name=name, partner_id=f"p{number}", partner_account_id=name,
                   our_owner=name, rival_name=name, rival_partner_account_id=name, rival_probability=0.5)
            for number, name in enumerate(names)
        ],
    )  # fmt: skip
    reviewer.open(path)
    reviewer.sign('=Ada, "the" <b>')
    for name in names:
        assert reviewer.pair() == (page.shown(name),) * 2
        reviewer.press("m")
    assert reviewer.is_clean()
    found = reviewer.download()
    text = found.read_text(encoding="utf-8")
    assert [unsafe(row["partner_account_id"]) for row in rows(found)] == names
    assert {row["decided_by"] for row in rows(found)} == {'\'=Ada, "the" <b>'}
    with duckdb.connect() as connection:
        for row in csv.reader(io.StringIO(text, newline="")):
            for cell in row:
                assert connection.execute(f"select regexp_matches($1, '{FORMULA}')", [cell]).fetchone() == (False,), (
                    cell
                )
    # the policy holds even for a script that got in
    refused = reviewer.driver.execute_async_script(
        "const done = arguments[1]; const image = new Image(); image.src = arguments[0] + '/late';"
        "fetch(arguments[0] + '/late').then(() => done(false), () => done(true))",
        address,
    )
    assert refused is True and asked == []
    reviewer.driver.get_log("browser")


def test_the_page_writes_csv_as_the_merge_reads_it(reviewer: Reviewer, queue: Path) -> None:
    reviewer.open(queue)
    signs = [
        "'",
        "''",
        "=",
        "-1",
        "a\rb",
        "a\nb",
        ' "',
        "a,b",
        "\ufeff=",
        "\u202e+",
        "\U000e0001@",
        "株式会社",
        " a ",
        "",
    ]
    texts = [*FORMULAS, *signs, *(f"{one}{other}" for one in signs for other in FORMULAS)]
    line = reviewer.driver.execute_script("return arguments[0].map(cell).join(',')", texts)
    (cells,) = csv.reader(io.StringIO(line, newline=""), strict=True)
    assert cells == list(map(safe, texts)) and list(map(unsafe, cells)) == texts


# ------------------------------------------------------------------ from the page to the marts


def read(path: Path) -> list[dict[str, str | None]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Accounts of the demo beside a partner's, whose ids a spreadsheet would run or read as something else."""
    made = Project(
        tmp_path_factory.mktemp("project"),
        {"account_mapping__crms": ["generic"], "account_mapping__as_of": "2026-11-15"},
    )
    partner = {"partner_id": "northwind_cloud", "partner_name": "Northwind", "exchange": "list", "is_active": "true"}
    made.write_seed("account_mapping__partners", [partner])
    accounts = read(DEMO / "salesforce" / "account.csv")
    columns = {"account_id": "id", "account_name": "name", "website": "website", "country": "billing_country",
               "city": "billing_city"}  # fmt: skip
    made.write_table("generic.accounts", [{name: row[old] for name, old in columns.items()} for row in accounts])
    prefixes = ("=", "'=", "@", "-", "a,", '"', "\u202e", "007;")
    theirs = [row for row in read(DEMO / "partners" / "partner_accounts.csv") if row["partner_id"] == "northwind_cloud"]
    names = ("partner_id", "account_name", "website", "country", "city", "status")
    made.write_table(
        "partners.partner_accounts",
        [
            {"account_id": prefixes[number % len(prefixes)] + row["account_id"], **{name: row[name] for name in names}}
            for number, row in enumerate(theirs)
        ],
    )
    made.write_seed(SEED, [], COLUMNS)
    made.make("+account_mapping__match_review", "+account_mapping__matches", "+account_mapping__build")
    return made


def test_the_build_obeys_every_decision_made_by_keyboard(reviewer: Reviewer, project: Project, tmp_path: Path) -> None:
    path = tmp_path / "review.html"
    command = [sys.executable, str(PACKAGE / "report"), "review", str(project.database), "--output", str(path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith(str(path))
    ids = [tuple(pair) for pair in embedded(path.read_text(), "ids")["ids"]]
    assert len(ids) >= 36

    reviewer.open(path)
    reviewer.sign("=Ada Lind")
    made: list[str | None] = []
    # match, no match, and every fifth one skipped; every seventh key is pressed wrong, and taken back
    while sum(what is not None for what in made) < 30:
        key = "s" if len(made) % 5 == 4 else "mn"[len(made) % 2]
        if len(made) % 7 == 3:
            reviewer.press("nm"[len(made) % 2] + "u")
        reviewer.press(key)
        made.append({"m": "match", "n": "no_match", "s": None}[key])
    assert reviewer.text("counter").startswith(f"30 of {len(ids)} pairs decided")
    reviewer.driver.refresh()
    assert reviewer.is_clean()
    download = reviewer.download()
    with download.open(newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == list(COLUMNS)
    decided = {pair: what for pair, what in zip(ids, made, strict=False) if what}
    assert len(decided) == len(rows(download)) == 30
    assert len({pair[2][:1] for pair in decided}) >= 6

    seed = project.folder / "seeds" / f"{SEED}.csv"
    assert "30 added" in merge_files(seed, [download])
    assert merge_files(seed, [download]).endswith("nothing to change")
    assert {tuple(row[name] for name in COLUMNS[:3]): row["decision"] for row in rows(seed)} == decided
    assert {row["decided_on"] for row in rows(seed)} <= {
        str(date.today()),
        str(date.fromordinal(date.today().toordinal() - 1)),
    }

    project.make("+account_mapping__match_review", "+account_mapping__matches", "+account_mapping__build")
    found = {
        (row["partner_id"], row["account_id"], row["partner_account_id"]): row
        for row in project.query("select * from account_mapping__matches")
    }
    assert {pair: found[pair]["decision"] for pair in decided} == {
        pair: {"match": "accepted", "no_match": "rejected"}[what] for pair, what in decided.items()
    }
    assert {found[pair]["decided_by"] for pair in decided} == {"'=Ada Lind"}
    others = [row for pair, row in found.items() if pair not in decided]
    assert others and {row["decided_by"] for row in others}.isdisjoint({"'=Ada Lind"})
    left = project.query("select partner_id, account_id, partner_account_id from account_mapping__match_review")
    assert left and not {tuple(row.values()) for row in left} & decided.keys()


def test_the_page_of_the_demo_holds_the_queue_that_the_documentation_says(demo: Demo, tmp_path: Path) -> None:
    command = [sys.executable, str(PACKAGE / "report"), "review", str(demo.database), "--output", "demo/review.html"]
    (tmp_path / "demo").mkdir()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"$ make review\n{done.stdout}```\n" in (PACKAGE / "docs" / "report.md").read_text()


def take_picture(path: Path, picture: Path) -> None:
    """A page on which a few pairs are decided, as an image."""
    with tempfile.TemporaryDirectory() as folder:
        driver = started(Path(folder))
        try:
            reviewer = Reviewer(driver, Path(folder) / "downloads")
            reviewer.open(path.resolve())
            reviewer.sign("Robin Larkwood")
            reviewer.press("nsnsn")
            clip = {"x": 0, "y": 0, "width": 1280, "height": 940, "scale": 1}
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
            picture.write_bytes(base64.b64decode(shot["data"]))
        finally:
            driver.quit()


if __name__ == "__main__":
    take_picture(Path(sys.argv[1]), Path(sys.argv[2]))
