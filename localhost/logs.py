"""Where log lines go and which loggers may speak; nothing here logs a body."""

from __future__ import annotations

import logging


def configure_logging(level: str) -> None:
    """Send all log lines to stderr; libraries speak from WARNING on, unless DEBUG is asked for."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname).1s %(name)s: %(message)s", force=True)
    for name in ("azure", "azure.functions", "aiohttp", "asyncio"):
        logging.getLogger(name).setLevel("DEBUG" if level == "DEBUG" else "WARNING")


def quieten_uvicorn() -> None:
    """Undo the logging that a uvicorn set up for itself: no line per request, errors through the root logger."""
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel("WARNING")
    error = logging.getLogger("uvicorn.error")
    if _is_news not in error.filters:
        error.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    # The proxy cuts an answer short on purpose when its other end is gone, and has logged it then; tasks
    # that a stop cancels are no news either.
    text = record.getMessage()
    if text.startswith(("ASGI callable returned without", "Cancel ")):
        return False
    return not (record.exc_info and record.exc_info[0] is not None and _is_cancelled(record.exc_info[0]))


def _is_cancelled(kind: type[BaseException]) -> bool:
    from asyncio import CancelledError

    return issubclass(kind, CancelledError)
