"""What test_servers serves: an app whose files fail half-way, or take their time, when asked to."""

import time
from collections.abc import Generator
from dataclasses import replace
from itertools import islice

from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from flask import request

from omsflask.sql.bulk import BulkText
from omsflask.sql.export import Export
from omsflask.standalone.app import create_app, db

app = create_app()
by_a2wsgi = WSGIMiddleware(app)  # type: ignore[arg-type]
by_asgiref = WsgiToAsgi(app)


def failing(batches: Generator[bytes]) -> Generator[bytes]:
    yield from islice(batches, 3)
    raise RuntimeError("The database is gone.")


def slow(batches: Generator[bytes]) -> Generator[bytes]:
    for batch in batches:
        time.sleep(0.3)
        yield batch


WAYS = {"fail": failing, "slow": slow}

bulk_text = Export.bulk_text


def as_asked(export: Export) -> BulkText | None:
    rows = bulk_text(export)
    way = WAYS.get(request.headers.get("X-Way", ""))
    return rows if rows is None or way is None else replace(rows, batches=way(rows.batches))


Export.bulk_text = as_asked  # type: ignore[method-assign]


@app.get("/in-use")
def in_use() -> str:
    """Return how many connections to the database are in use."""
    return str(db.engine.pool.checkedout())  # type: ignore[attr-defined]
