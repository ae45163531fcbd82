"""Names the colours of every figure: light values and their dark counterparts, safe for colour-blind readers.

Charts are drawn with the light values only. A dark page repaints them by CSS (`dark_css`), so the same SVG serves
screen, dark screen and print. Hues follow Okabe and Ito (2008), "Color Universal Design"; no meaning rests on hue
alone: marks also differ in shape, position or label.
"""

from __future__ import annotations

from collections.abc import Mapping

INK, MUTED, GRID, RULE = "#1c2733", "#5f6c7b", "#e6eaef", "#8793a1"
PAPER, TRACK, BAND = "#fffffe", "#dde4ec", "#eef2f6"
BLUE, ORANGE, GREEN, PINK, SKY, RUST, SLATE, GOLD = (
    "#0b6fae",
    "#e0930f",
    "#0a8f6c",
    "#c0699b",
    "#4aa8dd",
    "#c4510f",
    "#6b7a8c",
    "#b59b12",
)

DARK: Mapping[str, str] = {
    INK: "#e8ecf1",
    MUTED: "#a3afbd",
    GRID: "#2a333e",
    RULE: "#74808e",
    PAPER: "#151b22",
    TRACK: "#313c49",
    BAND: "#1f2731",
    BLUE: "#5db2ea",
    ORANGE: "#f0b247",
    GREEN: "#42c7a0",
    PINK: "#e29ac4",
    SKY: "#8fd0f5",
    RUST: "#f08a52",
    SLATE: "#95a3b3",
    GOLD: "#d9c44e",
}
"""Light colour -> the colour that takes its place on a dark page."""

ROLE_COLOURS: Mapping[str, str] = {"targeted": RUST, "parallel": ORANGE, "near": BLUE, "far": SLATE}
"""Warm: the benchmark's own form. Blue: the same skill in another form. Grey: other skills."""

ARM_COLOURS: tuple[str, ...] = (BLUE, RUST, GREEN, PINK, ORANGE, SKY, GOLD, SLATE)
ARM_SHAPES: tuple[str, ...] = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"


def role_colour(role: str | None) -> str:
    """Return the colour of a benchmark role; the neutral one where no role was given."""
    return ROLE_COLOURS.get(role or "", BLUE)


def arm_style(position: int) -> tuple[str, str]:
    """Return colour and shape of the distilled arm at `position` (0-based); pairs repeat after 24 arms only."""
    return ARM_COLOURS[position % len(ARM_COLOURS)], ARM_SHAPES[position % len(ARM_SHAPES)]


def dark_css() -> str:
    """Return the CSS that repaints charts and legends on a dark screen, attribute value by attribute value."""
    rules = "".join(
        f'svg [fill="{light}"]{{fill:{dark}}}svg [stroke="{light}"]{{stroke:{dark}}}' for light, dark in DARK.items()
    )
    return f"@media screen and (prefers-color-scheme: dark){{{rules}}}"
