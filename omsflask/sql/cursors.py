"""Cursors: a position in an ordered selection as text that is safe in a URL."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from ..declarations.fields import parse_utc
from ..declarations.validation import DECIMAL
from ..errors import InvalidParameters

SEAL_BYTES = 6

INVALID = {"cursor": ["Invalid cursor."]}


@dataclass(frozen=True)
class Cursor:
    """A place behind the last row read, or before the first.

    It opens nothing: who forges one reads what her token may read anyway, from another place on.

    :param values: what the row at the place holds in the columns of the order.
    :param backward: whether it is read towards the start.
    :param count: of the selection, when the walk began.
    """

    values: tuple[Any, ...]
    backward: bool
    count: int

    def encode(self, binding: bytes) -> str:
        """Return the text, good only for the selection and order that ``binding`` stands for."""
        payload = orjson.dumps([self.count, self.backward, *self.values], default=_plain)
        return urlsafe_b64encode(_seal(binding, payload) + payload).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str, binding: bytes) -> Cursor:
        """Return the cursor that ``text`` is; its values are yet to be read.

        :raises InvalidParameters: when it is none, or belongs to another selection or order.
        """
        try:
            data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            seal, payload = data[:SEAL_BYTES], data[SEAL_BYTES:]
            if seal != _seal(binding, payload):
                raise ValueError("sealed for something else")
            count, backward, *values = orjson.loads(payload)
            if type(backward) is not bool or _integer(count) < 0:
                raise ValueError("sealed by somebody else")
            return cls(tuple(values), backward, count)
        except (ArithmeticError, TypeError, ValueError):
            raise InvalidParameters(INVALID) from None

    def read(self, types: Sequence[type[Any]]) -> tuple[Any, ...]:
        """Return the values, each in the Python type of its column.

        :raises InvalidParameters: when one is of another type.
        """
        try:
            return tuple(
                None if value is None else READERS.get(kind, kind)(value)
                for kind, value in zip(types, self.values, strict=True)
            )
        except (ArithmeticError, TypeError, ValueError):
            raise InvalidParameters(INVALID) from None


def _seal(binding: bytes, payload: bytes) -> bytes:
    return blake2b(binding + payload, digest_size=SEAL_BYTES).digest()


def _integer(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(value)
    return value


def _float(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(value)
    return float(value)


def _decimal(value: Any) -> Decimal:
    # A forged 1E+999999999 would let the database write out all its digits.
    if DECIMAL.fullmatch(_text(value)) is None:
        raise ValueError(value)
    return Decimal(value)


def _plain(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


#: How a value comes back, by its column's Python type; an enumeration is called with it.
READERS: dict[type[Any], Callable[[Any], Any]] = {
    bool: _boolean,
    int: _integer,
    float: _float,
    str: _text,
    datetime: lambda value: parse_utc(_text(value)),
    date: lambda value: date.fromisoformat(_text(value)),
    time: lambda value: time.fromisoformat(_text(value)),
    Decimal: _decimal,
    UUID: lambda value: UUID(_text(value)),
}
