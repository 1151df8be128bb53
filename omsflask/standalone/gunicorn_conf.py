"""gunicorn for this service: ``gunicorn -c python:omsflask.standalone.gunicorn_conf wsgi:app``.

Threads, no trust in headers, no waiting for bodies, nothing personal in the logs. Each setting may
be overridden on the command line or in ``GUNICORN_CMD_ARGS``.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from gunicorn.glogging import Logger

workers = 2
worker_class = "gthread"  # A sync worker is killed at `timeout`, in the middle of an export.
threads = 4
timeout = 30
graceful_timeout = 900  # An export under way is finished before a worker ends.
keepalive = 5

# By default gunicorn lets local clients set SCRIPT_NAME and PATH_INFO by a header of that name. All
# clients of a local proxy are local. Name your proxies in forwarded_allow_ips.
forwarder_headers = ""
forwarded_allow_ips = ""
control_socket_disable = True

accesslog = "-"
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(B)s %(L)ss'


def pre_request(_worker: Any, request: Any) -> None:
    """Answer a request that has a body with ``Connection: close``: no route reads one."""
    if has_body(request):
        request.force_close()


def post_request(_worker: Any, request: Any, environ: dict[str, Any], _response: Any) -> None:
    """Wait for no more of a body.

    gunicorn would read on for seconds before it closes the connection. A client that sends nothing
    more would keep a thread busy, and several clients the whole worker.
    """
    if has_body(request) and "gunicorn.socket" in environ:
        with suppress(OSError):
            environ["gunicorn.socket"].shutdown(socket.SHUT_RD)


def has_body(request: Any) -> bool:
    """Whether a request says that a body follows; in HTTP/2 none holds up its connection."""
    bodies = {name: value for name, value in request.headers if name in BODY_HEADERS}
    return request.version < (2, 0) and bodies not in ({}, {"CONTENT-LENGTH": "0"})


BODY_HEADERS = ("CONTENT-LENGTH", "TRANSFER-ENCODING")


class DiscreetLogger(Logger):  # type: ignore[misc]
    """Logs no query string, which holds names and addresses, and no raw control characters."""

    def setup(self, cfg: Any) -> None:
        """Let no message quote a request."""
        super().setup(cfg)
        self.error_log.addFilter(discreet)

    def atoms(
        self, resp: Any, _req: Any, environ: dict[str, Any], request_time: timedelta
    ) -> dict[str, Any]:
        """Return what a line can be made of; of the request's headers there is nothing.

        gunicorn's own names each header and each variable, which takes as long as routing does.
        """
        microseconds = request_time // timedelta(microseconds=1)
        return {
            "h": environ.get("REMOTE_ADDR", "-"),
            "t": self.now(),
            "m": environ["REQUEST_METHOD"],
            "U": quote(environ.get("PATH_INFO") or "", encoding="latin-1"),
            "H": environ["SERVER_PROTOCOL"],
            "s": str(resp.status).partition(" ")[0],
            "B": resp.sent,
            "D": microseconds,
            "L": f"{microseconds / 1e6:.6f}",
            "p": f"<{os.getpid()}>",
        }


def discreet(record: logging.LogRecord) -> bool:
    """Cut off what a message quotes of a request: a line that is no header, a query string."""
    message = re.sub(r"(?s)^(Invalid request from ip=\S*: [\w ]*).*", r"\1", record.getMessage())
    record.msg, record.args = re.sub(r"\?\S*", "?…", message), ()
    return True


logger_class = DiscreetLogger
