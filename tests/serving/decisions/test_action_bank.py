import re
from pathlib import Path

import pytest

from serving.decisions.bank import Argument, Channel, DecisionPoint, Groups, Incentive
from serving.decisions.bank_file import BankFile
from serving.decisions.bank_schemas import BankAnswer
from serving.decisions.default_bank import DEFAULT
from serving.decisions.rules import REASONS
from tests.serving.console.browser import Browser
from tests.serving.decisions.world import bank, deciding
from tests.serving.world import Shop
from tests.waiting import until


def test_the_default_is_told_with_every_row_and_field_but_the_salt() -> None:
    told = BankAnswer.of(DEFAULT).model_dump()
    for part in ("channels", "arguments", "incentives", "points"):
        assert [row["name"] for row in told[part]] == list(getattr(DEFAULT, part))
    email = next(row for row in told["channels"] if row["name"] == "email")
    assert email["quiet"] == "21:00-09:00"
    assert email["caps"] == {"day": 1, "week": 4, "month": 10}
    cart = next(row for row in told["points"] if row["name"] == "cart_recovery")
    assert set(cart) == set(DEFAULT.points["cart_recovery"].__dataclass_fields__)
    assert cart["rule"][0]["delay"] == "24h"
    assert "salt" not in told["groups"]


def test_a_changed_file_is_told_while_the_service_runs_and_a_wrong_one_changes_nothing(
    bare_folder: Path,
) -> None:
    path = bank(bare_folder, 'currency = "EUR"\nchannels.telegram = { cost = 0.02, quiet = false }')

    def channels() -> list[str]:
        return [row["name"] for row in shop.client.get("/v1/action-bank").json()["channels"]]

    with deciding(bare_folder, action_bank=path, refresh_seconds=0.05) as shop:
        answer = shop.client.get("/v1/action-bank")
        assert answer.status_code == 200
        assert answer.json()["currency"] == "EUR"
        assert answer.json()["channels"][-1] == answer.json()["channels"][-1] | {"name": "telegram", "quiet": None}
        bank(bare_folder, "channels.viber = {}")
        until(lambda: "viber" in channels(), "the new channel is told")
        bank(bare_folder, "channels = 3")
        until(lambda: not shop.resources.bank.file.changed(), "the wrong file was looked at")
        assert "viber" in channels()


@pytest.mark.parametrize("wrong", ["channels = 3", "not TOML", None], ids=["refused", "unreadable", "missing"])
def test_a_service_that_begins_with_a_wrong_file_sends_nothing_until_it_is_mended(
    folder: Path, wrong: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = bank(folder, "")
    path.unlink() if wrong is None else path.write_text(wrong)
    asked = {"decision_point": "cart_recovery", "subject": {"user_id": "u1"}, "trigger": {"id": "c1"}}
    with deciding(folder, action_bank=path, refresh_seconds=0.05) as shop:
        assert "nothing is sent until the action bank can be read" in caplog.text
        told = shop.client.post("/v1/decisions", json=asked).json()
        assert (told["action"]["send"], told["action"]["reason"]) == (False, "switched_off")
        assert (told["degraded"], told["degraded_reason"]) == (True, "action_bank_unreadable")
        assert "policies: the action bank cannot be read" in shop.client.get("/readyz").text
        assert shop.recommend(subject={"user_id": "u1"}, limit=1)["items"]
        bank(folder, 'currency = "EUR"')
        until(lambda: shop.resources.bank.now.currency == "EUR", "the mended file is followed")
        again = shop.client.post("/v1/decisions", json=asked).json()
        assert again["decision_id"] != told["decision_id"], "silence of before hides nothing"
        assert again["degraded_reason"] != "action_bank_unreadable"
        assert "policies: the action bank" not in shop.client.get("/readyz").text


def test_while_nobody_can_read_which_channels_there_are_none_is_called_unknown_nor_a_purpose(bare_folder: Path) -> None:
    path = bank(bare_folder, "channels = 3")
    word = {"subject": {"user_id": "u1"}, "channel": "viber", "purpose": "carts", "consent": "withdrawn"}

    def told(shop: Shop) -> list[str]:
        shop.count()
        assert Browser(shop).get("/console/integration").status_code == 200
        report = shop.client.get("/v1/reports/integration").json()
        return [one[name] for name in ("channel", "purpose") for one in report[f"unknown_{name}s"]]

    def known(shop: Shop) -> tuple[bool, bool]:
        answer = shop.client.post("/v1/consents", json=word).json()
        return answer["channel_known"], answer["purpose_known"]

    with deciding(bare_folder, action_bank=path, refresh_seconds=0.05) as shop:
        assert known(shop) == (True, True)
        assert told(shop) == []
        assert "unknown-channels" not in Browser(shop).get("/console/integration").text
        bank(bare_folder, 'currency = "EUR"')
        until(lambda: shop.resources.bank.now.currency == "EUR", "the mended file is followed")
        assert known(shop) == (False, False)
        assert told(shop) == ["viber", "carts"]


def test_the_page_of_the_action_bank_is_true(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/action-bank.md").read_text()
    example = page.partition("```toml\n")[2].partition("```")[0]
    read = BankFile(bank(tmp_path, example)).read()
    assert "tenth" in read.points["cart_recovery"].incentives
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE)) == REASONS
    for rows in (Channel, Argument, Incentive, DecisionPoint, Groups):
        for name in rows.__dataclass_fields__:
            assert name == "name" or f"`{name}`" in page, f"{rows.__name__}.{name}"
