"""The published document, reproduced."""

import json
from collections.abc import Callable

from conftest import PATH, PUBLISHED, Client, document

from omsflask.standalone.sample_data import published


def test_the_published_get_example_is_reproduced(client: Client) -> None:
    expected = document("list-simple.get.json")
    expected["next"] = f"http://localhost{PATH}?page=2"
    response = client.page()
    assert response.json == expected
    assert list(response.json) == list(expected)
    assert [list(row) for row in response.json["results"]] == [
        list(row) for row in expected["results"]
    ]
    assert "İpek" in response.get_data(as_text=True)


def test_the_published_options_example_is_reproduced_to_the_byte(client: Client) -> None:
    expected = (PUBLISHED / "list-simple.options.json").read_text()
    body = client.options(PATH).get_data(as_text=True)
    assert "".join(body.split()) == "".join(expected.split())


def test_a_list_of_one_page_has_no_neighbours(new_client: Callable[..., Client]) -> None:
    body = new_client([*published()]).page().json
    assert (body["count"], body["next"], body["previous"]) == (10, None, None)


def test_an_empty_list_is_an_empty_page(new_client: Callable[..., Client]) -> None:
    response = new_client([]).page()
    assert json.loads(response.data) == {"count": 0, "next": None, "previous": None, "results": []}


def test_the_service_answers_without_its_last_slash(client: Client) -> None:
    assert client.get(PATH.rstrip("/")).json == client.page().json


def test_head_is_get_without_a_body(client: Client) -> None:
    get, head = client.page(), client.head(PATH)
    assert head.status_code == 200
    assert head.data == b""
    assert dict(head.headers) == dict(get.headers)


def test_options_needs_no_statement(client: Client, statements: list[str]) -> None:
    client.page()
    statements.clear()
    assert client.options(PATH).status_code == 200
    assert statements == []


def test_a_page_needs_two_statements(client: Client, statements: list[str]) -> None:
    client.page()
    statements.clear()
    assert client.page("sort=-modified_date&channel_id=1").status_code == 200
    assert len(statements) == 2
    page = client.page("sort=id").json
    statements.clear()
    assert client.get(page["next"]).status_code == 200
    assert len(statements) == 1, "the cursor carries the count"
