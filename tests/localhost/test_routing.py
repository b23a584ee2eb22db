"""Routes: which template wins, what a parameter holds, what matches nothing."""

from __future__ import annotations

import pytest

from localhost.bindings import Function
from localhost.errors import StartError
from localhost.routing import Router, compile_route


def _router(*templates: str, methods: tuple[str, ...] = ()) -> Router:
    routes = []
    for template in templates:
        function = Function(template, "id", {"type": "httpTrigger", "name": "req"})
        routes.append(compile_route(template, function, methods or None))
    return Router(routes)


def _find(router: Router, path: str, method: str = "GET") -> tuple[str, dict[str, str]] | None:
    found = router.find(method, path.encode())
    return None if found is None else (found[0].name, found[1])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/items/new", ("items/new", {})),
        ("/ITEMS/New", ("items/new", {})),
        ("/items/17", ("items/{id:int}", {"id": "17"})),
        ("/items/abc", ("items/{name}", {"name": "abc"})),
        ("/items/a-7", ("items/a-{rest}", {"rest": "7"})),
        ("/items/a/b/c", ("items/{*path}", {"path": "a/b/c"})),
        ("/items", ("items/{*path}", {})),
        ("/other", None),
    ],
)
def test_the_most_specific_template_wins(path: str, expected: tuple[str, dict[str, str]] | None) -> None:
    """A literal comes before mixed text, then a checked parameter, a parameter, and a catch-all, in any order given."""
    router = _router("items/{*path}", "items/{name}", "items/{id:int}", "items/a-{rest}", "items/new")
    assert expected == _find(router, path)


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("a/{id?}", "/a", {}),
        ("a/{id?}", "/a/", {}),
        ("a/{id?}", "/a/5", {"id": "5"}),
        ("a/{id=7}", "/a", {"id": "7"}),
        ("a/{id:int?}", "/a/x", None),
        ("a/{x?}/{y?}", "/a/1", {"x": "1"}),
        ("a/{id}/b", "/a//b", None),
        ("{*path}", "/", {}),
        ("", "/", {}),
        ("f/{name}.{ext}", "/f/a.b.c", {"name": "a.b", "ext": "c"}),
        (
            "f/{id:guid}",
            "/f/0f8fad5b-d9cb-469f-a165-70867728950e",
            {"id": "0f8fad5b-d9cb-469f-a165-70867728950e"},
        ),
        ("f/{id:guid}", "/f/0f8f", None),
        ("f/{id:long}", "/f/9223372036854775808", None),
        ("f/{id:int}", "/f/2147483647", {"id": "2147483647"}),
        ("f/{id:int}", "/f/2147483648", None),
        ("f/{n:alpha:length(2,3)}", "/f/abc", {"n": "abc"}),
        ("f/{n:alpha:length(2,3)}", "/f/abcd", None),
        ("f/{n:min(3):max(5)}", "/f/4", {"n": "4"}),
        ("f/{n:min(3):max(5)}", "/f/6", None),
        ("f/{n:range(1,2)}", "/f/2", {"n": "2"}),
        (r"f/{n:regex(^[a-z]{{2}}$)}", "/f/ab", {"n": "ab"}),
        (r"f/{n:regex(^[a-z]{{2}}$)}", "/f/abc", None),
        ("f/{a}", "/f/x%20y", {"a": "x y"}),
        ("f/{a}", "/f/x%2Fy", {"a": "x%2Fy"}),
        ("f/{a}", "/f/%C3%A9", {"a": "é"}),
        ("f/{*a}", "/f/x/%2f/y", {"a": "x/%2f/y"}),
        ("f/{a}", "/f/x/y", None),
    ],
)
def test_parameters(template: str, path: str, expected: dict[str, str] | None) -> None:
    """Parameters hold the decoded text of their segments, but for an encoded slash, and obey their constraints."""
    found = _find(_router(template), path)
    assert expected == (None if found is None else found[1])


def test_another_method_is_not_found() -> None:
    """A path of a function that does not take the method matches nothing, HEAD included."""
    router = _router("a", methods=("GET",))
    assert [found and found[0] for found in (_find(router, "/a", m) for m in ("GET", "POST", "HEAD"))] == [
        "a",
        None,
        None,
    ]


def test_methods_share_a_path() -> None:
    """Two functions on one path are told apart by method."""
    functions = [Function(name, name, {"type": "httpTrigger", "name": "req"}) for name in ("read", "write")]
    router = Router(
        [compile_route("a/{b}", functions[0], ["GET"]), compile_route("a/{c}", functions[1], ["post"])]
    )
    assert [_find(router, "/a/1", method) for method in ("GET", "POST")] == [
        ("read", {"b": "1"}),
        ("write", {"c": "1"}),
    ]


@pytest.mark.parametrize(
    "template", ["a/{b", "a/{*b}/c", "a/{b:nope}", "a/{b}/{B}", "a/{b?}/c", "a/{b:length(x)}", "x{*y}"]
)
def test_refuses_a_template_it_cannot_read(template: str) -> None:
    """A template that ASP.NET would refuse, or whose constraint is unknown, keeps the host from starting."""
    with pytest.raises(StartError, match="route"):
        _router(template)
