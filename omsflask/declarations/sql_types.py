"""A column's SQL type: the field types that its values can be read as."""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import ARRAY, JSON, Enum, Numeric, TypeDecorator, Uuid
from sqlalchemy.dialects.postgresql import CIDR, DOMAIN, HSTORE, INET
from sqlalchemy.types import NullType, TypeEngine

from .types import ANY, TYPES, FieldType

SQLType = TypeEngine[Any]

#: By the Python type of a column's values.
NAMES: dict[type[Any], str] = {row.python: name for name, row in TYPES.items() if row.python} | {
    bytes: "binary",
    object: "other",
}

#: By a SQL type, where the Python type of its values says less.
SQL_NAMES: dict[type[SQLType], str] = {
    JSON: "json",
    HSTORE: "object",
    ARRAY: "list",
    Uuid: "uuid",
    INET: "address",
    CIDR: "address",
}


def column_types(sql_type: SQLType) -> frozenset[str]:
    """Return the names of the field types that the values of ``sql_type`` can be read as.

    They are all types where SQLAlchemy does not know the values, as those of ``func.trim(…)``.
    """
    if isinstance(sql_type, TypeDecorator):
        return _decorated(sql_type)
    if isinstance(sql_type, DOMAIN):
        return column_types(sql_type.data_type)
    if isinstance(sql_type, NullType):
        return ANY
    names = {_name(sql_type)}
    if isinstance(sql_type, Numeric) and sql_type.scale == 0:
        names.add("integer")
    if isinstance(sql_type, Enum):
        names |= _of_members(sql_type.enum_class)
    return frozenset(names)


def _of_members(enum_class: type[Any] | None) -> frozenset[str]:
    """Return what members can be read as. Those of no class, and of a ``StrEnum``, are texts."""
    is_text = enum_class is None or issubclass(enum_class, enum.StrEnum)
    return frozenset(["choice", "string"] if is_text else ["choice"])


def column_type(sql_type: SQLType) -> FieldType | None:
    """Return the type of the values of ``sql_type`` in Python; none where it is unknown."""
    if isinstance(sql_type, DOMAIN):
        return column_type(sql_type.data_type)
    return TYPES.get("choice" if isinstance(sql_type, Enum) else _name(sql_type))


def value_type(value: Any) -> FieldType | None:
    """Return the type that ``value`` is of; none where the table has no such type."""
    return TYPES.get(_named(type(value)))


def can_compare(value: Any, sql_type: SQLType) -> bool:
    """Whether ``value`` can be compared with what a column of ``sql_type`` keeps."""
    name, types = _named(type(value)), column_types(sql_type)
    return name in types or (name in TYPES and bool(TYPES[name].compares & types))


def python_type(sql_type: SQLType) -> type[Any]:
    """Return the Python type of the values of ``sql_type``; ``object`` where it is unknown."""
    try:
        return sql_type.python_type
    except NotImplementedError:
        return object


def _name(sql_type: SQLType) -> str:
    by_sql = (name for known, name in SQL_NAMES.items() if isinstance(sql_type, known))
    return next(by_sql, _named(python_type(sql_type)))


def _named(python: type[Any]) -> str:
    # A member may be a text or a number too.
    bases = (enum.Enum,) if issubclass(python, enum.Enum) else python.__mro__
    return next(NAMES[base] for base in bases if base in NAMES)


def _decorated(sql_type: TypeDecorator[Any]) -> frozenset[str]:
    """Return the names for a host's own type, which may say itself what its ``python_type`` is."""
    if (declared := python_type(sql_type)) is not object:
        is_member = issubclass(declared, enum.Enum)
        return _of_members(declared) if is_member else frozenset([_named(declared)])
    inner = column_types(sql_type.impl_instance)
    if not any(overrides(sql_type, it) for it in ("process_result_value", "result_processor")):
        return inner
    # A type that keeps a UUID as a text is common, and a UUID is an integer to Python.
    return ANY - {"integer"} if inner & {"string", "uuid"} else ANY


def overrides(sql_type: TypeDecorator[Any], name: str) -> bool:
    """Whether a host's own type has a method of its own."""
    return getattr(type(sql_type), name) is not getattr(TypeDecorator, name)
