"""A session whose function key stays with the host that it is for. It asks nothing."""

from collections.abc import Callable
from typing import Final

import requests

FUNCTION_KEY: Final = "x-functions-key"


class KeyedSession(requests.Session):
    """Follows redirects as requests does, and takes the function key along only where that would take a login along."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Take logins off a request that goes to another host."""
        rebuild: Callable[..., None] = super().rebuild_auth
        rebuild(prepared_request, response)
        before, after = response.request.url, prepared_request.url
        strip: Callable[[str, str], bool] = self.should_strip_auth
        if before and after and strip(before, after):
            prepared_request.headers.pop(FUNCTION_KEY, None)
