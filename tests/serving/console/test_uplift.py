"""The page Uplift says what the API says, which says what `training.reports` found, and what is proved."""

import re
from dataclasses import replace
from pathlib import Path

from features.reports.interval import Interval
from features.reports.uplift import Uplift
from serving.console.uplift import brought
from serving.console.words import Words
from tests.serving.console import groups_shop
from tests.serving.console.browser import Browser, text
from tests.serving.world import NOW, Shop, copy_world, running
from tests.training.policy.planted import POINT
from training.reports.entrants import entrants
from training.reports.uplift import uplift


def test_the_api_says_what_was_computed(grouped: Shop) -> None:
    logs = groups_shop.plant().logs
    found = uplift(entrants(logs, POINT, NOW, days=7.0), POINT, groups_shop.SHARES, NOW)
    answer = grouped.client.get("/v1/reports/uplift").json()
    assert answer["customers"] == found.customers == groups_shop.COUNT
    for mine, its in zip(answer["contrasts"], found.contrasts, strict=True):
        assert Interval(**mine["always"]) == its.always
        assert Interval(**mine["adjusted"]) == its.adjusted
    assert answer["incremental"][0]["revenue"]["mean"] == found.incremental[0].revenue.mean
    assert [week["mature"] for week in answer["weeks"]] == [week.mature for week in found.weeks]
    assert {True, False} == {week.mature for week in found.weeks}


def test_the_page_shows_the_numbers_of_the_api(grouped: Shop) -> None:
    answer, page = grouped.client.get("/v1/reports/uplift").json(), Browser(grouped).get("/console/uplift").text
    assert f'id="incremental" data-value="{answer["incremental"][0]["revenue"]["mean"]}"' in page
    rows = re.findall(r'<tr data-group="(\w+)">.*?data-value="(\d+)".*?data-value="(\d+)"', page, re.DOTALL)
    assert rows == [(one["arm"], str(one["customers"]), str(one["counted"])) for one in answer["groups"]]
    for one in answer["contrasts"]:
        row = re.search(rf'data-contrast="{one["measure"]}-{one["arm"]}">.*?</tr>', page, re.DOTALL)
        assert row is not None
        values = re.findall(r'data-value="([^"]+)"', row[0])
        assert values == [str(one[name]["mean"]) for name in ("plain", "adjusted", "always")]


def test_it_says_in_words_whether_it_is_proved(grouped: Shop) -> None:
    page = text(Browser(grouped).get("/console/uplift").text)
    assert "Against customers without messages: +€" in page
    assert "at any time: proved." in page
    assert "Simulated: 800 of 800 customers here are made up." in page
    assert "grey week" in page
    assert "as they should be" in page
    assert "give the group `baseline` a share" in page


def test_what_is_not_proved_is_not_said_to_be(world: Path, tmp_path: Path) -> None:
    folder = copy_world(world, tmp_path / "shop")
    groups_shop.keep(folder, groups_shop.plant(0.1, 0.1))
    with running(folder) as found:
        page = text(Browser(found).get("/console/uplift").text)
    assert "not yet proved" in page
    assert ": proved" not in page


def test_russians_read_russian(grouped: Shop) -> None:
    page = text(Browser(grouped, locale="ru").get("/console/uplift").text)
    assert "Против группы «клиенты без сообщений»: +" in page
    assert "доказано" in page
    cyrillic, latin = (len(re.findall(letters, page, re.IGNORECASE)) for letters in ("[а-яё]", "[a-z]"))
    assert cyrillic > 2 * latin


def test_the_money_has_its_interval_and_verdict_in_one_sentence(grouped: Shop) -> None:
    sentence = brought(Words("en"), _decoded(grouped))
    assert re.search(r"brought \+€[\d,]+ beyond .* 95 % interval \+€[\d,]+ to \+€[\d,]+ however often", sentence)
    assert sentence.endswith(": proved.")


def test_groups_of_wrong_sizes_prove_nothing(grouped: Shop) -> None:
    sentence = brought(Words("en"), replace(_decoded(grouped), mismatch=True))
    assert sentence.endswith(": not proved, as the groups have wrong sizes.")


def test_a_shop_without_the_report_says_how_to_have_it(shared: Shop) -> None:
    answer = shared.client.get("/v1/reports/uplift")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    assert "python -m pipelines report uplift" in answer.json()["detail"]
    page = Browser(shared).get("/console/uplift")
    assert page.status_code == 200
    assert "python -m pipelines report uplift" in page.text


def test_another_point_is_not_found_by_name(grouped: Shop) -> None:
    answer = grouped.client.get("/v1/reports/uplift", params={"decision_point": "browse"})
    assert answer.status_code == 404
    assert POINT in answer.json()["detail"]


def _decoded(grouped: Shop) -> Uplift:
    found = grouped.resources.reports.read("uplift", POINT, Uplift)
    assert found is not None
    return found
