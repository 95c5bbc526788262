"""Plots show what the figures say: everyone by name, intervals around means, groups where they belong."""

import io
from dataclasses import replace

import numpy as np
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from tests.training.test_gate import evaluation
from training.plots import MOST_LINES, by_history, chart, lift_and_coverage

FOUND = evaluation(new=np.linspace(0, 1, 40), popular=np.linspace(0, 0.5, 40))


def is_a_picture(figure: Figure) -> bool:
    page = io.BytesIO()
    figure.savefig(page, format="png")
    return page.getvalue().startswith(b"\x89PNG")


def test_the_chart_names_everyone_and_draws_intervals_around_means() -> None:
    figure = chart(FOUND, np.random.default_rng(0))
    assert len(figure.axes) == 2
    for panel in figure.axes:
        assert [label.get_text() for label in panel.get_yticklabels()] == ["popular", "new"]
        bars = [container for container in panel.containers if isinstance(container, ErrorbarContainer)]
        means = [float(np.asarray(bar.lines[0].get_xdata())[0]) for bar in bars]
        assert means == [0.25, 0.5]
    assert is_a_picture(figure)


def test_recall_is_drawn_where_the_orders_are_and_small_groups_are_left_out() -> None:
    orders = np.array([0] * 15 + [9] * 9 + [500] * 16, np.int32)
    found = replace(FOUND, outcomes=tuple(replace(outcome, orders=orders) for outcome in FOUND.outcomes))
    figure = by_history(found)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert set(lines) == {"new", "popular"}
    values = np.linspace(0, 1, 40)
    assert np.asarray(lines["new"].get_xdata()).tolist() == [0, 5], "nine customers are too few to say anything"
    assert np.asarray(lines["new"].get_ydata()).tolist() == [values[:15].mean(), values[24:].mean()]
    assert is_a_picture(figure)


def test_without_orders_there_is_a_picture_all_the_same() -> None:
    assert is_a_picture(by_history(FOUND))


def test_no_more_lines_than_can_be_told_apart() -> None:
    many = evaluation(**{f"model{number}": np.full(20, number / 20) for number in range(12)}, popular=np.zeros(20))
    drawn = {line.get_label() for line in by_history(many).axes[0].get_lines()}
    assert drawn == {f"model{number}" for number in range(12 - MOST_LINES, 12)}


def test_lift_and_coverage_has_a_point_and_a_name_for_everyone() -> None:
    moved = [replace(outcome, coverage=0.3, popularity_lift=2.5) for outcome in FOUND.outcomes[:1]]
    figure = lift_and_coverage(replace(FOUND, outcomes=(*moved, *FOUND.outcomes[1:])))
    panel = figure.axes[0]
    assert {text.get_text() for text in panel.texts} == {"new", "popular"}
    points = {(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in panel.get_lines()[:-1]}  # type: ignore[index,arg-type]
    assert points == {(30.0, 2.5), (10.0, 1.0)}
    assert is_a_picture(figure)


def test_what_would_be_drawn_over_each_other_is_drawn_once_with_both_names() -> None:
    values = np.linspace(0, 1, 40)
    found = evaluation(one=values, same=values.copy(), popular=values / 2)
    assert {line.get_label() for line in by_history(found).axes[0].get_lines()} == {"one, same", "popular"}
    assert {text.get_text() for text in lift_and_coverage(found).axes[0].texts} == {"one, same, popular"}
