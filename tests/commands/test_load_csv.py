"""CSV as spreadsheets and scripts write it."""

import pytest

from .conftest import Shop


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1254"])
def test_csv_is_read_as_spreadsheets_write_it(shop: Shop, delimiter: str, encoding: str) -> None:
    text = "id,omnitron_id, email ,first_name\r\n\r\n1,1,a@b.example,Şeyma\r\n1,1,a@b.example,Ğ\r\n"
    content = text.replace(",", delimiter).encode(encoding)
    options = () if encoding.startswith("utf") else ("--encoding", encoding)
    rejects = shop.folder / "r.csv"
    result = shop.load("a.csv", content, *options, "--rejects", rejects)
    [row] = shop.customers()
    assert row["first_name"] == "Şeyma"
    assert "a.csv, line 4: id: The same as in" in result.stderr
    assert f"1{delimiter}1{delimiter}a@b.example{delimiter}Ğ" in rejects.read_text(encoding)


def test_rows_with_too_many_or_too_few_cells_are_refused(shop: Shop) -> None:
    result = shop.load("a.csv", "id,omnitron_id,email\n1,1,a@b.example,\n2,2\n3,3,a@b.example\n")
    assert "a.csv, line 2: It has 4 cells and not 3." in result.stderr
    assert "a.csv, line 3: It has 2 cells and not 3." in result.stderr
    assert [row["id"] for row in shop.customers()] == [3]
