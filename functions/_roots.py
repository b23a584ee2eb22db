"""Declare a handler at every root of the service. It answers nothing itself."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._dialect import DIALECTS, Dialect
from functions._forward import forward
from functions._http import Handler, answers_errors

type DialectHandler = Callable[[Request, Dialect], Awaitable[Response]]


def at_every_root(
    bp: Any,
    operation: str,
    path: str,
    methods: Sequence[str],
    *,
    in_partitions: bool = True,
    forwarded: bool = False,
) -> Callable[[DialectHandler], DialectHandler]:
    """Declare the decorated handler as one function a root, and one more for its data partitions.

    The functions are named `{root}_{operation}` and `{root}_partition_{operation}`: Azure Functions has one route a
    function.

    Args:
        bp: Blueprint to declare them in.
        operation: What the handler does, as part of the names.
        path: Route template below the root.
        methods: HTTP methods.
        in_partitions: Whether data partitions have the resource too.
        forwarded: Whether an upstream service answers in its stead, if there is one.
    """

    def declare(handler: DialectHandler) -> DialectHandler:
        for dialect in DIALECTS:
            routes = {f"{dialect.root}_{operation}": f"{dialect.root}/{path}"}
            if in_partitions:
                routes[f"{dialect.root}_partition_{operation}"] = (
                    f"{dialect.root}/partitions/{{partition}}/{path}"
                )
            for name, route in routes.items():
                function = answers_errors(_bound(handler, dialect, name, path if forwarded else None))
                bp.function_name(name)(bp.route(route, methods=list(methods))(function))
        return handler

    return declare


def _bound(handler: DialectHandler, dialect: Dialect, name: str, forwarded: str | None) -> Handler:
    async def handle(req: Request) -> Response:
        if forwarded is not None:
            services = await _wiring.services()
            answer = await forward(req, dialect, services, forwarded)
            if answer is not None:
                return answer
        return await handler(req, dialect)

    handle.__name__ = name
    return handle
