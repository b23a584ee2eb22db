"""Where the checker of Bicep against Azure's resource types lies, which is no part of this repository."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[3]
_FOLDER: Final = Path(os.environ.get("BICEP_CHECKER", _ROOT.parent / "shared" / "infra"))


def checker() -> Path | None:
    """Return its folder: that of BICEP_CHECKER, else `shared/infra` beside this repository; None if it is not there."""
    return _FOLDER if (_FOLDER / "check_bicep.py").is_file() else None


def header() -> str:
    """Say whether it is there, for the head of a test run."""
    if checker() is None:
        return f"infra: NOT checked against Azure's resource types, as {_FOLDER} holds no check_bicep.py"
    return f"infra: checked against Azure's resource types by {_FOLDER}"


def run_checker(script: str, what: Path) -> tuple[int, str]:
    """Run one of its scripts, and return its exit status and what it says."""
    ran = subprocess.run(
        [sys.executable, str(_FOLDER / script), str(what)],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ran.returncode, ran.stdout + ran.stderr
