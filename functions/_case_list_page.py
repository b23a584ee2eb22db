"""The list of clinical cases as HTML: escaped, without a script, of values it is handed. It looks nothing up."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final
from urllib.parse import quote, urlencode

from functions._case_page import HEADERS as CASE_HEADERS
from functions._case_page import HUNG, document, spoken

HEADERS: Final = CASE_HEADERS | {
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )
}
_STATES: Final = {"": "All", "true": "Complete", "false": "Incomplete"}

type Json = Mapping[str, Any]


def case_list_page(cases: list[Json], searched: Mapping[str, str], after: str | None) -> str:
    """Return the page; its links are relative to `/cases`, so that it works below any path.

    Args:
        cases: As list_cases describes them.
        searched: Parameters as the user gave them.
        after: Where the next page begins; None on the last.
    """
    body = f"""<header>
<h1>Cases</h1>
<nav aria-label="Service"><a href="ui">Studies</a><a href="openapi.json">API document</a></nav>
</header>
<main class="list">
{_form(searched)}
{_table(cases)}
{_next(searched, after)}
</main>"""
    return document("Cases", body, root="")


def _form(searched: Mapping[str, str]) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if searched.get("complete", "") == value else ""}>{text}</option>'
        for value, text in _STATES.items()
    )
    return f"""<form action="cases" method="get" role="search" aria-label="Cases">
<label>Year <input name="year" inputmode="numeric" value="{escape(searched.get("year", ""))}"></label>
<label>Id begins with <input name="id" value="{escape(searched.get("id", ""))}"></label>
<label>Show <select name="complete">{options}</select></label>
<button>Search</button>
</form>"""


def _table(cases: list[Json]) -> str:
    if not cases:
        return "<p>No case matches.</p>"
    heads = ("Case", "Year", *(spoken(view) for view in HUNG), "Report")
    rows = "\n".join(_row(case) for case in cases)
    return f"""<table>
<thead><tr>{"".join(f'<th scope="col">{head}</th>' for head in heads)}</tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def _row(case: Json) -> str:
    address = f"cases/{quote(case['year'], safe='')}/{quote(case['id'], safe='')}"
    cells = "".join(
        f"<td>{'yes' if view in case['views'] else '<strong>missing</strong>'}</td>" for view in HUNG
    )
    # Of reports that others wrote the list knows once they were migrated; the case itself finds them before.
    cells += f"<td>{'yes' if case['report'] else 'not noted'}</td>"
    name, year = escape(case["id"]), escape(case["year"])
    return f'<tr><th scope="row"><a href="{escape(address)}">{name}</a></th><td>{year}</td>{cells}</tr>'


def _next(searched: Mapping[str, str], after: str | None) -> str:
    if after is None:
        return ""
    address = f"cases?{urlencode({**searched, 'after': after})}"
    return f'<nav aria-label="Pages"><a href="{escape(address)}">Further cases</a></nav>'
