"""What a page says when it cannot be shown: in the reader's language, and whose mistake it is."""

import re
from typing import Any

import pytest

from serving.console.error_page import MEANINGS
from serving.problems import EXCEPTIONS, KINDS
from tests.serving.console.browser import Browser, text
from tests.serving.world import Shop

OURS = "Это наша ошибка"
SENT: dict[str, tuple[int, dict[str, str], bytes]] = {
    "JSON instead of a form": (415, {"Content-Type": "application/json"}, b"{}"),
    "packed in an unknown way": (415, {"Content-Encoding": "br"}, b"id=1"),
    "not gzip": (400, {"Content-Encoding": "gzip"}, b"id=1"),
    "too long": (413, {}, b"id=" + b"1" * 2_000_000),
}


def said(answer: Any) -> str:
    """What a page says in its own words."""
    main = answer.text.split("<main")[1].partition(">")[2].split("</main>")[0]
    return text(re.sub(r'<(p|ul|span) lang="en">.*?</\1>|<code>.*?</code>', "", main, flags=re.DOTALL))


@pytest.mark.parametrize("what", SENT)
def test_what_was_sent_wrongly_is_no_mistake_of_ours(shared: Shop, what: str) -> None:
    status, headers, body = SENT[what]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    browser = Browser(shared, locale="ru")
    answer = shared.client.post("/console/visitor", content=body, headers={**browser.headers, **form, **headers})
    assert answer.status_code == status
    assert OURS not in said(answer)
    assert not re.search(r"[a-z]{3,}|JSON", said(answer)), said(answer)
    assert 'lang="en"' in answer.text, "what the service itself says is there too, and marked"


def test_a_file_of_a_day_that_nobody_foresaw_is_no_mistake_of_ours(shared: Shop) -> None:
    answer = Browser(shared, locale="ru").get("/console/restock/day.csv", on="2026-11-22")
    assert answer.status_code == 503
    assert OURS not in said(answer)
    assert not re.search(r"[a-z]{3,}", said(answer)), said(answer)


def test_only_what_nobody_expected_is_called_a_mistake_of_ours() -> None:
    of_programs = {"unknown_cart", "unknown_job", "cart_expired", "idempotency_running", "idempotency_conflict"}
    assert MEANINGS.keys() | of_programs | {"internal_error"} == KINDS.keys()
    assert set(EXCEPTIONS.values()) <= KINDS.keys()
