"""A lookup of a host's own: the beginning of a text, ``?code__istartswith=tr``."""

from marshmallow import Schema, fields
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from omsflask import Filter, FilterSet, ListService
from omsflask.declarations.lookups import ESCAPE, LOWER, TEXT, Lookup, ascii_lower, pattern

istartswith = Lookup(
    name="istartswith",
    compare=lambda column, start: ascii_lower(column).like(start, escape=ESCAPE),
    prepare=lambda start: f"{pattern(start.translate(LOWER))}%",
    types=TEXT,
)


class Base(DeclarativeBase):
    """The host's tables."""


class Article(Base):
    """An article."""

    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]


class ArticleSchema(Schema):
    """An article as it is shown."""

    id = fields.Integer()
    code = fields.String()


class ArticleFilters(FilterSet):
    """How articles may be narrowed."""

    code = Filter(fields.String, lookups=("exact", istartswith))


articles = ListService(
    resource="articles", name="all", schema=ArticleSchema, filters=ArticleFilters
)
listing = articles.bind(Article)
