"""Our own host: an app, its engine, its tables and its sample data.

=========================  ===================================================================
:mod:`.app`                ``create_app()``: settings, database, health
:mod:`.engine`             the connection pool, timeouts, what a failure to connect does
:mod:`.psycopg_timeout`    a psycopg connection that stops waiting
:mod:`.gunicorn_conf`      gunicorn's settings for it
:mod:`.migrations`         the tables' Alembic revisions
:mod:`.sample_data`        customers to try the service with
:mod:`.make_customers`     as many of them as somebody wants
=========================  ===================================================================
"""
