"""The routes of a blueprint: the lists, and everything else below the prefix as 404."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import Request, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from ..errors import NotFound
from .views import METHODS, ListView

View = Callable[..., Response]


def add_routes(state: BlueprintSetupState, views: Iterable[ListView]) -> None:
    """Add the rules of a blueprint to the app that it is registered in."""
    state.app.url_map.converters |= {"oms_rest": Rest, "oms_any": AnyHost}
    for view in views:
        path = view.listing.service.path
        _add(state, path, path.strip("/"), _function(view))
    if (state.url_prefix or "").strip("/"):
        _add(state, "", "prefix", not_found)
        _add(state, "/<oms_rest:path>", "rest", not_found)


class Rest(BaseConverter):
    """The rest of a path, slashes and all: nothing below the prefix answers a stranger."""

    regex = "(?s:.*?)"
    part_isolating = False


class AnyHost(BaseConverter):
    """Any host, in an app that matches hosts."""

    regex = ".*"


class EveryMethod(set[str]):
    """The methods that a rule serves. Routing finds any other method in it too.

    Flask would otherwise answer an unserved method before the token is checked, and not as JSON.
    """

    def __contains__(self, method: object) -> bool:
        return True


def _add(state: BlueprintSetupState, path: str, name: str, view: View) -> None:
    """Route every method to ``view``, which refuses those that are not served."""
    # The token is checked by the blueprint's hook, which Flask finds by the endpoint's last dot.
    name = name.replace(".", "-")
    host = state.options.get("host")
    if state.app.url_map.host_matching and host is None:
        host = "<oms_any:oms_host>"
    state.add_url_rule(
        path,
        name,
        view,
        methods=METHODS,
        provide_automatic_options=False,
        strict_slashes=False,
        host=host,
    )
    endpoint = f"{state.name_prefix}.{state.name}.{name}".lstrip(".")
    for rule in state.app.url_map.iter_rules(endpoint):
        rule.methods = EveryMethod(METHODS)


def _function(list_view: ListView) -> View:
    def view(**_path: object) -> Response:
        # The proxy would look for the request anew each time.
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        return list_view(asked)

    # Flask-Limiter, Flask-WTF and others know a view by its name.
    service = list_view.listing.service
    view.__name__ = view.__qualname__ = f"{service.resource}_{service.name}".replace("-", "_")
    return view


def not_found(**_path: object) -> Response:
    """Answer for what is nothing below the prefix."""
    raise NotFound


def exempt_from_csrf(endpoint: str | None, _path: object) -> None:
    """Keep Flask-WTF from answering a POST before the token is looked at.

    No cookie opens anything below the prefix, and nothing is changed there.
    """
    csrf = current_app.extensions.get("csrf")
    if csrf is not None and endpoint is not None:
        csrf.exempt(current_app.view_functions[endpoint])
