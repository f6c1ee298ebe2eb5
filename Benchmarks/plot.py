"""Draws panels of lines over a logarithmic axis as one SVG that fits light and dark pages."""

import math
from dataclasses import dataclass, field
from html import escape

COLUMNS = 3
PANEL_WIDTH, PANEL_HEIGHT = 300, 220
LEFT, TOP, RIGHT, BOTTOM = 52, 42, 14, 44
# How wide a letter is, about.
LETTER = 6

STYLE = """
    text { font: 11px system-ui, sans-serif; fill: #57606a }
    .title { font-size: 13px; font-weight: 600; fill: #1f2328 }
    .grid { stroke: #d8dee4 } .axis { stroke: #8c959f }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
    .line0 { stroke: #0969da } .dot0, text.name0 { fill: #0969da }
    .line1 { stroke: #bc4c00 } .dot1, text.name1 { fill: #bc4c00 }
    @media (prefers-color-scheme: dark) {
      text { fill: #9198a1 } .title { fill: #f0f6fc }
      .grid { stroke: #3d444d } .axis { stroke: #656c76 }
      .line0 { stroke: #58a6ff } .dot0, text.name0 { fill: #58a6ff }
      .line1 { stroke: #f0883e } .dot1, text.name1 { fill: #f0883e }
    }"""


@dataclass
class Line:
    name: str
    # Pairs of a count and seconds.
    points: list = field(default_factory=list)
    # Where and why it ends early.
    failure: str | None = None


@dataclass
class Panel:
    title: str
    # What is counted, and what the seconds are for.
    what: str
    unit: str
    lines: list


def draw(panels):
    rows = math.ceil(len(panels) / COLUMNS)
    width, height = COLUMNS * PANEL_WIDTH, rows * PANEL_HEIGHT
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
             "<title>Time for each part of a build against how many parts there are</title>",
             f"<style>{STYLE}\n</style>"]
    for number, panel in enumerate(panels):
        x, y = number % COLUMNS * PANEL_WIDTH, number // COLUMNS * PANEL_HEIGHT
        parts.append(f'<g transform="translate({x} {y})">')
        parts += _panel(panel)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel):
    counts = sorted({count for line in panel.lines for count, _ in line.points})
    top = max(value for line in panel.lines for _, value in line.points)
    unit, scale = next(((unit, scale) for unit, scale in [("s", 1), ("ms", 1e3)] if top * scale >= 1), ("µs", 1e6))
    step = _step(top * scale)
    ceiling = math.ceil(top * scale / step) * step
    right, bottom = PANEL_WIDTH - RIGHT, PANEL_HEIGHT - BOTTOM
    low, high = math.log(counts[0]), math.log(max(counts[-1], counts[0] + 1))

    def horizontal(count):
        return LEFT + (math.log(count) - low) / (high - low) * (right - LEFT)

    def vertical(value):
        return bottom - value * scale / ceiling * (bottom - TOP)

    yield f'<text class="title" x="{LEFT}" y="18">{escape(panel.title)}</text>'
    yield f'<text x="{LEFT}" y="33">{unit} {escape(panel.unit)}</text>'
    for number in range(round(ceiling / step) + 1):
        y = vertical(number * step / scale)
        kind = "grid" if number else "axis"
        yield f'<path class="{kind}" d="M{LEFT} {y:.1f}H{right}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number * step:g}</text>'
    for count in counts:
        x = horizontal(count)
        yield f'<path class="axis" d="M{x:.1f} {bottom}v4"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{_short(count)}</text>'
    yield f'<text x="{(LEFT + right) / 2:.0f}" y="{bottom + 34}" text-anchor="middle">{escape(panel.what)}</text>'
    for number, line in enumerate(panel.lines):
        places = [(horizontal(count), vertical(value)) for count, value in line.points]
        yield f'<path class="line line{number}" d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y in places) + '"/>'
        for x, y in places:
            yield f'<circle class="dot{number}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
    if len(panel.lines) > 1:
        end = right
        for number, line in reversed(list(enumerate(panel.lines))):
            yield f'<text class="name{number}" x="{end}" y="33" text-anchor="end">{escape(line.name)}</text>'
            end -= LETTER * len(line.name) + 12


def _step(top):
    """A round distance between three to six grid lines."""
    power = 10 ** math.floor(math.log10(top / 3))
    return next(factor * power for factor in (1, 2, 5, 10) if top / (factor * power) <= 5)


def _short(count):
    return f"{count // 1000}k" if count >= 1000 else str(count)
