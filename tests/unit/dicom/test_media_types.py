"""Accept headers as clients send them, and the representation each gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.media_types import (
    MAX_HEADER_LENGTH,
    Choice,
    MediaType,
    Offer,
    choose,
    parse_accept,
    parse_media_type,
)
from shared.errors import InvalidRequestError, NotAcceptableError

INSTANCE = (Offer("application/dicom"), Offer("application/dicom", multipart=True))
STUDY = (Offer("application/dicom", multipart=True),)
FRAMES = (Offer("application/octet-stream", multipart=True), Offer("application/octet-stream"))
METADATA = (Offer("application/dicom+json"), Offer("application/json"))
RENDERED = (Offer("image/jpeg"), Offer("image/png"))

SINGLE, MULTIPART = INSTANCE
J2K = "1.2.840.10008.1.2.4.90"


@pytest.mark.parametrize(
    "text",
    [
        'multipart/related; type="application/dicom"; transfer-syntax=*',
        "multipart/related; type=application/dicom; transfer-syntax=*",
        'multipart/related;type="application/dicom";transfer-syntax="*"',
        'Multipart/Related ; Type = "Application/DICOM" ; Transfer-Syntax = *',
        'multipart/related; transfer-syntax=*; type="application/dicom"; ; nothing',
        'multipart/related; type="application\\/dicom"; transfer-syntax=*',
    ],
)
def test_quoting_and_case_make_no_difference(text: str) -> None:
    """Every spelling of one media type that clients send is understood alike."""
    parsed = parse_media_type(text)
    assert (parsed.part_type, parsed.transfer_syntax) == ("application/dicom", "*")
    assert parsed.is_multipart


def test_separators_within_quotes_separate_nothing() -> None:
    """A comma or semicolon in a quoted parameter belongs to it."""
    parsed = parse_accept('a/b; x="1,2;3\\"4", c/d')
    assert [MediaType("a/b", {"x": '1,2;3"4'}), MediaType("c/d", {})] == parsed


def test_a_quote_that_never_ends_swallows_nothing() -> None:
    """What follows a broken parameter is still read."""
    parsed = parse_accept('multipart/related; type="application/dicom; transfer-syntax=*, image/png')
    assert [each.essence for each in parsed] == ["multipart/related", "image/png"]
    assert (parsed[0].part_type, parsed[0].transfer_syntax) == ("application/dicom", "*")


@pytest.mark.parametrize(
    "text", ["", "dicom", "application/", "/dicom", "a/b/c", ";", "a b/c", "a/b" * MAX_HEADER_LENGTH]
)
def test_what_is_no_media_type_is_refused(text: str) -> None:
    """A Content-Type that names no type is the client's error."""
    with pytest.raises(InvalidRequestError):
        parse_media_type(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/a, b/b", ["a/a", "b/b"]),
        ("a/a;q=0.1, b/b;q=0.9, c/c", ["c/c", "b/b", "a/a"]),
        ("a/a;q=0.5, b/b;q=0.5", ["a/a", "b/b"]),
        ("a/a;q=0, b/b; q=0.000, c/c", ["c/c"]),
        ("a/a;q=0.5;x=1, b/b;Q=0.6", ["b/b", "a/a"]),
        ("a/a;q=high, b/b;q=-1", ["a/a", "b/b"]),
        ("nonsense, a/a,, ", ["a/a"]),
        ("", []),
    ],
)
def test_accept_is_ordered_by_quality(text: str, expected: list[str]) -> None:
    """The most preferred comes first, those of no quality not at all, equal ones as sent."""
    assert expected == [each.essence for each in parse_accept(text)]


