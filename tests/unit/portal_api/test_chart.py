"""Where the lines of a chart go, and where they are broken."""

import pytest

from portal_api.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Measured, chart_of

AXIS = Axis(start_ms=0, end_ms=1000, step_ms=100)


def line(*values: float | None) -> Measured:
    return Measured(name="Hall", mean=values, least=values, greatest=values)


def test_a_line_is_broken_where_nothing_was_told_and_one_point_alone_is_a_dot() -> None:
    chart = chart_of(AXIS, [0, 100, 500, 900], [line(1, 2, 3, None)], columns=[])
    assert chart is not None
    (drawn,) = chart.lines
    assert drawn.path.count("M") == 2
    assert drawn.path.endswith("h0")


def test_a_value_that_was_not_told_is_never_nought() -> None:
    chart = chart_of(AXIS, [0, 100, 200], [line(20, None, 22)], columns=[])
    assert chart is not None
    assert min(float(each.label) for each in chart.rows) >= 20
    assert chart.lines[0].path.count("L") == 1


def test_all_that_is_drawn_lies_within_the_frame() -> None:
    wide = Measured(name="x", mean=[0.0, 5.0], least=[-40.0, 5.0], greatest=[0.0, 60.0])
    chart = chart_of(AXIS, [0, 900], [wide], columns=[(0, "00")], dark=[900])
    assert chart is not None
    numbers = [
        float(each)
        for each in chart.lines[0].area.strip("MZ").replace("ZM", "L").replace("h0", "").split("L")[0].split()
    ]
    assert LEFT <= numbers[0] <= WIDTH - RIGHT
    assert all(TOP <= each.at <= HEIGHT - BOTTOM for each in chart.rows)
    ((at, width),) = chart.bars
    assert at + width <= WIDTH - RIGHT


@pytest.mark.parametrize("values", [(20, 20.0), (0.0, 0.1), (-30, 85), (1e6, 2e6)])
def test_the_marks_are_round_and_hold_all_values(values: tuple[float, float]) -> None:
    chart = chart_of(AXIS, [0, 100], [line(*values)], columns=[])
    assert chart is not None
    marks = sorted(float(each.label) for each in chart.rows)
    assert 2 <= len(marks) <= 8
    assert marks[0] <= min(values)
    assert max(values) <= marks[-1]


def test_what_never_moves_lies_in_the_middle_and_a_percentage_is_seen_whole() -> None:
    chart = chart_of(AXIS, [0, 100], [line(21.5, 21.5)], columns=[])
    assert chart is not None
    marks = sorted(float(each.label) for each in chart.rows)
    assert marks[0] < 21.5 < marks[-1]
    full = chart_of(AXIS, [0, 100], [line(100, 100)], columns=[], whole=(0, 100))
    assert full is not None
    assert [each.label for each in full.rows] == ["0", "20", "40", "60", "80", "100"]
    assert full.lines[0].path.split()[1] == f"{full.top:g}L{full.lines[0].path.split('L')[1].split()[0]}"


def test_without_numbers_there_is_no_picture() -> None:
    assert chart_of(AXIS, [0], [line(None)], columns=[]) is None
    assert chart_of(AXIS, [], [], columns=[]) is None
