"""The query string: what is understood, and what is refused by name."""

from urllib.parse import quote

import pytest
from conftest import Client

from omsflask.renderers import RENDERERS

WHOLE = "Enter a whole number."
MOMENT = "Enter a valid date/time."
NULL = "Null characters are not allowed."
UTF8 = "Enter valid UTF-8 text."
LOW = f"Ensure this value is greater than or equal to {-(2**63)}."
HIGH = f"Ensure this value is less than or equal to {2**63 - 1}."
ONCE = "This parameter may be given only once."


def choice(value: str) -> str:
    return f"Select a valid choice. {value} is not one of the available choices."


REFUSED = [
    ("id__gt=abc", {"id__gt": [WHOLE]}),
    ("id__gt=1_000", {"id__gt": [WHOLE]}),
    ("id__gt=1.5", {"id__gt": [WHOLE]}),
    ("id__gt=%D9%A3", {"id__gt": [WHOLE]}),
    ("id__gt=%EF%BC%91", {"id__gt": [WHOLE]}),
    ("id__gt=%20", {"id__gt": [WHOLE]}),
    ("id__gt=%00", {"id__gt": [WHOLE]}),
    ("id__gt=9223372036854775808", {"id__gt": [HIGH]}),
    ("id__lte=-9223372036854775809", {"id__lte": [LOW]}),
    ("id__gt=" + "9" * 5000, {"id__gt": [HIGH]}),
    ("id__gt=-" + "9" * 5000, {"id__gt": [LOW]}),
    ("channel_id=x", {"channel_id": [WHOLE]}),
    ("modified_date=yesterday", {"modified_date": [MOMENT]}),
    ("modified_date__gt=2024-13-01", {"modified_date__gt": [MOMENT]}),
    ("modified_date__gt=2024-02-30T00:00", {"modified_date__gt": [MOMENT]}),
    ("modified_date__gt=20240101", {"modified_date__gt": [MOMENT]}),
    ("modified_date__gt=2024-W01-1", {"modified_date__gt": [MOMENT]}),
    ("modified_date__gt=2024-01-01T24:00:00", {"modified_date__gt": [MOMENT]}),
    ("modified_date__gt=2024-01-01T00:00:00.1234567Z", {"modified_date__gt": [MOMENT]}),
    ("modified_date__gt=2024-01-01T00:00:00%2B00:00:30", {"modified_date__gt": [MOMENT]}),
    ("modified_date__gt=0001-01-01T00:00:00%2B14:00", {"modified_date__gt": [MOMENT]}),
    ("modified_date__lt=9999-12-31T23:59:59-14:00", {"modified_date__lt": [MOMENT]}),
    ("modified_date=%00", {"modified_date": [NULL]}),
    ("email=a%00b", {"email": [NULL]}),
    ("email=%ff", {"email": [UTF8]}),
    ("email=%ed%a0%80", {"email": [UTF8]}),
    ("sort=name", {"sort": [choice("name")]}),
    ("sort=id,name,-x", {"sort": [choice("name"), choice("-x")]}),
    ("sort=--id", {"sort": [choice("--id")]}),
    ("limit=0", {"limit": ["Ensure this value is greater than or equal to 1."]}),
    ("limit=-1", {"limit": ["Ensure this value is greater than or equal to 1."]}),
    ("limit=ten", {"limit": [WHOLE]}),
    ("format=xml", {"format": [choice("xml")]}),
    ("cursor=%00", {"cursor": [NULL]}),
    ("cursor=nonsense", {"cursor": ["Invalid cursor."]}),
    (
        "modified_date_gt=2024-01-01",
        {"modified_date_gt": ["Unknown parameter. Did you mean modified_date__gt?"]},
    ),
    ("zzzzzzzz=1", {"zzzzzzzz": ["Unknown parameter."]}),
    ("zzzzzzzz=", {"zzzzzzzz": ["Unknown parameter."]}),
    ("%ff=1", {"?": ["Unknown parameter."]}),
    ("id__gt=1&id__gt=2", {"id__gt": [ONCE]}),
    ("id__gt=&id__gt=2", {"id__gt": [ONCE]}),
    (
        "id__gt=x&sort=y&emial=z&id__lt=1&id__lt=2",
        {
            "id__gt": [WHOLE],
            "sort": [choice("y")],
            "emial": ["Unknown parameter. Did you mean email?"],
            "id__lt": [ONCE],
        },
    ),
]


