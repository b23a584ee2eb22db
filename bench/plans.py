"""The operations that are measured, how often, and what each needs beneath."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.bare_operations import BareOperations
from bench.dicomweb_operations import FRAME, INSTANCE, DicomwebOperations, body
from bench.filling import Stock
from bench.instances import HUNDRED, LARGE, LARGE_STOWED, SMALL, SMALL_STOWED, Kind, instance_bytes
from bench.measure import Load, Operation

BLOBS = 50
"""Small blobs, with a row each, that the bare operations read; and as many large ones."""
LARGE_STUDIES, HUNDRED_STUDIES = 2, 4
_READS = Load(300, warm=15)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation ready to be measured: of any DICOMweb server, and of storage alone."""

    of: Callable[[DicomwebOperations], Operation]
    bare: Operation


@dataclass(frozen=True, slots=True)
class Plan:
    """One operation to measure."""

    name: str
    load: Load
    prepare: Callable[[Stock, BareOperations, Load], Prepared]
    stores: bool = False

    def quick(self) -> "Plan":
        """Return the same with a fifth of the work, for development."""
        load = replace(self.load, count=self.load.count // 5, rounds=2, warm=self.load.warm // 5 + 1)
        return replace(self, load=load)


async def furnish(bare: BareOperations) -> None:
    """Write what the bare operations read."""
    for prefix, kind in (("small", SMALL), ("large", LARGE)):
        data = [[instance_bytes(kind, number)] for number in range(BLOBS)]
        put = bare.put(prefix, data)
        for number in range(BLOBS):
            await put(number)
    for rows in (SMALL.study_size, HUNDRED.study_size):
        await bare.rows(f"rows-{rows}", rows)


def _store(kind: Kind, name: str, per_request: int) -> Callable[[Stock, BareOperations, Load], Prepared]:
    def prepare(stock: Stock, bare: BareOperations, load: Load) -> Prepared:
        numbers = stock.take(kind, load.total * per_request)
        parts = [
            [instance_bytes(kind, number) for number in numbers[begin : begin + per_request]]
            for begin in range(0, len(numbers), per_request)
        ]
        bodies = [body(some) for some in parts]
        return Prepared(lambda server: server.store(bodies), bare.put(f"{name}-{numbers.start}", parts))

    return prepare


def _instance_path(kind: Kind, count: int, number: int) -> str:
    chosen = number * 7919 % count
    study = chosen // kind.study_size
    return (
        f"studies/{kind.study_uid(study)}/series/{kind.series_uid(study)}"
        f"/instances/{kind.instance_uid(chosen)}"
    )


def _retrieve(kind: Kind, prefix: str, *, frame: bool) -> Callable[[Stock, BareOperations, Load], Prepared]:
    pixels = kind.rows * kind.columns * 2

    def prepare(stock: Stock, bare: BareOperations, _load: Load) -> Prepared:
        held = stock.number(kind)

        def path(number: int) -> str:
            return _instance_path(kind, held, number) + ("/frames/1" if frame else "")

        accept = FRAME if frame else INSTANCE
        beneath = bare.read(prefix, BLOBS, pixels if frame else None)
        return Prepared(lambda server: server.retrieve(path, accept, pixels), beneath)

    return prepare


def _metadata(_stock: Stock, bare: BareOperations, _load: Load) -> Prepared:
    def path(number: int) -> str:
        study = number % HUNDRED_STUDIES
        return f"studies/{HUNDRED.study_uid(study)}/series/{HUNDRED.series_uid(study)}/metadata"

    rows = HUNDRED.study_size
    return Prepared(lambda server: server.rows(path, b"00080018", rows), bare.query(f"rows-{rows}"))


def _search(
    path: Callable[[int, int], str], rows: int, bare_rows: str
) -> Callable[[Stock, BareOperations, Load], Prepared]:
    """Plan a search whose path is made of a number and of how many ordinary studies there are."""

    def prepare(stock: Stock, bare: BareOperations, _load: Load) -> Prepared:
        studies = stock.number(SMALL) // SMALL.study_size

        def numbered(number: int) -> str:
            return path(number * 7919, studies)

        return Prepared(
            lambda server: server.rows(numbered, b"00081190", rows),
            bare.query(bare_rows, rows or None),
        )

    return prepare


def _least(_stock: Stock, bare: BareOperations, _load: Load) -> Prepared:
    return Prepared(lambda server: server.ask_least(), bare.ask_least())


def _offset(number: int, studies: int) -> str:
    return f"studies?limit=25&offset={number % max(1, studies - 25)}"


def _instances(number: int, studies: int) -> str:
    return f"studies/{SMALL.study_uid(number % studies)}/instances"


PLANS = (
    Plan("nothing", _READS, _least),
    Plan("WADO instance 10 kB", _READS, _retrieve(SMALL, "small", frame=False)),
    Plan("WADO frame 10 kB", _READS, _retrieve(SMALL, "small", frame=True)),
    Plan("WADO instance 525 kB", _READS, _retrieve(LARGE, "large", frame=False)),
    Plan("WADO frame 525 kB", _READS, _retrieve(LARGE, "large", frame=True)),
    Plan("WADO metadata of 100 instances", Load(100, warm=4), _metadata),
    Plan(
        "QIDO exact match",
        _READS,
        _search(
            lambda number, studies: f"studies?PatientID={SMALL.patient_id(number % studies)}", 1, "small-0"
        ),
    ),
    Plan(
        "QIDO miss", _READS, _search(lambda number, _studies: f"studies?PatientID=NONE{number}", 0, "nothing")
    ),
    Plan("QIDO page of 25 studies", _READS, _search(lambda *_: "studies?limit=25", 25, "rows-100")),
    Plan("QIDO page of 25 at any offset", Load(100), _search(_offset, 25, "rows-100")),
    Plan("QIDO instances of one study", _READS, _search(_instances, 25, "rows-25")),
    Plan("STOW 10 kB, 1 a request, 1 client", Load(250), _store(SMALL_STOWED, "s1x1", 1), stores=True),
    Plan(
        "STOW 10 kB, 1 a request, 8 clients",
        Load(250, clients=8, warm=8),
        _store(SMALL_STOWED, "s1x8", 1),
        stores=True,
    ),
    Plan(
        "STOW 10 kB, 50 a request, 8 clients",
        Load(40, clients=8, warm=8, units=50),
        _store(SMALL_STOWED, "s50x8", 50),
        stores=True,
    ),
    Plan("STOW 525 kB, 1 a request, 1 client", Load(100), _store(LARGE_STOWED, "l1x1", 1), stores=True),
)
