"""Keep the paths of the worker's web framework free: FastAPI answers /openapi.json, /docs and /redoc before any function.

Nothing else of the extension is touched.
"""

import functools
import logging

from azurefunctions.extensions.http.fastapi import web

_log = logging.getLogger(__name__)


def free_framework_paths() -> bool:
    """Make the extension build its web app without pages of its own; true if that was done.

    The worker builds it once it has imported the app.
    """
    framework = getattr(web, "FastAPI", None)
    if framework is None:
        _log.warning("the extension has no FastAPI any more: /openapi.json may be its own document")
        return False
    web.FastAPI = functools.partial(framework, openapi_url=None)
    return True
