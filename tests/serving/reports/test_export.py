"""Files of customers: those that the report counted, harmless in a spreadsheet, bounded, and written down."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.reports.export import cell
from tests.serving.reports.reported import compute
from tests.serving.world import NOW, Shop, bearing, make_key

PATH = "/v1/reports/segments/customers"


def rows(shop: Shop, segment: str, **asked: Any) -> list[dict[str, str]]:
    answer = shop.client.get(PATH, params={"segment": segment, **asked})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{segment}.csv"'
    assert answer.headers["cache-control"] == "no-store"
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_each_customer_is_in_one_file_and_counts_are_those_of_the_report(reported: Shop) -> None:
    told = reported.client.get("/v1/reports/segments").json()
    everybody: list[str] = []
    for one in told["cells"]:
        found = rows(reported, one["key"])
        assert len(found) == one["customers"]
        assert sum(float(row["monetary"]) for row in found) == pytest.approx(one["revenue"], abs=0.01)
        everybody += [row["customer_id"] for row in found]
    assert len(rows(reported, "without-order")) == told["without_order"]
    assert len(set(everybody)) == len(everybody) == told["customers"] - told["without_order"]
    tenths = [row["customer_id"] for one in told["deciles"] for row in rows(reported, one["key"])]
    assert len(set(tenths)) == len(tenths) == sum(one["customers"] for one in told["deciles"])
    assert sorted(tenths[-2:]) == ["tea-drinker-5", "tea-drinker-5-again"], "the likeliest"


def test_a_file_is_as_long_as_was_asked(reported: Shop) -> None:
    key = reported.client.get("/v1/reports/segments").json()["cells"][0]["key"]
    whole = [row["customer_id"] for row in rows(reported, key)]
    assert [row["customer_id"] for row in rows(reported, key, limit=2)] == whole[:2]
    assert reported.client.get(PATH, params={"segment": key, "limit": 1_000_000}).status_code == 422


@pytest.mark.parametrize("segment", ["nothing", "recency-9-frequency-9", "../customer", ""])
def test_a_segment_that_is_not_there_is_refused(reported: Shop, segment: str) -> None:
    answer = reported.client.get(PATH, params={"segment": segment})
    assert (answer.status_code, answer.json()["type"]) == (422, "/v1/problems/validation_error")


def test_reading_reports_is_not_seeing_customers(reported: Shop) -> None:
    key = bearing(make_key(reported.folder, scopes=["reports:read"]))
    assert reported.client.get("/v1/reports/segments", headers=key).status_code == 200
    assert reported.client.get(PATH, params={"segment": "decile-1"}, headers=key).status_code == 403


def test_whoever_takes_customers_along_is_written_down(reported: Shop) -> None:
    key = make_key(reported.folder)
    before = len(reported.resources.acts.latest(10_000))
    assert (
        reported.client.get(PATH, params={"segment": "decile-3", "limit": 1}, headers=bearing(key)).status_code == 200
    )
    reported.client.get(PATH, params={"segment": "no-such"}, headers=bearing(key))
    done = reported.resources.acts.latest(10_000)
    assert len(done) == before + 1
    assert (done[0].act, done[0].object, done[0].details) == ("exported", "decile-3", "1 customers at most")
    assert key.startswith(done[0].actor)


@pytest.mark.parametrize("joined", [False, True], ids=["by their own id", "by one that was joined since"])
@pytest.mark.parametrize("left", [False, True], ids=["does not want to be known", "left every channel"])
def test_who_said_no_since_is_left_out_until_they_consent(shop: Shop, joined: bool, left: bool) -> None:
    compute(shop.folder)
    shop.resources.privacy._follower.close()  # it holds for the next file, whenever it looks
    told = "a-new-name" if joined else "tea-drinker-3"
    if joined:
        shop.client.post("/v1/alias", json={"userId": told, "previousId": "tea-drinker-3"})
    before = everybody(shop)
    assert "tea-drinker-3" in before
    scope = {"channel": "email"} | ({} if left else {"purpose": "personalization"})
    event, said = ("Unsubscribed", {}) if left else ("Consent Changed", scope | {"consent": "withdrawn"})
    shop.track(event, said, userId=told, timestamp=(NOW - timedelta(minutes=1)).isoformat())
    assert before - everybody(shop) == {"tea-drinker-3"}
    shop.track("Consent Changed", scope | {"consent": "granted"}, userId=told)
    assert everybody(shop) == before


def everybody(shop: Shop) -> set[str]:
    return {row["customer_id"] for key in keys(shop) for row in rows(shop, key)}


def keys(shop: Shop) -> list[str]:
    return [one["key"] for one in shop.client.get("/v1/reports/segments").json()["cells"]]


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text: str) -> None:
    told = cell(text)
    assert not told.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert not told.lstrip(" ").startswith(("=", "+", "-", "@"))
    assert told in (text, f"'{text}")


@pytest.mark.parametrize("id_", ["=1+1", "+7", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1", '=cmd|" /C calc"!A0'])
def test_what_a_spreadsheet_would_compute_is_quoted(id_: str) -> None:
    assert cell(id_) == f"'{id_}"
