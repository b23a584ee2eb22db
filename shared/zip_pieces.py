"""What a ZIP is written to that is sent while it is made."""


class ZipPieces:
    """Keeps what is written until it is taken. It cannot be sought in, so a file's size follows its content."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.length = 0

    def write(self, data: bytes, /) -> int:
        """Keep *data*."""
        self._pieces.append(data)
        self.length += len(data)
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""

    def close(self) -> None:
        """There is nothing behind it."""

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self.length = 0
        return data
