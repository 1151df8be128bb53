"""Filters: the parameter, the condition, the order and the OPTIONS entry, declared once.

::

    class CustomerFilters(FilterSet):
        sort = Ordering(id="ID", modified_date="Modified Date")
        id__gt = Filter(Integer)
        modified_date = Filter(UTCDateTime, lookups=("exact", "gt", "gte"))
        status = Filter(Enum(Status), lookups=("exact", "in"))
        shipped_on = Filter(Date, lookups=("range", "isnull"))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from marshmallow import ValidationError

from .fields import AnyField, title
from .lookups import LOOKUPS, Lookup
from .parameters import Parameter
from .shown import choices
from .types import type_name

#: The parameters of every list, beside its own filters.
RESERVED = ("page", "limit", "cursor", "format")


class Filter:
    """A filter on one column.

    The name that it is declared under is the parameter, the column and, after ``__``, the lookup.

    :param field: the marshmallow field, class or instance, that reads a value. An ``Enum``, or one
        with ``OneOf``, is a list of choices.
    :param lookups: several at once, by their names in :data:`~.lookups.LOOKUPS` or of the host's
        own: ``exact`` takes the bare name, the others ``name__lookup``. ``in`` and ``range`` read
        values by commas, ``isnull`` true or false.
    :param label: for people; made from the name unless given.
    :param published: the type that OPTIONS names, where it is not that of ``field``.
    """

    def __init__(
        self,
        field: type[AnyField] | AnyField,
        *,
        lookups: Sequence[str | Lookup] = (),
        label: str | None = None,
        published: str | None = None,
    ) -> None:
        self.field = field() if isinstance(field, type) else field
        self.lookups = tuple(lookups)
        self.label = label
        self.published = published

    def declare(self, owner: type, name: str) -> None:
        """Take the name, and what it says.

        Python 3.11 wraps what ``__set_name__`` raises, and so hides the sentence.

        :raises TypeError: when the lookups make no sense.
        """
        column, _, ending = name.rpartition("__")
        if ending in LOOKUPS and self.lookups:
            raise TypeError(f"{owner.__name__}.{name} names a lookup and lists others besides.")
        if unknown := {it for it in self.lookups if isinstance(it, str)} - set(LOOKUPS):
            raise TypeError(f"{owner.__name__}.{name} has unknown lookups: {sorted(unknown)}.")
        self.label = self.label or title(name)
        self.column = column if ending in LOOKUPS else name
        named = [ending] if ending in LOOKUPS else self.lookups or ["exact"]
        lookups = [LOOKUPS[it] if isinstance(it, str) else it for it in named]
        self.parameters = [
            Parameter(
                name if it.name in (ending, "exact") else f"{name}__{it.name}",
                self.column,
                it,
                self.field,
            )
            for it in lookups
        ]

    def describe(self) -> dict[str, Any]:
        """Return this filter's entry in the OPTIONS document."""
        lookups = [parameter.lookup for parameter in self.parameters]
        # A value for ``isnull`` is no value of the column.
        field = self.field if any(it.binds for it in lookups) else self.parameters[0].reader
        limited = choices(field)
        listed = {"choices": [[shown, label] for _, shown, label in limited]} if limited else {}
        return {
            "label": self.label,
            "field_name": self.column,
            "type": self.published or ("dropdown" if limited else type_name(field)),
            "lookup_expr": [it.name for it in lookups],
            "extra": {**listed, "required": False},
        }


@dataclass(frozen=True)
class Term:
    """One step of an order: a field's name and its direction."""

    name: str
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.name}" if self.descending else self.name


class Ordering:
    """The parameter that orders: names by commas, ``-`` before one that descends.

    :param default: the order when none is asked for, ``"-placed_date"`` say; the key's when empty.
    :param labels: the published names of the fields that may be ordered by, and their labels.
    :raises ValidationError: when the default is none of them.
    """

    def __init__(self, *default: str, **labels: str) -> None:
        self.labels = labels
        self.choices = {
            str(Term(name, descending)): label + (" (descending)" if descending else "")
            for name, label in labels.items()
            for descending in (False, True)
        }
        self.default = self.parse(",".join(default)) if default else ()

    def declare(self, _owner: type, name: str) -> None:
        """Take the name."""
        self.name = name

    def parse(self, text: str) -> tuple[Term, ...]:
        """Return the steps that ``text`` names: of a name twice the first, of a blank none.

        :raises ValidationError: with one message for each part that is no choice.
        """
        parts = [part for part in map(str.strip, text.split(",")) if part]
        wrong = [part for part in parts if part not in self.choices]
        if wrong:
            raise ValidationError(
                [
                    f"Select a valid choice. {part} is not one of the available choices."
                    for part in wrong
                ]
            )
        terms: dict[str, Term] = {}
        for part in parts:
            name = part.removeprefix("-")
            terms.setdefault(name, Term(name, part.startswith("-")))
        return tuple(terms.values())

    def describe(self) -> dict[str, Any]:
        """Return the ordering's entry in the OPTIONS document."""
        return {
            "label": title(self.name),
            "field_name": self.name,
            "type": "dropdown",
            "lookup_expr": ["exact"],
            "extra": {
                "choices": [list(choice) for choice in self.choices.items()],
                "help_text": "",
                "null_label": None,
                "required": False,
            },
        }


class FilterSet:
    """The filters of a list service, in the order of their declaration; at most one ordering."""

    filters: ClassVar[Mapping[str, Filter | Ordering]] = {}
    parameters: ClassVar[Mapping[str, Parameter]] = {}
    ordering: ClassVar[Ordering | None] = None

    def __init_subclass__(cls) -> None:
        declared = {
            name: value for name, value in vars(cls).items() if isinstance(value, Filter | Ordering)
        }
        if taken := sorted(set(declared) & set(RESERVED)):
            raise TypeError(f"{cls.__name__}.{taken[0]} has a name that every list uses already.")
        for name, value in declared.items():
            value.declare(cls, name)
        # A filter may itself be named "filters".
        cls.filters = {**super(cls, cls).filters, **declared}  # type: ignore[misc]
        orderings = [value for value in cls.filters.values() if isinstance(value, Ordering)]
        if len(orderings) > 1:
            raise TypeError(f"{cls.__name__} declares more than one Ordering.")
        cls.ordering = orderings[0] if orderings else None
        cls.parameters = {
            parameter.name: parameter
            for declared_filter in cls.filters.values()
            if isinstance(declared_filter, Filter)
            for parameter in declared_filter.parameters
        }
