"""How clients of Azure Storage wait, try again and split requests. Makes no client and reads no settings."""

from __future__ import annotations

from typing import Any


def request_options(timeout_seconds: float) -> dict[str, Any]:
    """Return the options of any asynchronous client of blobs, queues or tables.

    Args:
        timeout_seconds: How long to wait for a connection, and for each read from it.
    """
    return {
        "connection_timeout": timeout_seconds,
        "read_timeout": timeout_seconds,
        # Blobs and queues wait about 1, 3 and 5 s before trying again, tables 0.8, 1.6 and 3.2; a trigger that still
        # fails is retried by its queue.
        "retry_total": 3,
        "initial_backoff": 1,
        "increment_base": 2,
        "random_jitter_range": 1,
        # Else the transport looks for .netrc and proxies before every request, in a thread: a third of all CPU.
        "use_env_settings": False,
    }


def blob_options(timeout_seconds: float) -> dict[str, Any]:
    """Return the options of an asynchronous client of blobs: what is asked for as one range is one request."""
    return request_options(timeout_seconds) | {
        "max_single_get_size": 1024 * 1024 * 1024,
        "max_single_put_size": 16 * 1024 * 1024,
    }
