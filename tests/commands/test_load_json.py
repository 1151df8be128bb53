"""JSON as services and scripts write it."""

import codecs
import json
from typing import Any

import pytest

from .conftest import ALI, Shop, table


def row(number: int) -> dict[str, Any]:
    return ALI | {"id": number}


def body(*numbers: int, **others: Any) -> dict[str, Any]:
    """Return a body as the list service answers."""
    return {"count": len(numbers), "next": None, "previous": None, **others} | {
        "results": [row(it) for it in numbers]
    }


def text(*documents: Any) -> str:
    return "\n".join(json.dumps(it) for it in documents)


#: What is read whole, though it is no single list.
READ = (
    text([row(1), row(2)]),
    text(body(1, 2)),
    text(body(1), body(2)),
    text(body(1), body(2)).replace("\n", ""),
    text([row(1)], [row(2)]),
    text(row(1), row(2)),
    text(row(1)) + text(row(2)),
    text(row(1), body(2)),
    text([], [row(1)], body(2), []),
    json.dumps(body(1, 2), indent=2),
    json.dumps(row(1), indent=2) + json.dumps(row(2), indent=2),
    json.dumps({"results": [row(1), row(2)], "count": 2, "next": None}),
    json.dumps({"page": {"results": [1]}} | body(1, 2)),
)


@pytest.mark.parametrize("content", READ)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_all_documents_of_a_file_are_read(shop: Shop, content: str, encoding: str) -> None:
    result = shop.load("a.json", content.encode(encoding))
    assert result.stderr == table(added=2)
    assert [it["id"] for it in shop.customers()] == [1, 2]


@pytest.mark.parametrize("ending", ["jsonl", "ndjson"])
def test_rows_by_lines_are_read(shop: Shop, ending: str) -> None:
    for mark, end in ((b"", "\n"), (codecs.BOM_UTF8, "\r\n"), (codecs.BOM_UTF16_LE, "\r")):
        content = text(row(1), row(2)).replace("\n", end)
        encoding = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-8"
        result = shop.load(f"a.{ending}", mark + content.encode(encoding))
        assert "0 refused" in result.stderr
        assert [it["id"] for it in shop.customers()] == [1, 2]


def cut(content: str) -> str:
    """Return a body with the first row in its place."""
    return content.replace("ROW", text(row(1)))


#: What stands behind a whole row, and what is said of it.
BROKEN = (
    (text(body(1)) + " <html>502", "goes on after its 1 rows with '<html>502'"),
    (text([row(1)]) + ",", "goes on after its 1 rows with ','"),
    (text(row(1)) + "," + text(row(2)), "goes on after its 1 rows with ',{"),
    (text(body(1)) + text({"detail": "Request was throttled."}), 'holds no customers: {"detail"'),
    (text(body(1))[:-1], "breaks off, or is no JSON, after 1 whole rows"),
    (text(body(1))[:-2], "breaks off, or is no JSON, after 1 whole rows"),
    (cut('{"results": [ROW], "next": nul'), "breaks off, or is no JSON, after 1 whole"),
    (cut('{"results": [ROW], "next": null'), "breaks off, or is no JSON, after 1 whole"),
    (cut('{"results": [ROW], "next"'), "breaks off, or is no JSON, after 1 whole rows"),
    (cut('{"results": [ROW] "next": 1}'), "breaks off, or is no JSON, after 1 whole"),
    (cut('{"results": [ROW], "results": []}'), "has 'results' twice in a body"),
    (cut('{"results": [ROW], "next": 1, "next": null}'), "has 'next' twice in a body"),
    (text(row(1)) + '{"id": 2, "id": 3}', "has 'id' twice in a body"),
    (text(row(1)) + "{[1]: 2}", "breaks off, or is no JSON, after 1 whole rows"),
    (text(row(1)) + f'{{"results": [], "a": "{"x" * 3_000_000}"}}', "breaks off, or is no JSON"),
)  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_what_stands_behind_a_row_is_not_left_unseen(
    shop: Shop, content: str, message: str
) -> None:
    result = shop.load("a.json", content)
    assert result.exit_code == 1
    assert f"Error: {shop.folder}/a.json {message}" in result.stderr
    assert [it["id"] for it in shop.customers()] == [1]


