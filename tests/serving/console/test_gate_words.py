"""Each code of a gate has words in every language, with the figures that it tells of."""

import re
from string import Formatter
from typing import get_args, get_type_hints

import pytest

from features.reports.finding import CODES, Finding
from serving.console.catalogues import LOCALES
from serving.console.gate_words import FOUND, told
from serving.console.words import Words
from training.policy.gate import Harm

NAMES = {"candidate", "opponent", "estimator", "version"}


def finding(code: str) -> Finding:
    figures = {place: 0.25 for place in CODES[code] if place not in NAMES}
    return Finding.of(code, figures, **{place: "champion" for place in CODES[code] if place in NAMES})


def test_every_code_has_a_sentence_with_all_that_it_tells_of() -> None:
    assert set(FOUND) == set(CODES)
    for code, text in FOUND.items():
        assert {name for _, name, _, _ in Formatter().parse(text) if name} == set(CODES[code]), code


def test_every_harm_that_the_gate_looks_at_has_a_code() -> None:
    assert {f"harm_{name}" for name in get_args(get_type_hints(Harm)["name"])} <= set(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_said_in_every_language_and_in_each_otherwise(code: str) -> None:
    said = [told(Words(locale), [finding(code)]) for locale in LOCALES]
    assert all(said)
    assert len(set(said)) == len(LOCALES)
    assert re.search("[а-я]", told(Words("ru"), [finding(code)]) or "")
    assert not re.search("[{}]", "".join(one or "" for one in said))


def test_figures_are_written_as_each_language_does() -> None:
    found = [
        Finding.of("valued", {"difference": 0.25, "low": -0.5, "high": 1.0, "gain": 0.125, "clip": float("inf")}),
        Finding.of("too_few_decisions", {"decisions": 12, "needed": 1_000}),
        Finding.of("propensities_mismatch", {"chance": 2.4e-9, "least_chance": 0.001}),
    ]
    assert told(Words("en"), found) == (
        "Above what was earned, a decision: +0.2500 (+12.5%), 95 % interval -0.5000 to +1.0000, weights cut at ∞. "
        "12 settled decisions since it was frozen; 1,000 are needed. Actions were not taken as often as their logged "
        "probabilities say (p = 2e-09, below 0.001): find out who else chose, and log that."
    )
    russian = told(Words("ru"), found) or ""
    assert "+0,2500 (+12,5\xa0%)" in russian
    assert "нужно 1\xa0000" in russian


def test_what_was_live_is_named_in_words_and_a_recipe_by_its_name() -> None:
    figures = {"difference": 0.1, "low": 0.0, "high": 0.2}
    said = [told(Words("ru"), [Finding.of("worse_at_new", figures, opponent=name)]) for name in ("champion", "als")]
    assert "работавшая версия" in (said[0] or "")
    assert "als" in (said[1] or "")


def test_where_one_has_no_words_here_nothing_is_said_and_the_page_keeps_to_the_gates_own() -> None:
    assert told(Words("ru"), []) is None
    assert told(Words("ru"), [finding("admitted"), Finding("of tomorrow", {}, {})]) is None
    assert told(Words("ru"), [Finding("too_few_decisions", {}, {})]) is None
