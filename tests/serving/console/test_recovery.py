"""The page Cart recovery says what the API says, which says what `training.policy` found, and what is proved."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from features.reports.interval import Interval
from features.reports.policy_value import PolicyValue
from serving.console.recovery import earns
from serving.console.words import Words
from tests.serving.console import groups_shop
from tests.serving.console.browser import Browser, text
from tests.serving.world import NOW, Shop, copy_world, running
from tests.training.policy.planted import POINT
from training.policy.value import Compared, value


def test_the_api_says_what_the_gates_estimators_found(grouped: Shop) -> None:
    seen = groups_shop.plant().history(NOW)
    which = seen.by_champion
    log = seen.log(which)
    found = value(Compared(log, groups_shop.RULE.probabilities(log.contexts, log.eligible), None, seen.logging(which)))
    answer = grouped.client.get("/v1/reports/policy-value").json()
    rule = next(one for one in answer["alternatives"] if one["name"] == "rule")
    assert [one["estimator"] for one in rule["estimates"]] == [one.name for one in (found.chosen, *found.beside)]
    for mine, its in zip(rule["estimates"], (found.chosen, *found.beside), strict=True):
        assert mine["value"]["mean"] == pytest.approx(its.value.mean)
        assert mine["policy_above"]["high"] == pytest.approx(-its.difference.low)
    assert answer["live"]["decisions"] == len(log)


def test_the_page_shows_the_numbers_of_the_api(grouped: Shop) -> None:
    answer, page = grouped.client.get("/v1/reports/policy-value").json(), Browser(grouped).get("/console/recovery").text
    figures = {
        "earned": answer["live"]["value"]["mean"],
        "decisions": answer["decisions"],
        "explored": answer["live"]["explored"],
        "left": answer["harms"]["left"],
        "cost": answer["harms"]["cost"],
    }
    for name, number in figures.items():
        assert f'id="{name}" data-value="{number}"' in page
    for one in answer["alternatives"]:
        table = re.search(rf'<table id="estimates-{one["name"]}">.*?</table>', page, re.DOTALL)
        assert table is not None
        values = re.findall(r'data-value="([^"]+)"', table[0])
        pairs = [(each["value"]["mean"], each["policy_above"]["mean"]) for each in one["estimates"]]
        assert values == [str(number) for pair in pairs for number in pair]


def test_it_says_in_words_what_is_proved_and_what_was_done(grouped: Shop) -> None:
    html = Browser(grouped).get("/console/recovery").text
    page = text(html)
    assert re.search(
        r"The policy earns \d+% less than the shop's own rule, 95 % interval .*: proved to be less\.", page
    )
    assert "Most often: no consent, in 600 decisions." in page
    assert "Most often chosen: email, in 67% of decisions. Nothing was sent in 33%." in page
    assert "proves that another policy is better" in page
    assert "Simulated: 800 customers here are made up." in page
    assert "<b>yet</b>" not in html
    assert "not better <b>yet</b>" in unescape(html)


@pytest.mark.parametrize(
    ("above", "words"),
    [
        (Interval(0.2, 0.1, 0.3), "The policy earns 4% more than chance, 95 % interval -1% to +9%: proved."),
        (Interval(0.2, -0.1, 0.3), "The policy earns 4% more than chance, 95 % interval -1% to +9%: not yet proved."),
    ],
)
def test_the_verdict_is_that_of_the_interval(grouped: Shop, above: Interval, words: str) -> None:
    report = grouped.resources.reports.read("policy-value", POINT, PolicyValue)
    assert report is not None
    one = report.against("random")
    assert one is not None
    counted = replace(one.estimates[0], policy_above=above)
    told = replace(one, estimates=(counted,), share=Interval(0.04, -0.01, 0.09))
    assert earns(Words("en"), report, told) == words


def test_russians_read_russian(grouped: Shop) -> None:
    page = text(Browser(grouped, locale="ru").get("/console/recovery").text)
    assert re.search(r"Политика зарабатывает на \d+ % меньше, чем правило магазина", page)
    cyrillic, latin = (len(re.findall(letters, page, re.IGNORECASE)) for letters in ("[а-яё]", "[a-z]"))
    assert cyrillic > 2 * latin


def test_the_gates_reasons_are_said_in_the_readers_language_where_they_have_codes(grouped: Shop) -> None:
    for locale, said in (("en", "12 settled decisions since it was frozen"), ("ru", "с момента заморозки: 12")):
        html = Browser(grouped, locale=locale).get("/console/recovery").text
        assert re.search(f"<td>[^<]*{said}", html)
        assert re.search('<td lang="en">not better', html), "an older verdict is the gate's own sentence"
        assert "too few by far" not in html
        assert "it is worse" not in html
    assert "доказано, что хуже" in html
    assert "-0,5000 на покупателя (всего покупателей: 900)" in html


def test_too_few_decisions_are_said_and_not_drawn(world: Path, tmp_path: Path) -> None:
    folder = copy_world(world, tmp_path / "shop")
    empty = groups_shop.plant()
    empty.records, empty.events = empty.records[:5], []
    groups_shop.keep(folder, empty)
    with running(folder) as found:
        page = text(Browser(found).get("/console/recovery").text)
    assert "Too few decisions of the policy are final yet" in page
    assert "With so few decisions nothing can be said" in page


def test_a_shop_without_the_report_says_how_to_have_it(shared: Shop) -> None:
    answer = shared.client.get("/v1/reports/policy-value")
    assert answer.status_code == 404
    assert "python -m pipelines report policy-value" in answer.json()["detail"]
    page = Browser(shared).get("/console/recovery")
    assert page.status_code == 200
    assert "python -m pipelines report policy-value" in page.text
