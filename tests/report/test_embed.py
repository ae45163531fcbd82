from __future__ import annotations

import base64
import hashlib
import json

import altair as alt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.report.embed import (
    STATIC_WIDTH,
    chart_library,
    content_security_policy,
    embed_chart,
    script_json,
    slim,
    static_image,
)
from gauger.report.palette import FONT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_json_in_a_script_reads_back_and_cannot_end_the_script(value: object) -> None:
    text = str(script_json(value))
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


def test_a_value_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        script_json({"value": float("nan")})


def test_the_policy_names_the_scripts_and_allows_no_source() -> None:
    policy = content_security_policy(["one()", "two()"])
    for code in ("one()", "two()"):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "unsafe-eval" not in policy
    script_rule = next(rule for rule in policy.split(";") if "script-src" in rule)
    assert "unsafe-inline" not in script_rule


def test_the_library_can_stand_inside_a_script_element() -> None:
    code = chart_library()
    assert "vegaEmbed" in code
    assert "</script" not in code.lower()
    assert "<!--" not in code


def test_a_chart_is_embedded_with_its_text_escaped_and_its_width_left_to_the_page() -> None:
    chart = alt.Chart(alt.Data(values=[{"a": "</script>"}])).mark_point().encode(x="a:N")
    html = str(embed_chart(chart, "c1", height=99, alt='"<x>'))
    assert html.count("</script>") == 1
    assert "min-height:99px" in html
    assert "&#34;&lt;x&gt;" in html
    spec = json.loads(html.split('data-chart="c1">')[1].rsplit("</script>", 1)[0])
    assert spec["width"] == "container"
    assert embed_chart(chart.properties(width=123), "c1").count('"width":123') == 1


def picture(spec: dict[str, object]) -> str:
    html = str(static_image(spec, 'the "answer"'))
    assert html.startswith('<img class="static" alt="the &#34;answer&#34;" src="data:image/svg+xml;base64,')
    return base64.b64decode(html.split("base64,")[1].split('"')[0]).decode()


def test_a_still_picture_holds_the_marks_and_keeps_room_for_wider_letters() -> None:
    rows = alt.Data(values=[{"name": "fauna-quiz-new", "value": 3.0}])
    chart = alt.Chart(rows).mark_point().encode(x="value:Q", y="name:N").to_dict()
    loose, fixed = picture({**chart, "width": "container"}), picture({**chart, "width": STATIC_WIDTH})
    assert ">fauna-quiz-new</text>" in loose
    assert 'stroke="#' in loose.split("</text>")[-1], "the mark itself"
    width = {name: float(svg.split('width="')[1].split('"')[0]) for name, svg in (("loose", loose), ("fixed", fixed))}
    assert width["loose"] > width["fixed"] > STATIC_WIDTH


def test_a_slim_picture_says_the_same_with_fewer_letters() -> None:
    label = (
        f'<text font-family="{FONT}" opacity="0.055" transform="translate(85.71428,2.25)" aria-label="s">1.23456</text>'
    )
    svg = f'<svg a="1">{label}<text font-family="mono" >7</text></svg>'
    short = slim(svg)
    assert short.startswith(f'<svg font-family="{FONT}" ')
    assert short.count("font-family=") == 2, "another font stays where it is"
    assert 'opacity="0.05" transform="translate(85.71,2.25)">1.23456</text>' in short
    assert "aria-label" not in short
