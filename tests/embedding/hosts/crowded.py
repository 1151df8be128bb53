"""A host with everything that one may have, most of it before and some of it after the service."""

from typing import Any

from flask import Flask, g, jsonify, session
from flask.json.provider import DefaultJSONProvider
from flask_cors import CORS
from flask_httpauth import HTTPBasicAuth
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from flask_talisman import Talisman
from flask_wtf import CSRFProtect

from omsflask import OMS, ChannelMixin, CustomerMixin, customers

from .host import CHANNELS, KEY, ROWS, Host, fill, verify

db = SQLAlchemy()


class Channel(ChannelMixin, db.Model):
    pass


class Customer(CustomerMixin, db.Model):
    pass


class ShoutingJSON(DefaultJSONProvider):
    """A provider that shows in every body it makes."""

    def response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().response(*args, **kwargs)
        response.data = response.data.upper()
        return response


class User(UserMixin):
    """The only user."""

    id = "ada"


def build(url: str) -> Host:
    """Return the host."""
    app = Flask("crowded")
    app.testing = True
    app.secret_key = "not a secret"
    app.config.update(SQLALCHEMY_DATABASE_URI=url, PREFERRED_URL_SCHEME="https")
    app.json = ShoutingJSON(app)
    db.init_app(app)
    CORS(app)
    _sign_in(app)
    oms = OMS(db.session, verify_token=verify)
    oms.add(customers.list_simple.bind(Customer))
    oms.init_app(app)
    _protect(app)
    _hook(app)
    with app.app_context():
        db.create_all()
        fill(db.engine, (Channel, CHANNELS), (Customer, ROWS))
        return Host(app, db.engine, key=KEY, pages={"/": '{"USER":NULL}\n'})


def _sign_in(app: Flask) -> None:
    login, basic = LoginManager(app), HTTPBasicAuth()
    login.user_loader(lambda _id: User())
    basic.verify_password(lambda name, password: name if name == password else None)

    @app.route("/")
    def home() -> Any:
        return jsonify(user=session.get("_user_id"))

    @app.route("/login", methods=["POST"])
    def log_in() -> str:
        login_user(User(), remember=True)
        return "in"

    app.add_url_rule("/private", view_func=login_required(lambda: "private"), endpoint="private")
    app.add_url_rule("/basic", view_func=basic.login_required(lambda: "basic"), endpoint="basic")
    app.add_url_rule("/broken", view_func=lambda: 1 // 0, endpoint="broken")


def _protect(app: Flask) -> None:
    CSRFProtect(app)
    Talisman(app)
    limiter = Limiter(
        get_remote_address, app=app, storage_uri="memory://", default_limits=["1000000/hour"]
    )
    app.view_functions["basic"] = limiter.limit("2/hour")(app.view_functions["basic"])


def _hook(app: Flask) -> None:
    @app.before_request
    def remember() -> None:
        g.seen = True
        session["visits"] = session.get("visits", 0) + 1

    @app.after_request
    def mark(response: Any) -> Any:
        response.headers["X-Host"] = f"seen={g.get('seen')}"
        return response

    app.register_error_handler(404, lambda _error: ("the host's own 404", 404))
    app.register_error_handler(Exception, lambda _error: ("the host's own 500", 500))
    app.register_error_handler(429, lambda _error: ("the host's own 429", 429))
