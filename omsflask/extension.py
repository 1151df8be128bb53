"""The extension: what a host says, and the blueprint that it gets."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, current_app
from flask.blueprints import BlueprintSetupState
from sqlalchemy import inspect
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, TimeoutError
from sqlalchemy.orm import Mapper, Session
from werkzeug.routing import BaseConverter

from .auth import VerifyToken, hook
from .errors import NotFound, ServiceError, Unavailable
from .exports import Slots
from .models import TokenMixin
from .services import BoundService
from .settings import SETTINGS, defaults, read
from .tokens import Tokens, Verifier
from .views import COMMON_HEADERS, answer

logger = logging.getLogger(__name__)

URL_PREFIX = "/api/v1/oms"


class OMS:
    """List services in a host's app.

    ::

        oms = OMS(db.session, verify_token=Account.for_token)
        oms.add(customers.list_simple.bind(Customer))
        oms.init_app(app)

    :param session: a session, ``scoped_session`` or session factory; only its engine is used.
        Without one it is Flask-SQLAlchemy's of the app.
    :param verify_token: ``key -> holder | None``. Without one the keys in the host's own table
        count, a model with :class:`omsflask.models.TokenMixin` beside the bound ones.
    """

    def __init__(self, session: Any = None, *, verify_token: VerifyToken | None = None) -> None:
        self._session = session
        self.verify_token = verify_token
        self.listings: list[BoundService] = []

    def add(self, listing: BoundService) -> None:
        """Serve ``listing``, in the apps that are initialised from now on."""
        self.listings.append(listing)

    def init_app(self, app: Flask, *, url_prefix: str = URL_PREFIX) -> None:
        """Serve the added lists in ``app``. Called again, it serves them below another prefix too.

        :raises SettingError: when an ``OMS_*`` setting of the app cannot be used.
        :raises TypeError: when it cannot be known who may call, or what engine to read by.
        """
        name = next(name for name in _names() if name not in app.blueprints)
        app.register_blueprint(self.blueprint(name), url_prefix=url_prefix)

    def blueprint(self, name: str = "oms") -> Blueprint:
        """Return a new blueprint of the added lists, to register where the host likes.

        :param name: of the blueprint, one that the app has not yet.
        """
        blueprint = Blueprint(name, __name__, url_prefix=URL_PREFIX)
        blueprint.record_once(self._set_up)
        blueprint.before_request(hook(self.verify_token or Verifier(self.tokens)))
        blueprint.register_error_handler(ServiceError, _error_response)
        blueprint.register_error_handler(DBAPIError, _unavailable)
        blueprint.register_error_handler(TimeoutError, _unavailable)
        return blueprint

    @property
    def tokens(self) -> Tokens:
        """The tokens in the host's own table.

        :raises TypeError: when the host has none.
        """
        mappers: set[Mapper[Any]] = set()
        for listing in self.listings:
            mappers |= inspect(listing.model).registry.mappers
        models = [mapper.class_ for mapper in mappers if issubclass(mapper.class_, TokenMixin)]
        if not models:
            raise TypeError(
                "OMS cannot know who may call: give it verify_token=…, or add a list whose model"
                " has a model with omsflask.TokenMixin beside it."
            )
        return Tokens(self.session, models[0])

    def session(self) -> Session:
        """Return a session of the host's, of which only the engine is asked."""
        session = self._session or current_app.extensions["sqlalchemy"].session
        return session if isinstance(session, Session) else session()

    def _set_up(self, state: BlueprintSetupState) -> None:
        app = state.app
        app.config.update(defaults(SETTINGS) | read(SETTINGS, app.config))
        if self._session is None and "sqlalchemy" not in app.extensions:
            raise TypeError("OMS needs a session: OMS(db.session), or db.init_app(app) before.")
        app.extensions.setdefault("oms", self)
        app.url_map.converters["oms_rest"] = Rest
        slots = Slots()
        for listing in self.listings:
            path = listing.service.path
            _route(state, path, path.strip("/"), partial(_answer, listing, self.session, slots))
        if (state.url_prefix or "").strip("/"):
            _route(state, "", "prefix", _not_found)
            _route(state, "/<oms_rest:path>", "rest", _not_found)


class NoExtension(LookupError):
    """The app has no :class:`OMS`. The text is one sentence."""


def current_oms() -> OMS:
    """Return the current app's extension.

    :raises NoExtension: when it has none.
    """
    oms = current_app.extensions.get("oms")
    if not isinstance(oms, OMS):
        raise NoExtension("This app has no OMS extension: OMS(…).init_app(app).")
    return oms


class Rest(BaseConverter):
    """The rest of a path, slashes and all: nothing below the prefix answers a stranger."""

    regex = "(?s:.*?)"
    part_isolating = False


def _route(state: BlueprintSetupState, path: str, name: str, view: Callable[..., Response]) -> None:
    """Route every method to ``view``: one that is refused is refused after the token, as JSON.

    Flask's own ``add_url_rule`` lets the methods it is not told of be answered by routing.
    """
    endpoint = f"{state.name_prefix}.{state.name}.{name}".lstrip(".")
    rule = state.app.url_rule_class(
        f"{(state.url_prefix or '').rstrip('/')}{path}",
        endpoint=endpoint,
        methods=None,
        defaults=state.url_defaults,
        subdomain=state.subdomain,
        strict_slashes=False,
    )
    rule.provide_automatic_options = False  # type: ignore[attr-defined]
    state.app.url_map.add(rule)
    state.app.view_functions[endpoint] = view


def _names() -> Iterator[str]:
    yield "oms"
    yield from (f"oms{number}" for number in count(2))


def _answer(listing: BoundService, session: Any, slots: Slots, **_path: Any) -> Response:
    return answer(listing, session, slots)


def _not_found(**_path: Any) -> Response:
    raise NotFound


def _error_response(error: ServiceError) -> Response:
    headers = {**COMMON_HEADERS, "Cache-Control": "no-store", **error.headers}
    return Response(
        orjson.dumps(error.body), error.status, headers, content_type="application/json"
    )


def _unavailable(error: DBAPIError | TimeoutError) -> Response:
    if isinstance(error, DataError | IntegrityError):
        raise error
    # The text of the driver's error, without SQLAlchemy's, which quotes the statement's values.
    logger.error("The database did not answer: %s", getattr(error, "orig", error))
    return _error_response(Unavailable())
