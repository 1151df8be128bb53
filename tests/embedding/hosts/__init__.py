"""Apps that somebody else wrote, each with the customers list in it, in a way of her own."""

from collections.abc import Callable

from . import crowded, inherited, nested, renamed, scoped, usual
from .host import Host

#: By what is special about them: from the URL of an empty database to an app over thirty customers.
HOSTS: dict[str, Callable[[str], Host]] = {
    "flask-sqlalchemy": usual.flask_sqlalchemy,
    "flask-sqlalchemy-lite": usual.flask_sqlalchemy_lite,
    "plain-sqlalchemy": usual.plain_sqlalchemy,
    "blueprint": usual.registered_blueprint,
    "nested": nested.build,
    "renamed": renamed.build,
    "joined": inherited.joined,
    "single-table": inherited.single_table,
    "scoped": scoped.build,
    "crowded": crowded.build,
}
