"""Find the DICOM files of a folder. It reads no more of a file than its first bytes."""

from pathlib import Path

from client.errors import ClientError

_PREAMBLE = 128


class NoFilesError(ClientError):
    """There is nothing to send."""


def dicom_files(folder: Path, *, any_name: bool) -> list[Path]:
    """Return the files below *folder* whose names end in .dcm, in any case, in the order of their paths.

    Args:
        folder: Where to look.
        any_name: Whether other files count too, if they begin as DICOM files do.

    Raises:
        NoFilesError: There is no folder, or no such file.
    """
    if not folder.is_dir():
        raise NoFilesError(f"{folder} is no folder")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and _counts(path, any_name=any_name))
    if not files:
        hint = "" if any_name else "; files with other names are found with --any_name"
        raise NoFilesError(f"no DICOM file is in {folder}{hint}")
    return files


def _counts(path: Path, *, any_name: bool) -> bool:
    if path.suffix.lower() == ".dcm":
        return True
    if not any_name:
        return False
    with path.open("rb") as file:
        return file.read(_PREAMBLE + 4)[_PREAMBLE:] == b"DICM"
