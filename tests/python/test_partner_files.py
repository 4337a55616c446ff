"""Partner lists as files: each file by itself, nothing lost, every problem named."""

from __future__ import annotations

import csv
import gzip
import io
import os
import socket
import zipfile
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlwt
from hypothesis import given
from hypothesis import strategies as st
from loading import PACKAGE, load_model

partner_files = load_model("stg_account_mapping__partner_files")
TOLD = ("kind", "is_repair")


def settings(partners: set[str] | None = None, several: tuple[str, ...] = (), **own: str) -> partner_files.Settings:
    """The package's own headers, and rules of nimbus as header=meaning."""
    with (PACKAGE / "seeds/account_mapping__partner_columns.csv").open(encoding="utf-8") as file:
        rows = [(row["partner_id"], row["column"], row["meaning"]) for row in csv.DictReader(file)]
    rows += [("nimbus", column, meaning) for column, meaning in own.items()]
    meanings = {(partner, partner_files.column_key(column)): meaning for partner, column, meaning in rows}
    return partner_files.Settings(meanings, partners and frozenset(partners), frozenset(several))


def every(folder: Path, pattern: str = "*", known: partner_files.Settings | None = None) -> list[dict]:
    """All rows of the model's output for the files of a folder."""
    known = known or settings()
    return [row for batch in partner_files.read_files(str(folder / pattern), known) for row in batch.to_pylist()]


def read(folder: Path, pattern: str = "*", known: partner_files.Settings | None = None) -> list[dict]:
    """Rows of lists and problems as what they hold. Counts add up in every test that calls this."""
    rows = every(folder, pattern, known)
    adds_up(rows)
    return [
        {key: value for key, value in row.items() if value is not None and key not in TOLD}
        for row in rows
        if row["kind"] != "file"
    ]


def adds_up(rows: list[dict]) -> None:
    """What a file's row counts is what was emitted or left out."""
    for file in (row for row in rows if row["kind"] == "file"):
        own = [row for row in rows if row["file_name"] == file["file_name"]]
        left_out = sum(row["n_rows"] or 0 for row in own if row["kind"] == "problem" and not row["is_repair"])
        assert file["n_rows"] == sum(row["kind"] == "row" for row in own) + left_out


def problems(rows: list[dict]) -> dict[str, int | None]:
    return {row["problem"]: row.get("n_rows") for row in rows if "problem" in row}


def names(rows: list[dict]) -> list[str]:
    return [row["account_name"] for row in rows if "problem" not in row]


def write_xlsx(path: Path, sheets: dict[str, list[list]], merged: tuple[str, ...] = ()) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for cells in merged:
            sheet.merge_cells(cells)
    book.save(path)


def test_rows_are_numbered_and_named_after_their_file(tmp_path):
    (tmp_path / "nimbus.csv").write_text("account_id,account_name\n1,Acme\n2,Globex\n")
    assert read(tmp_path) == [
        {"file_name": "nimbus.csv", "row_number": 1, "partner_id": "nimbus", "account_id": "1", "account_name": "Acme"},
        {
            "file_name": "nimbus.csv",
            "row_number": 2,
            "partner_id": "nimbus",
            "account_id": "2",
            "account_name": "Globex",
        },
    ]


def test_in_a_file_of_several_partners_the_column_tells_whose_a_row_is(tmp_path):
    (tmp_path / "lists.csv").write_text("partner_id,account_id,name\nnimbus,1,Acme\n,2,Globex\nStratus,3,Initech\n")
    known = settings({"nimbus", "stratus"}, several=("lists.csv",))
    assert [row.get("partner_id") for row in read(tmp_path, known=known)] == ["nimbus", None, "stratus"]


def test_a_file_speaks_for_its_own_partner_only(tmp_path):
    (tmp_path / "nimbus.csv").write_text(
        "partner_id,account_id,name\nnimbus,1,Acme\nstratus,2,Globex\n,3,Initech\nNIMBUS,4,Hooli\nstratus,5,Vehement\n"
    )
    *rows, problem = read(tmp_path, known=settings({"nimbus", "stratus"}))
    assert [(row["partner_id"], row["account_id"]) for row in rows] == [("nimbus", number) for number in "134"]
    assert (problem["problem"], problem["n_rows"]) == ("row_of_another_partner", 2)
    assert "stratus" in problem["detail"]


