"""The start page as HTML: escaped, without a script, of values it is handed. It searches nothing."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final
from urllib.parse import quote, urlencode

_STYLE: Final = """
:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{margin:0 auto;max-width:75rem;padding:1rem}
form{display:flex;flex-wrap:wrap;gap:.75rem;align-items:end;margin-block:1rem}
label{display:grid}
input,button{font:inherit;padding:.25rem .5rem}
table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid GrayText;padding:.5rem;text-align:start;vertical-align:top}
img{background:#000;color:#fff;display:block;font-size:.75rem;object-fit:contain}
nav a,td a{display:inline-block;margin-inline-end:1rem}
a:focus-visible,input:focus-visible,button:focus-visible{outline:3px solid;outline-offset:2px}
[role=alert]{border:2px solid;padding:.5rem 1rem}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; img-src 'self' data:; style-src 'sha256-{_STYLE_HASH}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""No script may run, nothing is loaded from elsewhere, no copy is kept, and no address is passed on."""

FIELDS: Final = {
    "name": ("Patient name", "search"),
    "patient": ("Patient ID", "search"),
    "accession": ("Accession number", "search"),
    "from": ("Studies from", "date"),
    "to": ("to", "date"),
}
"""Label and kind of each field of the search form, by its parameter."""

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StartPage:
    """What the page shows.

    Attributes:
        searched: Parameters as the user gave them.
        page: 1-based.
        page_size: Studies on a whole page.
        studies: Rows of a search for studies.
        total: How many match in all; None where that was not counted.
        viewer_url: Root of the viewer; empty if there is none.
        problem: What went wrong, in a sentence for the user; empty if nothing did.
    """

    searched: Mapping[str, str] = field(default_factory=dict)
    page: int = 1
    page_size: int = 20
    studies: Sequence[Json] = ()
    total: int | None = 0
    viewer_url: str = ""
    problem: str = ""


def start_page(content: StartPage) -> str:
    """Return the page; its links are relative to `/ui`, so that it works below any path."""
    body = _problem(content.problem) if content.problem else _studies(content)
    viewer = f'<a href="{escape(content.viewer_url)}">Viewer</a>' if content.viewer_url else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Studies - dicom-functions</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>Studies</h1>
<nav aria-label="Service">{viewer}<a href="cases">Cases</a><a href="ui/jobs">Jobs</a><a href="openapi.json">API document</a><a href="health">Health</a></nav>
</header>
<main>
{_form(content.searched)}
{body}
</main>
</body>
</html>
"""


def _form(searched: Mapping[str, str]) -> str:
    fields = "\n".join(
        f'<label>{label}<input type="{kind}" name="{name}" value="{escape(searched.get(name, ""))}"></label>'
        for name, (label, kind) in FIELDS.items()
    )
    return f"""<form action="ui" method="get" role="search" aria-label="Studies">
{fields}
<button>Search</button>
<a href="ui">All studies</a>
</form>"""


def _problem(problem: str) -> str:
    return f'<div role="alert"><h2>This search was not answered</h2><p>{escape(problem)}</p></div>'


def _studies(content: StartPage) -> str:
    if not content.studies:
        return (
            "<p>No study matches.</p>" if content.searched or content.page > 1 else "<p>No studies yet.</p>"
        )
    rows = "\n".join(_study(study, content.viewer_url) for study in content.studies)
    heads = "".join(
        f'<th scope="col">{head}</th>'
        for head in ("Preview", "Patient", "Date", "Study", "Series", "Instances", "Open")
    )
    return f"""<p>{_counted(content)}</p>
<table>
<caption>Newest first</caption>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
{_pages(content)}"""


def _counted(content: StartPage) -> str:
    first = (content.page - 1) * content.page_size + 1
    last = first + len(content.studies) - 1
    return f"{first} to {last} of {'many' if content.total is None else content.total}"


def _study(study: Json, viewer_url: str) -> str:
    uid = _text(study, "0020000D")
    resource = f"dicomweb/studies/{quote(uid, safe='')}"
    date = _date(_text(study, "00080020"))
    modalities = ", ".join(str(value) for value in _values(study, "00080061"))
    about = f"{modalities or 'study'} of {date or 'unknown date'}"
    preview = (
        f'<img src="{escape(resource)}/thumbnail" alt="Preview: {escape(about)}" width="96" height="96"'
        ' loading="lazy">'
    )
    patient = f"{escape(_name(study))}<br>{escape(_text(study, '00100020'))}"
    described = [modalities, _text(study, "00081030"), _text(study, "00080050")]
    cells = [
        preview,
        patient,
        escape(date),
        "<br>".join(escape(text) for text in described if text),
        escape(_text(study, "00201206")),
        escape(_text(study, "00201208")),
        _links(uid, resource, about, viewer_url),
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _links(uid: str, resource: str, about: str, viewer_url: str) -> str:
    label = f'aria-label="{{}} {escape(about)}"'
    metadata = f'<a href="{escape(resource)}/metadata" {label.format("Metadata:")}>Metadata</a>'
    if not viewer_url:
        return metadata
    address = f"{viewer_url.rstrip('/')}/viewer?{urlencode({'StudyInstanceUIDs': uid})}"
    return f'<a href="{escape(address)}" {label.format("View:")}>View</a>{metadata}'


def _pages(content: StartPage) -> str:
    seen = content.page * content.page_size
    has_more = len(content.studies) == content.page_size and (content.total is None or content.total > seen)
    links = [("Newer studies", content.page - 1)] if content.page > 1 else []
    links += [("Older studies", content.page + 1)] if has_more else []
    if not links:
        return ""
    shown = "".join(
        f'<a href="ui?{escape(urlencode({**content.searched, "page": page}))}">{text}</a>'
        for text, page in links
    )
    return f'<nav aria-label="Pages">{shown}</nav>'


def _values(study: Json, tag: str) -> Sequence[Any]:
    values: Sequence[Any] = study.get(tag, {}).get("Value", ())
    return values


def _text(study: Json, tag: str) -> str:
    return str(next(iter(_values(study, tag)), ""))


def _name(study: Json) -> str:
    name = next(iter(_values(study, "00100010")), None)
    groups: Mapping[str, str] = name if isinstance(name, Mapping) else {}
    written = next(
        (groups[group] for group in ("Alphabetic", "Ideographic", "Phonetic") if groups.get(group)), ""
    )
    return ", ".join(part for part in written.split("^") if part) or "(no name)"


def _date(date: str) -> str:
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 else date
