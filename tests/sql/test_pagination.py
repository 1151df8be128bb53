"""Pages by number and by cursor, and their links."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import PATH, Client
from sqlalchemy import delete, insert

from omsflask.standalone.app import Customer, db
from omsflask.standalone.sample_data import plausible


def arguments(link: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}


def test_links_keep_the_other_parameters_sorted_by_name(client: Client) -> None:
    body = client.page("limit=5&page=3&id__gt=2&first_name=&channel_id=1").json
    base = f"http://localhost{PATH}?channel_id=1&first_name=&id__gt=2&limit=5"
    assert body["next"] == f"{base}&page=4"
    assert body["previous"] == f"{base}&page=2"


def test_the_first_page_is_named_by_no_number(client: Client) -> None:
    assert client.page("page=2").json["previous"] == f"http://localhost{PATH}"
    assert client.page("page=2&limit=9").json["previous"] == f"http://localhost{PATH}?limit=9"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("page=1", range(1, 11)),
        ("page=11", range(101, 110)),
        ("page=last", range(101, 110)),
        ("page=last&limit=109", range(1, 110)),
        ("page=2&limit=100", range(101, 110)),
        ("page=%202", range(11, 21)),
        ("page=02", range(11, 21)),
        ("page=", range(1, 11)),
        ("page=last&sort=-id", range(9, 0, -1)),
        ("limit=1000", range(1, 110)),
        ("limit=100000", range(1, 110)),
        ("limit=9223372036854775807", range(1, 110)),
        ("id__gt=200", ()),
        ("id__gt=200&page=last", ()),
    ],
)
def test_pages_by_number(client: Client, query: str, ids: range) -> None:
    assert client.ids(query) == list(ids)


@pytest.mark.parametrize(
    "page",
    ["0", "-1", "abc", "1.0", "12", "999999999999999999", "9" * 5000, "first", "%D9%A3", "1,2"],
)
def test_other_pages_are_404(client: Client, page: str) -> None:
    response = client.page(f"page={page}")
    assert (response.status_code, response.json) == (404, {"detail": "Invalid page."})


def test_a_page_has_at_most_as_many_rows_as_the_setting_says(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(client.application.config, "OMS_PAGE_SIZE", 3)
    monkeypatch.setitem(client.application.config, "OMS_MAX_PAGE_SIZE", 5)
    assert (len(client.ids()), len(client.ids("limit=4")), len(client.ids("limit=50"))) == (3, 4, 5)


def test_links_come_from_the_base_url_where_it_is_set(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(client.application.config, "OMS_BASE_URL", "https://oms.example.com/shop/")
    assert client.page().json["next"] == f"https://oms.example.com/shop{PATH}?page=2"


@pytest.mark.parametrize("host", ["evil.example.com", "localhost.evil.com", "evil.com:80", "a b"])
def test_an_untrusted_host_makes_no_links(client: Client, host: str) -> None:
    response = client.page(environ_overrides={"HTTP_HOST": host})
    assert response.status_code == 400
    assert host not in response.text


def test_links_name_an_international_host_in_ascii(
    new_client: Callable[..., Client],
) -> None:
    client = new_client([*plausible(3)], OMS_TRUSTED_HOSTS="xn--irket-idb.com")
    response = client.page(
        "limit=1&format=csv", environ_overrides={"HTTP_HOST": "xn--irket-idb.com"}
    )
    assert response.headers["Link"].startswith("<http://xn--irket-idb.com/api")


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000"])
def test_a_trusted_host_makes_links(client: Client, host: str) -> None:
    response = client.page(environ_overrides={"HTTP_HOST": host})
    assert response.json["next"] == f"http://{host}{PATH}?page=2"


WALKS = ["cursor=", "sort=id", "sort=-id", "sort=modified_date", "sort=-modified_date,id"]


@pytest.mark.parametrize("query", WALKS)
def test_a_walk_is_the_same_list(client: Client, query: str) -> None:
    whole = client.ids(f"{query}&limit=1000")
    walked, link, number = [], f"{PATH}?{query}&limit=7", 1
    while link:
        body = client.get(link).json
        walked += [row["id"] for row in body["results"]]
        link, number = body["next"], number + 1
        assert body["count"] == 109
        if link:
            assert arguments(link)["page"] == str(number)
    assert walked == whole


@pytest.mark.parametrize("query", WALKS)
def test_a_walk_goes_back_the_way_it_came(client: Client, query: str) -> None:
    there, back, link = [], [], f"{PATH}?{query}&limit=25"
    while link:
        body = client.get(link).json
        there.append(body["results"])
        last, link = body, body["next"]
    back.append(last["results"])
    while last["previous"]:
        last = client.get(last["previous"]).json
        back.append(last["results"])
    assert back == there[::-1]
    assert "page" not in arguments(client.get(f"{PATH}?{query}&page=2").json["previous"])


def test_a_numbered_page_of_a_named_order_goes_on_as_a_walk(client: Client) -> None:
    body = client.page("sort=-id&page=3").json
    assert arguments(body["next"]).keys() == {"cursor", "page", "sort"}
    assert client.ids(urlsplit(body["next"]).query) == client.ids("sort=-id&page=4")


def test_the_default_order_has_plain_links(client: Client) -> None:
    assert client.page("limit=5").json["next"] == f"http://localhost{PATH}?limit=5&page=2"


@pytest.mark.parametrize("sort", ["id", "-id", "modified_date", "-modified_date"])
def test_a_walk_misses_nobody_who_stays(new_client: Callable[..., Client], sort: str) -> None:
    rows = [*plausible(60)]
    client = new_client(rows)
    gone = {row["id"] for row in rows if row["id"] % 3 == 0}
    walked, link = [], f"{PATH}?sort={sort}&limit=6"
    while link:
        body = client.get(link).json
        walked += [row["id"] for row in body["results"]]
        link = body["next"]
        with client.application.app_context(), db.engine.begin() as connection:
            batch = sorted(gone)[:4]
            gone -= set(batch)
            connection.execute(delete(Customer).where(Customer.id.in_(batch)))
            if len(walked) < 30:
                fresh = next(plausible(1, first_id=1000 + len(walked), seed=len(walked)))
                connection.execute(insert(Customer), [fresh])
    stable = {row["id"] for row in rows if row["id"] % 3}
    assert stable <= set(walked)
    assert len(walked) == len(set(walked))


@pytest.mark.parametrize(
    "query",
    [
        "id__gt=5&sort=-modified_date",
        "channel_id=1&id__lt=999&sort=modified_date",
        "id__lte=90&cursor=",
    ],
)
def test_few_rows_are_walked_as_many_are(
    client: Client, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    walks = []
    for few in (0, 1000):
        monkeypatch.setattr("omsflask.sql.plan.MAX_SORTED_ROWS", few)
        body, walked = client.page(f"{query}&limit=7&page=2").json, []
        for way in ("next", "previous"):
            while body[way]:
                body = client.get(body[way]).json
                walked += [row["id"] for row in body["results"]]
        walks.append(walked)
    assert walks[0] == walks[1]
    assert len(walks[0]) > 50


def test_a_page_that_emptied_leads_back_into_the_walk(new_client: Callable[..., Client]) -> None:
    client = new_client([*plausible(20)])
    second = client.get(client.page("sort=id&limit=10").json["next"]).json
    with client.application.app_context(), db.engine.begin() as connection:
        connection.execute(delete(Customer).where(Customer.id <= 10))
    first = client.get(second["previous"]).json
    assert (first["results"], first["previous"]) == ([], None)
    assert client.get(first["next"]).json["results"] == second["results"]


def cursor_of(client: Client, query: str) -> str:
    return arguments(client.page(query).json["next"])["cursor"]


@pytest.mark.parametrize(
    "query",
    ["sort=-id", "sort=modified_date", "sort=id&id__gt=1", "sort=id&channel_id=2", "first_name=A"],
)
def test_a_cursor_is_good_for_its_selection_and_order_only(client: Client, query: str) -> None:
    cursor = cursor_of(client, "sort=id&id__gt=2")
    assert client.page(f"sort=id&id__gt=2&cursor={cursor}").status_code == 200
    response = client.page(f"{query}&cursor={cursor}")
    assert (response.status_code, response.json) == (400, {"cursor": ["Invalid cursor."]})


def test_a_cursor_is_good_for_another_page_size(client: Client) -> None:
    cursor = cursor_of(client, "sort=id&limit=5")
    assert client.ids(f"sort=id&limit=2&cursor={cursor}") == [6, 7]


def test_every_change_of_a_cursor_is_noticed(client: Client) -> None:
    cursor = cursor_of(client, "sort=modified_date")
    for place in range(len(cursor)):
        wrong = "A" if cursor[place] != "A" else "B"
        response = client.page(
            f"sort=modified_date&cursor={cursor[:place]}{wrong}{cursor[place + 1 :]}"
        )
        assert response.status_code in (400, 200)
        if response.status_code == 200:  # the last digit has bits that mean nothing
            assert place == len(cursor) - 1
    for end in range(1, len(cursor)):
        assert client.page(f"sort=modified_date&cursor={cursor[:end]}").status_code == 400


@pytest.mark.parametrize("page", ["0", "x", "last", "-3"])
def test_a_cursor_needs_a_number_beside_it(client: Client, page: str) -> None:
    assert (
        client.page(f"sort=id&page={page}&cursor={cursor_of(client, 'sort=id')}").status_code == 404
    )


#: Moments that Python has not, by engine.
STRANGE = {
    "postgresql": ("infinity", "infinity", "-infinity", "20000-01-01", "0044-01-01 BC"),
    "sqlite": ("no date", "no date", "", "20000-01-01 00:00:00.000000", "0000-00-00"),
}


@pytest.mark.parametrize("sort", ["modified_date", "-modified_date"])
def test_a_walk_goes_on_whatever_a_row_holds(new_client: Callable[..., Client], sort: str) -> None:
    client = new_client([*plausible(20)])
    with client.application.app_context(), db.engine.begin() as connection:
        strange = STRANGE[db.engine.dialect.name]
        for id_, moment in enumerate(strange, 7):
            connection.exec_driver_sql(
                f"UPDATE customers SET modified_date = '{moment}' WHERE id = {id_}"
            )
    for limit in (1, 2, 3, 7):
        met, link = [], f"{PATH}?sort={sort}&limit={limit}"
        while link:
            body = client.get(link).json
            assert body is not None
            met += [row["id"] for row in body["results"]]
            assert len(met) <= 20
            link = body["next"]
        assert sorted(met) == [*range(1, 21)]
