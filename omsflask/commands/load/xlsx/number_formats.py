"""How a sheet shows a number, where that is the same in every language.

The codes are those of ECMA-376, part 1, 18.8.31.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

#: The parts of a code: a literal, room as wide as a character, a colour or condition, ``General``,
#: a digit, and any other character.
TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|(?P<room>[_*].)|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>General)|(?P<digit>[0#?])|(?P<other>.)",
    re.DOTALL | re.IGNORECASE,
)
#: Characters that are literals without quotes.
LITERAL = set("$-+():!^&'~{}<>= \u00a0")
DATE, TIME = set("dDyYmM"), set("hHsS")
CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?\d{1,15}(?:\.0*)?)")
CURRENCY = re.compile(r"\$([^\-]*)(?:-[0-9A-F]{0,4})?", re.IGNORECASE)
COLOUR = re.compile(r"black|blue|cyan|green|magenta|red|white|yellow|color\s?\d+", re.IGNORECASE)
DURATION = re.compile(r"h+|m+|s+", re.IGNORECASE)
HOLDS = {
    "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__, "=": int.__eq__,
    "<>": int.__ne__,
}  # fmt: skip

#: A code has 255 characters in Excel.
MAX_CODE = 1000


class Token(NamedTuple):
    """A part of a code: ``literal``, ``digit``, ``general`` or ``other``."""

    kind: str
    text: str


class Section(NamedTuple):
    """How some numbers are shown: those for which a condition holds, where there is one."""

    tokens: list[Token]
    condition: tuple[str, int] | None


class Format:
    """How numbers and texts are shown by a code.

    :param code: as Excel has it, ``0000 000 00 00``.
    """

    def __init__(self, code: str) -> None:
        self._sections = [_section(tokens) for tokens in _split(code[:MAX_CODE])]
        letters = {
            it.text for section in self._sections[:1] for it in section.tokens if it.kind == "other"
        }
        self._has_text = any(Token("other", "@") in it.tokens for it in self._sections)
        has_time, has_month = bool(letters & TIME), bool(letters & set("mM"))
        self.is_date = bool(letters & DATE) and not (
            has_time and has_month and not letters & set("dDyY")
        )
        self.is_time = not self.is_date and (has_time or "[]" in letters)

    def shown(self, number: int) -> str | None:
        """Return a whole number as it is shown, if that is the same in every language."""
        section, signed = self._choose(number)
        if section is None:
            return None
        text = _digits(section.tokens, abs(number))
        if text is None or not text.strip():
            return None
        return f"-{text.strip()}" if signed and number < 0 else text.strip()

    def shows(self, number: int) -> bool:
        """Whether a whole number is shown, in any language, and not a multiple of it."""
        section, _ = self._choose(number)
        if section is None or Token("other", "%") in section.tokens:
            return False
        kinds = [it.kind for it in section.tokens]
        if "digit" not in kinds:
            return "general" in kinds
        behind = section.tokens[len(kinds) - kinds[::-1].index("digit") :]
        return Token("other", ",") not in behind

    def shown_text(self, text: str) -> str | None:
        """Return a text as it is shown."""
        if not self._has_text:
            return text if len(self._sections) < 4 else None
        section = next(it for it in self._sections if Token("other", "@") in it.tokens)
        if any(it.kind not in ("literal", "other") for it in section.tokens):
            return None
        return "".join(text if it.text == "@" else it.text for it in section.tokens)

    def _choose(self, number: int) -> tuple[Section | None, bool]:
        """Return the section for a number, and whether a minus is put before it."""
        sections = [it for it in self._sections[:3] if Token("other", "@") not in it.tokens]
        if not sections:
            return Section([Token("general", "")], None), True
        if any(it.condition for it in sections):
            for section in sections:
                if section.condition is None:
                    return section, True
                sign, bound = section.condition
                if HOLDS[sign](number, bound):
                    return section, True
            return None, True
        place = 0 if number > 0 else 1 if number < 0 else 2
        if place < len(sections):
            return sections[place], place == 0
        return sections[0], True


@lru_cache(maxsize=1024)
def number_format(code: str) -> Format:
    """Return the format of a code."""
    return Format(code)


def _split(code: str) -> Iterator[list[tuple[str, str]]]:
    """Yield the sections of a code, by their tokens."""
    tokens: list[tuple[str, str]] = []
    for match in TOKEN.finditer(code):
        kind = str(match.lastgroup)
        if kind == "other" and match["other"] == ";":
            yield tokens
            tokens = []
        else:
            tokens.append((kind, match[kind]))
    yield tokens


def _section(parts: list[tuple[str, str]]) -> Section:
    tokens: list[Token] = []
    condition = None
    for kind, text in parts:
        if kind == "bracket" and (match := CONDITION.fullmatch(text)):
            condition = match[1], int(float(match[2]))
        else:
            tokens += _tokens(kind, text)
    return Section(tokens, condition)


def _tokens(kind: str, text: str) -> Iterator[Token]:
    if kind in ("quoted", "escaped") or (kind == "other" and text in LITERAL):
        yield Token("literal", text)
    elif kind == "bracket":
        if match := CURRENCY.fullmatch(text):
            yield Token("literal", match[1])
        elif not COLOUR.fullmatch(text):
            yield Token("other", "[]" if DURATION.fullmatch(text) else text)
    elif kind != "room":
        yield Token(kind, text)


def _digits(tokens: list[Token], number: int) -> str | None:
    """Return a number in the places of a section."""
    kinds = [it.kind for it in tokens]
    places = kinds.count("digit")
    others = {it.text for it in tokens if it.kind == "other"}
    if places and number < 1000 and others == {","}:
        # Between digits it parts thousands, of which there are none; behind them it cuts them off.
        behind = tokens[len(kinds) - kinds[::-1].index("digit") :]
        others = {it.text for it in behind if it.kind == "other"}
    if others or not (places or "general" in kinds):
        return None
    digits, pieces = str(number) if number else "", []
    for kind, text in reversed(tokens):
        if kind == "digit":
            places -= 1
            taken = digits if places == 0 else digits[-1:]
            digits = digits[: len(digits) - len(taken)]
            pieces.append(taken or {"0": "0", "?": " "}.get(text, ""))
        elif kind != "other":
            pieces.append(str(number) if kind == "general" else text)
    return "".join(reversed(pieces))
