"""Customers to try the service with: the ten of the published document, and plausible others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ..declarations.fields import parse_utc

COLUMNS = (
    "id", "created_date", "modified_date", "omnitron_id", "email", "first_name", "last_name",
    "phone_number", "erp_code", "channel_id",
)  # fmt: skip

# fmt: off
PUBLISHED = (
    (1, "2023-10-06T08:42:53.427023Z", "2023-10-06T08:42:53.427050Z", 55, "ali.test@akinon.com", "Ali", "05555554433"),
    (2, "2023-09-05T13:36:59.653885Z", "2023-09-05T13:36:59.653913Z", 56, "ipek.test@akinon.com", "İpek", "05555432100"),
    (3, "2023-09-04T07:38:17.414588Z", "2023-09-04T07:38:17.414615Z", 57, "ahmet.test@akinon.com", "Ahmet", "05454545454"),
    (4, "2023-08-16T07:46:00.912768Z", "2023-09-13T11:20:37.500200Z", 60, "tugce.test@akinon.com", "Tuğçe", None),
    (5, "2023-08-07T11:36:47.556620Z", "2023-08-07T11:36:47.556641Z", 61, "veli.test@akinon.com", "Veli", "05550005555"),
    (6, "2023-06-19T12:16:44.195162Z", "2023-06-19T12:16:44.195190Z", 66, "zeynep.test@akinon.com", "Zeynep", None),
    (7, "2023-06-19T08:38:45.560031Z", "2023-06-19T08:38:45.560051Z", 70, "mehmet.test@akinon.com", "Mehmet", "05556665544"),
    (8, "2023-06-19T07:43:25.090872Z", "2023-06-19T07:52:42.410357Z", 81, "fatma.test@gmail.com", "Fatma", "05555551122"),
    (9, "2023-06-14T09:56:48.842924Z", "2023-06-14T11:25:10.352066Z", 101, "emre.test@gmail.com", "Emre", None),
    (10, "2023-06-06T08:39:22.332325Z", "2023-06-09T11:10:00.248909Z", 105, "yilmaz.test@akinon.net", "Yılmaz", "05554440000"),
)
FIRST_NAMES = (
    "Ayşe", "Mehmet", "Fatma", "Mustafa", "Emine", "Ahmet", "Hatice", "Ali", "Zeynep", "Hüseyin", "Elif", "İbrahim",
    "Meryem", "Hasan", "Şerife", "Yusuf", "Zehra", "Ömer", "Sultan", "Murat", "Özlem", "İsmail", "Gülsüm", "Çağlar",
    "Ebru", "Oğuz", "Işıl", "Ümit", "Tuğba", "Barış",
)
LAST_NAMES = (
    "Yılmaz", "Kaya", "Demir", "Çelik", "Şahin", "Yıldız", "Öztürk", "Aydın", "Özdemir", "Arslan", "Doğan", "Kılıç",
    "Aslan", "Çetin", "Kara", "Koç", "Kurt", "Özkan", "Şimşek", "Polat", "Güneş", "Işık", "Ünal", "Bozkurt",
)
# fmt: on
DOMAINS = ("example.com", "example.net", "example.org")
CHANNELS = ("Web", "Mobile", "Marketplace", "Store")
CHANNEL_WEIGHTS = (60, 25, 10, 5)
ASCII = str.maketrans("çğıİöşüÇĞÖŞÜ", "cgiIosuCGOSU")
FIRST_DAY = datetime(2023, 1, 2, tzinfo=UTC)


def published() -> Iterator[dict[str, Any]]:
    """Yield the customers of the published example."""
    for id_, created, modified, omnitron_id, email, first_name, phone_number in PUBLISHED:
        dates = (parse_utc(created), parse_utc(modified))
        row = (id_, *dates, omnitron_id, email, first_name, "Test", phone_number, None, 1)
        yield dict(zip(COLUMNS, row, strict=True))


def plausible(number: int, *, first_id: int = 1, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield customers that look like some, the same for the same ``seed``.

    One in five has no phone, and one in three has an ERP code. Channels differ in size. Every tenth
    customer has the same ``modified_date`` as the one before.
    """
    choose = random.Random(seed)  # noqa: S311
    modified = FIRST_DAY
    for id_ in range(first_id, first_id + number):
        first_name, last_name = choose.choice(FIRST_NAMES), choose.choice(LAST_NAMES)
        created = FIRST_DAY + timedelta(seconds=choose.randrange(60_000_000), microseconds=id_)
        if id_ % 10:
            modified = created + timedelta(microseconds=choose.randrange(20, 9_000_000_000))
        local = f"{first_name}.{last_name}{id_}".translate(ASCII).lower()
        yield {
            "id": id_,
            "created_date": created,
            "modified_date": max(created, modified),
            "omnitron_id": 100 + id_,
            "email": f"{local}@{choose.choice(DOMAINS)}",
            "first_name": first_name,
            "last_name": last_name,
            "phone_number": _phone(choose) if choose.random() < 0.8 else None,
            "erp_code": f"C{choose.randrange(10**6):06d}" if choose.random() < 0.33 else None,
            "channel_id": choose.choices(range(1, 5), CHANNEL_WEIGHTS)[0],
        }


def channels() -> Iterator[dict[str, Any]]:
    """Yield the channels that the customers are in."""
    for id_, name in enumerate(CHANNELS, 1):
        yield {"id": id_, "name": name}


def _phone(choose: random.Random) -> str:
    subscriber = f"5{choose.randrange(10**9):09d}"
    return choose.choice(("0", "+90")) + subscriber
