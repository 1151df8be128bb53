"""What the service is measured beside: a view of constant bytes, and the naive list."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from operator import eq, ge, gt, le, lt
from typing import Any

from flask import Flask, Response, abort, jsonify, request, url_for
from sqlalchemy import func, select

from omsflask.customers import CustomerSchema
from omsflask.standalone.app import Customer, Token, create_app, db

PATH = "/api/v1/oms/customers/list-simple/"

#: As long as a page of ten.
CONSTANT = b'{"count": 100000, "next": null, "previous": null, "results": [%s]}' % b", ".join(
    [b"%d" % (10**12)] * 170
)


def constant() -> Flask:
    """Return an app that answers with the same bytes to all, which no view of Flask's can beat."""
    app = Flask("constant", static_folder=None)

    @app.route(PATH, methods=["GET", "OPTIONS"], provide_automatic_options=False)
    def list_simple() -> Response:
        return Response(CONSTANT, content_type="application/json")

    return app


def naive() -> Flask:
    """Return the list by ORM entities, marshmallow's ``dump``, ``jsonify``, COUNT and OFFSET."""
    ours = create_app({"OMS_DATABASE_URL": os.environ["OMS_DATABASE_URL"]})
    app = Flask("naive", static_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=ours.config["SQLALCHEMY_DATABASE_URI"],
        SQLALCHEMY_ENGINE_OPTIONS=ours.config["SQLALCHEMY_ENGINE_OPTIONS"],
    )
    db.init_app(app)
    schema = CustomerSchema(many=True)

    @app.get(PATH)
    def list_simple() -> Response:
        _authenticate()
        arguments = request.args.to_dict()
        page = int(arguments.pop("page", 1))
        limit = int(arguments.pop("limit", 10))
        sort = arguments.pop("sort", "id")
        rows = select(Customer).where(*(_condition(*item) for item in arguments.items()))
        count = db.session.scalar(select(func.count()).select_from(rows.subquery())) or 0
        column = getattr(Customer, sort.removeprefix("-"))
        order = (column.desc(), Customer.id.desc()) if sort[0] == "-" else (column, Customer.id)
        found = db.session.scalars(rows.order_by(*order).limit(limit).offset((page - 1) * limit))
        query: dict[str, Any] = {**request.args, "page": page + 1}
        return jsonify(
            count=count,
            next=url_for("list_simple", _external=True, **query) if page * limit < count else None,
            previous=None,
            results=schema.dump(found.all()),
        )

    return app


COMPARE = {"": eq, "gt": gt, "gte": ge, "lt": lt, "lte": le}


def _authenticate() -> None:
    key = request.headers.get("Authorization", "").removeprefix("Token ")
    digest = hashlib.sha256(key.encode()).hexdigest()
    if db.session.scalars(select(Token).where(Token.digest == digest)).one_or_none() is None:
        abort(401)


def _condition(name: str, value: str) -> Any:
    column, _, lookup = name.partition("__")
    compared = getattr(Customer, column)
    kind = compared.type.python_type
    read = datetime.fromisoformat if kind is datetime else kind
    return COMPARE[lookup](compared, read(value))
