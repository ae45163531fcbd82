"""Embeds charts and data in an HTML page: escaped JSON, the inlined drawing library, a policy that pins scripts.

The page runs two scripts only, both inlined and both named by hash in its Content-Security-Policy, so markup that
slipped through escaping could still not run. Charts are drawn with Vega's expression interpreter, which needs no
`eval`, and nothing may be fetched from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import vl_convert
from markupsafe import Markup

from gauger.report.drawing import Chart, dress

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
    """Return the HTML that shows an Altair chart: an empty box, and beside it the chart's specification as data.

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
    box = Markup('<div class="chart" id="{id}" role="img" aria-label="{alt}" style="min-height:{height}px"></div>')
    data = Markup('<script type="application/json" data-chart="{id}">{spec}</script>')
    spec = script_json(dress(chart, labelled=labelled))
    return box.format(id=chart_id, alt=alt, height=height) + data.format(id=chart_id, spec=spec)


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