@pytest.mark.parametrize(
    ("accept", "offers", "expected"),
    [
        # instances
        ("application/dicom; transfer-syntax=*", INSTANCE, Choice(SINGLE, "*")),
        ("application/dicom", INSTANCE, Choice(SINGLE, None)),
        (f"application/dicom; transfer-syntax={J2K}", INSTANCE, Choice(SINGLE, J2K)),
        ('multipart/related; type="application/dicom"; transfer-syntax=*', INSTANCE, Choice(MULTIPART, "*")),
        ('multipart/related; type="application/dicom"', STUDY, Choice(MULTIPART, None)),
        ("multipart/related", STUDY, Choice(MULTIPART, None)),
        ('multipart/related; type="*/*"', STUDY, Choice(MULTIPART, None)),
        ("multipart/*", STUDY, Choice(MULTIPART, None)),
        ("application/*", INSTANCE, Choice(SINGLE, None)),
        ("*/*", STUDY, Choice(MULTIPART, "*")),
        ("*/*", INSTANCE, Choice(SINGLE, "*")),
        (f"*/*; transfer-syntax={J2K}", INSTANCE, Choice(SINGLE, J2K)),
        (None, STUDY, Choice(MULTIPART, "*")),
        ("", INSTANCE, Choice(SINGLE, "*")),
        (
            'multipart/related; type="image/jpeg", application/dicom; q=0.5; transfer-syntax=*',
            INSTANCE,
            Choice(SINGLE, "*"),
        ),
        # frames and bulk data
        (
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
            FRAMES,
            Choice(FRAMES[0], "*"),
        ),
        ("application/octet-stream; transfer-syntax=*", FRAMES, Choice(FRAMES[1], "*")),
        ("application/octet-stream", FRAMES, Choice(FRAMES[1], None)),
        ("text/html, */*;q=0.1", FRAMES, Choice(FRAMES[0], "*")),
        # metadata and search
        ("application/dicom+json, application/json", METADATA, Choice(METADATA[0], None)),
        ("application/json", METADATA, Choice(METADATA[1], None)),
        ("application/json, text/plain, */*", METADATA, Choice(METADATA[1], None)),
        ("application/dicom+xml; q=1, application/dicom+json; q=0.2", METADATA, Choice(METADATA[0], None)),
        # rendered
        ("image/*", RENDERED, Choice(RENDERED[0], None)),
        ("image/png, image/jpeg", RENDERED, Choice(RENDERED[1], None)),
        ("image/gif, image/*;q=0.5", RENDERED, Choice(RENDERED[0], None)),
    ],
)
def test_the_representation_asked_for_is_chosen(
    accept: str | None, offers: tuple[Offer, ...], expected: Choice
) -> None:
    """Each header gets the offer, and the word on transfer syntaxes, that PS3.18 8.7.8 gives it."""
    assert expected == choose(accept, offers)


@pytest.mark.parametrize(
    ("accept", "offers", "named"),
    [
        ("application/dicom", STUDY, "multipart/related"),
        ('multipart/related; type="application/dicom+xml"', STUDY, "multipart/related"),
        ('multipart/related; type="application/octet-stream"', INSTANCE, "application/dicom"),
        ("application/data", METADATA, "application/dicom[+]json"),
        ("image/gif", RENDERED, "image/jpeg, image/png"),
        ("image/png;q=0", RENDERED, "image/jpeg"),
        ("nonsense", METADATA, "application/json"),
    ],
)
def test_what_is_not_offered_is_not_acceptable(accept: str, offers: tuple[Offer, ...], named: str) -> None:
    """The message says what could be asked for instead."""
    with pytest.raises(NotAcceptableError, match=named):
        choose(accept, offers)


def test_the_accept_parameter_comes_before_the_header() -> None:
    """The query parameter decides where it fits an offer, else the header does."""
    assert Choice(RENDERED[1], None) == choose("image/jpeg", RENDERED, accept_parameter="image/png")
    assert Choice(RENDERED[0], None) == choose("image/jpeg", RENDERED, accept_parameter="image/gif")
    assert Choice(RENDERED[1], None) == choose(None, RENDERED, accept_parameter="image/png")
    with pytest.raises(NotAcceptableError):
        choose(None, RENDERED, accept_parameter="image/gif")


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*'a/*;=", \\', "q=", "type", "application/dicom", "0.5"]), max_size=30).map(
        "".join
    )
)
def test_any_accept_header_gets_an_answer(accept: str) -> None:
    """Whatever a header holds, an offer is chosen or none is acceptable."""
    try:
        choice = choose(accept, INSTANCE)
    except NotAcceptableError:
        return
    assert choice.offer in INSTANCE
