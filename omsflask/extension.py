"""The extension: what a host says, and the blueprint that it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

from flask import Blueprint, Flask, current_app
from flask.blueprints import BlueprintSetupState
from sqlalchemy import Engine
from sqlalchemy.orm import Session, class_mapper

from .declarations.services import BoundService
from .renderers import RENDERERS
from .renderers.renderer import Renderer
from .settings import SETTINGS, defaults, read
from .sql.database import Database
from .sql.dialects import UnservedDatabase
from .sql.export import Slots
from .sql.replica import Replica
from .tables.models import TokenMixin
from .tables.tokens import Tokens
from .tables.verifier import TokenMemory, Verifier
from .web.auth import VerifyToken, check, hook
from .web.bodies import close_unsent
from .web.error_handlers import handle_errors
from .web.routes import add_routes, exempt_from_csrf
from .web.views import ListView

#: A host's session. A ``scoped_session`` is called, and so is a session factory.
AnySession = Session | Callable[[], Session]

URL_PREFIX = "/api/v1/oms"


class OMS:
    """List services in a host's app.

    ::

        oms = OMS(db.session, verify_token=Account.for_token)
        oms.add(customers.list_simple.bind(Customer))
        oms.init_app(app)

    :param session: a session, ``scoped_session`` or session factory, which is called in the app's
        context; only its engine is used. Without one it is Flask-SQLAlchemy's of the app.
    :param verify_token: ``key -> holder | None``, called once a request with the text after
        ``Token`` in the header. A falsy holder is 401. Any other is then ``flask.g.oms_holder``,
        and is passed to a list's scope. Without ``verify_token`` the keys in the host's own table
        are valid, a model with :class:`omsflask.TokenMixin` beside the bound ones.
    :param replica: the engine of a streaming replica of the lists' PostgreSQL, to read them there.
    :param renderers: more formats by the names that ``format`` takes, or others in the place of
        ``json``, ``csv``, ``xls`` and ``xlsx``.
    """

    def __init__(
        self,
        session: AnySession | None = None,
        *,
        verify_token: VerifyToken | None = None,
        replica: Engine | None = None,
        renderers: Mapping[str, Renderer] = MappingProxyType({}),
    ) -> None:
        self._session = session
        self.verify_token = verify_token
        self.replica = None if replica is None else Replica(replica)
        self.renderers = {**RENDERERS, **renderers}
        self.listings: list[BoundService] = []

    def add(self, listing: BoundService) -> None:
        """Serve ``listing``, in the apps that are initialised from now on."""
        self.listings.append(listing)

    def init_app(self, app: Flask, *, url_prefix: str = URL_PREFIX, **options: Any) -> None:
        """Serve the added lists in ``app``. Called again, it serves them below another prefix too.

        :param url_prefix: what the lists' paths begin with; variable parts are allowed.
        :param options: of ``Flask.register_blueprint``, such as ``host`` or ``subdomain``.
        :raises SettingError: when an ``OMS_*`` setting of the app cannot be used.
        :raises TypeError: when it cannot be known who may call, or what engine to read by.
        """
        name = next(name for name in _names() if name not in app.blueprints)
        app.register_blueprint(self.blueprint(name), url_prefix=url_prefix, **options)

    def blueprint(self, name: str = "oms") -> Blueprint:
        """Return a new blueprint of the added lists, to register where the host likes.

        :param name: of the blueprint, one that the app has not yet.
        :raises TypeError: when it cannot be known who may call.
        """
        verify_token = self.verify_token
        if verify_token is None:
            verify_token = Verifier(self.tokens)
        check(verify_token)
        blueprint = Blueprint(name, __name__, url_prefix=URL_PREFIX)
        # APIFlask reads this of each blueprint that has a hook.
        blueprint.enable_openapi = False  # type: ignore[attr-defined]
        blueprint.record(self._set_up)
        blueprint.url_value_preprocessor(exempt_from_csrf)
        blueprint.before_request(hook(verify_token))
        blueprint.teardown_request(close_unsent)
        handle_errors(blueprint)
        return blueprint

    @property
    def tokens(self) -> Tokens:
        """The tokens in the host's own table.

        :raises TypeError: when the host has none.
        """
        models = self._models(TokenMixin)
        if len(models) != 1:
            raise TypeError(
                "OMS cannot know who may call: give it verify_token=…, or add a list whose model"
                f" has one model with omsflask.TokenMixin beside it, not {len(models)}."
            )
        return Tokens(self.session, models.pop())

    def model(self, mixin: type[Any]) -> type[Any]:
        """Return the host's model with ``mixin``.

        :raises NoModel: when there is none, or several.
        """
        models = self._models(mixin)
        if len(models) != 1:
            raise NoModel(
                f"This needs one model with omsflask.{mixin.__name__}, and the app has"
                f" {len(models)}."
            )
        return models.pop()

    def session(self) -> Session:
        """Return a session of the host's, of which only the engine is asked."""
        session = self._session or current_app.extensions["sqlalchemy"].session
        return session if isinstance(session, Session) else session()

    def _models(self, mixin: type[Any]) -> set[type[Any]]:
        registries = {class_mapper(it.model, configure=False).registry for it in self.listings}
        return {
            mapper.base_mapper.class_
            for registry in registries
            for mapper in registry.mappers
            if issubclass(mapper.class_, mixin)
        }

    def _set_up(self, state: BlueprintSetupState) -> None:
        app = state.app
        app.config.update(defaults(SETTINGS) | read(SETTINGS, app.config))
        if self._session is None and "sqlalchemy" not in app.extensions:
            raise TypeError("OMS needs a session: OMS(db.session), or db.init_app(app) before.")
        app.extensions.setdefault("oms", self)
        app.extensions.setdefault("oms_tokens", TokenMemory())
        paths = [listing.service.path for listing in self.listings]
        if again := sorted({path.strip("/") for path in paths if paths.count(path) > 1}):
            raise TypeError(f"{', '.join(again)} is added twice.")
        slots = Slots()
        self._check_databases(app)
        views = (
            ListView(
                listing,
                self.session,
                renderers=self.renderers,
                slots=slots,
                replica=self.replica,
            )
            for listing in self.listings
        )
        add_routes(state, views)

    def _check_databases(self, app: Any) -> None:
        """Refuse a database that is not served, as far as it is known before a request.

        A session factory may need a request. No ``scoped_session`` keeps the session made here.
        """
        session = self._session or app.extensions["sqlalchemy"].session
        factory = getattr(session, "session_factory", self.session)
        try:
            with app.app_context():
                for listing in self.listings:
                    Database.of(factory, listing.model)
        except UnservedDatabase:
            raise
        except Exception:
            return


class NoModel(LookupError):
    """The app has no model for what is wanted. The text is one sentence."""


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


def _names() -> Iterator[str]:
    yield "oms"
    yield from (f"oms{number}" for number in count(2))
