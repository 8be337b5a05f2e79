"""Pictures that any browser shows."""

from xml.etree import ElementTree

from .plots import Line, bars, lines

SVG = "{http://www.w3.org/2000/svg}"


def test_lines_stay_inside_of_their_picture_and_every_one_is_named() -> None:
    drawn = [Line("20/s", [(0, 0), (130, 100)]), Line("<50/s>", [(0, 0), (77, 250)])]

    page = ElementTree.fromstring(lines("Latency & pace", drawn, x="ms", y="%"))

    _, _, width, height = map(float, page.attrib["viewBox"].split())
    for line in page.iter(f"{SVG}polyline"):
        points = [tuple(map(float, one.split(","))) for one in line.attrib["points"].split()]
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    texts = {one.text for one in page.iter(f"{SVG}text")}
    assert {"Latency & pace", "20/s", "<50/s>", "ms", "%"} <= texts


def test_axes_end_at_a_round_number_at_or_above_the_largest_value() -> None:
    page = ElementTree.fromstring(lines("", [Line("", [(0, 0), (130, 0.07)])], x="", y=""))

    texts = {one.text for one in page.iter(f"{SVG}text")}

    assert "140" in texts
    assert "0.07" in texts


def test_a_million_is_written_out() -> None:
    page = ElementTree.fromstring(lines("", [Line("", [(0, 0), (1_000_000, 1)])], x="", y=""))

    assert "1,000,000" in {one.text for one in page.iter(f"{SVG}text")}


def test_bars_are_as_long_as_their_values() -> None:
    page = ElementTree.fromstring(bars("CPU", {"api": 4.0, "relay": 1.0, "idle": 0.0}, unit="ms"))

    lengths = [float(one.attrib["width"]) for one in page.iter(f"{SVG}rect")][1:]

    assert lengths[0] == 4 * lengths[1] > 0
    assert lengths[2] == 0


def test_nothing_measured_is_an_empty_picture() -> None:
    assert ElementTree.fromstring(lines("none", [], x="s", y="MB")).tag == f"{SVG}svg"
    assert ElementTree.fromstring(bars("none", {}, unit="ms")).tag == f"{SVG}svg"
