"""Embeds charts and data in an HTML page: escaped JSON, the inlined drawing library, a policy that pins scripts.

The page runs two scripts only, both inlined and both named by hash in its Content-Security-Policy, so markup that
slipped through escaping could still not run. Charts are drawn with Vega's expression interpreter, which needs no
`eval`, and nothing may be fetched from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import vl_convert
from markupsafe import Markup

from gauger.report.drawing import Chart, dress
from gauger.report.palette import FONT

_NEEDLESS = re.compile(r' (?:aria-[a-z]+|role|class)="[^"<>]*"')
_LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+(?=[^<>]*>)")
STATIC_WIDTH = 240
"""Width of a plot in pixels where scripts do not run; narrow, so that a small screen shrinks its letters little."""
STATIC_ROOM = 24
"""Pixels left free beside the plot: a browser's letters are wider than those that the labels were measured with."""
_UNSAFE_IN_SCRIPT = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def script_json(value: Any) -> Markup:
    """Return `value` as JSON that is safe inside a `<script>` element: no `<`, `>` or `&` stands in it.

    Raises
    ------
    ValueError
        For NaN and infinities: undefined is None in a document.
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_UNSAFE_IN_SCRIPT))  # noqa: S704 - every character that could end the script is gone


def embed_chart(chart: Chart, chart_id: str, *, height: int = 240, alt: str = "", labelled: bool = False) -> Markup:
    """Return the HTML that shows an Altair chart: a box, and beside it the chart's specification as data.

    Without scripts the box shows the chart as an image.

    Parameters
    ----------
    chart : Altair chart or Mapping
        The chart, or its Vega-Lite specification.
        Without a width it becomes as wide as its box; without a configuration it takes the house style.
    chart_id : str
        Unique on the page; letters, digits and hyphens.
    height : int
        Pixels kept free until the chart is drawn.
    alt : str
        Text for readers who cannot see the chart.
    labelled : bool
        Whether values are printed right of the plot (as `forest` does), which then needs room for them.
    """
    box = Markup(
        '<div class="chart" id="{id}" role="img" aria-label="{alt}" style="min-height:{height}px">'
        "<noscript>{image}</noscript></div>"
    )
    data = Markup('<script type="application/json" data-chart="{id}">{spec}</script>')
    dressed = dress(chart, labelled=labelled)
    image = static_image(dressed, alt)
    return box.format(id=chart_id, alt=alt, height=height, image=image) + data.format(
        id=chart_id, spec=script_json(dressed)
    )


def static_image(spec: Mapping[str, Any], alt: str) -> Markup:
    """Return a chart as an image element that holds its SVG: what a reader without scripts sees in its place.

    An image cannot run anything, so nothing in the SVG needs to be trusted. It is white in a dark page too.
    """
    fixed = {**spec, "background": "#ffffff"}
    if fixed.get("width") == "container":
        fixed |= {"width": STATIC_WIDTH, "autosize": {"type": "pad"}, "padding": _roomy(fixed.get("padding", 0))}
    svg: str = vl_convert.vegalite_to_svg(json.dumps(fixed), allowed_base_urls=[])
    svg = slim(svg)
    image = Markup('<img class="static" alt="{alt}" src="data:image/svg+xml;base64,{data}">')
    return image.format(alt=alt, data=base64.b64encode(svg.encode()).decode())


def slim(svg: str) -> str:
    """Return an SVG for an image element at about half its length: the font named once, numbers to two decimals.

    What an image says to screen readers is its `alt`, so labels inside it are dropped.
    """
    font = f'font-family="{FONT}" '
    short = _LONG_NUMBER.sub(r"\1", _NEEDLESS.sub("", svg.replace(font, "")))
    return short.replace("<svg ", f"<svg {font}", 1)


def _roomy(padding: float | Mapping[str, float]) -> dict[str, float]:
    sides = padding if isinstance(padding, Mapping) else dict.fromkeys(("left", "right", "top", "bottom"), padding)
    return {**sides, "left": sides.get("left", 0) + STATIC_ROOM}


@cache
def chart_library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one JavaScript text (0.9 MB), taken from vl-convert, without network.

    Taking it apart costs about 2 s, hence once per process.
    """
    code: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    if "</script" in code.lower():
        raise AssertionError("the drawing library would end its own script element")
    return code


def content_security_policy(scripts: Iterable[str]) -> str:
    """Return the policy of a page that runs exactly these inline scripts and loads nothing."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" for code in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