@pytest.mark.parametrize("content", ["{[1]: 2}", "{1: 2}", "{null: 2}", "{{}: 2}", "{", "[", "{]"])
def test_what_is_no_json_is_a_sentence(shop: Shop, content: str) -> None:
    result = shop.load("a.json", content)
    assert "a.json breaks off, or is no JSON, after 0 whole rows." in result.stderr
    assert result.exit_code == 1


def test_an_object_of_many_names_is_not_kept(shop: Shop) -> None:
    members = ",".join(f'"{it:06}": 1' for it in range(200_000))
    result = shop.load("a.json", f"{{{members}}}")
    assert "a.json breaks off, or is no JSON, after 0 whole rows." in result.stderr


#: A body's count and links, and what is said of the pages that are not in the file.
PAGES = (
    (
        {"count": 5, "next": "https://x/?page=2"},
        "holds 2 of 5 customers: it is page 1 of 3",
    ),
    (
        {"count": 9, "next": "/?cursor=a&page=4&sort=id"},
        "holds 2 of 9 customers: it is page 3 of 5",
    ),
    ({"count": 109, "next": "/?cursor=abc"}, "holds 2 of 109 customers"),
    ({"count": 109, "previous": "/?page=54"}, "holds 2 of 109 customers: it is page 55 of 55"),
    ({"count": 3, "previous": "/"}, "holds 2 of 3 customers: it is page 2 of 2"),
    ({"count": None, "next": "/?page=2"}, "holds 2 customers: it is page 1"),
    ({"count": 3}, "holds 2 of 3 customers"),
    ({"count": 2, "next": "/"}, "holds 2 of 2 customers"),
)


@pytest.mark.parametrize(("others", "message"), PAGES)
def test_a_page_is_told_from_the_whole(shop: Shop, others: dict[str, Any], message: str) -> None:
    result = shop.load("a.json", text(body(1, 2, **others)))
    assert result.exit_code == 0
    assert result.stderr == (
        f"Warning: {shop.folder}/a.json {message}; load the other pages too.\n"
        f"{table(added=2, warned=1)}"
    )


def test_pages_that_are_all_there_are_the_whole(shop: Shop) -> None:
    pages = (body(1, count=3, next="/?page=2"), body(2, count=3, next="/?page=3"), body(3, count=3))
    assert "Warning" not in shop.load("a.json", text(*pages)).stderr
    assert "holds 2 of 3 customers" in shop.load("a.json", text(*pages[:2])).stderr
    assert "holds 2 of 3 customers" in shop.load("a.json", text(*pages[1:])).stderr


@pytest.mark.parametrize(("ending", "row_of"), [("jsonl", "line"), ("json", "row")])
def test_a_key_that_is_repeated_is_refused(shop: Shop, ending: str, row_of: str) -> None:
    repeated = text(row(1))[:-1] + ', "email": "b@c.example", "id": 2}'
    lines = [repeated, text(row(3))]
    content = "\n".join(lines) if ending == "jsonl" else f"[{','.join(lines)}]"
    rejects = shop.folder / "r.jsonl"
    result = shop.load(f"a.{ending}", content, "--rejects", rejects)
    assert f"a.{ending}, {row_of} 1: email: It is given twice. id: It is" in result.stderr
    assert [it["id"] for it in shop.customers()] == [3]
    assert json.loads(rejects.read_text())["row"] == [
        [name, value] for name, value in (*row(1).items(), ("email", "b@c.example"), ("id", 2))
    ]


NO_ROWS = (
    ("5", "It is no JSON object."),
    ("[]", "It is no JSON object."),
    ('{"id": 2', "It is no JSON: Expecting ',' delimiter"),
    ("{[1]: 2}", "It is no JSON: Expecting property name"),
    ("[" * 9_999, "It is no JSON: maximum recursion depth exceeded"),
)


def test_a_line_that_is_no_row_is_refused(shop: Shop) -> None:
    lines = [line for line, _ in NO_ROWS]
    content = "\n\n".join([*lines, json.dumps(ALI | {"id": 1})])
    shop.load("a.jsonl", content, "--rejects", shop.folder / "r.jsonl")
    assert len(shop.customers()) == 1
    rejects = [json.loads(it) for it in (shop.folder / "r.jsonl").read_text().splitlines()]
    assert [str(it["row"]) for it in rejects] == lines
    for number, (reject, (_, reason)) in enumerate(zip(rejects, NO_ROWS, strict=True)):
        assert reject["place"] == f"{shop.folder}/a.jsonl, line {2 * number + 1}"
        assert reject["reason"].startswith(reason)