def test_a_file_of_no_partner_is_one_problem_that_names_both_remedies(tmp_path):
    (tmp_path / "lists.csv").write_text("partner_id,account_id,name\nnimbus,1,Acme\nnimbus,2,Globex\n")
    (problem,) = read(tmp_path, known=settings({"nimbus"}))
    assert (problem["problem"], problem["n_rows"]) == ("file_of_unknown_partner", 2)
    assert "account_mapping__partners" in problem["detail"]
    assert "account_mapping__files_of_several_partners" in problem["detail"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_usual_delimiters_and_header_spellings(tmp_path, delimiter):
    (tmp_path / "nimbus.csv").write_text(
        delimiter.join(["Account ID", "Name", "Domain"]) + f"\n1{delimiter}Acme{delimiter}acme.com\n"
    )
    row = read(tmp_path)[0]
    assert (row["account_id"], row["account_name"], row["website"]) == ("1", "Acme", "acme.com")


def test_byte_order_mark_quoted_newline_and_null_byte_are_kept_as_data(tmp_path):
    (tmp_path / "nimbus.csv").write_bytes('\ufeffaccount_id,account_name\n1,"Acme\nHoldings"\n2,Glo\0bex\n'.encode())
    assert [row["account_name"] for row in read(tmp_path)] == ["Acme\nHoldings", "Glo\0bex"]


@pytest.mark.parametrize("name", ["x" * 10_000, "🚀 Rocket", "شركة الاتصالات", '=HYPERLINK("http://evil.example")'])
def test_odd_names_come_through_unchanged(tmp_path, name):
    quoted = name.replace('"', '""')
    (tmp_path / "nimbus.csv").write_text(f'account_id,account_name\n1,"{quoted}"\n', encoding="utf-8")
    assert [row["account_name"] for row in read(tmp_path)] == [name]


@pytest.mark.parametrize(
    ("data", "name"),
    [("Société Générale".encode("latin-1"), "Société Générale"), (b"Caf\xe9 \x81", "Café \x81"), (b"\x80uro", "€uro")],
)
def test_a_latin_1_file_is_read_and_reported(tmp_path, data, name):
    (tmp_path / "nimbus.csv").write_bytes(b"account_id,account_name\n1," + data + b"\n")
    row, problem = read(tmp_path)
    assert row["account_name"] == name
    assert (problem["problem"], problem["file_name"]) == ("not_utf_8", "nimbus.csv")


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("cp1252", "Zoë Müller Strüdel S.à r.l. – Société"),
        ("cp1250", "Żabka Spółka Śląska Łódź Příbram"),
        ("mac_roman", "Société Générale Zürich Ångström"),
        ("cp1251", "Газпром Нефть Публичное акционерное общество"),
        ("cp932", "株式会社日立製作所 東京都千代田区"),
        ("gb18030", "中国石油天然气股份有限公司 北京市"),
        ("utf-16", "Żabka 日立"),
        ("utf-16-le", "Zabka Société plc"),
        ("utf-16-be", "Zabka Société plc"),
        ("utf-32", "Żabka 日立"),
        ("utf-8-sig", "Żabka 日立"),
    ],
)
def test_encodings_are_told_apart(tmp_path, encoding, name):
    lines = "".join(f"{number},{name},acme{number}.com\n" for number in range(5))
    (tmp_path / "nimbus.csv").write_bytes(f"account_id,account_name,website\n{lines}".encode(encoding))
    assert names(read(tmp_path)) == [name] * 5


def test_one_wrong_byte_does_not_spoil_a_utf_8_file(tmp_path):
    lines = "".join(f"{number},Société {number}\n" for number in range(50)).encode()
    (tmp_path / "nimbus.csv").write_bytes(b"account_id,account_name\n" + lines + b"50,Caf\xe9 Corp\n")
    rows = read(tmp_path)
    assert names(rows)[0] == "Société 0" and names(rows)[-1] == "Caf\ufffd Corp"
    assert problems(rows) == {"not_utf_8": None}


def test_a_utf_16_file_is_read(tmp_path):
    (tmp_path / "nimbus.csv").write_bytes("account_id,account_name\n1,Żabka\n".encode("utf-16"))
    assert [row["account_name"] for row in read(tmp_path)] == ["Żabka"]


