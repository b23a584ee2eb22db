"""An archive of one run's own on this machine: Azurite and the app on free ports, told of the partner. It sends nothing."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from client.app import App
from client.azurite import Azurite
from client.child import Child, beside, ready_in, running
from client.errors import ClientError
from client.local_parts import Options, app_program, azurite_program
from client.owned_folder import owned

VARIABLES: Final = ("MD_URL", "MD_KEY", "U_URL", "U_KEY", "A_URL", "A_KEY", "LOG_LEVEL")
_START_SECONDS: Final = 90
_FIRST_PORT: Final = 20000
_PORTS: Final = 4


def partner_variables(folder: Path) -> dict[str, str]:
    """Return what the environment and `.env` say; the environment goes before.

    Args:
        folder: In which `.env` is looked for.

    Raises:
        ClientError: A variable is missing; it is named.
    """
    from dotenv import dotenv_values

    written = {name: value for name, value in dotenv_values(folder / ".env").items() if value is not None}
    found = {**written, **os.environ}
    missing = [name for name in VARIABLES if not found.get(name)]
    if missing:
        raise ClientError(f"{', '.join(missing)} must be set, in the environment or in {folder / '.env'}")
    return {name: value for name, value in found.items() if name in VARIABLES or name.startswith("DICOM_")}


def data_folder(sample_id: str, upload_url: str) -> Path:
    """Return a folder of this user's alone for the archive of one sample and partner; the same for a rerun.

    Raises:
        ClientError: Somebody else has made it.
    """
    name = hashlib.sha256(f"{sample_id}\n{upload_url}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"dicom-functions-run-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise ClientError(f"{folder} is not this user's alone; remove it, or set TMPDIR to another folder")
    return folder


def in_private_archive(folder: Path, variables: Mapping[str, str], work: Callable[[str], int]) -> int:
    """Return what *work* returns, which is given the URL of an archive that runs as long as it works.

    The data are removed when it returns 0. Else they stay, so that a rerun sends only what is missing.

    Raises:
        ClientError: The archive could not start, or a part of it died.
    """
    with owned(folder):
        code = asyncio.run(_with_archive(folder, variables, work))
        if code == 0:
            shutil.rmtree(folder, ignore_errors=True)
    return code


async def _with_archive(folder: Path, variables: Mapping[str, str], work: Callable[[str], int]) -> int:
    async with _archive(folder, variables) as (children, url):
        return await beside(children, asyncio.to_thread(work, url))


@contextlib.asynccontextmanager
async def _archive(folder: Path, variables: Mapping[str, str]) -> AsyncIterator[tuple[list[Child], str]]:
    first = _free_ports()
    options = Options(App(first + 3, folder), Azurite(first), samples=False)
    program = app_program(options)
    # What the app finds in the environment goes before its own `.env`.
    # Its files may lack the PatientID that the run is about to set.
    environment = {**program.environment, "DICOM_STORE_PATIENT_ID": "optional", **variables}
    program = replace(program, environment=environment)
    async with contextlib.AsyncExitStack() as stack:
        azurite = await stack.enter_async_context(running(azurite_program(options)))
        await ready_in(_START_SECONDS, [azurite], options.azurite.answering())
        await ready_in(_START_SECONDS, [azurite], options.azurite.furnish())
        app = await stack.enter_async_context(running(program))
        await ready_in(_START_SECONDS, [azurite, app], options.app.healthy())
        yield [azurite, app], options.app.url


def _free_ports() -> int:
    """Return the first of four ports of loopback that are free at this moment."""
    for first in range(_FIRST_PORT + os.getpid() % 5000, 60000, _PORTS):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + _PORTS):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise ClientError("no four ports of this machine are free")
