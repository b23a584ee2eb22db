"""The command `check`: ask a server for its change feed, and say what stands in the way."""

import argparse
from typing import Final

import requests

from client.archive_server import detail_of
from client.dicomweb import LOGINS, DicomwebServer, add_server
from client.errors import ClientError

UNAUTHENTICATED: Final = 3
FORBIDDEN: Final = 4
UNREACHABLE: Final = 5
WRONG_VERSION: Final = 6
_EPILOG: Final = f"""\
exit codes: 0 all is well; 1 the server fails; 2 the command line makes no sense; 3 the login is missing or not taken; 4 it may
not read the change feed; 5 nothing answers there, or its certificate is not to be trusted; 6 what answers has no such change
feed: another version, another path or another kind of server.
{LOGINS}"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "check",
        help="find out whether a server can be used",
        description="Read the change feed of a DICOMweb service, and say what stands in the way.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_server(parser)
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    server = DicomwebServer(options)
    try:
        answer = server.get(
            "/changefeed", "application/json", {"limit": "1", "offset": "0", "includemetadata": "false"}
        )
    except (requests.exceptions.SSLError, requests.exceptions.ConnectionError, requests.Timeout) as error:
        is_tls = isinstance(error, requests.exceptions.SSLError)
        why = "its certificate is not to be trusted" if is_tls else type(error).__name__
        print(f"unreachable: nothing at {server.root} can be used ({why})")
        return UNREACHABLE
    except requests.RequestException as error:
        raise ClientError(f"{server.root} cannot be asked ({type(error).__name__})") from None
    with answer:
        return _judge(answer, server.root)


def _judge(answer: requests.Response, root: str) -> int:
    match answer.status_code:
        case 401:
            print(f"unauthenticated: {root} does not take this login")
            return UNAUTHENTICATED
        case 403:
            print(f"forbidden: this login may not read the change feed of {root}")
            return FORBIDDEN
        case 200 if _is_feed(answer):
            print(f"ok: {root} answers, and its change feed can be read")
            return 0
        case 200 | 301 | 302 | 400 | 404 | 405 | 406 | 410 | 501:
            print(
                f"wrong version: {root} has no such change feed ({answer.status_code}); see its path and version"
            )
            return WRONG_VERSION
    raise ClientError(f"{root} answered {answer.status_code} {detail_of(answer)}".strip())


def _is_feed(answer: requests.Response) -> bool:
    try:
        entries = answer.json()
    except ValueError:
        return False
    return isinstance(entries, list) and all(
        isinstance(entry, dict) and {key.lower() for key in entry} >= {"sequence", "action"}
        for entry in entries
    )
