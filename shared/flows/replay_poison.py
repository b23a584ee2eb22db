"""Send messages that were given up to their queues again."""

from typing import Final

from shared.errors import NotFoundError, ObjectNotFoundError
from shared.flows._kept_poison import FOLDER, read
from shared.ports.archive import ObjectStore
from shared.ports.poison import PoisonQueues
from shared.records import ObjectInfo, ObjectKey
from shared.telemetry.tracing import flow

_MAX_BYTES: Final = 1024 * 1024


@flow
async def replay_poison(
    name: str,
    *,
    poison: PoisonQueues,
    objects: ObjectStore,
    container: str,
    queues: frozenset[str],
    limit: int,
) -> int:
    """Send one kept message, or all of a queue, to where it was meant for; return how many.

    What is kept goes after it was sent: a kill between sends it twice, which handlers bear.

    Args:
        name: Of a message as it is listed, or of a queue.
        poison: Sends them.
        objects: Where they are kept.
        container: In which container.
        queues: Those that may be sent to.
        limit: How many at most.

    Raises:
        NotFoundError: There is no such message.
    """
    queue, _, message = name.partition("/")
    if queue not in queues:
        raise NotFoundError(f"nothing is kept of such a queue; there are {', '.join(sorted(queues))}")
    if message:
        key = ObjectKey(container, f"{FOLDER}/{name}")
        try:
            await _replay(await objects.head(key), poison, objects, queues)
        except ObjectNotFoundError:
            raise NotFoundError("no such message is kept; GET /poison lists those that are") from None
        return 1
    sent = 0
    async for info in objects.scan(container, prefix=f"{FOLDER}/{queue}/"):
        if sent >= limit:
            break
        await _replay(info, poison, objects, queues)
        sent += 1
    return sent


async def _replay(
    info: ObjectInfo, poison: PoisonQueues, objects: ObjectStore, queues: frozenset[str]
) -> None:
    found = await objects.read_range(info.key, 0, _MAX_BYTES, if_match=info.etag)
    queue, content, _ = read(found.data)
    if queue not in queues:
        raise NotFoundError("the kept message names another queue")
    await poison.send_back(queue, content)
    await objects.delete(info.key, if_match=info.etag)
