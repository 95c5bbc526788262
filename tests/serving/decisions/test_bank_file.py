from dataclasses import replace
from pathlib import Path

import pytest

from models.policies.rule import Message
from serving.decisions import bank_file
from serving.decisions.bank import Bank, Channel
from serving.decisions.bank_file import BankFile
from serving.decisions.default_bank import DEFAULT
from serving.decisions.quiet_hours import LocalHours
from serving.decisions.slots import propose
from tests.serving.decisions.known import FACTS, GRANTED


def _bank(tmp_path: Path, text: str) -> Bank:
    path = tmp_path / "bank.toml"
    path.write_text(text)
    return BankFile(path).read()


def test_the_example_of_its_own_page_is_read(tmp_path: Path) -> None:
    bank = _bank(tmp_path, (bank_file.__doc__ or "").partition("\n")[2])
    assert (bank.zone, bank.currency) == ("Europe/Moscow", "RUB")
    assert "sms" not in bank.channels
    assert bank.channels["email"].quiet == LocalHours.of("22:00-08:00")
    assert bank.channels["email"].caps == replace(DEFAULT.channels["email"].caps, week=3)
    assert bank.channels["email"].cost == DEFAULT.channels["email"].cost
    assert all("telegram" in point.channels and "sms" not in point.channels for point in bank.points.values())


def test_an_empty_file_and_none_are_the_default(tmp_path: Path) -> None:
    assert _bank(tmp_path, "") == DEFAULT == BankFile(None).read()


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("channels.telegram = { cost = 0.2 }", "channel", "telegram"),
        ("arguments.five_stars = {}", "argument", "five_stars"),
        ("incentives.tenth = { share = 0.1 }", "incentive", "tenth"),
        (
            'points.cart_recovery.delays = ["1h", "3h", "6h", "12h", "24h", "48h", "72h", "120h"]',
            "delay",
            "120h",
        ),
        ("points.cart_recovery.hours = [3]\nchannels.email.quiet = false", "hour", "03-06"),
    ],
)
def test_a_line_adds_what_decisions_then_offer(tmp_path: Path, line: str, field: str, value: str) -> None:
    def offered(bank: Bank) -> set[str]:
        point = replace(bank.points["cart_recovery"], most_slots=1_000)
        return {getattr(o, field) for o in propose(replace(FACTS, bank=bank, point=point)).options}

    assert value not in offered(DEFAULT)
    assert value in offered(_bank(tmp_path, line))


def test_what_the_file_lists_itself_is_all_that_a_point_has(tmp_path: Path) -> None:
    text = 'channels.telegram = {}\npoints.cart_recovery.channels = ["email"]'
    bank = _bank(tmp_path, text)
    assert bank.points["cart_recovery"].channels == ("email",)
    assert "telegram" in bank.points["browse"].channels


def test_what_is_taken_away_is_gone_from_the_rule_too(tmp_path: Path) -> None:
    bank = _bank(tmp_path, "channels.email = false")
    assert bank.points["cart_recovery"].rule == ()
    with_rule = _bank(
        tmp_path, 'points.cart_recovery.rule = [{ channel = "sms", delay = "24h", argument = "benefits" }]'
    )
    assert with_rule.points["cart_recovery"].rule == (Message("sms", "24h", "benefits"),)


def test_a_new_decision_point_has_all_parts_and_a_policy_of_its_own(tmp_path: Path) -> None:
    point = _bank(tmp_path, 'points.win_back = { triggers = ["lapsed"], ttl_hours = 720 }').points["win_back"]
    assert (point.policy, point.ttl_hours) == ("win_back-policy", 720.0)
    assert set(point.channels) == set(DEFAULT.channels)
    assert set(point.arguments) == set(DEFAULT.arguments)


def test_false_takes_a_limit_away(tmp_path: Path) -> None:
    text = "channels.sms = { quiet = false, legal = false, caps = { day = false, week = false, month = false } }"
    sms = _bank(tmp_path, text).channels["sms"]
    assert (sms.quiet, sms.legal, sms.caps) == (None, None, Channel("sms").caps)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1", "the action bank: x is not known; there is zone"),
        ("channels = 3", "channels must be a table"),
        ("channels.email = 3", "channels.email must be a table"),
        ("channels.email.prise = 3", "prise is not known; there is cost"),
        ('channels.email.cost = "3"', r"channels.email: Expected `float`, got `str` - at `\$.cost`"),
        ("channels.email.cost = true", "Expected `float`, got `bool`"),
        ("channels.email.cost = -1", "at least 0"),
        ("channels.email.cost = nan", "finite"),
        ('channels.email.consent = "yes"', "yes is not known; there is assumed, required"),
        ('channels.email.quiet = "at night"', "channels.email.quiet: .* write them as 21:00-09:00"),
        ("channels.email.caps = { year = 3 }", "year is not known; there is day, week, month"),
        ("channels.email.caps = { day = 5 }", "longer period"),
        ("channels.fax = false", "takes away what is not there; there is email"),
        ('channels."E-mail" = {}', "no name of a channel"),
        ('arguments.scarce = { needs = ["scarcity"] }', "scarcity is not known; there is low_stock"),
        ("incentives.gift = {}", "a share of the cart or an amount"),
        ('points.cart_recovery.mode = "on"', "on is not known; there is shadow"),
        ('points.cart_recovery.delays = ["3h"]', "rule: '24h' is not known; there is 3h"),
        ('points.cart_recovery.channels = ["fax"]', "'fax' is not known; there is email"),
        ("groups.holdout = 2", "shares of all customers"),
        ("groups.random = false", "Expected `float`, got `bool`"),
        ('zone = "Mars/Olympus"', "IANA"),
        ("zone = 3", "zone: Expected `str`, got `int`"),
        ("zone", "not TOML"),
    ],
)
def test_a_wrong_line_is_told_with_the_file_and_what_there_is(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"bank.toml.*{told}"):
        _bank(tmp_path, text)


def test_a_file_that_is_not_there_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="KAIROS_ACTION_BANK"):
        BankFile(tmp_path / "none.toml").read()


def test_a_change_is_seen_once_also_when_it_was_refused(tmp_path: Path) -> None:
    path = tmp_path / "bank.toml"
    path.write_text("")
    file = BankFile(path)
    file.read()
    assert not file.changed()
    path.write_text("x = 1")
    assert file.changed()
    with pytest.raises(ValueError, match="x is not known"):
        file.read()
    assert not file.changed()


def test_the_granted_consent_of_these_tests_is_for_sms() -> None:
    assert GRANTED.consent("sms", "marketing") == "granted"
