"""A session whose function key stays with the host that it is for. It asks nothing."""

from typing import Final

import requests

FUNCTION_KEY: Final = "x-functions-key"


class KeyedSession(requests.Session):
    """Follows redirects as requests does, and takes the function key along only where that would take a login along."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Take logins off a request that goes to another host."""
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]  # requests has no types for it
        before, after = response.request.url, prepared_request.url
        if before and after and self.should_strip_auth(before, after):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop(FUNCTION_KEY, None)
