"""Write files that appear once they are whole, and overwrite none unasked. It fetches nothing."""

from pathlib import Path

from client.errors import RefusedError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file; folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    beside.write_bytes(data)
    beside.replace(path)


def check_free(path: Path, *, force: bool) -> None:
    """Refuse a file that is there already.

    Raises:
        RefusedError: It is, and *force* was not given.
    """
    if path.exists() and not force:
        raise RefusedError(f"{path} is there already; name another one, or overwrite with --force")
