"""Braze's messages, rendered with connected content from the running service."""

from collections.abc import Callable

import httpx
import pytest

from features.log import Record
from serving.client import Client
from tests.clients.braze import AbortedMessage, Braze
from tests.clients.conftest import Keys
from tests.clients.pages import SHOWN, snippet
from tests.serving.server import Server
from tests.serving.world import DRINKER
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow


@pytest.fixture
def braze(server: Server, keys: Keys) -> Braze:
    return Braze({"kairos": (keys.secret, "")}, server.url, SHOWN)


@pytest.fixture
def decision_id(kairos: Client, left_behind: Callable[[str], None]) -> str:
    left_behind("u_braze")
    (cart,) = [one for one in kairos.carts.abandoned().carts if one.subject.user_id == "u_braze"]
    decision = kairos.decisions.create(
        decision_point="cart_recovery",
        subject={"user_id": "u_braze"},
        trigger={"id": cart.trigger.id, "type": cart.trigger.type, "at": cart.trigger.at},
    )
    assert decision.action.send
    return decision.decision_id


@pytest.mark.parametrize("user_id", [DRINKER, "who&placement=no such/ünknown"])
def test_a_message_shows_three_products_with_their_reasons(braze: Braze, user_id: str) -> None:
    message = braze.render(snippet("braze.md", "recommendations"), user_id=user_id)
    assert message.count("<li>") == 3
    assert message.count("?recommendation_id=rec_") == 3
    assert "See what is new" not in message


def test_a_message_stands_without_an_answer(server: Server) -> None:
    stranger = Braze({"kairos": ("sk_wrong", "")}, server.url, SHOWN)
    message = stranger.render(snippet("braze.md", "recommendations"), user_id=DRINKER)
    assert "See what is new" in message
    assert "<li>" not in message


def test_a_message_goes_out_until_something_speaks_against_it(
    braze: Braze, kairos: Client, decision_id: str, logged: Callable[[str], list[Record]], server: Server, keys: Keys
) -> None:
    check, told = snippet("braze.md", "check"), {"decision_id": decision_id}
    assert braze.render(check, api_trigger_properties=told).strip() == ""
    body = braze.render(snippet("braze.md", "activation"), api_trigger_properties=told)
    headers = {"Authorization": f"Bearer {keys.secret}", "Content-Type": "application/json"}
    answer = httpx.post(f"{server.url}/v1/activations", content=body, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 202, answer.text
    assert answer.json()["new"]
    assert [record.type for record in logged("u_braze")].count("message_sent") == 1
    with pytest.raises(AbortedMessage):
        braze.render(check, api_trigger_properties=told)


def test_without_an_answer_to_the_check_nothing_goes_out(server: Server) -> None:
    stranger = Braze({"kairos": ("sk_wrong", "")}, server.url, SHOWN)
    with pytest.raises(AbortedMessage):
        stranger.render(snippet("braze.md", "check"), api_trigger_properties={"decision_id": "dec_1"})
