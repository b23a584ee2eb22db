"""Keep a folder of data to one run at a time. It removes none."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from client.errors import ClientError


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Keep a second run away from the data: two Azurites on the same files destroy them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ClientError(f"another run uses {folder}. Choose another folder by DATA_DIR") from error
        yield
