"""The choice of a format by the Accept header."""

import pytest
from conftest import Client
from flask import Request
from werkzeug.test import EnvironBuilder

from omsflask.errors import NotAcceptable
from omsflask.renderers import RENDERERS, XLSX
from omsflask.web.negotiation import choose

CHOICES = [
    ("", "json"),
    ("*/*", "json"),
    ("application/json", "json"),
    ("application/json; indent=4", "json"),
    ("APPLICATION/JSON", "json"),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
    ("application/*", "json"),
    ("text/csv", "csv"),
    ("text/*", "csv"),
    ("text/csv;q=0.5, application/json;q=0.4", "csv"),
    ("text/csv;q=0.5, */*", "json"),
    ("text/csv, */*", "csv"),
    ("application/json;q=0, */*", "csv"),
    ("text/csv, application/json", "json"),
    ("application/xls", "xls"),
    (XLSX, "xlsx"),
    ("text/csv;q=abc, application/xls;q=0.1", "xls"),
    ("application/xls;q=1.5, application/json", "json"),
]


def asking(accept: str) -> Request:
    """Return a request with an Accept header."""
    return Request(EnvironBuilder(headers=[("Accept", accept)]).get_environ())


@pytest.mark.parametrize(("accept", "name"), CHOICES)
def test_the_accept_header_chooses(accept: str, name: str) -> None:
    assert choose(asking(accept), RENDERERS, None) is RENDERERS[name]


@pytest.mark.parametrize(
    "accept",
    ["text/html", "application/json;q=0", "*/*;q=0", "nonsense", "text/csv;q=0.000", "image/*;q=1"],
)
def test_what_cannot_be_had_is_not_acceptable(client: Client, accept: str) -> None:
    with pytest.raises(NotAcceptable):
        choose(asking(accept), RENDERERS, None)
    response = client.page(headers={"Accept": accept})
    assert response.status_code == 406
    assert response.json == {"detail": "Could not satisfy the request Accept header."}
