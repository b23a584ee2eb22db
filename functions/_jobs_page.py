"""The list of jobs as HTML, of values it is handed; its script brings it up to date. It looks nothing up."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from functions._case_page import HEADERS as CASE_HEADERS
from functions._case_page import document

HEADERS: Final = CASE_HEADERS
_HEADS: Final = ("Job", "Begun", "Status", "Done", "Failed", "Of", "Each second", "Time left", "Failures")

type Json = Mapping[str, Any]


def jobs_page(jobs: Sequence[Json]) -> str:
    """Return the page; its links are relative to `/ui/jobs`, so that it works below any path."""
    heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    rows = "\n".join(map(_row, jobs))
    body = f"""<header>
<h1>Jobs</h1>
<nav aria-label="Service"><a href="../ui">Studies</a><a href="../cases">Cases</a></nav>
</header>
<main class="list">
<p id="state" role="status">The newest first</p>
<table>
<thead><tr>{heads}</tr></thead>
<tbody id="jobs">
{rows}
</tbody>
</table>
</main>
<script type="module" src="jobs.js"></script>"""
    return document("Jobs", body, root="../")


def _row(job: Json) -> str:
    rate = "" if job["ratePerSecond"] is None else f"{job['ratePerSecond']:.1f}"
    left = "" if job["secondsLeft"] is None else spoken_time(job["secondsLeft"])
    cells = (
        job["createdAt"][:16].replace("T", " "),
        job["status"],
        str(job["done"]),
        str(job["failed"]),
        str(job["total"]),
        rate,
        left,
        _failures(job),
    )
    name = escape(f"{job['kind']} {job['job'][:8]}")
    link = f'<a href="../{escape(job["path"])}">{name}</a>' if job["path"] else name
    return f'<tr><th scope="row">{link}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'


def _failures(job: Json) -> str:
    """Return why the job failed, or the first of its items."""
    if job["error"]:
        return str(job["error"])
    first = next(iter(job["failures"]), None)
    return "" if first is None else f"{first['number']}: {first['reason']}"


def spoken_time(seconds: float) -> str:
    """Return a time such as "1 h 2 min", "3 min 4 s" or "5 s"."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
