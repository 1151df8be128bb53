"""Tasks: ``nox -l`` lists them, ``nox -s test`` runs one."""

from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "test", "slow", "docs"]

TYPED = ("omsflask", "examples", "tests/embedding/typed_host.py")

#: Tests index the JSON of answers, which may be None by its type. The other tests are to follow.
TYPED_TESTS = (
    *("tests/conftest.py", "tests/test_docs.py", "tests/test_pages.py", "tests/test_language.py"),
    *("tests/renderers", "tests/standalone", "tests/tables"),
    *(f"tests/web/test_{name}.py" for name in ("auth", "endings", "negotiation", "parsers")),
    *sorted(str(path) for path in Path("benchmarks").glob("*.py")),
)
LENIENT = ("index", "no-untyped-call", "unused-ignore")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, and the direction of imports."""
    session.install("-e", ".[test,lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--config", "setup.cfg")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install("-e", ".[test,lint]")
    session.run("mypy", "--strict", *TYPED)
    lenient = [option for code in LENIENT for option in ("--disable-error-code", code)]
    tests = ["mypy", "--strict", "--explicit-package-bases", *lenient, *TYPED_TESTS]
    session.run(*tests, env={"MYPYPATH": "tests"})


@nox.session
def test(session: nox.Session) -> None:
    """Run the fast tests, on all processors."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that take seconds by their nature, and the recipes of docs/pulling.md."""
    session.install("-e", ".[test,docs,consumers,servers]")
    session.run("pytest", "-m", "slow", "-rs", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure which lines and branches the fast tests reach."""
    session.install("-e", ".[test]", "coverage>=7.10")
    session.run("coverage", "run", "-m", "pytest", "-n", "0", *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into site/."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure pages against a constant view, a naive stack and Django REST framework."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)
