"""The encoding that bytes are likely in, where they are no UTF-8.

charset-normalizer is right about half of the Turkish files that this is right about: it takes
Windows-1254 for Windows-1252, -1250 or -1257.
"""

from __future__ import annotations

import re

TURKISH = "çğıöşüâîû"
WESTERN = "äöüßáàâãåæçéèêëíìîïñóòôõøœúùûÿ"
CENTRAL = "ąćęłńóśźżáčďéěíňřšťúůýžäôĺľŕöőüűăâîđß"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ"
GREEK = "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊ"

#: An encoding, and the letters of the languages that are written in it. If two fit alike, the first
#: is offered: a text that has only ö and ü is the same in both.
LETTERS = {
    "windows-1254": TURKISH,
    "windows-1252": WESTERN,
    "windows-1250": CENTRAL,
    "windows-1253": GREEK,
    "windows-1251": CYRILLIC,
    "cp857": TURKISH,
    "cp850": WESTERN,
    "mac-turkish": TURKISH,
    "mac-roman": WESTERN,
}
#: All letters of a word in these are beyond ASCII, and few letters of a word in the others.
OTHER_SCRIPTS = {CYRILLIC, GREEK}

#: A run of letters with one beyond ASCII among them.
WORD = re.compile(r"[^\W\d_]*[^\x00-\x7f][^\W\d_]*")
PUNCTUATION = set("‘’“”–—…€«»°·\u00a0")


def is_utf_8(chunk: bytes) -> bool:
    """Whether a piece of a file, which may end within a character, is UTF-8 all the same."""
    try:
        chunk.decode()
    except UnicodeDecodeError as error:
        return error.start > 0 and error.reason == "unexpected end of data"
    return True


def likeliest(chunk: bytes) -> str | None:
    """Return the name of the encoding that ``chunk`` is likely in, if it is not a damaged UTF-8."""
    text = chunk.decode(errors="replace")
    damaged = text.count("\ufffd")
    if sum(not it.isascii() for it in text) > 2 * damaged:
        return None
    scores = {name: _score(chunk, name, letters) for name, letters in LETTERS.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0 else None


def _score(chunk: bytes, encoding: str, letters: str) -> int:
    """Return how many more characters are of words in such letters than are not."""
    try:
        text = chunk.decode(encoding)
    except UnicodeDecodeError:
        return -len(chunk)
    known = {*letters, *letters.upper(), *("İ" if "ı" in letters else "")} - {"I"}
    return sum(_fits(word, known, letters in OTHER_SCRIPTS) for word in WORD.findall(text))


def _fits(word: str, known: set[str], other_script: bool) -> int:
    """Return the same of a word: a script is not mixed, and a capital stands at the beginning."""
    foreign = [it for it in word if not it.isascii() and it not in PUNCTUATION]
    is_whole = len(foreign) == len(word)
    if not (word.islower() or word.isupper() or word[1:].islower()):
        return -len(foreign)
    if other_script and not is_whole:
        return -len(word)
    if is_whole and not other_script and len(word) > 3:
        return 0
    return sum(1 if it in known else -1 for it in foreign)
