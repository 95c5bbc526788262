"""Metrics: what happened is counted by route template, and no person or path ever shows."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from serving.access.scopes import NEEDS
from serving.measures import MOST_LABEL_SETS, Counter, Histogram
from serving.metrics import Gauges, LiveModel, Metrics
from tests.serving.world import DRINKER, Shop


def samples(exposition: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def test_requests_are_counted_by_template_method_and_status(shop: Shop) -> None:
    for code in ("timeout", "not_found", "no-such-code"):
        shop.client.get(f"/v1/problems/{code}")
    shop.client.delete("/v1/recommendations")
    shop.client.request("BREW", "/v1/customers/ivan@example.com/profile")
    shop.client.post("/v1/batch", content=b" " * 600_000)
    found = samples(shop.client.get("/metrics").text)

    def count(method: str, route: str, status: int) -> float:
        labels = tuple(sorted({"method": method, "route": route, "status": str(status)}.items()))
        return found.get(("kairos_requests_total", labels), 0.0)

    assert count("GET", "/v1/problems/{code}", 200) == 2
    assert count("GET", "/v1/problems/{code}", 404) == 1
    assert count("DELETE", "/v1/recommendations", 405) == 1
    assert count("POST", "/v1/batch", 413) == 1
    assert not any("ivan" in str(key) or "BREW" in str(key) for key in found)


def test_events_and_recommendations_are_counted_by_what_became_of_them(shop: Shop) -> None:
    view = {"type": "track", "event": "Product Viewed", "userId": "u", "properties": {"product_id": "tea-1"}}
    batch = [{**view, "messageId": "a"}, {**view, "messageId": "a"}, {**view, "event": "Video Paused"}, {"type": "x"}]
    shop.client.post("/v1/batch", json={"batch": batch})
    shop.recommend(subject={"user_id": DRINKER}, limit=2)
    shop.recommend(subject={"user_id": "stranger"}, limit=2, placement="cart")
    text = shop.client.get("/metrics").text
    for verdict in ("accepted", "duplicate", "ignored", "rejected"):
        assert f'kairos_events_total{{verdict="{verdict}"}} 1.0' in text
    assert 'kairos_recommendations_total{degraded_reason="",fallback="",placement="home"} 1.0' in text
    filled = 'fallback="popularity",placement="cart"'
    assert f'kairos_recommendations_total{{degraded_reason="",{filled}}} 1.0' in text
    assert 'kairos_recommended_items_total{source="rp3beta"} 2.0' in text
    assert 'kairos_queue_requests{log="event"} 0.0' in text
    assert 'kairos_model_info{name="recommender",version="1"} 1.0' in text
    assert "stranger" not in text
    assert DRINKER not in text


def test_two_apps_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.count_request("GET", "/livez", 200, 0.002)
    assert "/livez" in one.exposition().decode()
    assert "/livez" not in other.exposition().decode()


def test_a_histogram_counts_into_cumulative_buckets() -> None:
    histogram = Histogram("h", "help", ("route",))
    for seconds in (0.001, 0.002, 0.3, 9.0):
        histogram.observe("/x", value=seconds)
    family = histogram.family(histogram.state())
    buckets = {sample.labels["le"]: sample.value for sample in family.samples if sample.name == "h_bucket"}
    assert (buckets["0.001"], buckets["0.0025"], buckets["0.5"], buckets["5.0"], buckets["+Inf"]) == (1, 2, 3, 3, 4)
    assert {sample.name: sample.value for sample in family.samples}["h_sum"] == 0.001 + 0.002 + 0.3 + 9.0


def test_a_counter_of_nothing_shows_what_is_expected_so_that_its_first_count_is_an_increase() -> None:
    plain, known, open_ = (
        Counter("c", "help"),
        Counter("c", "help", ("why",), (("a",), ("b",))),
        Counter("c", "h", ("x",)),
    )
    assert (plain.state(), known.state(), open_.state()) == ({(): [0.0]}, {("a",): [0.0], ("b",): [0.0]}, {})
    known.add("b")
    assert known.state() == {("a",): [0.0], ("b",): [1.0]}


def test_labels_that_nobody_bounded_do_not_fill_the_memory() -> None:
    counter = Counter("c", "help", ("id",))
    for number in range(MOST_LABEL_SETS + 10):
        counter.add(str(number))
    assert len(counter.state()) == MOST_LABEL_SETS + 1
    assert counter.state()["other",] == [10.0]


def test_ages_are_counted_by_the_given_clock() -> None:
    born = datetime(2026, 11, 1, tzinfo=UTC)
    metrics = Metrics()
    live = LiveModel("recommender", "7", born)
    models = (lambda: live, lambda: None)
    metrics.show(Gauges(models, lambda: None, lambda: born, (), lambda: born + timedelta(hours=1)).measures())
    found = samples(metrics.exposition().decode())
    assert found["kairos_model_age_seconds", (("name", "recommender"),)] == 3600.0
    assert found["kairos_restock_table_age_seconds", ()] == 3600.0
    assert ("kairos_product_features_age_seconds", ()) not in found


PATHS = st.one_of(
    st.sampled_from(
        ["/v1/track", "/v1/recommendations", "/v1/decisions", "/v1/problems/", "/v1/customers/", "/", "//"]
    ),
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=20).map(
        lambda text: f"/v1/{quote(text)}"
    ),
)


@settings(max_examples=40)
@given(
    st.sampled_from(["GET", "POST", "DELETE", "BREW"]),
    PATHS,
    st.text("abcdef0123456789", min_size=4, max_size=16).map("who-{}".format),
)
def test_no_path_and_no_id_makes_a_label(shared: Shop, method: str, path: str, id_: str) -> None:
    known = {"", *NEEDS, "unmatched"}
    body = {"userId": id_, "anonymousId": id_, "event": id_, "placement": id_, "subject": {"user_id": id_}}
    shared.client.request(method, f"{path}?who={id_}", json=body, headers={"X-Request-Id": id_})
    text = shared.client.get("/metrics").text
    assert id_ not in text
    for name, labels in samples(text):
        if name.startswith(("kairos_request", "kairos_refusals")):
            assert dict(labels).get("route", "") in known


def test_refusals_are_counted_by_their_code_and_requests_in_flight_return_to_none(shop: Shop) -> None:
    shop.client.post("/v1/track", content=b"{")
    shop.client.post("/v1/recommendations", json={"limit": "many"})
    found = samples(shop.client.get("/metrics").text)
    assert found["kairos_refusals_total", (("code", "malformed_json"), ("route", "/v1/track"))] == 1
    assert found["kairos_refusals_total", (("code", "validation_error"), ("route", "/v1/recommendations"))] == 1
    assert found["kairos_requests_in_flight", ()] == 1, "the question for the metrics itself"
    assert found["kairos_process_open_fds", ()] > 0
    assert found["kairos_workers", ()] == 1