@pytest.mark.parametrize(("query", "messages"), REFUSED)
def test_a_wrong_value_is_refused_by_name(
    client: Client, query: str, messages: dict[str, list[str]]
) -> None:
    response = client.page(query)
    assert response.status_code == 400
    assert response.json == messages
    assert response.content_type == "application/json"


@pytest.mark.parametrize("format_name", RENDERERS)
def test_a_wrong_value_is_refused_in_every_format(client: Client, format_name: str) -> None:
    response = client.page(f"format={format_name}&id__gt=x")
    assert (response.status_code, response.json) == (400, {"id__gt": [WHOLE]})


def test_a_refused_request_needs_no_statement(client: Client, statements: list[str]) -> None:
    client.page()
    statements.clear()
    for query, _ in REFUSED:
        client.page(query)
    assert statements == []


def test_raw_bytes_that_are_no_text_are_refused(client: Client) -> None:
    environ = {"QUERY_STRING": b"email=\xff".decode("latin-1")}
    assert client.page(environ_overrides=environ).json == {"email": [UTF8]}


def test_raw_utf8_is_understood(client: Client) -> None:
    environ = {"QUERY_STRING": "first_name=İpek".encode().decode("latin-1")}
    assert client.page(environ_overrides=environ).json["count"] == 1


UNDERSTOOD = [
    ("id__gt=3&id__lte=5", [4, 5]),
    ("id__gte=3&id__lt=5", [3, 4]),
    ("id__lt=2&id__gt=", [1]),
    ("id__lte=%202%20", [1, 2]),
    ("id__lte=2.0", [1, 2]),
    ("id__lte=" + "0" * 200 + "2", [1, 2]),
    ("id__lte=2.", [1, 2]),
    ("id__lte=%2B2", [1, 2]),
    ("id__lt=-9223372036854775808", []),
    ("id__gt=9223372036854775807", []),
    ("channel_id=9223372036854775807", []),
    ("first_name=%C4%B0pek&id__lt=11", [2]),
    ("first_name=Ipek", []),
    ("first_name=%C4%B1pek", []),
    ("first_name=ali", []),
    ("first_name=Ali%20&id__lt=11", []),
    ("last_name=Test&id__gt=9", [10]),
    ("email=ali.test@akinon.com", [1]),
    ("email=ALI.test@akinon.com", []),
    ("phone_number=05555554433", [1]),
    ("erp_code=", list(range(1, 11))),
    ("sort=-id&id__lt=4", [3, 2, 1]),
    ("sort=modified_date&id__lt=4", [3, 2, 1]),
    ("sort=-modified_date&id__lt=4", [1, 2, 3]),
    ("sort=id,-id&id__lt=4", [1, 2, 3]),
    ("sort=-id,&id__lt=4", [3, 2, 1]),
    ("sort=,&id__lt=4", [1, 2, 3]),
    ("sort=modified_date,-id&limit=2", None),
    ("modified_date=2023-10-06T08:42:53.427050Z", [1]),
    ("modified_date=2023-10-06T11:42:53.427050%2B03:00", [1]),
    ("modified_date=2023-10-06T11:42:53.427050+03:00", [1]),
    ("modified_date=2023-10-06T11:42:53.427050+0300", [1]),
    ("modified_date=2023-10-06T05:42:53.427050-03", [1]),
    ("modified_date=2023-10-06%2008:42:53.427050", [1]),
    ("modified_date=2023-10-06t08:42:53.427050z", [1]),
    ("modified_date=2023-10-06T08:42:53.4270500Z", [1]),
    ("modified_date=2023-10-06T08:42:53.427051Z", []),
    ("modified_date__gt=2023-10-06T08:42:53.427050Z&id__lt=11", []),
    ("modified_date__gte=2023-10-06T08:42:53.427050Z&id__lt=11", [1]),
    ("modified_date__lt=2023-06-10&id__lt=11", [10]),
    ("modified_date__gte=2023-06-09&modified_date__lte=2023-06-10&id__lt=11", [10]),
    ("modified_date__lt=0001-01-01", []),
    ("modified_date__gt=9999-12-31T23:59:59.999999Z", []),
]


