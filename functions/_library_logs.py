"""Keep libraries from logging every request: their lines hold URLs, and with them names of objects and searches.

In Azure the worker takes all records from INFO on and hands them to the host, which writes them to Application Insights.
"""

import logging
from typing import Final

TALKATIVE: Final = ("azure", "elastic_transport")
"""Loggers below which each request is told of at INFO. Who wants that sets their level before the app is imported."""

ACCESS_LOG: Final = "uvicorn.access"
"""Of the server in the worker. It is set up after the app is imported, so that a level would not last; a filter does."""


def quieten_libraries() -> None:
    """Let libraries speak from WARNING on, and the worker's server of no request."""
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
    access = logging.getLogger(ACCESS_LOG)
    if _nothing not in access.filters:
        access.addFilter(_nothing)


def _nothing(_record: logging.LogRecord) -> bool:
    return False
