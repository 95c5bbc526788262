"""Verbs as a container calls them: under a user without a name, and told to end."""

import os
import pwd
import signal
from collections.abc import Iterator
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from pipelines import demo
from pipelines.__main__ import app
from pipelines.verbs import live
from tests.waiting import until


@pytest.fixture
def handler() -> Iterator[None]:
    """What the process does when it is told to end stays as it was."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("handler")
def test_a_demo_that_is_told_to_end_ends_what_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []

    def run(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            until(lambda: False, "the end")
        finally:
            ended.append(True)

    monkeypatch.setattr(demo, "demo", run)
    assert CliRunner().invoke(app, ["demo"]).exit_code == 128 + signal.SIGTERM
    assert ended == [True]


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> NoReturn:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert live._caller() == f"uid {os.getuid()}"
