"""Pictures of figures as SVG: lines over a number, and bars. No library: a picture is a page of text."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 52, 50
#: Told apart by people who see colours otherwise, too (Okabe and Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
BAR, GAP = 20, 8


@dataclass(frozen=True, slots=True)
class Line:
    """`points`: x and y, in the order they are joined."""

    name: str
    points: Sequence[tuple[float, float]]


def lines(title: str, drawn: Sequence[Line], *, x: str, y: str) -> str:
    """Both axes from zero; `x` and `y` say what they count."""
    every = [point for line in drawn for point in line.points]
    across = _ticks(max((one for one, _ in every), default=0.0))
    upwards = _ticks(max((one for _, one in every), default=0.0))
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at_x(value: float) -> float:
        return LEFT + value / across[-1] * plot_width

    def at_y(value: float) -> float:
        return TOP + plot_height - value / upwards[-1] * plot_height

    def parts() -> Iterator[str]:
        for tick in upwards:
            yield _rule(LEFT, at_y(tick), LEFT + plot_width, at_y(tick))
            yield _text(LEFT - 8, at_y(tick) + 4, _number(tick), anchor="end")
        for tick in across:
            yield _text(at_x(tick), TOP + plot_height + 18, _number(tick), anchor="middle")
        yield _text(LEFT + plot_width / 2, HEIGHT - 10, x, anchor="middle")
        yield _text(8, TOP - 16, y)  # it may be longer than the margin is wide
        for number, line in enumerate(drawn):
            colour = COLOURS[number % len(COLOURS)]
            joined = " ".join(f"{at_x(one):.1f},{at_y(two):.1f}" for one, two in line.points)
            yield f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
            yield _text(LEFT + plot_width + 12, TOP + 12 + number * 18, line.name, colour=colour)

    return _page(title, HEIGHT, parts())


def bars(title: str, values: Mapping[str, float], *, unit: str, digits: int = 1) -> str:
    """One below the other, as given."""
    left, longest = 190, max(values.values(), default=0.0) or 1.0
    height = TOP + len(values) * (BAR + GAP) + GAP

    def parts() -> Iterator[str]:
        for number, (name, value) in enumerate(values.items()):
            top = TOP + number * (BAR + GAP)
            length = max(value, 0.0) / longest * (WIDTH - left - RIGHT)
            yield _text(left - 8, top + BAR - 6, name, anchor="end")
            yield f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{COLOURS[0]}"/>'
            yield _text(left + length + 6, top + BAR - 6, f"{value:,.{digits}f} {unit}")

    return _page(title, height, parts())


def _ticks(largest: float) -> list[float]:
    """Four to ten round numbers from zero to just above the largest value."""
    if largest <= 0:
        return [0.0, 1.0]
    power = 10 ** math.floor(math.log10(largest))
    step = next(part * power for part in (0.1, 0.2, 0.5, 1, 2) if largest <= part * power * 8)
    return [number * step for number in range(math.ceil(largest / step - 1e-9) + 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.6g}"


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _page(title: str, height: float, parts: Iterator[str]) -> str:
    drawn = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>\n'
        f'<text x="{LEFT}" y="18" font-size="14" font-weight="bold" fill="#000">{escape(title)}</text>\n'
        f"{drawn}\n</svg>\n"
    )
