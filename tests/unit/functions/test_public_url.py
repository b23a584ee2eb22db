"""Under which address an answer says the app is."""

import pytest

from functions._public_url import public_base_url


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"host": "127.0.0.1:7071"}, "http://127.0.0.1:7071"),
        ({"host": "[::1]:7071"}, "http://[::1]:7071"),
        (
            {"host": "a", "forwarded": 'for=1.2.3.4;host="pacs.example:8443";proto=https'},
            "https://pacs.example:8443",
        ),
        ({"host": "a", "forwarded": "Host=one.example;proto=HTTP, host=two.example"}, "http://one.example"),
        (
            {
                "host": "a",
                "x-forwarded-host": "b.example, c",
                "x-forwarded-proto": "https",
                "x-forwarded-prefix": "/x/y/",
            },
            "https://b.example/x/y",
        ),
        ({"host": "a", "forwarded": "proto=https"}, "https://a"),
        ({"host": "a", "x-forwarded-port": "7071"}, "http://a:7071"),
        ({"host": "a:8080", "x-forwarded-port": "7071"}, "http://a:8080"),
        ({"host": "a", "x-forwarded-port": "443", "x-forwarded-proto": "https"}, "https://a"),
        ({"host": "a", "x-forwarded-port": "80", "x-forwarded-proto": "https"}, "https://a"),
        ({"host": "[::1]", "x-forwarded-port": "7071"}, "http://[::1]:7071"),
        ({"host": "a", "x-forwarded-port": "7071/x"}, "http://a"),
        ({}, "http://localhost"),
    ],
)
def test_the_proxy_nearest_to_the_client_names_the_address(headers: dict[str, str], expected: str) -> None:
    """Forwarded wins over X-Forwarded-, which wins over Host, each part by itself."""
    assert expected == public_base_url(headers, "http")


@pytest.mark.parametrize("evil", ['a"b', "a/b", "a b", "a@b", "a\\b", "<a>", "a?b"])
def test_what_could_break_out_of_a_url_is_passed_over(evil: str) -> None:
    """A header that is no host or path never reaches an answer."""
    headers = {"host": "good", "x-forwarded-host": evil, "x-forwarded-prefix": "/" + evil.replace("/", '"')}
    assert public_base_url(headers, "http") == "http://good"
