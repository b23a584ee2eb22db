"""What goes wrong for the person at the command line; it handles nothing."""


class ClientError(Exception):
    """Say what failed, where, and what to do; the command prints it and exits with 1."""


class RefusedError(ClientError):
    """This one file or request cannot be met, and the message says why; others may."""
