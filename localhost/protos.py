"""The messages of the Functions worker protocol as plain classes; nothing is put on a wire.

The runtime is handed this module as its `protos` and reads and makes these names only. Names are those of
FunctionRpc.proto, so some break this code's own style.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar


class Message(SimpleNamespace):
    """A message whose fields are whatever its maker gave."""


class WorkerInitResponse(Message):
    """Answer to WorkerInitRequest: capabilities, worker_metadata, result."""


class WorkerMetadata(Message):
    """What the worker says of itself."""


class StatusResult(Message):
    """Whether a request succeeded: status, and exception where it failed."""

    Failure = 0
    Success = 1
    exception: RpcException | None = None


class RpcException(Message):
    """An exception's message and stack_trace."""


class FunctionMetadataResponse(Message):
    """The indexed functions: function_metadata_results, result."""


class RpcFunctionMetadata(Message):
    """One indexed function: name, function_id, raw_bindings and more."""


class BindingInfo(Message):
    """Type, data type and direction of one binding."""

    undefined = 0
    out = 1
    inout = 2


class RpcRetryOptions(Message):
    """A function's retry policy."""


class FunctionLoadResponse(Message):
    """Answer to FunctionLoadRequest."""


class FunctionEnvironmentReloadResponse(Message):
    """Answer to a reload of the environment; this host never asks for one."""


class InvocationResponse(Message):
    """What an invocation came to: result, return_value, output_data."""

    return_value: TypedData | None = None
    output_data: ClassVar[list[ParameterBinding]] = []


class TypedData:
    """One value of one kind: `TypedData(string="x")`; without arguments it is unset."""

    __slots__ = ("kind", "value")

    def __init__(self, **field: Any) -> None:
        self.kind: str | None = None
        self.value: Any = None
        for self.kind, self.value in field.items():
            break

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - the runtime calls it by this name
        """Name the kind that is set."""
        return self.kind

    def __getattr__(self, name: str) -> Any:
        if name == self.kind:
            return self.value
        raise AttributeError(name)


class ParameterBinding:
    """A value beside the name of the parameter it belongs to."""

    __slots__ = ("data", "name")

    def __init__(self, name: str, data: TypedData | None) -> None:
        self.name = name
        self.data = data

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - the runtime calls it by this name
        """Name the kind that is set: always data, shared memory is never used."""
        return "data"


class RpcHttp(Message):
    """An HTTP request or answer; what is not given reads as empty, as an unset field of a real message does."""

    method = ""
    url = ""
    status_code = "200"
    headers: ClassVar[dict[str, str]] = {}
    params: ClassVar[dict[str, str]] = {}
    query: ClassVar[dict[str, str]] = {}
    body = TypedData()
    cookies: ClassVar[list[RpcHttpCookie] | None] = None


class RpcHttpCookie(Message):
    """One Set-Cookie of an answer."""

    class SameSite:
        """The SameSite attribute; `None` means that it is not written."""

        Lax = 1
        Strict = 2
        ExplicitNone = 3


# `None` cannot be written as a name in a class body, yet the runtime reads it with getattr.
setattr(RpcHttpCookie.SameSite, "None", 0)


class NullableString(Message):
    """A string that may be missing: value."""


class NullableBool(Message):
    """A truth value that may be missing: value."""


class NullableDouble(Message):
    """A number that may be missing: value."""


class NullableTimestamp(Message):
    """A time that may be missing: value."""


class Timestamp(Message):
    """A time as whole seconds since 1970, UTC: seconds."""
