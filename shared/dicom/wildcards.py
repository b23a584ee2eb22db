"""Wild card matching in time linear in the text, for patterns of unknown senders. It does not fold case.

Source: PS3.4 2024d §C.2.2.2.4
"""

from __future__ import annotations


def wildcard_match(pattern: str, text: str) -> bool:
    """Tell whether *text* as a whole fits *pattern*: "*" is any characters or none, "?" exactly one.

    Each piece between two "*" is taken at its first fit, which never rules out a later one; so nothing is tried
    twice, whatever the pattern.
    """
    head, *rest = pattern.split("*")
    if not rest:
        return len(head) == len(text) and _fits_at(head, text, 0)
    *middle, tail = rest
    position, end = len(head), len(text) - len(tail)
    if position > end or not _fits_at(head, text, 0) or not _fits_at(tail, text, end):
        return False
    for piece in middle:
        found = _find(piece, text, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def _fits_at(piece: str, text: str, start: int) -> bool:
    if "?" not in piece:
        return text.startswith(piece, start)
    return all(wanted in ("?", text[start + index]) for index, wanted in enumerate(piece))


def _find(piece: str, text: str, start: int, end: int) -> int:
    """Return where *piece* first fits within text[start:end], or -1."""
    if "?" not in piece:
        return text.find(piece, start, end)
    # Shift-And: bit i of `state` says that the first i+1 characters of the piece fit up to here.
    anything = sum(1 << index for index, wanted in enumerate(piece) if wanted == "?")
    fitting = {
        letter: sum(1 << index for index, wanted in enumerate(piece) if wanted in ("?", letter))
        for letter in set(piece)
    }
    complete, state = 1 << (len(piece) - 1), 0
    for position in range(start, end):
        state = (state << 1 | 1) & fitting.get(text[position], anything)
        if state & complete:
            return position - len(piece) + 1
    return -1
