"""The page about security is true: each threat names tests that exist; and what nobody may find is nowhere."""

import hmac
import logging
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from features.database import open_database
from serving.access.key_ring import KeyRing
from serving.access.key_table import KeyTable
from serving.access.keys import digest_of
from serving.access.scopes import GRANTS
from serving.measures import Counter
from tests.on_disk import bytes_in
from tests.serving.world import DRINKER, NOW, Shop, bearing, make_key, settings_in

ROOT = Path(__file__).parents[3]


def test_each_threat_names_tests_and_each_of_them_exists() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", page.split("## Threats")[1], re.MULTILINE)[1:]
    assert len(rows) >= 20
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for threat, _, names in rows:
        named = re.findall(r"`(test_\w+)`", names)
        assert named, threat
        for name in named:
            assert re.search(rf"def {name}\(", tests), (threat, name)


def test_a_secret_is_nowhere_but_with_its_caller(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    secrets = [make_key(shop.folder, kind) for kind in GRANTS]
    wrong = "sk_" + "Z9" * 21 + "q"
    answers = []
    with caplog.at_level(logging.DEBUG):
        for secret in (*secrets, wrong):
            for headers in (bearing(secret), {"X-API-Key": secret, "Authorization": ""}):
                asked = {"subject": {"user_id": DRINKER}}
                answers.append(shop.client.post("/v1/recommendations", json=asked, headers=headers))
                answers.append(shop.client.post("/v1/recommendations", json={"wrong": 1}, headers=headers))
                answers.append(shop.client.get("/v1/placements", headers={**headers, "Origin": "https://a.example"}))
                answers.append(shop.client.get("/metrics", headers=headers))
                keyed = {**headers, "Idempotency-Key": "a"}
                answers.append(shop.client.post("/v1/restock/due", json={}, headers=keyed))
    metrics = shop.client.get("/metrics").text
    files = b"".join(content for _, content in bytes_in(shop.folder))
    for secret in (*secrets, wrong):
        hidden = secret[12:]
        assert hidden not in caplog.text
        assert hidden not in metrics
        assert hidden.encode() not in files
        for answer in answers:
            assert hidden not in answer.text + repr(answer.headers)


def test_what_is_compared_is_a_hash_and_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = KeyTable(open_database(settings_in(tmp_path).database_url))
    secret = table.create("sk", "", NOW).secret
    ring = KeyRing(table, 1.0, Counter("failures", "of the test"))
    ring.refresh()
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def watched(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr("serving.access.key_ring.hmac", SimpleNamespace(compare_digest=watched))
    assert ring.get(digest_of(secret)) is not None
    assert ring.get(digest_of(secret[:-1] + "-")) is None
    assert compared == [(digest_of(secret), digest_of(secret))]
    table.engine.dispose()
