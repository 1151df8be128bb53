"""The query string to a query, by webargs, or a 400 by name."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from webargs.core import Parser

from ..declarations.parameters import parameter_field, stripped_for
from ..declarations.services import ListService
from ..errors import InvalidParameters
from ..sql.query import LAST, NO_PAGE, Query

#: Kinds of queries whose schemas are kept.
MAX_PARTS = 500


class QuerySchema(Schema):
    """The parameters that every list service takes, beside its own filters."""

    class Meta:
        unknown = EXCLUDE

    page = parameter_field(fields.String())
    limit = parameter_field(
        fields.Integer(
            validate=validate.Range(
                min=1, error="Ensure this value is greater than or equal to {min}."
            )
        )
    )
    cursor = parameter_field(fields.String())
    format = parameter_field(fields.String())

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._parts: dict[frozenset[str], Schema] = {}

    def load(self, data: Mapping[str, Any], **options: Any) -> Any:  # type: ignore[override]
        """Load the few fields that are there: none is required, and to look for all takes time."""
        names = frozenset(name for name in data if name in self.fields)
        part = self._parts.get(names)
        if part is None:
            if len(self._parts) >= MAX_PARTS:
                self._parts.clear()
            part = self._parts[names] = type(self)(only=names)
        return Schema.load(part, data, **options)


def query_schema(service: ListService, formats: Sequence[str]) -> Schema:
    """Return the schema of a service's query string.

    :param formats: the names that ``format`` may take.
    """
    own = {name: parameter_field(it.reader) for name, it in service.filters.parameters.items()}
    own["format"] = parameter_field(fields.String(validate=validate.OneOf(formats)))
    if ordering := service.filters.ordering:
        own[ordering.name] = parameter_field(fields.String(post_load=ordering.parse))
    return QuerySchema.from_dict(own, name=f"{service.name}-query")()


Pairs = list[tuple[str, str]]

#: With any of these parameters a request asks for a page, and not for the whole selection.
PAGED = ("page", "limit", "cursor")


class QueryParser(Parser[Pairs]):
    """Reads a query string strictly: a name that is unknown or comes twice is an error too."""

    def load_querystring(self, req: Pairs, schema: Schema) -> dict[str, str]:
        """Return each name with its last value. An empty value is none, but for ``cursor=``."""
        arguments = {name: value for name, value in dict(req).items() if value or name == "cursor"}
        if complaints := self.complaints([name for name, _ in req], schema):
            raise ValidationError({**schema.validate(arguments), **complaints})
        return arguments

    def complaints(self, names: Sequence[str], schema: Schema) -> dict[str, list[str]]:
        """Return what is wrong with the names themselves."""
        if len(set(names)) == len(names) and schema.fields.keys() >= set(names):
            return {}
        unknown = [name for name in dict.fromkeys(names) if name not in schema.fields]
        repeated = [name for name, times in Counter(names).items() if times > 1]
        return {
            **{name: ["This parameter may be given only once."] for name in repeated},
            **{
                name: [f"Unknown parameter.{_suggestion(name, schema) if i < 10 else ''}"]
                for i, name in enumerate(unknown)
            },
        }

    def handle_error(
        self, error: ValidationError, req: Pairs, schema: Schema, **_: Any
    ) -> NoReturn:
        """Raise the messages as they are published: flat, by name, in the order of the request."""
        messages: Mapping[str, Any] = error.messages["query"]  # type: ignore[call-overload]
        asked = [name for name in dict(req) if name in messages]
        raise InvalidParameters({name: _flat(messages[name]) for name in [*asked, *messages]})


class LenientQueryParser(QueryParser):
    """Ignores unknown names and takes the last of several values, as the documented service."""

    def load_querystring(self, req: Pairs, schema: Schema) -> dict[str, str]:
        """Return each name with its last value. A text has no outer blanks, and a blank is none."""
        stripped = [(name, stripped_for(schema.fields.get(name), value)) for name, value in req]
        return super().load_querystring(stripped, schema)

    def complaints(self, names: Sequence[str], schema: Schema) -> dict[str, list[str]]:
        """Find nothing wrong."""
        return {}


STRICT, LENIENT = QueryParser(), LenientQueryParser()


#: A page's number: digits that no OFFSET is too small for.
PAGE_NUMBER = re.compile(r"0*([1-9][0-9]{0,17})")


def page_number(text: str | None) -> int:
    """Return the number of a page; of what is none, one that no page has.

    A page that there is not is 404, and not a wrong parameter.
    """
    text = (text or "1").strip()
    match = PAGE_NUMBER.fullmatch(text)
    if match is None:
        return LAST if text == "last" else NO_PAGE
    return int(match[1])


def parse(
    query_string: bytes, service: ListService, schema: Schema, config: Mapping[str, Any]
) -> Query:
    """Return what a query string asks of ``service``.

    :param schema: of the service's :func:`query_schema`.
    :param config: the app's settings.
    :raises InvalidParameters: naming every wrong parameter.
    """
    parser = LENIENT if config["OMS_LENIENT_QUERY"] else STRICT
    # The request of webargs may be any object that the parser can read.
    pairs = split(query_string)
    values = parser.parse(schema, pairs, location="query")
    ordering = service.filters.ordering
    limit = values.get("limit") or config["OMS_PAGE_SIZE"]
    return Query.of(
        service,
        arguments=dict(pairs),
        filters={name: values[name] for name in service.filters.parameters if name in values},
        order=values.get(ordering.name, ()) if ordering else (),
        limit=min(limit, config["OMS_MAX_PAGE_SIZE"]),
        number=page_number(values.get("page")),
        cursor=values.get("cursor"),
        format=values.get("format"),
        is_paged=not values.keys().isdisjoint(PAGED),
    )


def split(query_string: bytes) -> Pairs:
    """Return the pairs of a query string; bytes that are no UTF-8 become lone surrogates.

    Werkzeug's own reading quotes such bytes again in values, so that ``%ff`` finds a ``%ff``, and
    fails where they come raw.
    """
    pairs = parse_qsl(
        query_string.decode(errors="surrogateescape"),
        keep_blank_values=True,
        errors="surrogateescape",
    )
    return [(name.encode(errors="replace").decode(), value) for name, value in pairs]


def _suggestion(name: str, schema: Schema) -> str:
    near = difflib.get_close_matches(name[:64], schema.fields, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _flat(messages: Any) -> list[str]:
    if isinstance(messages, Mapping):
        return list(dict.fromkeys(text for texts in messages.values() for text in _flat(texts)))
    return [messages] if isinstance(messages, str) else list(messages)
