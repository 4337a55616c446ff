"""Foreign text, made fit to be shown: what is printed, logged or written on a page may be a stranger's."""

from __future__ import annotations

import re
from typing import Any

LONGEST = 200
LONGEST_LINE = 2_000
# Letters and signs that Unicode calls printable, and that are drawn as nothing, or as a blank.
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
# More marks on one letter than any script writes: they run over the lines above and below.
PILED_MARKS = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4,}")


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def printable(text: Any, longest: int = LONGEST) -> str:
    """`text` on one line, without anything that could steer a terminal or deceive a reader, and cut after `longest`.

    Escape codes, control characters, line breaks, direction marks, characters of no width, lone surrogates and
    unassigned code points become their numbers, as `\\u001b`. Letters of every script stay as they are.
    """
    whole = str(text)
    if len(whole) <= longest and whole.isascii() and whole.isprintable():
        return whole
    # what is cut off need not be looked at
    shown = whole[:longest]
    shown = PILED_MARKS.sub(lambda found: "".join(map(_escaped, found[0])), shown)
    shown = "".join(sign if sign.isprintable() and not UNSEEN.match(sign) else _escaped(sign) for sign in shown)
    return shown + (f"... ({len(whole):,} characters)" if len(whole) > longest else "")


def printable_lines(text: Any) -> str:
    """The same for a text of our own of several lines, in which foreign text may stand: line breaks (LF) stay."""
    return "\n".join(printable(line.replace("\t", "    "), LONGEST_LINE) for line in str(text).split("\n"))