def test_parquet_columns_of_any_plain_type_become_text(tmp_path):
    pq.write_table(
        pa.table({"account_id": [1, 2], "Account Name": ["Acme", None], "extra": [1.5, 2.5]}),
        tmp_path / "nimbus.parquet",
    )
    assert [(row["account_id"], row.get("account_name")) for row in read(tmp_path)[:2]] == [
        ("1", "Acme"),
        ("2", None),
    ]
    assert problems(read(tmp_path)) == {"unread_columns": None}


def test_a_truncated_parquet_file_is_one_problem_and_its_neighbours_are_read(tmp_path):
    pq.write_table(pa.table({"account_id": [str(i) for i in range(10_000)]}), tmp_path / "cirrus.parquet")
    data = (tmp_path / "cirrus.parquet").read_bytes()
    (tmp_path / "cirrus.parquet").write_bytes(data[: len(data) // 2])
    (tmp_path / "nimbus.csv").write_text("account_id,name\n1,Acme\n")
    (tmp_path / "stratus.csv").write_text("account_id,name\n2,Globex\n")
    problem, *rows = read(tmp_path)
    assert (problem["problem"], problem["file_name"], problem["partner_id"]) == (
        "unreadable_file",
        "cirrus.parquet",
        "cirrus",
    )
    assert [row["account_id"] for row in rows] == ["1", "2"]


def test_a_row_of_another_width_is_reported_and_the_rest_is_read(tmp_path):
    (tmp_path / "nimbus.csv").write_text("account_id,account_name\n1,Acme\n2,Globex,too much\n3,Initech\n")
    rows = read(tmp_path)
    assert [row["account_id"] for row in rows if "problem" not in row] == ["1", "3"]
    assert [row["problem"] for row in rows if "problem" in row] == ["malformed_row"]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("nimbus.csv", "colour,shape\nred,round\n", "missing_column"),
        ("nimbus.xlsx", "PK", "unreadable_file"),
        ("nimbus.xlsx", "PK\x03\x04 and no more", "unreadable_file"),
        ("nimbus.xls", "<html><table><tr><td>Account Name</td></tr></table></html>", "unreadable_file"),
        ("nimbus.csv.gz", "\x1f\x8b\x08\x00", "unreadable_file"),
        ("nimbus.parquet", "no parquet at all", "unreadable_file"),
        ("nimbus.docx", "text", "unknown_file_type"),
        ("nimbus.csv", "", "empty_file"),
        ("nimbus.csv", "\n\n  \n", "empty_file"),
    ],
)
def test_a_file_of_no_use_is_one_problem(tmp_path, name, text, problem):
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    assert [row["problem"] for row in read(tmp_path)] == [problem]


def test_a_nested_parquet_column_is_refused(tmp_path):
    pq.write_table(pa.table({"account_id": ["1"], "website": [["a.com"]]}), tmp_path / "nimbus.parquet")
    assert [row["problem"] for row in read(tmp_path)] == ["nested_column"]


def test_lists_without_rows_are_no_problem(tmp_path):
    (tmp_path / "nimbus.csv").write_text("account_id,account_name\n")
    assert read(tmp_path) == []
    assert list(partner_files.read_files("")) == []
    assert list(partner_files.read_files(str(tmp_path / "nowhere/*.csv"))) == []


def test_large_files_come_in_several_batches(tmp_path):
    with (tmp_path / "nimbus.csv").open("w") as file:
        file.write("account_id,account_name\n")
        file.writelines(f"{i},{'n' * 90}\n" for i in range(100_000))
    batches = list(partner_files.read_files(str(tmp_path / "*.csv")))
    assert len(batches) > 2
    numbers = [row for batch in batches for row in batch.column("row_number").to_pylist()]
    assert numbers == [*range(1, 100_001), None]


# ---------- places


