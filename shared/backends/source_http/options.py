"""How one source is reached. Opens no connection."""

import base64
import ssl
from dataclasses import dataclass, field

from shared.errors import SettingsError


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How one source is reached; times in seconds.

    Attributes:
        url: Its root, without credentials.
        username: For a basic login.
        password: For a basic login.
        bearer: A token; goes before user and password.
        certificate: File of the client's certificate (PEM).
        private_key: File of its key; empty where it stands in the same file.
        ca_certs: File of the certificates (PEM) that the source's is checked against; empty for the usual ones.
        allow_loopback: Whether it may be on this machine.
        timeout_seconds: How long it may be silent.
        connections: Most requests at a time.
        attempts: How often a request is tried.
        first_wait_seconds: Before the second attempt; it doubles, and what Retry-After says goes before.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)
    certificate: str = ""
    private_key: str = ""
    ca_certs: str = ""
    allow_loopback: bool = False
    timeout_seconds: float = 30
    connections: int = 8
    attempts: int = 5
    first_wait_seconds: float = 0.5

    def authorization(self) -> dict[str, str]:
        """Return the header that logs in, if there is one."""
        if self.bearer:
            return {"Authorization": f"Bearer {self.bearer}"}
        if self.username:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {}

    def tls(self) -> ssl.SSLContext:
        """Return how its certificate is checked, and what this client shows.

        Raises:
            SettingsError: A file of certificates cannot be read.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_certs or None)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.private_key or None)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"a file of certificates of an import source cannot be read ({type(error).__name__})"
            ) from None
        return context
