"""What may be said of how a view is to be rendered."""

import pytest

from shared.errors import InvalidQueryError
from shared.pixels.rendering_parameters import Rendering, Scale, Viewport, Window, WindowFunction
from shared.pixels.view_parameters import parse_view_parameters


def test_nothing_said_is_eight_bits_of_the_frame_that_represents_the_image() -> None:
    """Other parameters of the request are passed over."""
    assert parse_view_parameters({"accept": "image/png", "view": "L__CC"}) == (Rendering(), None)


def test_all_is_read() -> None:
    """A window goes with and without its function."""
    said = {"bits": "16", "scale": "VOI", "window": "40.5,400", "viewport": "100,200", "frame": "7"}
    rendering = Rendering(viewport=Viewport(100, 200), window=Window(40.5, 400), bits=16)
    assert parse_view_parameters(said) == (rendering, 7)
    sigmoid = parse_view_parameters({"window": "40,400,sigmoid"}).rendering
    assert sigmoid.window == Window(40, 400, WindowFunction.SIGMOID)
    assert parse_view_parameters({"scale": "minmax"}).rendering.scale is Scale.MINMAX
    assert parse_view_parameters({"preset": " Softer "}).rendering.preset == "Softer"


@pytest.mark.parametrize(
    "said",
    [
        *({"bits": text} for text in ("", "12", "8.0", "x")),
        *({"scale": text} for text in ("", "linear")),
        *({"frame": text} for text in ("", "0", "-1", "1,2", "x", "1" * 10)),
        *({"window": text} for text in ("", "1", "1,0", "a,b", "1,2,3")),
        *({"preset": text} for text in ("", " ", "x" * 65)),
        {"window": "1,2", "preset": "1"},
        {"window": "1,2", "scale": "minmax"},
        {"preset": "1", "scale": "minmax"},
    ],
    ids=str,
)
def test_what_has_no_meaning_is_refused(said: dict[str, str]) -> None:
    """Nothing is ignored."""
    with pytest.raises(InvalidQueryError):
        parse_view_parameters(said)
