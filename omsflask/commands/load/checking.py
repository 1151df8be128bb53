"""Rows are checked by the list service's own schema, the other way round."""

from __future__ import annotations

import copy
import difflib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from marshmallow import Schema, ValidationError, fields

from ...declarations.services import ListService
from ...declarations.types import type_of
from .cells import Cell
from .invisible import unexpected, unseen
from .rows import Row, Unreadable
from .usual import Usual

IDENTIFY = "say by --key what else identifies a customer"


class Checker:
    """Checks the rows of files against the schema of a list service.

    :param key: the field that identifies a row without the service's own key, where one does.
    :param keep_empty: whether an empty value is as if it were not there.
    """

    def __init__(self, service: ListService, key: str | None, keep_empty: bool = False) -> None:
        self._keep_empty = keep_empty
        self._identities = dict.fromkeys(it for it in (service.key, key) if it)
        self._schema = loading_schema(service.schema)
        self._usual = Usual(self._schema)
        #: Fields that are compared letter by letter, and must look as they are.
        self._compared = {key} | {
            name for name, field in self._schema.fields.items() if isinstance(field, fields.Email)
        }
        #: Fields that the database fills in, where a row has null.
        self._given = [
            service.attributes[name] for name, field in service.fields.items() if field.dump_only
        ]

    def check_columns(self, file: str, columns: Sequence[str]) -> None:
        """Check the header of ``file``.

        :raises Unreadable: saying what is wrong with it.
        """
        known = self._schema.fields
        for name, times in Counter(columns).items():
            if times > 1:
                raise Unreadable(f"{file} has {times} columns {name!r}")
            if name not in known:
                near = difflib.get_close_matches(name[:64].lower(), known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise Unreadable(
                    f"{file} has a column {name[:64]!r}, which customers have not{hint}"
                )
        for name, field in known.items():
            if field.required and name not in columns:
                raise Unreadable(f"{file} has no column {name!r}, which every customer needs")
        if not any(name in columns for name in self._identities):
            raise Unreadable(f"{file} has no column {' or '.join(self._identities)}: {IDENTIFY}")

    def check(self, row: Row) -> None:
        """Load the values of ``row``, or note on it why they cannot be."""
        if row.reason:
            return
        if self._keep_empty:
            row.values = {it: value for it, value in row.values.items() if not _is_empty(value)}
        usual = self._usual.load(row.values)
        try:
            values: dict[str, Any] = self._schema.load(row.values) if usual is None else usual
        except ValidationError as error:
            row.reason = _sentence(error.messages)
            return
        for name in self._given:
            if name in values and values[name] is None:
                del values[name]
        row.values = values
        if usual is None:
            self._look(row)

    def _look(self, row: Row) -> None:
        """Note on ``row`` characters of its texts that nobody sees."""
        refused, warned = [], []
        for name, value in row.values.items():
            if not isinstance(value, str):
                continue
            if name in self._compared:
                if found := unseen(value):
                    refused.append(f"{name}: {found} Write it anew.")
            elif found := unexpected(value):
                warned.append(f"{name}: {found}")
        row.reason, row.warning = " ".join(refused), " ".join(warned)


def _is_empty(value: Any) -> bool:
    """Whether a value looks like nothing to who wrote the file."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, Cell) and value.is_empty)


def loading_schema(schema: type[Schema]) -> Schema:
    """Return a schema that loads what ``schema`` shows: of the same fields, all of them taken."""
    loaded = {name: _loaded(field) for name, field in schema().fields.items()}
    made: type[Schema] = type(schema.__name__, (schema,), loaded)
    return made()


def _loaded(field: fields.Field[Any]) -> fields.Field[Any]:
    field = copy.copy(field)
    field.dump_only = False
    field.allow_none = not field.required
    field.pre_load = [_grammar(field), *field.pre_load]
    return field


#: By the class of a field: the value that it takes from a cell that holds no text.
TAKEN: tuple[tuple[type[fields.Field[Any]], Callable[[Cell], str]], ...] = (
    (fields.Integer, lambda cell: cell.whole()),
    (fields.DateTime, lambda cell: cell.moment()),
    (fields.Field, lambda cell: cell.text()),
)


def _grammar(field: fields.Field[Any]) -> Callable[[Any], Any]:
    """Return the check of a value before a field reads it: a text, a cell or a value of JSON.

    A number that is not whole is refused, which an Integer would cut off.
    """
    take = next(take for kind, take in TAKEN if isinstance(field, kind))
    load = type_of(field).load
    return lambda value: load(take(value) if isinstance(value, Cell) else value)


def _sentence(messages: Any) -> str:
    """Return messages by field as one text."""
    named: Mapping[str, Any] = messages if isinstance(messages, Mapping) else {"": messages}
    return " ".join(f"{name}: {' '.join(map(str, texts))}" for name, texts in named.items())
