"""Garbage is refused, ignored or stored, and never an error of ours; what is good in a batch gets in all the same."""

import json
import random
from pathlib import Path

from benchmarks.fault_traffic import POISON
from benchmarks.soak import mutated
from tests.serving.world import running

EXPECTED = {200, 400, 413, 422}


def test_mutated_events_alone_and_together_are_no_error_of_ours(folder: Path) -> None:
    chance = random.Random(7)
    with running(folder) as shop:
        asked = [("/v1/track", mutated(chance)) for _ in range(150)]
        batches = (b", ".join(mutated(chance) for _ in range(60)) for _ in range(10))
        asked += [("/v1/batch", b'{"batch": [' + batch + b"]}") for batch in batches]
        statuses = {shop.client.post(path, content=body).status_code for path, body in asked}
        assert statuses <= EXPECTED
        assert {200, 422} <= statuses, "the generator makes both good and bad ones"


def test_a_poisoned_event_takes_no_good_one_with_it(folder: Path) -> None:
    with running(folder) as shop:
        for number, bad in enumerate(POISON):
            assert shop.client.post("/v1/track", content=bad).status_code in EXPECTED
            good = {
                "type": "track",
                "event": "Product Viewed",
                "userId": "u",
                "messageId": f"good-{number}",
                "properties": {"product_id": "tea-1"},
            }
            batch = b'{"batch": [' + json.dumps(good).encode() + b", " + bad + b"]}"
            answer = shop.client.post("/v1/batch", content=batch)
            assert answer.status_code in EXPECTED
            if answer.status_code == 200:
                assert answer.json()["accepted"] >= 1
        assert shop.resources.events.breaker.state == "closed", "a wrong event is no outage"
