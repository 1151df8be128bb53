"""gunicorn for this service: threads, no trust in headers, nothing personal in the logs.

Each line may be overridden on the command line or in GUNICORN_CMD_ARGS.
"""

import logging
import os
import re
from datetime import timedelta
from urllib.parse import quote

from gunicorn.glogging import Logger

workers = 2
worker_class = "gthread"  # A sync worker is killed at `timeout`, in the middle of an export.
threads = 4
timeout = 30
graceful_timeout = 900  # An export under way is finished before a worker ends.
keepalive = 5

# By default gunicorn lets clients on this machine, and so any that come through a local proxy,
# set SCRIPT_NAME and PATH_INFO by a header of that name. Name your proxies in forwarded_allow_ips.
forwarder_headers = ""
forwarded_allow_ips = ""
control_socket_disable = True

accesslog = "-"
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(B)s %(L)ss'


class DiscreetLogger(Logger):
    """Logs no query string, which holds names and addresses, and no raw control characters."""

    def setup(self, cfg):
        super().setup(cfg)
        self.error_log.addFilter(discreet)

    def atoms(self, resp, req, environ, request_time):
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
