"""Apps that somebody else wrote, each with the customers list in it, in a way of her own."""

from collections.abc import Callable

from . import crowded, frameworks, inherited, nested, renamed, scoped, tenants, usual
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
    "apiflask": frameworks.apiflask,
    "debug-toolbar": frameworks.debug_toolbar,
    "host-matching": frameworks.host_matching,
    "engine-by-tenant": tenants.engine_by_tenant,
    "schema-by-tenant": tenants.schema_by_tenant,
    "blueprint-of-two-apps": tenants.blueprint_of_two_apps,
}
