"""Run everything on this machine: Azurite, SeaweedFS and a search server if asked for, the app, sample data; it installs nothing."""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
from pathlib import Path

from client import sample_data
from client.app import App
from client.azurite import Azurite
from client.child import Child, beside, ready_in, running
from client.local_parts import Options, app_program, azurite_program, noida_program, seaweedfs_program
from client.mammography import CASE_ID, YEAR
from client.noida import NoidaDb
from client.owned_folder import owned
from client.ports_in_use import check_ports
from client.seaweedfs import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SeaweedFs
from client.viewer.site import BASE_PATH

_START_SECONDS = 90
_INDEXING_SECONDS = 120
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_DESCRIPTION = """\
Start Azurite and the app on this machine, load sample data into an empty store, and stay until Ctrl-C.

The app is hosted by Azure Functions Core Tools where `func` is on the path, else by `python -m localhost`.
Several may run side by side: give each its own ports and its own data folder."""
_EPILOG = """\
exit codes: 0 stopped by Ctrl-C or SIGTERM; 1 it could not start, or a part of it died (the message says which);
2 the command line makes no sense."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `start` to the commands."""
    parser = commands.add_parser(
        "start",
        help="start Azurite and the app on this machine, with sample data",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    environment = os.environ.get
    add(
        "--port",
        type=_port,
        default=environment("PORT", "7071"),
        help="of the app (variable PORT; default 7071)",
    )
    add(
        "--azurite-port",
        type=_port,
        default=environment("AZURITE_PORT", "10000"),
        help="of blobs; queues and tables take the two after it (variable AZURITE_PORT; default 10000)",
    )
    add(
        "--data-dir",
        type=Path,
        default=environment("DATA_DIR", ".data"),
        help="folder of stored data and logs (variable DATA_DIR; default .data)",
    )
    add(
        "--store",
        choices=("azure", "s3"),
        default=environment("STORE", "azure"),
        help="where objects are kept: Azurite, or SeaweedFS (variable STORE; default azure)",
    )
    add(
        "--s3-port",
        type=_port,
        default=environment("S3_PORT", "8333"),
        help="of S3; SeaweedFS takes the nine after it too (variable S3_PORT; default 8333)",
    )
    add(
        "--search",
        action="store_true",
        default=environment("SEARCH", "") not in ("", "0"),
        help="start noida-db, which stands in for Elasticsearch (variable SEARCH=1)",
    )
    add(
        "--search-port",
        type=_port,
        default=environment("SEARCH_PORT", "9200"),
        help="of noida-db (variable SEARCH_PORT; default 9200)",
    )
    add("--no-samples", action="store_true", help="leave an empty store empty")
    parser.set_defaults(command=_run_command)


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65533:
        raise argparse.ArgumentTypeError(f"{text}: give a port from 1 to 65533")
    return port


def _run_command(arguments: argparse.Namespace) -> int:
    options = Options(
        App(arguments.port, arguments.data_dir.resolve()),
        Azurite(arguments.azurite_port),
        not arguments.no_samples,
        SeaweedFs(arguments.s3_port) if arguments.store == "s3" else None,
        NoidaDb(arguments.search_port) if arguments.search else None,
    )
    check_ports(options.ports)
    with owned(options.app.data_folder), contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_run(options))
    return 0


async def _run(options: Options) -> None:
    _cancel_on_signal()
    async with contextlib.AsyncExitStack() as stack:
        children = [await _start_storage(stack, options)]
        if options.seaweedfs:
            children.append(await _start_seaweedfs(stack, options, options.seaweedfs))
        if options.noida:
            children.append(await _start_noida(stack, options, options.noida))
        program = app_program(options)
        print(f"starting the app: {' '.join(program.command)}")
        children.append(await stack.enter_async_context(running(program)))
        await ready_in(_START_SECONDS, children, options.app.healthy())
        images = await stack.enter_async_context(options.images)
        if options.samples and await beside(children, images.is_empty()):
            await beside(children, sample_data.upload(images, options.app.url))
            await ready_in(_INDEXING_SECONDS, children, sample_data.indexed(options.app.url))
        _say_where(options)
        await beside(children, asyncio.Event().wait())


async def _start_storage(stack: contextlib.AsyncExitStack, options: Options) -> Child:
    print(f"starting Azurite on ports {options.azurite.ports[0]} to {options.azurite.ports[-1]}")
    azurite = await stack.enter_async_context(running(azurite_program(options)))
    await ready_in(_START_SECONDS, [azurite], options.azurite.answering())
    await ready_in(_START_SECONDS, [azurite], options.azurite.furnish())
    return azurite


async def _start_seaweedfs(stack: contextlib.AsyncExitStack, options: Options, seaweedfs: SeaweedFs) -> Child:
    print(f"starting SeaweedFS on ports {seaweedfs.ports[0]} to {seaweedfs.ports[-1]}")
    child = await stack.enter_async_context(running(seaweedfs_program(options, seaweedfs)))
    await ready_in(_START_SECONDS, [child], seaweedfs.answering())
    return child


async def _start_noida(stack: contextlib.AsyncExitStack, options: Options, noida: NoidaDb) -> Child:
    print(f"starting noida-db on port {noida.port}; it stands in for Elasticsearch, and is none")
    child = await stack.enter_async_context(running(noida_program(options, noida)))
    await ready_in(_START_SECONDS, [child], noida.answering())
    return child


def _cancel_on_signal() -> None:
    """Let the first signal end the run in order; later ones do not hurry it."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def cancel_once() -> None:
        for each in _SIGNALS:
            loop.add_signal_handler(each, lambda: None)
        if task is not None:
            task.cancel()

    for each in _SIGNALS:
        loop.add_signal_handler(each, cancel_once)


def _say_where(options: Options) -> None:
    url = options.app.url
    study = f"{url}/dicomweb/studies/{sample_data.TUTORIAL_STUDY_INSTANCE_UID}"
    print(f"""
  health      {url}/health
  DICOMweb    {url}/dicomweb
  viewer      {_viewer(options.app)}
  a case      {url}/cases/{YEAR}/{CASE_ID}
  {_place_of_images(options)} (what lands there is indexed)
  logs        {options.app.data_folder}/app.log and azurite.log

  curl {url}/dicomweb/studies
  curl {study}/metadata
  curl {url}/cases/{YEAR}/{CASE_ID}

ready: {url} (Ctrl-C stops it)""")


def _place_of_images(options: Options) -> str:
    if options.seaweedfs is None:
        return f"blobs       {options.azurite.blob_endpoint}/images"
    keys = f"keys {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY}"
    return f"S3          {options.seaweedfs.endpoint}, bucket images, {keys}"


def _viewer(app: App) -> str:
    if app.has_viewer:
        return app.url + BASE_PATH
    if shutil.which("func"):
        return "not served: Core Tools serve no folders"
    return "not installed (make viewer)"