@pytest.mark.parametrize(("query", "ids"), UNDERSTOOD)
def test_what_is_right_is_understood(client: Client, query: str, ids: list[int] | None) -> None:
    found = client.ids(query)
    assert ids is None or found == ids


def test_every_printed_date_finds_its_row(client: Client) -> None:
    for row in client.page("limit=1000").json["results"]:
        moment = quote(row["modified_date"])
        assert row["id"] in client.ids(f"modified_date={moment}")
        assert row["id"] in client.ids(f"modified_date__gte={moment}&id__lte={row['id']}&sort=-id")
        assert row["id"] not in client.ids(f"modified_date__gt={moment}&limit=1000")


class TestLenient:
    """``OMS_LENIENT_QUERY`` restores the documented service's habit."""

    @pytest.fixture
    def lenient(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
        monkeypatch.setitem(client.application.config, "OMS_LENIENT_QUERY", True)
        return client

    def test_unknown_parameters_are_ignored(self, lenient: Client) -> None:
        assert lenient.ids("nonsense=1&id__lt=3") == [1, 2]

    def test_the_last_of_repeated_values_wins(self, lenient: Client) -> None:
        assert lenient.ids("id__lt=9&id__lt=3") == [1, 2]
        assert lenient.ids("id__lt=3&id__lt=") == list(range(1, 11))

    def test_wrong_values_are_refused_all_the_same(self, lenient: Client) -> None:
        assert lenient.page("id__lt=x").status_code == 400

    @pytest.mark.parametrize(
        ("query", "ids"),
        [
            ("first_name=%20Ali%20&id__lt=11", [1]),
            ("first_name=Ali+&first_name=%09Ali%0A&id__lt=11", [1]),
            ("first_name=%20&id__lt=3", [1, 2]),
            ("first_name=Ali&first_name=%20%20&id__lt=3", [1, 2]),
            ("first_name=%C2%A0Ali&id__lt=11", [1]),
            ("id__lt=%203%20", [1, 2]),
        ],
    )
    def test_a_text_has_no_outer_blanks_and_a_blank_one_is_no_filter(
        self, lenient: Client, query: str, ids: list[int]
    ) -> None:
        assert lenient.ids(query) == ids

    @pytest.mark.parametrize("query", ["x=%FF", "x=\xff", "%FF=x", "x=%ED%A0%80&y=%C3", "x=%00"])
    @pytest.mark.parametrize("format_name", ["json", "csv", "xlsx"])
    def test_any_bytes_of_unknown_parameters_are_kept_in_links(
        self, lenient: Client, query: str, format_name: str
    ) -> None:
        environ = {"QUERY_STRING": f"{query}&limit=2&format={format_name}"}
        response = lenient.page(environ_overrides=environ)
        assert response.status_code == 200
        link = response.headers.get("Link", "") or response.json["next"]
        assert link.isascii()
        if "%FF" in query and query.startswith("x"):
            assert "x=%FF" in link

    def test_what_is_stripped_is_walked(self, lenient: Client) -> None:
        body = lenient.page("last_name=%20Test%20&limit=1&sort=id").json
        assert body["count"] == lenient.page("last_name=Test&limit=1").json["count"]
        following = lenient.get(body["next"]).json
        assert following["results"][0]["id"] > body["results"][0]["id"]


@pytest.mark.parametrize("query", ["first_name=%20Ali&id__lt=11", "first_name=%20"])
def test_a_blank_is_a_letter_where_the_query_is_strict(client: Client, query: str) -> None:
    assert client.ids(query) == []


def test_messages_come_in_the_order_of_the_request(client: Client) -> None:
    for query in ("id__gt=x&emial=1&limit=0&sort=x", "sort=x&limit=0&emial=1&id__gt=x"):
        body = client.page(query).data.decode()
        names = [part.partition("=")[0] for part in query.split("&")]
        assert sorted(names, key=lambda name: body.index(f'"{name}"')) == names
