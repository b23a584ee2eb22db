"""The secret that pseudonyms of a local archive are made with: made once, and kept beside its data."""

import os
import secrets
from pathlib import Path

VARIABLE = "DICOM_DEIDENTIFY_SECRET"
_FILE = "deidentify-secret"


def pseudonym_secret(data_folder: Path) -> str:
    """Return the secret of the data in *data_folder*; only its owner can read the file."""
    path = data_folder / _FILE
    if not path.exists():
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        new.replace(path)
    return path.read_text(encoding="ascii")
