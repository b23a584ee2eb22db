"""One run: fill the stores to a size, measure every operation, go on to the next size."""

from contextlib import AsyncExitStack

from bench import report
from bench.bare_operations import BareOperations
from bench.cpu import idle_rates
from bench.dicomweb_operations import DicomwebOperations, session
from bench.filling import Stock, fill, missing
from bench.instances import HUNDRED, LARGE, SMALL, Kind
from bench.measure import Contender, Figures, measure
from bench.peers import Peer, Peers
from bench.plans import HUNDRED_STUDIES, LARGE_STUDIES, Plan, furnish
from bench.profiles import Profiles


class Run:
    """One run against peers that are up."""

    def __init__(self, peers: Peers, bare: BareOperations, stock: Stock, profiles: Profiles) -> None:
        self._peers = peers
        self._bare = bare
        self._stock = stock
        self._profiles = profiles
        self._servers: list[tuple[Peer, DicomwebOperations]] = []
        self._idle_rates: dict[str, dict[str, float]] = {}

    async def open(self, stack: AsyncExitStack) -> None:
        """Make the clients, and store what every size has."""
        for peer in (self._peers.ours, self._peers.orthanc):
            if peer is not None:
                client = await stack.enter_async_context(session())
                self._servers.append((peer, DicomwebOperations(client, peer.root, peer.least)))
        self._stock.belongs_to([peer.name for peer, _ in self._servers])
        if not self._stock.instances:
            await furnish(self._bare)
            for kind, studies in ((LARGE, LARGE_STUDIES), (HUNDRED, HUNDRED_STUDIES)):
                await self._fill(kind, self._stock.take(kind, studies * kind.study_size))

    async def at(self, size: int, plans: list[Plan]) -> dict[str, dict[str, Figures]]:
        """Fill the stores to a size and measure."""
        await self._fill(SMALL, missing(self._stock, size))
        for peer, _ in self._servers:
            await peer.settle()
            self._idle_rates[peer.name] = await idle_rates(peer.pids)
        report.head(self._stock.instances)
        results = {}
        for plan in plans:
            results[plan.name] = await self._measured(plan)
            report.row(plan.name, results[plan.name])
        return results

    async def _fill(self, kind: Kind, numbers: range) -> None:
        if numbers:
            await fill([(peer.name, operations) for peer, operations in self._servers], kind, numbers)
            await self._bare.grow(numbers)
            self._stock.keep()

    async def _measured(self, plan: Plan) -> dict[str, Figures]:
        prepared = plan.prepare(self._stock, self._bare, plan.load)
        contenders = [
            Contender(
                peer.name,
                prepared.of(server),
                peer.pids,
                peer.settle if plan.stores else None,
                self._idle_rates[peer.name],
            )
            for peer, server in self._servers
        ]
        contenders.append(Contender("bare", prepared.bare, {"azurite": self._peers.azurite_pid}))
        app = self._peers.ours.pids["app"]
        await self._profiles.begin(app)
        figures = await measure(contenders, plan.load)
        await self._profiles.end(app, f"{plan.name}, {self._stock.instances}")
        self._stock.keep()
        return figures
