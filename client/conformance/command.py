"""The command `conformance`: run the checks against a DICOMweb service and say of each what was seen."""

import argparse
from collections.abc import Iterator

import requests

from client.conformance import rendering, retrieving, searching, storing  # noqa: F401 - they declare the checks
from client.conformance.server import Server
from client.conformance.verdict import CHECKS, CheckFailed, NotApplicable, Outcome, Verdict
from client.errors import ClientError

_DIALECTS = {"auto": None, "standard": False, "azure": True}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "conformance", help="check a DICOMweb service", description="Check a DICOMweb service over HTTP."
    )
    parser.add_argument("url", help="its base, such as http://127.0.0.1:7071/dicomweb")
    parser.add_argument("--dialect", choices=_DIALECTS, default="auto", help="auto: azure below /v1 and /v2")
    parser.add_argument("--only", nargs="+", metavar="ID", default=[], help="ids of checks; all unless given")
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    unknown = sorted(set(options.only) - set(CHECKS))
    if unknown:
        raise ClientError(f"no such checks: {', '.join(unknown)}; ids are {' '.join(sorted(CHECKS))}")
    server = Server(options.url, is_azure=_DIALECTS[options.dialect])
    counts = dict.fromkeys(Verdict, 0)
    for outcome in run_checks(server, options.only or list(CHECKS)):
        counts[outcome.verdict] += 1
        print(f"{outcome.check_id}  {outcome.verdict:<4}  {outcome.seen}")
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 1 if counts[Verdict.FAIL] else 0


def run_checks(server: Server, check_ids: list[str]) -> Iterator[Outcome]:
    """Yield what each check comes to, and delete what they stored.

    Raises:
        ClientError: The service does not answer at all.
    """
    try:
        server.call("/studies?limit=1")
    except requests.RequestException as error:
        raise ClientError(f"{server.url} does not answer ({type(error).__name__}); is it running?") from None
    try:
        for check_id in check_ids:
            yield run_check(server, check_id)
    finally:
        server.tidy()


def run_check(server: Server, check_id: str) -> Outcome:
    """Return what one check comes to; an answer that it cannot read is a failure of the service."""
    try:
        return Outcome(check_id, Verdict.PASS, CHECKS[check_id](server))
    except NotApplicable as reason:
        return Outcome(check_id, Verdict.NOT_APPLICABLE, str(reason))
    except CheckFailed as failure:
        return Outcome(check_id, Verdict.FAIL, str(failure))
    except requests.RequestException as error:
        return Outcome(check_id, Verdict.FAIL, f"no answer ({type(error).__name__})")
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return Outcome(check_id, Verdict.FAIL, f"the answer cannot be read ({type(error).__name__}: {error})")
