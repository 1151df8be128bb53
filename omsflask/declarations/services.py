"""A list service as data, and its union with a model.

::

    list_simple = ListService(resource="customers", name="list-simple", schema=…, filters=…)
    oms.add(list_simple.bind(Customer))
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from marshmallow import Schema
from sqlalchemy import FromClause, Select, inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.sql.elements import ColumnElement

from .binding import BindError, check_fields, check_filters, check_order, check_tables, resolve
from .cells import Cell, cell
from .expressions import Expression
from .filters import FilterSet
from .sql_types import column_types

#: Narrows a statement by who holds the token.
Scope = Callable[[Select[Any], Any], Select[Any]]


@dataclass(frozen=True, kw_only=True)
class ListService:
    """A list to publish: names, schema and filters. It knows no model, database or Flask.

    :param resource: first part of the path, ``customers``: letters of any script, digits, ``-`` and
        ``_``.
    :param name: last part of the path, ``list-simple``; made of the same.
    :param schema: what is shown, in this order.
    :param filters: how it is narrowed and sorted.
    :param key: the schema's field that identifies a row: an integer, a text or a UUID, unique and
        never NULL.
    :param stamp: the field that says when a row was last changed, where the schema has it.
    """

    resource: str
    name: str
    schema: type[Schema]
    filters: type[FilterSet]
    key: str = "id"
    stamp: str = "modified_date"

    def __post_init__(self) -> None:
        if wrong := [part for part in (self.resource, self.name) if not _is_name(part)]:
            raise TypeError(
                f"{wrong[0]!r} is no name for a list: a name is a part of a path, of a file's name"
                " and of a sheet's, and has letters, digits, -, _ and single dots only."
            )
        if missing := sorted(self._ordered - set(self.fields)):
            raise TypeError(
                f"{self.schema.__name__} has no field {', '.join(missing)}, which"
                f" {self.resource}/{self.name} identifies or orders its rows by."
            )

    @property
    def path(self) -> str:
        """The path below the prefix."""
        return f"/{self.resource}/{self.name}/"

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The shown fields by their published names, in the schema's order."""
        return {
            (field.data_key or name): field for name, field in self.schema().dump_fields.items()
        }

    @cached_property
    def attributes(self) -> dict[str, str]:
        """The attributes that the fields show, by the fields' published names."""
        return {name: field.attribute or field.name for name, field in self.fields.items()}

    @property
    def _ordered(self) -> set[str]:
        ordering = self.filters.ordering
        return {self.key, *(ordering.labels if ordering else ())}

    def bind(
        self, model: type[Any], /, *, scope: Scope | None = None, **columns: Any
    ) -> BoundService:
        """Return this service over ``model``.

        :param model: a mapped class. Its attributes are found by the fields' and filters' names.
        :param scope: ``(statement, holder) -> statement``, to show each holder of a token her rows
            only. It is applied to lists, counts and exports alike.
        :param columns: by a field's or filter's name, another attribute of the model, a
            relationship to one row (its foreign key) or a SQL expression.
        :raises TypeError: naming what the model lacks, or what cannot be filtered or ordered by.
        """
        parameters = self.filters.parameters.values()
        try:
            found = resolve(model, self.attributes, [it.column for it in parameters], columns)
            shown = {name: found[attribute] for name, attribute in self.attributes.items()}
            check_fields({name: (field, shown[name]) for name, field in self.fields.items()})
            check_order({name: shown[name] for name in self._ordered})
            check_filters(found, parameters)
            if scope is None:
                check_tables(model, found)
        except BindError as error:
            raise TypeError(f"{self.resource}/{self.name} cannot be bound: {error}.") from None
        return BoundService(self, model, scope, found)


def _is_name(text: str) -> bool:
    """Whether a path, a file's name and a sheet's may all have a part of this name."""
    return all(map(_is_word, text.split(".")))


def _is_word(text: str) -> bool:
    # Letters, marks and numbers of any script.
    named = all(it in "-_" or unicodedata.category(it)[0] in "LMN" for it in text)
    return named and text[:1].isalnum()


@dataclass(frozen=True, eq=False)
class BoundService:
    """A list service over a model; made by :meth:`ListService.bind`.

    :param columns: the SQL values by the attributes that the service names.
    :param statements: that were built for requests of before, by what they are for.
    """

    service: ListService
    model: type[Any]
    scope: Scope | None
    columns: Mapping[str, Expression]
    statements: dict[Hashable, Select[Any]] = field(default_factory=dict, repr=False)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of a row, in order."""
        return tuple(
            cell(name, field, self.columns[self.service.attributes[name]])
            for name, field in self.service.fields.items()
        )

    @cached_property
    def converters(self) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
        """The places of a row that Python still must convert, and how."""
        return tuple((i, cell.convert) for i, cell in enumerate(self.cells) if cell.convert)

    @cached_property
    def stamp(self) -> Expression | None:
        """The SQL of when a row was last changed, where that is a moment."""
        attribute = self.service.attributes.get(self.service.stamp)
        stamp = None if attribute is None else self.columns[attribute]
        return stamp if stamp is not None and "datetime" in column_types(stamp.type) else None

    def shown(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Return selected rows as they are shown."""
        if not self.converters:
            return rows
        return [self._shown(row) for row in rows]

    def _shown(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for place, convert in self.converters:
            values[place] = convert(values[place])
        return values

    @property
    def key(self) -> Expression:
        """The SQL of what identifies a row."""
        return self.columns[self.service.attributes[self.service.key]]

    @cached_property
    def rows(self) -> FromClause:
        """The tables that a row of the model is in."""
        mapper: Mapper[Any] = inspect(self.model)
        return mapper.selectable

    @cached_property
    def kinds(self) -> Sequence[ColumnElement[bool]]:
        """The condition of the model's own rows, where it shares its table with others."""
        mapper: Mapper[Any] = inspect(self.model)
        if not mapper.single or mapper.polymorphic_on is None:
            return ()
        named = [each.polymorphic_identity for each in mapper.self_and_descendants]
        return (mapper.polymorphic_on.in_(named),)
