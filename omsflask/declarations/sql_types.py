"""A column's SQL type: the field types that its values can be read as."""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import ARRAY, JSON, Enum, Numeric, TypeDecorator, Uuid
from sqlalchemy.dialects.postgresql import CIDR, DOMAIN, HSTORE, INET
from sqlalchemy.types import NullType, TypeEngine

from .types import ANY, TYPES

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
    for known, name in SQL_NAMES.items():
        if isinstance(sql_type, known):
            return frozenset([name])
    names = _named(python_type(sql_type))
    if isinstance(sql_type, Numeric) and sql_type.scale == 0:
        return names | {"integer"}
    if isinstance(sql_type, Enum) and sql_type.enum_class is None:
        return names | {"choice"}
    return names


def value_types(value: Any) -> frozenset[str]:
    """Return the names of the field types that ``value`` can be read as."""
    return _named(type(value))


def python_type(sql_type: SQLType) -> type[Any]:
    """Return the Python type of the values of ``sql_type``; ``object`` where it is unknown."""
    try:
        return sql_type.python_type
    except NotImplementedError:
        return object


def _named(python: type[Any]) -> frozenset[str]:
    if issubclass(python, enum.Enum):
        return frozenset(["choice", "string"] if issubclass(python, enum.StrEnum) else ["choice"])
    return frozenset([next(NAMES[known] for known in python.__mro__ if known in NAMES)])


def _decorated(sql_type: TypeDecorator[Any]) -> frozenset[str]:
    """Return the names for a host's own type, which may say itself what its ``python_type`` is."""
    if (declared := python_type(sql_type)) is not object:
        return _named(declared)
    inner = column_types(sql_type.impl_instance)
    if not any(_overrides(sql_type, it) for it in ("process_result_value", "result_processor")):
        return inner
    # A type that keeps a UUID as a text is common, and a UUID is an integer to Python.
    return ANY - {"integer"} if inner & {"string", "uuid"} else ANY


def changes_parameters(sql_type: TypeDecorator[Any]) -> bool:
    """Whether the database gets other values than are bound."""
    return _overrides(sql_type, "process_bind_param")


def _overrides(sql_type: TypeDecorator[Any], name: str) -> bool:
    return getattr(type(sql_type), name) is not getattr(TypeDecorator, name)
