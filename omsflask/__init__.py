"""Serve an order management system's customers to business intelligence, from any Flask app.

A request runs one way: token, query, plan, read, render, respond. Imports run one way too: from web
to renderers, to sql, to declarations.

======================  ======================================================================
:mod:`.customers`       the published list: schema, filters, name. Start here
:mod:`.declarations`    1. what a list is: services, fields, filters, lookups
:mod:`.sql`             2. what is read: query, selection, page, count, watermark, export
:mod:`.renderers`       3. how it is written: JSON, CSV, spreadsheet
:mod:`.web`             4. how it is asked for and answered: token, parameters, views, errors
:mod:`.extension`       ``OMS``: what a host says, and the blueprint that it gets
:mod:`.tables`          what is stored, for an app without tables: models, tokens, triggers
:mod:`.commands`        what is typed: ``flask oms token``, ``load``, ``export``, ``forget``
:mod:`.standalone`      our own host: app, engine, migrations, sample data
:mod:`.settings`        the table of ``OMS_*`` settings
:mod:`.errors`          the errors that a client can get, and their one JSON shape
======================  ======================================================================
"""

from . import customers
from .declarations.fields import PrimaryKey, UTCDateTime
from .declarations.filters import Filter, FilterSet, Ordering
from .declarations.services import BoundService, ListService
from .extension import OMS
from .tables import triggers
from .tables.models import ChannelMixin, CustomerMixin, TokenMixin

__all__ = [
    "OMS",
    "BoundService",
    "ChannelMixin",
    "CustomerMixin",
    "Filter",
    "FilterSet",
    "ListService",
    "Ordering",
    "PrimaryKey",
    "TokenMixin",
    "UTCDateTime",
    "customers",
    "triggers",
]
