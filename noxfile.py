"""Tasks: ``nox -l`` lists them, ``nox -s test`` runs one."""

import nox

nox.options.sessions = ["lint", "types", "test", "slow", "docs"]

TYPED = ("omsflask", "examples", "tests/embedding/typed_host.py")


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


@nox.session
def test(session: nox.Session) -> None:
    """Run the fast tests, on all processors."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that take seconds by their nature, and the recipes of docs/pulling.md."""
    session.install("-e", ".[test,docs,consumers]")
    session.run("pytest", "-m", "slow", "-rs", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure which lines and branches the fast tests reach."""
    session.install("-e", ".[test]", "coverage")
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
