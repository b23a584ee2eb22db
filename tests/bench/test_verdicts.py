"""What the benchmark concludes from its figures."""

import pytest

from bench.measure import Figures
from bench.verdicts import Verdict, verdicts

METADATA, SEARCH = "WADO metadata of 100 instances", "QIDO exact match"
STORE = "STOW 525 kB, 1 a request, 1 client"


def figures(p50: float, cpu: float, process: str) -> Figures:
    """Return what counts; the rest is nought."""
    return Figures(p50=p50, p95=0, wall=0, cpu={process: cpu}, after={})


def peers(
    ours: float, orthanc: float | None = None, *, cpu: tuple[float, float] = (1, 1)
) -> dict[str, Figures]:
    """Return one operation's figures: medians, and CPU of both."""
    measured = {"ours": figures(ours, cpu[0], "app")}
    return measured if orthanc is None else measured | {"orthanc": figures(orthanc, cpu[1], "orthanc")}


def beside(results: dict[int, dict[str, dict[str, Figures]]]) -> list[bool]:
    """Return the verdicts that name Orthanc."""
    return [verdict.met for verdict in verdicts(results) if "Orthanc" in verdict.text]


@pytest.mark.parametrize(("ours", "met"), [(10.0, True), (10.1, False)])
def test_metadata_must_take_a_third_of_orthancs_time(ours: float, *, met: bool) -> None:
    """Just a third is enough, a little more is not."""
    assert beside({5000: {METADATA: peers(ours, 30)}}) == [met]


def test_a_search_must_be_no_slower_when_small_and_four_times_as_fast_when_large() -> None:
    """The two sizes are judged by different targets."""
    results = {50000: {SEARCH: peers(4, 15)}, 5000: {SEARCH: peers(4, 4)}}
    assert beside(results) == [True, False]


def test_storing_is_judged_by_the_apps_cpu_and_not_by_time() -> None:
    """A slow answer that costs little meets the target, and the other way round."""
    assert beside({5000: {STORE: peers(90, 5, cpu=(5, 5))}}) == [True]
    assert beside({5000: {STORE: peers(5, 90, cpu=(6, 5))}}) == [False]


@pytest.mark.parametrize(("p50", "cpu", "met"), [(13, 1, True), (13.1, 1, False), (10, 1.31, False)])
def test_an_operation_is_flat_when_neither_time_nor_cpu_grows_by_a_third(
    p50: float, cpu: float, *, met: bool
) -> None:
    """Both are looked at, whatever Orthanc does."""
    judged = list(verdicts({10: {SEARCH: peers(10)}, 100: {SEARCH: peers(p50, cpu=(cpu, 0))}}))
    assert [verdict.met for verdict in judged] == [met]


def test_nothing_is_said_of_what_was_not_measured() -> None:
    """One size without Orthanc has no verdict."""
    assert list[Verdict](verdicts({5000: {SEARCH: peers(1), METADATA: peers(1)}})) == []
