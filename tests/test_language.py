"""The prose is plain: a sentence has 25 words at most, and opens with its subject."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: The documents and the folders of code.
PROSE = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = sorted({path.parent.relative_to(ROOT) for path in (ROOT / "omsflask").rglob("*.py")})

MAX_WORDS = 25
OPENERS = re.compile(r"(?:What|Who|Whoever|Of|Not|So many)\b")

#: Not prose: blocks of code, comments of Markdown, and the tables of docstrings.
FENCED = re.compile(r"^ *```.*?^ *```|<!--.*?-->|^={4,} +={4,}\n.*?^={4,} +={4,}$", re.M | re.S)
#: Nor are tables and headings of Markdown.
LINES = re.compile(r"^ *(?:\||#|=====|-----|\.\. |!!!).*$", re.M)
#: Where a sentence may begin other than behind a point.
ITEMS = re.compile(r"^ *(?:[-*]|\d+\.|:[\w ]+:) ", re.M)
CODE = re.compile(r"``.*?``|`[^`]*`|:\w+:`[^`]*`", re.S)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[A-Z\"“*'(`])|\n\s*\n")


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of Markdown or of a docstring, each bit of code as one word."""
    text = LINES.sub("\n", FENCED.sub("\n\n", text))
    text = ITEMS.sub("\n\n", LINK.sub(r"\1", CODE.sub("X", text)))
    for sentence in SENTENCE.split(text):
        yield " ".join(sentence.replace("*", "").split())


def faults(text: str) -> list[str]:
    """Return the sentences that are too long, or open with a word that hides the subject."""
    return [
        it for it in sentences(text) if len(it.split()) > MAX_WORDS or OPENERS.match(it) is not None
    ]


def docstrings(path: Path) -> Iterator[str]:
    """Yield the docstrings of a module, without what is indented as code."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, documented) and (text := ast.get_docstring(node)):
            yield re.sub(r"::\n\n(?:    .*\n|\n)+", "\n\n", text + "\n")


def comments(path: Path) -> Iterator[str]:
    """Yield the comments of a module, those on lines that follow each other as one."""
    lines = re.sub(r"^ *#:?(?: |$)(?!type:|noqa|fmt:)", "\0", path.read_text(), flags=re.M)
    for run in re.findall(r"(?:^\0.*\n)+", lines, re.M):
        yield run.replace("\0", "")


@pytest.mark.parametrize("path", PROSE, ids=lambda it: it.name)
def test_pages_are_plain(path: Path) -> None:
    found = faults(path.read_text())
    assert not found, "\n".join(found)


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_docstrings_and_comments_are_plain(folder: Path) -> None:
    found = {
        f"{path.relative_to(ROOT)}: {fault}"
        for path in sorted((ROOT / folder).glob("*.py"))
        for text in (*docstrings(path), *comments(path))
        for fault in faults(text)
    }
    assert not found, "\n".join(sorted(found))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The server checks the token. It answers 401.", 0),
        ("What the server checks is the token.", 1),
        ("One item:\n\n- Not this.\n- This.", 1),
        ("| Not a sentence |\n\n# Of headings\n\n```\nWhat is code\n```\n", 0),
        ("word " * 25, 0),
        ("word " * 26, 1),
    ],
)
def test_faults_are_found(text: str, number: int) -> None:
    assert len(faults(text)) == number
