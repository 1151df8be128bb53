"""Characters that nobody sees: two texts look alike and are not equal."""

from __future__ import annotations

import re
import unicodedata

#: Characters that Unicode counts as printable and no screen shows: fillers, selectors, a joiner.
IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)

#: A joiner or a selector belongs to a letter or sign beyond Latin before it: Persian, Hindi, emoji.
#: A direction mark belongs to a text with Hebrew or Arabic letters.
JOINED = re.compile("(?<=[^\x00-\u024f])[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
MARKS = re.compile("[\u061c\u200e\u200f]")
RIGHT_TO_LEFT = re.compile("[\u05d0-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")

#: By which a screen shows nothing. An unassigned character may be an emoji of a newer Unicode.
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"}


def unseen(text: str) -> str:
    """Return what ``text`` holds that nobody sees, in words; nothing where all can be seen."""
    if text.isprintable() and (text.isascii() or not IGNORABLE.search(text)):
        return ""
    for place, character in enumerate(text):
        if character != " " and (
            unicodedata.category(character) in UNSEEN or IGNORABLE.match(character)
        ):
            behind = f" after {text[max(place - 20, 0) : place]!r}" if place else " at its start"
            return f"It holds {_named(character)}{behind}, which cannot be seen."
    return ""


def unexpected(text: str) -> str:
    """Return the same, without what the writing of a language or an emoji needs."""
    if text.isprintable() and (text.isascii() or not IGNORABLE.search(text)):
        return ""
    text = JOINED.sub("", text)
    return unseen(MARKS.sub("", text) if RIGHT_TO_LEFT.search(text) else text)


def _named(character: str) -> str:
    name = {"\n": "LINE FEED", "\r": "CARRIAGE RETURN", "\t": "TAB"}.get(character, "")
    return f"U+{ord(character):04X} {unicodedata.name(character, name)}".rstrip()
