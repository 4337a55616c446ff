"""Partner lists as files: each file by itself, nothing lost, every problem named."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loading import load_model

partner_files = load_model("stg_account_mapping__partner_files")


def read(folder: Path, pattern: str = "*") -> list[dict]:
    rows = [row for batch in partner_files.read_files(str(folder / pattern)) for row in batch.to_pylist()]
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


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


def test_a_partner_id_column_wins_over_the_file_name_where_it_is_filled(tmp_path):
    (tmp_path / "lists.csv").write_text("partner_id,account_id\nnimbus,1\n,2\n")
    assert [row["partner_id"] for row in read(tmp_path)] == ["nimbus", "lists"]


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


def test_a_utf_16_file_is_read(tmp_path):
    (tmp_path / "nimbus.csv").write_bytes("account_id,account_name\n1,Żabka\n".encode("utf-16"))
    assert [row["account_name"] for row in read(tmp_path)] == ["Żabka"]


def test_parquet_columns_of_any_plain_type_become_text(tmp_path):
    pq.write_table(
        pa.table({"account_id": [1, 2], "Account Name": ["Acme", None], "extra": [1.5, 2.5]}),
        tmp_path / "nimbus.parquet",
    )
    assert [(row["account_id"], row.get("account_name")) for row in read(tmp_path)] == [("1", "Acme"), ("2", None)]


def test_a_truncated_parquet_file_is_one_problem_and_its_neighbours_are_read(tmp_path):
    pq.write_table(pa.table({"account_id": [str(i) for i in range(10_000)]}), tmp_path / "cirrus.parquet")
    data = (tmp_path / "cirrus.parquet").read_bytes()
    (tmp_path / "cirrus.parquet").write_bytes(data[: len(data) // 2])
    (tmp_path / "nimbus.csv").write_text("account_id\n1\n")
    (tmp_path / "stratus.csv").write_text("account_id\n2\n")
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
        ("nimbus.csv", "name,website\nAcme,acme.com\n", "missing_column"),
        ("nimbus.csv", "account_id,website,website\n1,a.com,b.com\n", "doubled_column"),
        ("nimbus.xlsx", "PK", "unknown_file_type"),
        ("nimbus.parquet", "no parquet at all", "unreadable_file"),
    ],
)
def test_a_file_of_no_use_is_one_problem(tmp_path, name, text, problem):
    (tmp_path / name).write_text(text)
    assert [row["problem"] for row in read(tmp_path)] == [problem]


def test_a_nested_parquet_column_is_refused(tmp_path):
    pq.write_table(pa.table({"account_id": ["1"], "website": [["a.com"]]}), tmp_path / "nimbus.parquet")
    assert [row["problem"] for row in read(tmp_path)] == ["nested_column"]


def test_empty_lists_are_no_problem(tmp_path):
    (tmp_path / "nimbus.csv").write_text("account_id,account_name\n")
    (tmp_path / "stratus.csv").write_text("")
    assert read(tmp_path) == []
    assert list(partner_files.read_files("")) == []
    assert list(partner_files.read_files(str(tmp_path / "nowhere/*.csv"))) == []


def test_large_files_come_in_several_batches(tmp_path):
    with (tmp_path / "nimbus.csv").open("w") as file:
        file.write("account_id,account_name\n")
        file.writelines(f"{i},{'n' * 90}\n" for i in range(100_000))
    batches = list(partner_files.read_files(str(tmp_path / "*.csv")))
    assert len(batches) > 1
    assert [row for batch in batches for row in batch.column("row_number").to_pylist()] == list(range(1, 100_001))
