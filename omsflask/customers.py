"""The customers list, as published: what is shown and how it may be narrowed and sorted.

Start here. All else (parsing, SQL, OPTIONS, the files) follows from these declarations.
"""

from __future__ import annotations

from marshmallow import Schema
from marshmallow.fields import Email, Integer, String
from marshmallow.validate import Length

from .declarations.fields import INT32, PrimaryKey, UTCDateTime
from .declarations.filters import Filter, FilterSet, Ordering
from .declarations.services import ListService


class CustomerSchema(Schema):
    """A customer as the published document shows one."""

    id = Integer(dump_only=True, metadata={"label": "ID"})
    created_date = UTCDateTime(dump_only=True)
    modified_date = UTCDateTime(dump_only=True)
    omnitron_id = Integer(required=True, validate=INT32)
    email = Email(required=True, validate=Length(max=254))
    first_name = String(validate=Length(max=255))
    last_name = String(validate=Length(max=255))
    phone_number = String(validate=Length(max=128))
    erp_code = String(validate=Length(max=64), metadata={"label": "Partner customer code"})
    channel = PrimaryKey(attribute="channel_id")


class CustomerFilters(FilterSet):
    """How customers may be sorted and narrowed."""

    sort = Ordering(id="ID", modified_date="Modified Date")
    id__gt = Filter(Integer)
    id__gte = Filter(Integer)
    id__lt = Filter(Integer)
    id__lte = Filter(Integer)
    first_name = Filter(String)
    last_name = Filter(String)
    email = Filter(String)
    phone_number = Filter(String)
    erp_code = Filter(String)
    channel_id = Filter(Integer, published="string")
    modified_date = Filter(
        UTCDateTime, lookups=("exact", "gt", "gte", "lt", "lte"), published="string"
    )


list_simple = ListService(
    resource="customers", name="list-simple", schema=CustomerSchema, filters=CustomerFilters
)
