"""The triggers on an archive in memory: called as the worker calls them, without a worker, host or socket."""

import asyncio
import email
import email.policy
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from azure.functions.decorators.function_app import FunctionBuilder

from functions import (
    http_cases,
    http_cases_index,
    http_cases_list,
    http_cases_report,
    http_cases_store,
    http_deidentify,
    http_deidentify_jobs,
    http_describe,
    http_dicomweb_changes,
    http_dicomweb_delete,
    http_dicomweb_partitions,
    http_dicomweb_retrieve,
    http_dicomweb_search,
    http_dicomweb_store,
    http_health,
    http_imports,
    http_jobs,
    http_ledger,
    http_openapi,
    http_page_assets,
    http_poison,
    http_preflight,
    http_risk,
    http_search,
    http_search_objects,
    http_sessions,
    http_start_page,
    http_uploads,
)
from shared.backends.memory.partitions import MemoryPartitions
from shared.backends.memory.partner_api import MemoryPartnerApi
from shared.backends.memory.risks import MemoryRisks
from shared.backends.memory.search import MemorySearch
from shared.backends.memory.search_engine import MemorySearchEngine
from shared.backends.memory.sessions import MemoryUploadTargets
from shared.dicom.index.policy import IndexPolicy
from shared.services.imports import ImportSources
from shared.services.partner import Sending
from shared.services.services import Services
from shared.settings.settings import Settings
from tests.unit.flows.world import World
from tests.unit.functions.requests import Answer, make_request, receive_answer

_AREAS = (
    http_cases,
    http_cases_index,
    http_cases_list,
    http_cases_report,
    http_deidentify,
    http_describe,
    http_risk,
    http_search,
    http_search_objects,
    http_cases_store,
    http_deidentify_jobs,
    http_dicomweb_changes,
    http_dicomweb_delete,
    http_dicomweb_partitions,
    http_dicomweb_retrieve,
    http_dicomweb_search,
    http_dicomweb_store,
    http_health,
    http_imports,
    http_jobs,
    http_ledger,
    http_openapi,
    http_page_assets,
    http_poison,
    http_preflight,
    http_sessions,
    http_start_page,
    http_uploads,
)


def user_function(builder: FunctionBuilder) -> Any:
    """Return the function that a decorated name stands for."""
    return builder._function.get_user_function()


HANDLERS = {
    builder._function.get_function_name(): user_function(builder)
    for area in _AREAS
    for builder in area.bp._function_builders
}

BOUNDARY = "b0undary"
MULTIPART = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def multipart(*contents: bytes) -> bytes:
    """Return a STOW body of these instances."""
    parts = (
        b"--" + BOUNDARY.encode() + b"\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n"
        for data in contents
    )
    return b"".join(parts) + b"--" + BOUNDARY.encode() + b"--\r\n"


class Service:
    """An archive in memory behind the app's handlers; `services` is what its wiring would give them."""

    def __init__(self) -> None:
        self.world = World()
        self.partitions = MemoryPartitions()
        self.worlds = {"default": self.world}
        self.settings = Settings.model_construct()
        self.engine: MemorySearchEngine | None = None
        self.index_policy = IndexPolicy("plain")
        self.partner: MemoryPartnerApi | None = None
        self.slots = asyncio.Semaphore(4)

    async def services(self) -> Services:
        """Stand in for `functions._wiring.services`."""
        return await self.bound("default")

    async def bound(self, partition: str) -> Services:
        """Return the services of a data partition."""
        if partition not in self.worlds:
            self.worlds[partition] = World(partition, self.world)
        world = self.worlds[partition]
        return Services(
            settings=self.settings,
            partition=partition,
            partitions=self.partitions,
            bind=self.bound,
            objects=world.port(world.objects),
            index=world.port(world.index),
            summaries=world.port(world.index),
            search=MemorySearch(world.index),
            cursor_key=hashlib.sha256(partition.encode()).digest(),
            feed=world.port(world.feed),
            ledger=world.port(world.ledger),
            cases=world.port(world.cases),
            case_sessions=world.port(world.case_sessions),
            reports=world.port(world.reports),
            risks=MemoryRisks(world.index),
            checkpoints=world.port(world.checkpoints),
            queue=world.port(world.queue),
            jobs=world.port(world.jobs),
            deidentifications=world.port(world.work),
            sending=Sending(
                world.port(self.partner) if self.partner else None,
                world.port(world.uploads),
                world.port(world.analytics),
                self.slots,
            ),
            poison=world.port(world.poison),
            imports=world.port(world.import_work),
            import_sources=ImportSources(self.settings),
            queue_gauges=world.queue_gauges,
            sessions=world.port(world.sessions),
            upload_targets=MemoryUploadTargets(),
            session_work=world.port(world.work),
            closers=(),
            engine=self.engine,
            index_policy=self.index_policy,
        )

    async def call(
        self,
        name: str,
        url: str = "/",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] = (),
        route: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call a function with its route parameters, and read its answer."""
        request = make_request(method, url, headers=headers, route=route, body=body)
        return await receive_answer(await HANDLERS[name](request))

    async def store(self, *contents: bytes, study: str | None = None, **headers: str) -> Answer:
        """Store instances in one request."""
        all_headers = {"content-type": MULTIPART, "accept": "application/dicom+json", **headers}
        route = {"study": study} if study is not None else {}
        body = multipart(*contents)
        return await self.call(
            "dicomweb_store",
            method="POST",
            headers={name.replace("_", "-"): value for name, value in all_headers.items()},
            body=[body[start : start + 65536] for start in range(0, len(body), 65536)],
            route=route,
        )

    async def retrieve(self, path: str, accept: str | None = None, **headers: str) -> Answer:
        """Retrieve what a path below /dicomweb/studies names."""
        study, _, rest = path.partition("/")
        if accept is not None:
            headers["accept"] = accept
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("dicomweb_retrieve", headers=named, route={"study": study, "path": rest})

    async def search(self, query: str = "", resource: str = "studies", **headers: str) -> Answer:
        """Search all studies, series or instances."""
        return await self.call(
            "dicomweb_search", f"/dicomweb/{resource}?{query}", headers=headers, route={"resource": resource}
        )


def parts_of(answer: Answer) -> list[tuple[dict[str, str], bytes]]:
    """Return headers and content of each part of a multipart answer, as the standard library reads it."""
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.body, policy=email.policy.compat32)
    assert not message.defects
    parts: Any = message.get_payload()
    return [
        ({name.lower(): value for name, value in part.items()}, part.get_payload(decode=True))
        for part in parts
    ]