def test_nothing_but_files_of_the_folder_is_opened(tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text("account_id,name\n9,Secret\n")
    lists = tmp_path / "lists"
    (lists / "deep").mkdir(parents=True)
    (lists / "folder.csv").mkdir()
    (lists / "nimbus.csv").write_text("account_id,name\n1,Acme\n")
    (lists / "inside.csv").symlink_to(lists / "nimbus.csv")
    (lists / "leaves.csv").symlink_to(outside)
    (lists / "dangling.csv").symlink_to(lists / "nowhere.csv")
    os.mkfifo(lists / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(lists / "socket.csv"))
        rows = read(lists, "*.csv")
    assert {row["file_name"]: row["problem"] for row in rows if "problem" in row} == {
        "dangling.csv": "not_a_file",
        "folder.csv": "not_a_file",
        "leaves.csv": "link_leaves_folder",
        "pipe.csv": "not_a_file",
        "socket.csv": "not_a_file",
    }
    assert names(rows) == ["Acme", "Acme"]


def test_two_files_of_one_name_are_told_apart(tmp_path):
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "nimbus.csv").write_text(f"account_id,name\n{folder},Acme\n")
    assert [row["file_name"] for row in read(tmp_path, "**/*.csv")] == ["north/nimbus.csv", "south/nimbus.csv"]
    assert [row["file_name"] for row in read(tmp_path, "**")] == ["north/nimbus.csv", "south/nimbus.csv"]


# ---------- formats


LIST = [["Company", "Website", "Type"], ["Acme", "acme.com", "Customer"], ["Globex", "globex.com", "Prospect"]]


def csv_bytes(rows: list[list], **options) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n", **options).writerows(rows)
    return file.getvalue().encode()


@pytest.mark.parametrize("delimiter", [*":~^|\t;,", "\x01"])
def test_any_delimiter(tmp_path, delimiter):
    (tmp_path / "nimbus.txt").write_bytes(csv_bytes(LIST, delimiter=delimiter))
    assert names(read(tmp_path)) == ["Acme", "Globex"]


def test_a_line_that_names_the_delimiter(tmp_path):
    (tmp_path / "nimbus.csv").write_bytes(b"sep=;\n" + csv_bytes(LIST, delimiter=";"))
    assert names(read(tmp_path)) == ["Acme", "Globex"]


def test_gzip(tmp_path):
    (tmp_path / "nimbus.csv.gz").write_bytes(gzip.compress(csv_bytes(LIST)))
    assert names(read(tmp_path)) == ["Acme", "Globex"]


def test_a_list_in_a_single_column(tmp_path):
    (tmp_path / "nimbus.csv").write_text("Company\nAcme\nGlobex\n")
    assert names(read(tmp_path)) == ["Acme", "Globex"]


def test_old_and_new_workbooks_are_read_alike(tmp_path):
    write_xlsx(tmp_path / "nimbus.xlsx", {"Accounts": LIST})
    book = xlwt.Workbook()
    sheet = book.add_sheet("Accounts")
    for row, cells in enumerate(LIST):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    book.save(str(tmp_path / "stratus.xls"))
    (tmp_path / "cirrus.ods").write_bytes(ods(LIST))
    rows = read(tmp_path)
    kept = [
        [row[name] for name in ("account_id", "account_name", "website", "status")]
        for row in rows
        if "problem" not in row
    ]
    assert kept[:2] == kept[2:4] == kept[4:]
    assert problems(rows) == {"ids_from_content": 2}


