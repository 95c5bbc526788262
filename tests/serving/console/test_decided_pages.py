"""The pages about decisions and customers show the numbers of the API, in both languages, and hide what is not meant
for the viewer."""

import re
from dataclasses import replace

import pytest

from features.reports.funnel import Funnel
from features.reports.heatmap import HeatMap
from features.reports.stretch import Stretch
from tests.serving.console.browser import Browser, text
from tests.serving.world import Shop

PAGES = ("funnel", "send-times", "segments")
CELL = re.compile(r'<tr data-stage="(\w+)">.*?data-value="(\d+)"', re.DOTALL)


def test_the_funnel_shows_what_the_api_says(reported: Shop) -> None:
    told = reported.client.get("/v1/reports/funnel").json()
    page = Browser(reported).get("/console/funnel").text
    assert CELL.findall(page) == [(stage["name"], str(stage["count"])) for stage in told["stages"]]
    assert f'id="immature">{told["immature"]}<' in page
    assert f'id="claimed">{told["claimed"]}<' in page
    assert "must not be added up" in page


def test_how_far_back_it_looks_and_what_is_made_up_is_said_in_words(reported: Shop) -> None:
    told = reported.resources.reports.read("funnel", "cart_recovery", Funnel)
    assert told is not None
    for name, found in (
        ("funnel", told),
        ("heatmap", reported.resources.reports.read("heatmap", "cart_recovery", HeatMap)),
    ):
        assert found is not None
        path = "/console/funnel" if name == "funnel" else "/console/send-times"
        page = text(Browser(reported).get(path).text)
        assert "Decisions of the last 90 days are looked at." in page
        assert "these are the newest" not in page
        assert "Simulated" not in page
        more = replace(found, stretch=Stretch(30, 1_000, True), simulated=7)
        reported.resources.reports.save(name, "cart_recovery", more)
        try:
            page = text(Browser(reported).get(path).text)
        finally:
            reported.resources.reports.save(name, "cart_recovery", found)
        assert "Decisions of the last 30 days are looked at. There were more than 1,000: these are the newest." in page
        assert "Simulated: 7 of these decisions are about customers who are made up." in page


def test_send_times_show_what_the_api_says(reported: Shop) -> None:
    told = reported.client.get("/v1/reports/heatmap").json()
    for measure in ("answered", "ordered"):
        grid = next(one for one in told["grids"] if (one["measure"], one["channel"]) == (measure, "email"))
        page = Browser(reported).get("/console/send-times", channel="email", measure=measure).text
        hours = re.findall(r'<tr data-hour="\d+">.*?<td class="n">(\d+)</td><td class="n">(\d+)</td>', page, re.DOTALL)
        assert hours == [(str(sends), str(won)) for sends, won in zip(grid["sends"], grid["answered"], strict=True)]
        assert f'data-value="{grid["average"]["of"]}"' in page
        assert "not proved" in page


def test_segments_show_what_the_api_says(reported: Shop) -> None:
    told = reported.client.get("/v1/reports/segments").json()
    page = Browser(reported).get("/console/segments").text
    found = re.findall(r'<tr data-key="(recency[^"]*)">.*?data-value="(\d+)"', page, re.DOTALL)
    assert found == [(cell["key"], str(cell["customers"])) for cell in told["cells"]]
    assert f'id="customers">{told["customers"]}<' in page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_russian_for_russians(reported: Shop, name: str) -> None:
    page = text(Browser(reported, locale="ru").get(f"/console/{name}").text)
    cyrillic = len(re.findall(r"[а-яё]", page, re.IGNORECASE))
    latin = len(re.findall(r"[a-z]", page, re.IGNORECASE))
    assert cyrillic > 2 * latin


@pytest.mark.parametrize("name", PAGES)
def test_a_shop_without_reports_says_how_to_have_them(shared: Shop, name: str) -> None:
    answer = Browser(shared).get(f"/console/{name}")
    assert answer.status_code == 200
    assert "python -m pipelines report" in answer.text


def test_a_viewer_without_customers_gets_no_files(reported: Shop) -> None:
    viewer, clerk = Browser(reported, ["reports:read"]), Browser(reported, ["reports:read", "customers:read"])
    assert "customers.csv" not in viewer.get("/console/segments").text
    assert viewer.get("/console/segments/customers.csv", segment="decile-1").status_code == 403
    assert "customers.csv?segment=decile-1" in clerk.get("/console/segments").text
    answer = clerk.get("/console/segments/customers.csv", segment="decile-1")
    assert answer.status_code == 200
    assert len(answer.text.splitlines()) == 3
    assert clerk.key.startswith(reported.resources.acts.latest(1)[0].actor)


def test_nobody_opens_a_page_without_a_session(reported: Shop) -> None:
    for path in ("/console/funnel", "/console/segments/customers.csv?segment=decile-1"):
        answer = reported.client.get(path, headers={"Authorization": ""}, follow_redirects=False)
        assert answer.status_code in (303, 307)
        assert "sign-in" in answer.headers["location"]


@pytest.mark.parametrize(
    "asked", [{"channel": "pigeon"}, {"segment": "rich"}, {"measure": "hoped"}, {"decision_point": ""}]
)
def test_what_is_not_there_shows_everything(reported: Shop, asked: dict[str, str]) -> None:
    answer = Browser(reported).get("/console/send-times", **asked)
    assert answer.status_code == 200
    assert 'id="sends" data-value="45"' in answer.text


def test_a_point_that_is_not_there_is_an_error_page(reported: Shop) -> None:
    for name in ("funnel", "send-times"):
        assert Browser(reported).get(f"/console/{name}", decision_point="<nowhere>").status_code == 404
