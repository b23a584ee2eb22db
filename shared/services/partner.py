"""Composition of what sends files to a partner: the partner, if one is set, and its queues."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.dicom.tagging.mapping import TagRule, tag_rules
from shared.errors import NotConfiguredError
from shared.ports.jobs import WorkQueue
from shared.ports.partner import PartnerApi
from shared.settings.settings import Settings

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueServiceClient

    from shared.backends.partner_api import HttpPartnerApi


@dataclass(frozen=True, slots=True)
class Sending:
    """Who takes files, and who is told of work on them; *partner* is None where none is set."""

    partner: PartnerApi | None
    uploads: WorkQueue
    analytics: WorkQueue
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))
    """One for each file that may be under way in this process."""
    over: set[str] = field(default_factory=set)
    """Runs that have ended, as far as this process has seen: nobody looks at them again."""


def sending(queues: "QueueServiceClient", partner: PartnerApi | None, settings: Settings) -> Sending:
    """Return the queues of uploads on an account, beside the partner."""
    from shared.backends.work_queue import ANALYTICS, UPLOADS, StorageWorkQueue

    slots = asyncio.Semaphore(settings.partner_connections)
    return Sending(partner, StorageWorkQueue(queues, UPLOADS), StorageWorkQueue(queues, ANALYTICS), slots)


def missing_settings(settings: Settings) -> list[str]:
    """Name the settings that sending needs and that are not set."""
    needed: dict[str, object] = {
        "MD_URL": settings.partner_metadata_url,
        "MD_KEY": _plain(settings.partner_metadata_key),
        "U_URL": settings.partner_upload_url,
        "U_KEY": _plain(settings.partner_upload_key),
        "A_URL": settings.partner_analytics_url,
        "A_KEY": _plain(settings.partner_analytics_key),
    }
    return [name for name, value in needed.items() if not value]


def partner_api(settings: Settings) -> "HttpPartnerApi | None":
    """Open the partner that *settings* name, if they name one wholly."""
    if missing_settings(settings):
        return None
    from shared.backends.partner_api import HttpPartnerApi, PartnerOptions
    from shared.backends.partner_api.waiting import Backoff

    return HttpPartnerApi(
        PartnerOptions(
            metadata_url=settings.partner_metadata_url,
            metadata_key=_plain(settings.partner_metadata_key),
            upload_url=settings.partner_upload_url,
            upload_key=_plain(settings.partner_upload_key),
            analytics_url=settings.partner_analytics_url,
            analytics_key=_plain(settings.partner_analytics_key),
            log_url=settings.partner_log_url,
            log_key=_plain(settings.partner_log_key),
            requests=settings.partner_requests,
            priority=settings.partner_priority,
            connections=settings.partner_connections,
            connect_timeout=settings.partner_connect_timeout_seconds,
            read_timeout=settings.partner_read_timeout_seconds,
            backoff=Backoff(settings.partner_backoff_seconds, settings.partner_longest_wait_seconds),
        )
    )


def partner_of(found: Sending, settings: Settings) -> PartnerApi:
    """Return the partner.

    Raises:
        NotConfiguredError: None is set; the message names what is missing.
    """
    if found.partner is None:
        raise NotConfiguredError(
            f"no partner is set whom files could be sent to: set {', '.join(missing_settings(settings))}"
        )
    return found.partner


def partner_target(settings: Settings) -> str:
    """Return what tells this partner from others, without its address."""
    return hashlib.sha256(settings.partner_upload_url.encode()).hexdigest()


def partner_rules(settings: Settings) -> tuple[TagRule, ...]:
    """Return which attributes are set from which keys; errors as of tag_rules."""
    return tag_rules(settings.partner_tags)


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
