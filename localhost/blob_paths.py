"""Path patterns of blob triggers, such as `images/{study}/{name}.dcm`; it lists nothing."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r"\{([A-Za-z_]\w*)\}")


class BlobPath:
    """A pattern: a fixed container, then a name whose `{parameters}` match any text, slashes included."""

    def __init__(self, path: str) -> None:
        """Parse a pattern.

        Raises:
            ValueError: The container is missing or not fixed, or the name's braces cannot be read.
        """
        self.container, _, name = path.strip("/").partition("/")
        if not self.container or "{" in self.container:
            raise ValueError(f"path {path!r}: the container must be a fixed name")
        pieces = _PARAMETER.split(name)
        texts, names = pieces[::2], pieces[1::2]
        if any("{" in text or "}" in text for text in texts):
            raise ValueError(f"path {path!r}: a parameter is written {{name}}, of letters, digits and _")
        if len(set(names)) < len(names):
            raise ValueError(f"path {path!r}: a parameter is named twice")
        expression = re.escape(texts[0])
        for parameter, text in zip(names, texts[1:], strict=True):
            expression += f"(?P<{parameter}>.*)" + re.escape(text)
        self._pattern = re.compile(expression if name else ".*", re.DOTALL)
        self.prefix = texts[0]

    def match(self, blob: str) -> dict[str, str] | None:
        """Return the parameters of a blob's name, or None when it is not of this pattern."""
        found = self._pattern.fullmatch(blob)
        return None if found is None else found.groupdict()