def ods(rows: list[list[str]], repeated: str = "") -> bytes:
    """A small OpenDocument sheet."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="Accounts">{cells}{repeated}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", '<manifest:manifest xmlns:manifest="urn:x"/>')
        book.writestr("content.xml", content)
    return file.getvalue()


def test_values_of_a_workbook_become_text_as_people_read_them(tmp_path):
    header = ["Account ID", "Company", "Last Modified Date", "Annual Revenue", "Employees", "Open Amount"]
    write_xlsx(
        tmp_path / "nimbus.xlsx",
        {"A": [header, [9100000.0, "Acme", date(2026, 3, 1), 12.5, 1200, 12.345],
               [9100001, "Globex", datetime(2026, 3, 1, 15, 41), 1e6, "", True]]},
    )  # fmt: skip
    rows = read(tmp_path)
    assert [row["account_id"] for row in rows] == ["9100000", "9100001"]
    assert [row["updated_at"] for row in rows] == ["2026-03-01", "2026-03-01 15:41:00"]
    assert [row["annual_revenue"] for row in rows] == ["12.5", "1000000"]
    assert rows[0]["employee_count"] == "1200" and float(rows[0]["open_amount"]) == 12.345


def test_the_sheet_with_the_header_is_read_and_the_others_are_told(tmp_path):
    write_xlsx(
        tmp_path / "nimbus.xlsx",
        {
            "Read me": [["internal"], ["do not forward"]],
            "Empty": [],
            "Data": [["Our list"], [], *LIST],
            "Old": LIST[:2],
        },
    )
    rows = read(tmp_path)
    assert names(rows) == ["Acme", "Globex"]
    told = [row["detail"] for row in rows if row.get("problem") == "sheet_not_read"]
    assert [text.split(":")[0] for text in told] == ["sheet Read me", "sheet Old"]
    assert "title_rows" in problems(rows)


def test_merged_cells_hold_for_each_of_their_rows(tmp_path):
    rows = [["Account Owner", "Company", "Website"], ["Ann", "Acme", "acme.com"], [None, "Globex", "globex.com"]]
    write_xlsx(tmp_path / "nimbus.xlsx", {"A": [*rows, ["Bob", "Initech", "initech.com"]]}, merged=("A2:A3",))
    assert [row.get("owner_name") for row in read(tmp_path)[:3]] == ["Ann", "Ann", "Bob"]


def test_bombs_do_not_go_off(tmp_path, monkeypatch):
    far = [[None] * 16_000 + ["x"]]
    write_xlsx(tmp_path / "nimbus.xlsx", {"A": [*LIST, *([[]] * 2000), *far]})
    (tmp_path / "cirrus.ods").write_bytes(
        ods(LIST, '<table:table-row table:number-rows-repeated="1000000"><table:table-cell/></table:table-row>'
            '<table:table-row><table:table-cell table:number-columns-repeated="16000" office:value-type="string"/>'
            "</table:table-row>")
    )  # fmt: skip
    monkeypatch.setattr(partner_files, "MAX_UNPACKED", 1 << 20)
    (tmp_path / "stratus.csv.gz").write_bytes(gzip.compress(csv_bytes(LIST) + b"x" * (8 << 20)))
    assert {row["file_name"]: row["problem"] for row in read(tmp_path)} == dict.fromkeys(
        ("cirrus.ods", "nimbus.xlsx", "stratus.csv.gz"), "too_large_file"
    )
    monkeypatch.setattr(partner_files, "MAX_WORKBOOK", 1000)
    assert problems(read(tmp_path, "nimbus.xlsx")) == {"too_large_file": None}


def test_a_broken_workbook_that_never_opens_is_given_up(tmp_path, monkeypatch):
    whole = ods(LIST)
    with zipfile.ZipFile(io.BytesIO(whole)) as book, zipfile.ZipFile(tmp_path / "cirrus.ods", "w") as broken:
        for part in book.namelist():
            broken.writestr(part, book.read(part).replace(b"</table:table>", b"</table:taole>"))
    (tmp_path / "nimbus.csv").write_bytes(csv_bytes(LIST))
    monkeypatch.setattr(partner_files, "MAX_SECONDS", 2)
    problem, *rows = read(tmp_path)
    assert (problem["file_name"], problem["problem"]) == ("cirrus.ods", "unreadable_file")
    assert "after 2 seconds" in problem["detail"]
    assert names(rows) == ["Acme", "Globex"]


# ---------- headers


@pytest.mark.parametrize(
    ("header", "meanings"),
    [
        (
            "Account Owner  ↑,Account Name,Type,Billing Country,Website,Last Modified Date,Account ID",
            "owner_name account_name status country website updated_at account_id",
        ),
        (
            "Record ID,Company name,Company Domain Name,Lifecycle Stage,Country/Region,Company owner,Employees",
            "account_id account_name website status country owner_name employee_count",
        ),
        (
            "Organization - Name,Organization - Label,Organization - Owner,Organization - Update time",
            "account_name status owner_name updated_at",
        ),
        (
            "(Do Not Modify) Account,Account Name,Relationship Type,Address 1: Country/Region,Owner,Modified On",
            "account_id account_name status country owner_name updated_at",
        ),
        ("Partner Account Name,Partner Account Website,Population", "account_name website status"),
        (
            "Kunden-Nr,Firma,Webseite,Inhaber,Typ,Land,Währung,Kunde seit,Mitarbeiterzahl,PLZ,Zuletzt geändert am",
            "account_id account_name website owner_name status country currency customer_since employee_count "
            "postal_code updated_at",
        ),
        (
            "ID du compte,Nom du compte,Site Web,Propriétaire du compte,Statut,Pays,Chiffre d'affaires,N° TVA",
            "account_id account_name website owner_name status country annual_revenue vat_id",
        ),
        (
            "ID de la cuenta,Nombre de la cuenta,Sitio web,Propietario de la cuenta,Tipo,País,Última modificación",
            "account_id account_name website owner_name status country updated_at",
        ),
    ],
)
def test_headers_of_crms_in_four_languages(header, meanings):
    found = partner_files.header_of(header.split(","), "nimbus", settings())
    assert found.places == {meaning: [place] for place, meaning in enumerate(meanings.split())}


@given(st.sampled_from(sorted(key for key in settings().meanings)), st.data())
def test_case_blanks_and_accents_of_a_header_do_not_matter(rule, data):
    _, key = rule
    spelt = "".join(
        data.draw(st.sampled_from(["", " ", "_", "-", ": "])) + data.draw(st.sampled_from([letter, letter.upper()]))
        for letter in key
    )
    assert partner_files.column_key(spelt) == key


def test_the_partners_own_rule_wins_and_unread_columns_are_told(tmp_path):
    (tmp_path / "nimbus.csv").write_text("Company,Type,Ampel,Notes,Junk\nAcme,gold,Customer,hi,x\n")
    known = settings(Type="segment", Ampel="status", Junk="ignore")
    row, *told = read(tmp_path, known=known)
    assert (row["segment"], row["status"]) == ("gold", "Customer")
    (unread,) = (row for row in told if row["problem"] == "unread_columns")
    assert unread["detail"] == "1 of 5: Notes"
    (file,) = (row for row in every(tmp_path, known=known) if row["kind"] == "file")
    assert file["columns_read"] == "Company as account_name; Type as segment; Ampel as status"
    assert file["columns_unread"] == "Notes"


def test_columns_of_one_meaning_are_read_row_by_row_the_clearest_first(tmp_path):
    (tmp_path / "nimbus.csv").write_text(
        "Type,Status,Lifecycle Stage,Company,Website,Website\nPartner,Active,customer,Acme,acme.com,\n"
        "Prospect,,,Globex,,globex.com\nPartner,Open,,Initech,a.com,b.com\n"
    )
    rows = read(tmp_path)
    assert [row["status"] for row in rows[:3]] == ["customer", "Prospect", "Open"]
    assert [row["website"] for row in rows[:3]] == ["acme.com", "globex.com", "a.com"]
    assert "doubled_column" in problems(rows)


# ---------- rows


REPORT = """"Account Owner  ↑","Account Name","Type","Website"
"Ann","Acme","Customer","acme.com"
"","Globex","Prospect","globex.com"
"Subtotal","Count","2",""
"Bob","Initech","Customer","initech.com"
"","Hooli","",""
"Subtotal","Count","2",""
"Total","Count","4",""


