"""Hosts that end with their tests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.localhost.running_host import RunningHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class StartHost(Protocol):
    """Starts a host and sees to its end."""

    def __call__(self, app: Path, *arguments: str, settings: dict[str, str] | None = None) -> RunningHost:
        """Start `python -m localhost` on an app, without waiting for it."""


@pytest.fixture(scope="module")
def start_host() -> Iterator[StartHost]:
    """Give a function that starts hosts; those still running at the module's end are killed."""
    hosts: list[RunningHost] = []

    def start(app: Path, *arguments: str, settings: dict[str, str] | None = None) -> RunningHost:
        hosts.append(RunningHost(app, *arguments, settings=settings))
        return hosts[-1]

    yield start
    for host in hosts:
        if host.process.poll() is None:
            host.kill()


@pytest.fixture
def unique() -> str:
    """Give a name that no other test uses in storage."""
    return f"t{time.monotonic_ns():x}"
