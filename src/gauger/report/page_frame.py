"""Frames every page alike: template environment, style sheet, scripts, policy.

A page is a template that extends `base.html.j2`; `render_page` gives it the assets. The report of a study and the page
of the published evidence are both made this way.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gauger.report.embed import chart_library, content_security_policy, embed_chart, script_json
from gauger.report.palette import dark_css
from gauger.report.wording import printable

_FOLD = re.compile(r"<details(?! open)(?=[ >])")


@cache
def environment() -> Environment:
    """Return the template environment: always escaping, and strict about undefined names."""
    templates = Environment(
        loader=PackageLoader("gauger.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update(embed_chart=embed_chart)
    templates.filters.update(printable=printable, script_json=script_json)
    return templates


@cache
def asset(name: str) -> str:
    """Return the text of a file that lies beside the templates."""
    return files("gauger.report").joinpath(name).read_text(encoding="utf-8")


def render_page(
    template: str, *, more_script: str = "", more_style: str = "", unfolded: bool = False, **context: Any
) -> str:
    """Return one self-contained HTML page.

    Parameters
    ----------
    template : str
        File name of a template of this package that extends `base.html.j2`.
    more_script, more_style : str
        What this page adds to the page's own script and style sheet.
    unfolded : bool
        Whether everything that can be folded is open.
    context
        What the template sees; `title` (str) and `sections` (sequence of `Section`) are needed by the frame.
    """
    scripts = {"library": chart_library(), "page_script": asset("report.js") + more_script}
    page = (
        environment()
        .get_template(template)
        .render(
            **context,
            **scripts,
            style=asset("report.css") + more_style + dark_css(),
            policy=content_security_policy(scripts.values()),
        )
    )
    # No script and no text holds this tag: the policy pins scripts, and text is escaped.
    return _FOLD.sub("<details open", page) if unfolded else page
