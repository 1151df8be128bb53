"""Cursors: a position in an ordered selection as text that is safe in a URL."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from ..declarations.cursor_values import read_integer
from ..declarations.sql_types import SQLType
from ..declarations.values import read
from ..errors import InvalidParameters

SEAL_BYTES = 6

INVALID = {"cursor": ["Invalid cursor."]}


@dataclass(frozen=True)
class Cursor:
    """A place behind the last row read, or before the first.

    It opens nothing: who forges one reads what her token may read anyway, from another place on.

    :param values: what the row at the place holds in the columns of the order, as JSON.
    :param backward: whether it is read towards the start.
    :param count: of the selection, when the walk began.
    """

    values: tuple[Any, ...]
    backward: bool
    count: int

    def encode(self, binding: bytes) -> str:
        """Return the text, good only for the selection and order that ``binding`` stands for."""
        payload = orjson.dumps([self.count, self.backward, *self.values])
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
            if type(backward) is not bool or read_integer(count) < 0:
                raise ValueError("sealed by somebody else")
            return cls(tuple(values), backward, count)
        except (ArithmeticError, TypeError, ValueError):
            raise InvalidParameters(INVALID) from None

    def read(self, sql_types: Sequence[SQLType]) -> tuple[Any, ...]:
        """Return the values as columns of ``sql_types`` hold them.

        :raises InvalidParameters: when one is of another type.
        """
        try:
            return tuple(read(*it) for it in zip(sql_types, self.values, strict=True))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            raise InvalidParameters(INVALID) from None


def _seal(binding: bytes, payload: bytes) -> bytes:
    return blake2b(binding + payload, digest_size=SEAL_BYTES).digest()
