"""The command `search`: find instances of an archive by id, by values or by a query, and print their ids."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from client.archive_server import DEFAULT_URL, ArchiveServer
from client.errors import ClientError
from client.saving import check_free, write_whole

NOTHING_FOUND: Final = 3
_PAGE: Final = 1000
_EPILOG: Final = """\
WHAT is one id, or any number of KEY=VALUE, all of which must hold: PatientID=X, "Patient ID=X" or "(0010,0020)=X".
Only ids are printed, which are UIDs; what else was asked for with --fields and --facets is saved with -o.
The variable DICOM_FUNCTIONS_KEY holds a function key, where one is needed.
exit codes: 0 found; 1 failed, the message says why; 2 the command line makes no sense; 3 nothing found."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "search",
        help="find instances by id, by any attribute, or by a query",
        description="Find instances of an archive.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("what", metavar="WHAT", nargs="*", help="an id, or KEY=VALUE")
    add("--query", metavar="FILE", type=Path, help="JSON file with a query in Elasticsearch's language")
    add("--fields", metavar="NAMES", help="fields to save of each, separated by commas")
    add("--facets", action="store_true", help="save counts by modality, year, manufacturer and risk")
    add("--just-find", action="store_true", help="print only how many there are")
    add("--limit", metavar="N", type=int, help="most instances to return (default all)")
    add("--index", metavar="NAME", help="another search index of the archive")
    add("--partition", metavar="NAME", help="data partition of the archive")
    add("-o", "--save", metavar="FILE", type=Path, help="JSON file for hits and facets")
    add("--force", action="store_true", help="overwrite a file that is there")
    add("--url", default=DEFAULT_URL, help=f"of the archive (default {DEFAULT_URL})")
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    if bool(options.what) == (options.query is not None):
        raise ClientError("name an id or KEY=VALUE, or a query by --query")
    if options.save is not None:
        check_free(options.save, force=options.force)
    asking = _Asking(options)
    first = asking.page("", 1 if options.just_find else _PAGE)
    if options.just_find:
        total = first["total"]
        print("more than could be counted" if total is None else total)
        return 0 if first["found"] else NOTHING_FOUND
    hits: list[dict[str, Any]] = []
    for hit in asking.hits(first):
        if options.limit is not None and len(hits) == options.limit:
            break
        hits.append(hit)
        print(hit["id"])
    if options.save is not None:
        told = {"total": first["total"], "facets": first.get("facets"), "hits": hits}
        write_whole(options.save, json.dumps(told, indent=2, ensure_ascii=False).encode())
    return 0 if hits else NOTHING_FOUND


class _Asking:
    """One search, page by page."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._server = ArchiveServer(options.url)
        self._options = options
        self._query = _read(options.query) if options.query else None

    def hits(self, page: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the hits of a page and of all that follow."""
        while True:
            yield from page["hits"]
            if page["next_after"] is None:
                return
            page = self.page(page["next_after"], _PAGE)

    def page(self, after: str, limit: int) -> dict[str, Any]:
        """Return the page that begins after a place; "" is the beginning."""
        options = self._options
        asked: dict[str, Any] = {"limit": limit}
        if options.just_find:
            asked["just_find"] = True
        if options.facets and not after:
            asked["facets"] = True
        if after:
            asked["after"] = after
        named = [(name, getattr(options, name)) for name in ("index", "partition") if getattr(options, name)]
        if self._query is not None:
            fields = {"fields": options.fields.split(",")} if options.fields else {}
            return self._server.send_json("/search", {"query": self._query} | asked | fields, named)
        if options.fields:
            named.append(("fields", options.fields))
        named += [
            (name, str(value).lower() if value is True else str(value)) for name, value in asked.items()
        ]
        for one in options.what:
            name, separator, value = one.partition("=")
            named.append((name, value) if separator else ("q", one))
        return self._server.json("/search", named)


def _read(file: Path) -> Any:
    try:
        read = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ClientError(f"the query cannot be read as JSON ({type(error).__name__})") from None
    return read["query"] if isinstance(read, dict) and "query" in read else read
