"""Serve an order management system's customers to business intelligence, from any Flask app.

Read the modules in the order in which a request meets them:

========================  ======================================================================
:mod:`.customers`         the published service: schema, filters, name. Start here
:mod:`.fields`            the fields that marshmallow has not; what a field says of itself
:mod:`.filters`           parameter, WHERE, ORDER BY and OPTIONS entry in one object
:mod:`.lookups`           ``exact``, ``gt``, ``in``, ``range`` and the others, in one table
:mod:`.services`          a list service as data, bound to a model
:mod:`.selections`        what a query selects from a list: its statements
:mod:`.stretches`         which of its rows a page is made of
:mod:`.rows`              the forms in which a page's rows come from the database
:mod:`.bindings`          from a service's names to a model's columns, or a sentence
:mod:`.columns`           from a field and a SQL expression to what is selected and shown
:mod:`.ordering`          the SQL of an order, and of what lies behind a place in it
:mod:`.extension`         ``OMS``: what a host says, and the blueprint that it gets
:mod:`.auth`              the token of a request, before anything else
:mod:`.tokens`            tokens: issued once, kept as a hash, verified, revoked
:mod:`.views`             what a GET does, step by step, and what OPTIONS does
:mod:`.parsers`           the query string to values, or a 400 that names the parameter
:mod:`.grammars`          what a text must be before a field reads it
:mod:`.connections`       the host's engine, and one snapshot to read from
:mod:`.replicas`          the replica to read from, while it answers and shows enough
:mod:`.horizon`           the moment before which no change is on its way
:mod:`.pagination`        the page that a query asks for, and its links
:mod:`.links`             the addresses of a page's neighbours
:mod:`.counts`            how many rows, counted no more often than is worth it
:mod:`.places`            rows known by number, while nobody commits
:mod:`.cursors`           a place in a selection as text
:mod:`.exports`           whole selections as files
:mod:`.dumps`             rows as the engine itself writes them
:mod:`.renderers`         JSON, CSV, spreadsheet, and the choice of one
:mod:`.introspection`     a service to its OPTIONS document
:mod:`.errors`            the errors and their one JSON shape
:mod:`.handlers`          every error below the prefix, whoever raised it, in that shape
:mod:`.settings`          the table of ``OMS_*`` settings
:mod:`.models`            mixins for who has no tables yet
:mod:`.triggers`          stamps for what is written by hand in SQL
:mod:`.app`               ``create_app()``: the standalone host
:mod:`.engines`           its engine: the pool, deadlines, what a failure to connect does
:mod:`.deadlines`         a psycopg connection whose waits end
:mod:`.tables`            the tables that are missing, made under a lock
:mod:`.migrations`        what became of the standalone app's tables, revision by revision
:mod:`.sequences`         keys that come after those that were given
:mod:`.samples`           customers to try it with
:mod:`.making`            as many of them as somebody wants
:mod:`.progress`          the bar of a command that works through rows
:mod:`.exporting`         ``export``: the same files from the command line
:mod:`.loading`           ``load``: files of customers, checked and stored
:mod:`.forgetting`        ``forget``: a customer erased
:mod:`.cli`               ``flask oms …``; ``omsflask …`` is in ``__main__``
========================  ======================================================================
"""

from . import customers, triggers
from .extension import OMS
from .fields import PrimaryKey, UTCDateTime
from .filters import Filter, FilterSet, Ordering
from .models import ChannelMixin, CustomerMixin, TokenMixin
from .services import BoundService, ListService

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
