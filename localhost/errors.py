"""Why a start can fail; what fails later is logged and retried, not raised."""


class StartError(Exception):
    """Say in one message what keeps the app from starting and what to do about it."""
