"""The token comes before everything."""

import pytest
from conftest import PATH, Client
from sqlalchemy import select

from omsflask.standalone.app import Token, db

NONE = "Authentication credentials were not provided."
ALONE = "Invalid token header. No credentials provided."
SPACES = "Invalid token header. Token string should not contain spaces."
CHARACTERS = "Invalid token header. Token string should not contain invalid characters."
INVALID = "Invalid token."
OTHER = "oms_" + "0" * 48

REFUSED = [
    ("", NONE),
    ("Basic dTpw", NONE),
    ("Bearer KEY", NONE),
    ("KEY", NONE),
    ("Token", ALONE),
    ("Token ", ALONE),
    ("Token KEY KEY", SPACES),
    ("Token \xff", CHARACTERS),
    ("Token \xc3\xb1", INVALID),
    ("Token a=b", INVALID),
    ('Token "KEY"', INVALID),
    ("Token KEY,", INVALID),
    ("Token " + "x" * 4000, INVALID),
    (f"Token {OTHER}", INVALID),
]


@pytest.mark.parametrize(("header", "detail"), REFUSED)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_bad_token_is_refused_with_the_documented_words(
    client: Client, method: str, header: str, detail: str
) -> None:
    header = header.replace("KEY", client.key)
    response = client.open(PATH, method=method, headers={"Authorization": header})
    assert (response.status_code, response.json) == (401, {"detail": detail})
    assert response.headers["WWW-Authenticate"] == "Token"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("word", ["Token", "token", "TOKEN", "tOKEN"])
def test_the_scheme_is_read_in_any_case(client: Client, word: str) -> None:
    assert client.page(headers={"Authorization": f"{word}  {client.key}"}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "TRACE", "PROPFIND", "foo"])
@pytest.mark.parametrize(
    "path",
    [
        PATH,
        PATH + "?sort=nonsense",
        PATH + "?format=csv",
        PATH + "7/",
        "/api/v1/oms",
        "/api/v1/oms/",
        "/api/v1/oms/nothing",
        "/api/v1/oms//customers/list-simple/",
        "/api/v1/oms/customers/%2e%2e/x",
        "/api/v1/oms/x%0ay",
    ],
)
def test_a_stranger_learns_nothing(client: Client, path: str, method: str) -> None:
    response = client.open(path, method=method, headers={"Authorization": "Token x"})
    assert response.status_code == 401
    assert response.data == (b"" if method == "HEAD" else b'{"detail":"Invalid token."}')


def test_outside_the_prefix_no_token_is_asked_for(client: Client) -> None:
    assert client.get("/api/v1/omsx", headers={"Authorization": ""}).status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/oms", "/api/v1/oms/", "/api/v1/oms/x/y", PATH + "7/"])
def test_an_unknown_path_is_404_as_json(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json) == (404, {"detail": "Not found."})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_other_methods_are_405(client: Client, method: str) -> None:
    response = client.open(PATH, method=method)
    assert response.status_code == 405
    assert response.json == {"detail": f'Method "{method}" not allowed.'}
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_a_preflight_is_answered_without_token_and_metadata(client: Client) -> None:
    response = client.options(
        PATH,
        headers={
            "Authorization": "",
            "Origin": "https://bi.example.com",
            "Access-Control-Request-Method": "GET",
        },
    )
    assert (response.status_code, response.data) == (204, b"")


def test_what_is_stored_opens_nothing(client: Client) -> None:
    with client.application.app_context():
        rows = db.session.execute(select(Token.__table__)).all()
    stored = {str(value) for row in rows for value in row}
    assert client.key not in stored
    assert max(len(key) for key in stored if client.key.startswith(key)) <= 12
    for value in stored:
        assert client.page(headers={"Authorization": f"Token {value}"}).status_code == 401
