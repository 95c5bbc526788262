"""Reports hold every recommender that was judged, and the plot is a plot."""

import io

import numpy as np
from matplotlib.container import ErrorbarContainer

from tests.features.shop import day
from tests.training.test_gate import evaluation
from training.bootstrap import Interval
from training.gate import Verdict
from training.report import card, chart, table
from training.splits import Fold

FOUND = evaluation(new=np.linspace(0, 1, 40), popular=np.linspace(0, 0.5, 40))


def test_the_table_has_a_row_for_each_recommender_and_task() -> None:
    rows = table(FOUND)
    assert len(rows) == 4
    assert set(rows["recommender"]) == {"new", "popular"}
    assert rows["recall@10"].tolist() == [values.mean("recall@10") for values in FOUND.outcomes]
    assert (rows["customers"] == 40).all()


def test_the_chart_names_everyone_and_draws_intervals_around_means() -> None:
    figure = chart(FOUND, np.random.default_rng(0))
    assert len(figure.axes) == 2
    for panel in figure.axes:
        assert [label.get_text() for label in panel.get_yticklabels()] == ["popular", "new"]
        bars = [container for container in panel.containers if isinstance(container, ErrorbarContainer)]
        means = [float(np.asarray(bar.lines[0].get_xdata())[0]) for bar in bars]
        assert means == [0.25, 0.5]
    page = io.BytesIO()
    figure.savefig(page, format="png")
    assert page.getvalue().startswith(b"\x89PNG")


def test_the_card_says_what_was_learned_and_whether_it_passed() -> None:
    verdict = Verdict(False, "popular", Interval(0.1, -0.1, 0.3), "recall@10: not above 0")
    text = card("recommender", "{}", Fold(day(0), day(28)), FOUND, verdict, ("recall@10",))
    assert "2026-01-01 to 2026-01-29" in text
    assert "Gate: refused. recall@10: not above 0." in text
    assert "| new | repeats allowed | 0.5000 |" in text
