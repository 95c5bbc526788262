"""Reports hold every recommender that was judged, with what an interval is an interval of."""

from dataclasses import replace

import numpy as np

from tests.features.shop import day
from tests.training.test_gate import evaluation
from training.bootstrap import Interval
from training.evaluate import Evaluation
from training.gate import Verdict
from training.report import card, groups, page, table
from training.splits import Fold

FOUND = evaluation(new=np.linspace(0, 1, 40), popular=np.linspace(0, 0.5, 40))


def grouped() -> Evaluation:
    """The same outcomes, with the first ten customers cold, and nobody who bought a cold product."""
    outcomes = [
        replace(
            outcome,
            groups={
                "cold customers": {name: values[:10] for name, values in outcome.values.items()},
                "warm customers": {name: values[10:] for name, values in outcome.values.items()},
                "cold products": {name: values[:0] for name, values in outcome.values.items()},
            },
        )
        for outcome in FOUND.outcomes
    ]
    return replace(FOUND, outcomes=tuple(outcomes))


def test_the_table_has_a_row_for_each_recommender_and_task_and_an_interval_for_what_is_no_baseline() -> None:
    rows = table(FOUND, np.random.default_rng(0))
    assert len(rows) == 4
    assert set(rows["recommender"]) == {"new", "popular"}
    assert rows["recall@10"].tolist() == [values.mean("recall@10") for values in FOUND.outcomes]
    assert (rows["customers"] == 40).all()
    ends = rows.set_index("recommender")[[f"recall@10 above best baseline, {end}" for end in ("low", "high")]]
    assert (ends.loc["new"].to_numpy()[:, 0] < 0.25).all()
    assert (ends.loc["new"].to_numpy()[:, 1] > 0.25).all()
    assert ends.loc["popular"].isna().to_numpy().all()


def test_groups_say_how_many_they_are_and_nothing_of_nobody() -> None:
    rows = groups(grouped()).set_index(["recommender", "task", "group"])
    cold = rows.loc[("new", "repeats allowed", "cold customers")]
    assert cold["customers"] == 10
    assert cold["recall@10"] == np.linspace(0, 1, 40)[:10].mean()
    nobody = rows.loc[("new", "new only", "cold products")]
    assert nobody["customers"] == 0
    assert np.isnan(nobody["recall@10"])


def test_the_page_shows_the_best_first_and_each_group() -> None:
    text = page(Fold(day(0), day(28)), grouped(), np.random.default_rng(0))
    assert text.index("| new | 0.5000") < text.index("| *popular* | 0.2500")
    assert "+0.2500 [" in text
    assert "cold customers, repeats allowed" in text
    assert "nan (0)" in text
    assert "2026-01-01 to 2026-01-29" in text
    assert "Not known here." in page(Fold(day(0), day(28)), FOUND, np.random.default_rng(0))


def test_the_card_says_what_was_learned_and_whether_it_passed() -> None:
    verdict = Verdict(False, "popular", Interval(0.1, -0.1, 0.3), "recall@10: not above 0", ())
    text = card("recommender", "{}", Fold(day(0), day(28)), FOUND, verdict, ("recall@10",))
    assert "2026-01-01 to 2026-01-29" in text
    assert "Gate: refused. recall@10: not above 0." in text
    assert "| new | repeats allowed | 0.5000 |" in text
