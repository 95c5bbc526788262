"""Keys, limits, sessions and `Idempotency-Key` are those of the shop, not of the replica that one happens to reach."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.database import open_database
from serving.access.key_table import KeyTable
from tests.replicas.world import PUBLISHABLE, Replicas
from tests.serving.console.browser import TOKEN
from tests.serving.world import DRINKER, bearing, make_key
from tests.waiting import until

pytestmark = pytest.mark.slow
ASKED = {"subject": {"user_id": DRINKER}, "limit": 2}
PATH = "/v1/recommendations"


def new_key(replicas: Replicas, kind: Any = "sk") -> str:
    return make_key(replicas.folder, kind, replicas.settings.database_url)


def status(replicas: Replicas, name: str, secret: str) -> int:
    return replicas.ask(name, "POST", PATH, json=ASKED, headers=bearing(secret)).status_code


def test_a_key_made_or_rotated_opens_both_at_once_and_a_revoked_one_neither(replicas: Replicas) -> None:
    engine = open_database(replicas.settings.database_url)
    table, now = KeyTable(engine), datetime.now(UTC)
    old = table.create("sk", "the shop", now)
    assert [status(replicas, name, old.secret) for name in "abab"] == [200] * 4
    new = table.rotate(old.key.prefix, now, timedelta(hours=1))
    assert [status(replicas, name, secret) for name in "abab" for secret in (old.secret, new.secret)] == [200] * 8
    table.revoke(old.key.prefix, now)
    engine.dispose()
    until(lambda: {status(replicas, name, old.secret) for name in "ab" * 8} == {401}, "every worker refuses it")
    assert [status(replicas, name, new.secret) for name in "abab"] == [200] * 4


def test_what_one_lets_through_is_missing_at_the_other(replicas: Replicas) -> None:
    """Alone nobody is told to wait longer than one request takes to flow back; of two, one hears of both."""
    headers, passed, longest = bearing(new_key(replicas, "pk")), 0, 0

    def waits_for_both() -> bool:
        nonlocal passed, longest
        for name in "ab":
            answer = replicas.ask(name, "POST", PATH, json=ASKED, headers=headers)
            passed += answer.status_code == 200
            longest = max(longest, int(answer.headers.get("retry-after", 0)))
        return longest > 1 / PUBLISHABLE

    until(waits_for_both, "somebody is told to wait for what the other let through")
    assert 2 <= passed <= 3, "each worker lets one through before it hears of the others"


def test_of_many_who_send_the_same_to_both_one_is_run_and_all_get_its_answer(replicas: Replicas) -> None:
    for number in range(3):
        headers = {**replicas.headers, "Idempotency-Key": f"once-{number}"}
        before = len(replicas.decisions())
        with ThreadPoolExecutor(8) as callers:
            answers = list(
                callers.map(lambda name: replicas.ask(name, "POST", PATH, json=ASKED, headers=headers), "ab" * 4)  # noqa: B023
            )
        given = {answer.content for answer in answers if answer.status_code == 200}
        assert len(given) == 1
        assert {answer.status_code for answer in answers} <= {200, 409}
        for name in "ab":
            again = replicas.ask(name, "POST", PATH, json=ASKED, headers=headers)
            assert (again.content, again.headers["idempotent-replayed"]) == (*given, "true")
        other = replicas.ask("b", "POST", PATH, json={**ASKED, "limit": 3}, headers=headers)
        assert other.json()["code"] == "idempotency_conflict"
        assert len(replicas.decisions()) == before + 1


def test_who_signs_in_at_one_is_signed_in_at_the_other_until_signing_out_at_either(replicas: Replicas) -> None:
    secret = new_key(replicas, "adm")
    answer = replicas.ask("a", "POST", "/console/sign-in", data={"key": secret}, headers={})
    assert answer.status_code == 303, answer.text
    headers = {"Cookie": answer.headers["set-cookie"].split(";")[0], "Accept-Language": "en"}
    pages = [replicas.ask(name, "GET", "/console", headers=headers) for name in "bab"]
    assert [page.status_code for page in pages] == [200] * 3
    tokens = {found.group(1) for page in pages if (found := TOKEN.search(page.text))}
    assert len(tokens) == 1, "the form of one is the form of the other"
    wrong = replicas.ask("b", "POST", "/console/sign-out", data={"csrf": "0" * 64}, headers=headers)
    assert wrong.status_code == 403
    assert replicas.ask("a", "GET", "/console", headers=headers).status_code == 200
    out = replicas.ask("b", "POST", "/console/sign-out", data={"csrf": tokens.pop()}, headers=headers)
    assert out.status_code == 303
    assert {replicas.ask(name, "GET", "/console", headers=headers).status_code for name in "aab"} == {303}
