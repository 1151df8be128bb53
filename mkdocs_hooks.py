"""A hook of MkDocs: docstrings have reStructuredText's roles, and the site has none."""

import re
from typing import Any

ROLE = re.compile(r":(?:class|data|func|meth|mod):<code>\.?(.*?)</code>")
LITERAL = re.compile(r"<p>::</p>\n?|(?<=:):(?=</p>)")


def on_page_content(html: str, **_: Any) -> str:
    """Show a role as code, and the marks of literal blocks not at all."""
    return LITERAL.sub("", ROLE.sub(r"<code>\1</code>", html))
