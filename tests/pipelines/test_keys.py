"""The verbs of keys: the secret is printed once, to the standard output alone, and what they make opens the service."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from features.database import open_database
from pipelines.__main__ import app
from pipelines.keys import DEMO, demo_key, passing_key
from pipelines.settings import Settings
from serving.access.key_table import KeyTable
from serving.access.keys import digest_of, well_formed


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The keys of an empty shop, which the verbs write."""
    monkeypatch.setenv("KAIROS_DATABASE_URL", f"sqlite:///{tmp_path / 'kairos.db'}")
    engine = open_database(Settings().database_url)
    yield KeyTable(engine)
    engine.dispose()


def run(*words: str) -> Any:
    result = CliRunner().invoke(app, ["keys", *words])
    assert result.exception is None, result.output
    return result


def test_the_secret_stands_alone_on_the_standard_output(table: KeyTable) -> None:
    result = run("create", "sk", "--label", "shop")
    secret = result.stdout.strip()
    assert well_formed(secret)
    assert secret not in result.stderr
    found = table.find(digest_of(secret))
    assert found is not None
    assert found.label == "shop"


def test_it_is_printed_once_and_never_listed(table: KeyTable) -> None:
    made = json.loads(run("create", "pk", "--origin", "https://a.example", "--days", "3", "--json").stdout)
    listed = run("list", "--json").stdout
    assert made["key"] in listed
    assert made["secret"] not in listed + run("list").output
    assert table.all()[0].digest not in listed
    (told,) = json.loads(listed)["keys"]
    assert (told["state"], told["origins"]) == ("live", "https://a.example")


def test_rotate_leaves_two_and_revoke_ends_one(table: KeyTable) -> None:
    old = json.loads(run("create", "sk", "--scope", "events:write", "--json").stdout)
    new = json.loads(run("rotate", old["key"], "--json").stdout)
    assert new["scopes"] == "events:write"
    assert [key.revoked_at for key in table.all()] == [None, None]
    assert json.loads(run("revoke", new["key"], "--json").stdout)["state"] == "revoked"
    assert {key.prefix: key.revoked_at is None for key in table.all()} == {old["key"]: True, new["key"]: False}


def test_a_mistake_is_told_in_words(table: KeyTable) -> None:
    for words, told in ((("create", "root"), "pk, sk, adm"), (("revoke", "sk_x"), "keys list")):
        result = CliRunner().invoke(app, ["keys", *words])
        assert told in str(result.exception)
    assert not table.all()


def test_one_key_of_the_demo_lives_and_that_of_a_run_ends_with_it(table: KeyTable) -> None:
    settings = Settings()
    first, second = demo_key(settings), demo_key(settings)
    states = {key.digest: key.revoked_at is None for key in table.all() if key.label == DEMO}
    assert states == {digest_of(first): False, digest_of(second): True}
    with passing_key(settings, "a run") as secret:
        found = table.find(digest_of(secret))
        assert found is not None
        assert found.revoked_at is None
    found = table.find(digest_of(secret))
    assert found is not None
    assert found.revoked_at is not None
