"""What a run prints."""

from collections.abc import Mapping

from bench.measure import Figures
from bench.verdicts import Results, verdicts

_HEAD = (
    f"{'':37}{'p50':^24}{'wall':^24}{'CPU':^24}{'ours by Orthanc':^24}{'by bare':^8}\n"
    f"{'milliseconds':37}{'ours':>8}{'Orthanc':>8}{'bare':>8}{'ours':>8}{'Orthanc':>8}{'bare':>8}"
    f"{'app':>8}{'Azurite':>8}{'Orthanc':>8}{'p50':>8}{'CPU':>8}{'all CPU':>8}{'p50':>8}"
)


def head(size: int) -> None:
    """Print the heading of a table."""
    print(f"\n{size:,} instances in the store\n{_HEAD}", flush=True)


def row(name: str, peers: Mapping[str, Figures]) -> None:
    """Print one operation. The last columns are ratios; `CPU` is the app's alone, `all CPU` with Azurite's."""
    ours, bare, orthanc = peers["ours"], peers["bare"], peers.get("orthanc")
    app, azurite = ours.cpu["app"], ours.cpu["azurite"]
    theirs = orthanc.cpu["orthanc"] if orthanc else None
    other_p50, other_wall = (orthanc.p50, orthanc.wall) if orthanc else (None, None)
    times = (ours.p50, other_p50, bare.p50, ours.wall, other_wall, bare.wall, app, azurite, theirs)
    ratios = (
        _ratio(ours.p50, other_p50),
        _ratio(app, theirs),
        _ratio(app + azurite, theirs),
        _ratio(ours.p50, bare.p50),
    )
    cells = [*map(_cell, times), *ratios]
    print(f"{name:37}{''.join(cells)}", flush=True)


def conclusions(results: Results) -> None:
    """Print whether the targets are met, and how operations fare as the store grows."""
    judged = list(verdicts(results))
    if judged:
        print("\nTargets")
    for verdict in judged:
        print(f"  {'PASS  ' if verdict.met else 'missed'} {verdict.text}")
    if judged:
        print(f"{sum(verdict.met for verdict in judged)} of {len(judged)} met", flush=True)


def _cell(value: float | None) -> str:
    return f"{'-':>8}" if value is None else f"{value:8.2f}"


def _ratio(mine: float, others: float | None) -> str:
    return f"{'-':>8}" if not others else f"{mine / others:8.2f}"
