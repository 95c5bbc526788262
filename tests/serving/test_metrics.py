"""Metrics: what happened is counted by route template, and no person or path ever shows."""

from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from serving.metrics import Counter, Gauges, Histogram, LiveModel, Metrics
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
        histogram.observe("/x", seconds=seconds)
    (family,) = histogram.collect()
    buckets = {sample.labels["le"]: sample.value for sample in family.samples if sample.name == "h_bucket"}
    assert (buckets["0.001"], buckets["0.0025"], buckets["0.5"], buckets["5.0"], buckets["+Inf"]) == (1, 2, 3, 3, 4)
    assert {sample.name: sample.value for sample in family.samples}["h_sum"] == 0.001 + 0.002 + 0.3 + 9.0


def test_a_counter_of_nothing_shows_nothing() -> None:
    (family,) = Counter("c", "help").collect()
    assert not family.samples


def test_ages_are_counted_by_the_given_clock() -> None:
    born = datetime(2026, 11, 1, tzinfo=UTC)
    metrics = Metrics()
    live = LiveModel("recommender", "7", born)
    metrics.watch(
        Gauges((lambda: live, lambda: None), lambda: None, lambda: born, (), lambda: born + timedelta(hours=1))
    )
    found = samples(metrics.exposition().decode())
    assert found["kairos_model_age_seconds", (("name", "recommender"),)] == 3600.0
    assert found["kairos_restock_table_age_seconds", ()] == 3600.0
    assert ("kairos_product_features_age_seconds", ()) not in found
