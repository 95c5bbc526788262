"""Another version goes live by two clicks and a reason, by the gate's rule, and everybody who did it is on record."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest

from features.reports.finding import Finding, to_text
from models.evidence import Evidence, Snapshot
from models.promotion import Reason, promote
from models.published import Version
from models.registry import Registry
from serving.console.refusals import REASONS
from serving.model_versions import ModelVersions
from tests.serving.console.browser import Browser
from tests.serving.world import FEATURES, NOW, Shop, data, suite


def publish(shop: Shop, gate: str, champion: str = "1", findings: str | None = None, **metrics: float) -> Version:
    """A further version of the recommender that the gate judged as told."""
    registry = Registry(f"sqlite:///{shop.folder / 'mlflow.db'}", str(shop.folder / "artifacts"))
    learned, recipe = data(shop.folder), suite(10.0)
    evidence = Evidence({}, metrics, Snapshot("test", "0", NOW, NOW, 1, 1, 1))
    tags = {"gate": gate, "gate.words": "<b>by so much</b>", "gate.champion": champion}
    tags |= {} if findings is None else {"gate.findings": findings}
    return registry.publish("recommender", recipe, recipe.fit(learned), FEATURES, replace(evidence, tags=tags))


@pytest.fixture
def candidate(shop: Shop) -> Iterator[Shop]:
    """A shop with a second version that passed, and a third that was refused."""
    publish(shop, "passed", recall=0.25)
    publish(shop, "refused", recall=0.125)
    return shop


def live(shop: Shop) -> str:
    champion = next(one for one in report(shop)["models"] if one["name"] == "recommender")["champion"]
    assert isinstance(champion, str)
    return champion


def report(shop: Shop) -> Any:
    shop.resources.versions.changed()
    return shop.client.get("/v1/reports/models").json()


def acts(shop: Shop) -> list[tuple[str, str, str]]:
    found = shop.client.get("/v1/reports/audit").json()["acts"]
    return [(act["act"], act["object"], act["details"]) for act in found]


def test_a_version_that_passed_goes_live_and_back_with_a_reason(candidate: Shop) -> None:
    browser = Browser(candidate)
    page = browser.get("/console/models").text
    assert "act=promote&amp;name=recommender&amp;number=2" in page
    assert "number=3" not in page, "what was refused has no button"
    assert "<b>by so much" not in page
    asked = browser.get("/console/models/change", act="promote", name="recommender", number="2")
    assert asked.status_code == 200
    told = {"act": "promote", "name": "recommender", "number": "2"}
    assert browser.post("/console/models/change", **told, why="  ").status_code == 409
    assert live(candidate) == "1"
    done = browser.post("/console/models/change", **told, why="it is <b>better</b>")
    assert (done.status_code, done.headers["location"]) == (303, "/console/models?done=promoted")
    assert live(candidate) == "2"
    back = browser.post("/console/models/change", act="rollback", name="recommender", number="1", why="complaints")
    assert back.status_code == 303
    assert live(candidate) == "1"
    assert acts(candidate)[:2] == [
        ("rolled_back", "recommender 1", "complaints"),
        ("promoted", "recommender 2", "it is <b>better</b>"),
    ]
    page = browser.get("/console/models").text
    assert browser.key[:12] in page
    assert "it is &lt;b&gt;better" in page
    assert "<b>better" not in page


def test_who_clicks_twice_goes_back_one_step(candidate: Shop) -> None:
    browser = Browser(candidate)
    publish(candidate, "passed", champion="2")
    for number in ("2", "4"):
        told = {"act": "promote", "name": "recommender", "number": number, "why": "better"}
        assert browser.post("/console/models/change", **told).status_code == 303
    asked = browser.get("/console/models/change", act="rollback", name="recommender").text
    assert 'name="number" value="2"' in asked
    back = {"act": "rollback", "name": "recommender", "number": "2", "why": "complaints"}
    assert browser.post("/console/models/change", **back).status_code == 303
    again = browser.post("/console/models/change", **back)
    assert again.status_code == 409
    assert "Somebody else was quicker" in again.text
    assert "version 2 is live by now" in again.text, "what the service says stands beneath"
    assert live(candidate) == "2"


def test_what_the_gate_refused_stays_out_and_the_attempt_is_on_record(candidate: Shop) -> None:
    browser = Browser(candidate)
    told = {"act": "promote", "name": "recommender", "number": "3", "why": "please"}
    answer = browser.post("/console/models/change", **told)
    assert answer.status_code == 409
    assert "did not pass the gate" in answer.text
    assert "&lt;b&gt;by so much" in answer.text
    assert live(candidate) == "1"
    assert acts(candidate)[0][:2] == ("refused", "recommender 3")
    asked = {"name": "recommender", "version": "3", "why": "please"}
    answer = candidate.client.post("/v1/models/promote", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "promotion_refused")


def test_every_reason_has_words_and_russians_read_theirs(candidate: Shop) -> None:
    rules = {"overtaken", "no_such_version", "no_reason", *get_args(Reason)}
    assert set(REASONS) == rules
    russian = Browser(candidate, locale="ru")
    asked = {"act": "promote", "name": "recommender", "number": "3", "why": "пора"}
    page = russian.post("/console/models/change", **asked).text
    assert "Версия не прошла проверку" in page
    assert re.search(r'<p lang="en">[^<]*did not pass the gate', page), "the service's own words are marked as English"
    answer = candidate.client.post("/v1/models/promote", json={"name": "recommender", "version": "3", "why": "x"})
    assert [one["code"] for one in answer.json()["errors"]] == ["not_passed"]


def test_a_verdict_is_said_in_the_readers_language_and_one_without_codes_as_the_gate_said_it(candidate: Shop) -> None:
    figures = {"difference": 0.05, "low": 0.01, "high": 0.09}
    found = Finding.of("worse_at_new", figures, opponent="<i>champion</i>")
    publish(candidate, "passed", findings=to_text([found]))
    assert [len(one["gate_findings"]) for one in report(candidate)["models"][0]["versions"]] == [1, 0, 0, 0]
    for locale, said in (("en", "it finds provably less than"), ("ru", "доказанно находится меньше")):
        browser = Browser(candidate, locale=locale)
        asked = {"act": "promote", "name": "recommender", "number": "4"}
        for path, told in (("/console/models", {}), ("/console/models/change", asked)):
            page = browser.get(path, **told).text
            assert re.search(f"<span[^>]*>[^<]*{said}[^<]*&lt;i&gt;champion", page)
            assert not re.search(f'<span lang="en"[^>]*>[^<]*{said}', page)
        assert browser.get("/console/models").text.count('<span lang="en" class="hint">&lt;b&gt;by so much') == 2


def test_why_a_version_went_live_is_said_in_the_readers_language_unless_a_person_said_it(candidate: Shop) -> None:
    registry = Registry(f"sqlite:///{candidate.folder / 'mlflow.db'}", str(candidate.folder / "artifacts"))
    figures = {"difference": 0.05, "low": 0.01, "high": 0.09, "customers": 1_200.0}
    won = {"canary.words": "+0.05 a customer", "canary.findings": to_text([Finding.of("canary_better", figures)])}

    def shown(locale: str) -> list[str]:
        candidate.resources.versions.changed()
        page = Browser(candidate, locale=locale).get("/console/models").text
        return list(re.findall(r"<td>[^<]*, (?:learn|demo|anna): ([^<]*)", page))

    promote(registry, "recommender", "2", "demo", "first champion", NOW)
    assert (shown("en"), shown("ru")) == (["first champion"], ["первая рабочая версия"])
    promote(registry, "recommender", "3", "anna", "sales {now} & here", NOW, force=True)
    assert shown("en")[0] == "forced past the gate: sales {now} &amp; here"
    assert shown("ru")[0] == "принудительно, минуя проверку: sales {now} &amp; here"
    registry.tag(registry.version("recommender", "2"), won)
    registry.promote(registry.version("recommender", "2"), "learn", won["canary.words"], NOW)
    assert [len(one["promoted_findings"]) for one in report(candidate)["models"][0]["versions"]] == [0, 1, 0]
    assert shown("en")[1].startswith("+0.0500 a customer after 1,200, at all times")
    assert shown("ru")[1].startswith("+0,0500")
    registry.promote(registry.version("recommender", "3"), "anna", "first champion of spring", NOW)
    assert shown("ru")[0] == "first champion of spring", "a person's words stay as they are"


def test_the_api_does_the_same(candidate: Shop) -> None:
    asked = {"name": "recommender", "version": "2", "why": "better"}
    moved = candidate.client.post("/v1/models/promote", json=asked).json()
    assert moved == {"live": "2", "replaced": "1", "canary": None}
    assert live(candidate) == "2"
    assert (
        candidate.client.post("/v1/models/rollback", json={"name": "recommender", "why": "worse"}).json()["live"] == "1"
    )
    for path, body in (
        ("promote", {"name": "nothing", "why": "x"}),
        ("rollback", {"name": "nothing", "why": "x"}),
        ("rollback", {"name": "recommender", "why": "nothing before"}),
    ):
        answer = candidate.client.post(f"/v1/models/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "promotion_refused"), body
    for body in ({"name": "recommender"}, {"name": "recommender", "why": ""}, {"name": "r", "why": "x", "force": True}):
        assert candidate.client.post("/v1/models/promote", json=body).status_code == 422


def test_a_viewer_sees_and_does_not_change(candidate: Shop) -> None:
    viewer = Browser(candidate, ["reports:read", "customers:read"])
    page = viewer.get("/console/models").text
    assert "act=promote" not in page
    assert 'id="acts"' not in page
    told = {"act": "promote", "name": "recommender", "number": "2", "why": "please"}
    assert viewer.get("/console/models/change", act="promote", name="recommender", number="2").status_code == 403
    assert viewer.post("/console/models/change", **told).status_code == 403
    assert live(candidate) == "1"
    headers = {"Authorization": f"Bearer {viewer.key}"}
    assert candidate.client.get("/v1/reports/models", headers=headers).status_code == 200
    assert candidate.client.get("/v1/reports/audit", headers=headers).status_code == 403
    asked = {"name": "recommender", "version": "2", "why": "x"}
    assert candidate.client.post("/v1/models/promote", json=asked, headers=headers).status_code == 403


def test_the_page_says_what_the_api_says(candidate: Shop) -> None:
    told = report(candidate)["models"][0]
    assert [one["number"] for one in told["versions"]] == ["3", "2", "1"]
    assert told["versions"][1]["metrics"] == {"recall": 0.25}
    page = Browser(candidate).get("/console/models", measure="recall").text
    assert "recommender: recall" in page
    assert 'data-value="0.25"' in page
    assert 'data-value="0.125"' in page
    assert told["versions"][1]["run_id"][:8] in page


def test_a_run_is_a_link_only_where_mlflows_pages_are_known(candidate: Shop) -> None:
    registry = candidate.resources.versions.registry
    without = ModelVersions(registry, None, candidate.clock).read().models[0].versions[1]
    assert without.link is None
    link = ModelVersions(registry, "https://mlflow.example/", candidate.clock).read().models[0].versions[1].link
    assert link is not None
    assert link.startswith("https://mlflow.example/#/experiments/")
    assert link.endswith(f"/runs/{without.run_id}")


def test_reading_twice_asks_the_registry_once(candidate: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.model_versions._KEPT_SECONDS", math.inf)
    versions = ModelVersions(candidate.resources.versions.registry, None, candidate.clock)
    asked: list[str] = []
    names = versions.registry.names
    monkeypatch.setattr(Registry, "names", lambda self: asked.append("") or names())
    assert versions.read() is versions.read()
    versions.changed()
    versions.read()
    assert len(asked) == 2