"Accounts by Owner"
"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."
"Confidential Information - Do Not Distribute"
"Generated By:  Jo Chan  11/24/2026 3:41 PM"
"Brightwave Inc."
"""


def test_a_grouped_report_with_totals_and_a_footer(tmp_path):
    (tmp_path / "nimbus.csv").write_text(REPORT)
    rows = read(tmp_path)
    assert names(rows) == ["Acme", "Globex", "Initech", "Hooli"]
    assert [row["owner_name"] for row in rows[:4]] == ["Ann", "Ann", "Bob", "Bob"]
    assert problems(rows) == {"footer_rows": 8, "filled_down": 2, "ids_from_content": 4}


@pytest.mark.parametrize(
    "order", ["Account Name,Account Owner,Type,Website", "Website,Type,Account Name,Account Owner"]
)
@pytest.mark.parametrize("gap", ["\n\n\n", "", ",,,\n"])
def test_a_footer_below_any_first_column(tmp_path, order, gap):
    columns = order.split(",")
    body = [
        {"Account Name": name, "Account Owner": "Ann", "Type": "x", "Website": f"{name}.com"}
        for name in ("acme", "globex")
    ]
    lines = [order, *(",".join(row[column] for column in columns) for row in body)]
    footer = REPORT.split("\n\n\n")[1].split("\n", 0 if gap else 1)[-1]
    (tmp_path / "nimbus.csv").write_text("\n".join(lines) + "\n" + gap + footer)
    rows = read(tmp_path)
    assert names(rows) == ["acme", "globex"]
    assert problems(rows)["footer_rows"] == (5 if gap else 4)


@pytest.mark.parametrize("name", ["Total", "Total Energies", "Count", "Copyright Agency", "Confidential Inc", "Sum"])
def test_companies_that_are_called_like_a_footer_stay(tmp_path, name):
    (tmp_path / "nimbus.csv").write_text(f"Company,Website,Type\n{name},total.com,Customer\nAcme,acme.com,Customer\n")
    assert names(read(tmp_path)) == [name, "Acme"]


def test_sparse_rows_at_the_end_stay(tmp_path):
    (tmp_path / "nimbus.csv").write_text(
        "Company,Website,Type\nAcme,acme.com,Customer\nGlobex,,\nInitech,initech.com,\n"
    )
    assert names(read(tmp_path)) == ["Acme", "Globex", "Initech"]


def test_a_sorted_column_with_holes_is_not_filled_down(tmp_path):
    (tmp_path / "nimbus.csv").write_text(
        "Account Owner ↑,Company,Website\nAnn,Acme,acme.com\nAnn,Globex,globex.com\n,Initech,initech.com\n"
    )
    assert [row.get("owner_name") for row in read(tmp_path)[:3]] == ["Ann", "Ann", None]


def test_one_bad_row_never_loses_the_list(tmp_path):
    huge = "x" * (10 << 20)
    (tmp_path / "nimbus.csv").write_text(
        f'account_id,name,website\n1,Acme,acme.com\n2,"Globex,globex.com\n3,{huge},h.com\n4,"Init\nech",initech.com\n'
        '5,Too,many,cells\n6,Short\n7,"The "Hooli" works",hooli.com\n8,5" pipes,pipes.com\n9,Zed,zed.com\n'
    )
    rows = read(tmp_path)
    kept = {row["account_id"]: row["account_name"] for row in rows if "problem" not in row}
    assert kept.keys() == set("1246789")
    assert (kept["2"], kept["4"], kept["6"]) == ("Globex", "Init\nech", "Short")
    assert kept["8"] == '5" pipes' and kept["9"] == "Zed"
    bad = [(row["problem"], row["row_number"]) for row in rows if row.get("problem") == "malformed_row"]
    assert bad == [("malformed_row", 3), ("malformed_row", 5)]
    assert problems(rows)["short_rows"] == 1 and problems(rows)["stray_quotes"] == 1


def test_many_bad_rows_are_counted(tmp_path):
    (tmp_path / "nimbus.csv").write_text("account_id,name\n1,Acme\n" + "2,too,many\n" * 500)
    rows = [row for row in read(tmp_path) if "problem" in row]
    assert len(rows) == 101 and sum(row["n_rows"] for row in rows) == 500


# ---------- ids, dates, numbers


def test_ids_from_content_do_not_depend_on_order_or_on_what_a_partner_does(tmp_path):
    (tmp_path / "nimbus.csv").write_text(
        "Company,Website,Type\nAcme,https://www.Acme.com/,Customer\nGlobex,globex.com,x\n"
    )
    first = {row["account_name"]: row["account_id"] for row in read(tmp_path) if "problem" not in row}
    (tmp_path / "nimbus.csv").write_text(
        "Account ID,Type,Website,Company\n,y,globex.com,Globex\n17,y,hooli.com,Hooli\n,Churned,acme.com, ACME \n"
    )
    rows = read(tmp_path)
    second = {row["account_name"].title(): row["account_id"] for row in rows if "problem" not in row}
    assert second == first | {"Hooli": "17"}
    assert all(value.startswith("row_") for value in first.values())
    assert problems(rows) == {"ids_from_content": 2}


@pytest.mark.parametrize(
    ("dates", "expected", "open_ones"),
    [
        (["31/12/2025", "01/02/2026"], ["2025-12-31", "2026-02-01"], None),
        (["12/31/2025", "01/02/2026 3:41 PM"], ["2025-12-31", "2026-01-02 15:41:00"], None),
        (["01/02/2026", "03-04-26"], ["2026-01-02", "2026-03-04"], 2),
        (["31.12.2025", "1.2.26"], ["2025-12-31", "2026-02-01"], None),
        (["2025-12-31", "Jan 31, 2026"], ["2025-12-31", "Jan 31, 2026"], None),
        (["31/12/2025", "12/31/2025", "01/02/2026"], ["2025-12-31", "2025-12-31", "2026-01-02"], 1),
        (["01/01/2026", "99/99/2026"], ["2026-01-01", "99/99/2026"], None),
    ],
)
def test_slashed_dates_are_settled_by_their_column(tmp_path, dates, expected, open_ones):
    lines = "".join(f'{number},Acme,"{text}"\n' for number, text in enumerate(dates))
    (tmp_path / "nimbus.csv").write_text("account_id,name,updated_at\n" + lines)
    rows = read(tmp_path)
    assert [row["updated_at"] for row in rows if "problem" not in row] == expected
    assert problems(rows).get("ambiguous_dates") == open_ones


def test_the_day_of_a_report_tells_how_it_writes_dates(tmp_path):
    (tmp_path / "nimbus.csv").write_text(
        "Account Name,Website,Last Modified Date\nAcme,acme.com,2/11/2026\n\nGenerated By: Jo 24/11/2026 15:41\n"
    )
    rows = read(tmp_path)
    assert rows[0]["updated_at"] == "2026-11-02" and "ambiguous_dates" not in problems(rows)


@pytest.mark.parametrize(
    ("numbers", "expected", "open_ones"),
    [
        (["12.500,50", "3.000"], ["12.500,50", "3000"], None),
        (["12,500.50", "3.000"], ["12,500.50", "3.000"], None),
        (["3.000", "4.500"], ["3.000", "4.500"], 2),
        (["1.234.567", "3.000"], ["1234567", "3000"], None),
        (["3000", "4500"], ["3000", "4500"], None),
    ],
)
def test_points_are_settled_by_their_column(tmp_path, numbers, expected, open_ones):
    lines = "".join(f'{number},Acme,"{text}"\n' for number, text in enumerate(numbers))
    (tmp_path / "nimbus.csv").write_text("account_id,name,open_amount\n" + lines)
    rows = read(tmp_path)
    assert [row["open_amount"] for row in rows if "problem" not in row] == expected
    assert problems(rows).get("ambiguous_numbers") == open_ones


@pytest.mark.parametrize(("text", "expected"), [("2.01E+02", "201"), ("9.1E+06", None), ("E5", "E5"), ("12e", "12e")])
def test_ids_that_a_spreadsheet_cut_are_no_ids(text, expected):
    assert partner_files.whole_id(text) == expected


# ---------- both ways of reading


CELLS = st.text(st.sampled_from('ab é",;\n1.'), max_size=6)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.text("abcé' -&", min_size=1, max_size=12)), max_size=30))
def test_the_short_way_gives_what_the_long_way_gives(tmp_path_factory, pairs):
    folder = tmp_path_factory.mktemp("ways")
    body = [["account_id", "name"], *([str(number), f"x{name}"] for number, name in pairs)]
    (folder / "nimbus.csv").write_bytes(csv_bytes(body))
    short = read(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partner_files, "is_plain", lambda *_: None)
        long = read(folder)
    assert [row | {"account_name": row["account_name"].strip()} for row in short] == long


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=12), st.binary(max_size=60))
def test_no_bytes_make_the_reader_fail(tmp_path_factory, cells, noise):
    folder = tmp_path_factory.mktemp("noise")
    text = "\n".join(",".join(row) for row in cells)
    (folder / "nimbus.csv").write_bytes(b"account_id,name,website\n" + text.encode() + b"\n" + noise)
    read(folder)
    (folder / "nimbus.csv").write_bytes(noise)
    read(folder)


def test_the_model_takes_its_settings_from_the_project(tmp_path):
    (tmp_path / "all.csv").write_text("partner_id,account_id,Firmenbez\nnimbus,1,Acme\n")

    class Relation(list):
        def to_arrow_reader(self, size: int):
            return pa.Table.from_pylist(self).to_reader(size)

    tables = {
        "stg_account_mapping__settings_partner_columns": Relation(
            [{"partner_id": "*", "column_name": "Firmen-Bez.", "meaning": "account_name"}]
        ),
        "stg_account_mapping__settings_partners": Relation([{"partner_id": "nimbus"}]),
    }
    meta = {"partner_lists_path": str(tmp_path / "*"), "files_of_several_partners": '["All.csv"]'}
    dbt = SimpleNamespace(config={"meta": meta}, ref=tables.__getitem__)
    rows = partner_files.model(dbt, None).read_all().to_pylist()
    assert [(row["kind"], row["partner_id"], row["account_name"]) for row in rows] == [
        ("row", "nimbus", "Acme"),
        ("file", "all", None),
    ]
