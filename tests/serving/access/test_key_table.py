"""The table of keys, on every database: what was made is found, rotation leaves two alive, nothing holds a secret."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from serving.access.key_table import KeyTable
from serving.access.keys import digest_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_what_was_made_is_found_by_its_hash(engine: Engine) -> None:
    table = KeyTable(engine)
    ends = NOW + timedelta(days=3)
    issued = table.create("pk", "pages", NOW, ["events:write"], ["https://a.example", "https://b.example:8443"], ends)
    assert table.find(digest_of(issued.secret)) == issued.key
    assert table.all() == [issued.key]
    assert table.find(digest_of(issued.secret + "x")) is None


def test_no_column_holds_the_secret(engine: Engine) -> None:
    issued = KeyTable(engine).create("sk", "shop", NOW)
    with engine.connect() as connection:
        rows = connection.execute(text("select * from api_key")).all()
    hidden = issued.secret.removeprefix(issued.key.prefix)
    assert len(rows) == 1
    assert hidden not in repr(rows)


def test_two_are_alive_while_callers_change_over(engine: Engine) -> None:
    table = KeyTable(engine)
    old = table.create("sk", "shop", NOW, ["events:write", "restock:read"])
    new = table.rotate(old.key.prefix, NOW, timedelta(hours=24))
    assert new.secret != old.secret
    assert (new.key.scopes, new.key.label, new.key.kind) == (old.key.scopes, "shop", "sk")
    later = NOW + timedelta(hours=23)
    assert [key.alive(later) for key in table.all()] == [True, True]
    assert [key.alive(NOW + timedelta(hours=24)) for key in table.all()] == [key == new.key for key in table.all()]


def test_rotation_never_lengthens_a_life_and_revives_none(engine: Engine) -> None:
    table = KeyTable(engine)
    short = table.create("sk", "", NOW, expires_at=NOW + timedelta(hours=1))
    table.rotate(short.key.prefix, NOW, timedelta(hours=24))
    assert table.named(short.key.prefix).expires_at == NOW + timedelta(hours=1)
    table.revoke(short.key.prefix, NOW)
    with pytest.raises(ValueError, match="is revoked"):
        table.rotate(short.key.prefix, NOW, timedelta(hours=24))


def test_a_revoked_key_stays_revoked_since_the_first_time(engine: Engine) -> None:
    table = KeyTable(engine)
    prefix = table.create("adm", "", NOW).key.prefix
    table.revoke(prefix, NOW)
    assert table.revoke(prefix, NOW + timedelta(days=1)).revoked_at == NOW
    assert table.named(prefix).state(NOW) == "revoked"


def test_an_unknown_prefix_names_the_way_out(engine: Engine) -> None:
    with pytest.raises(LookupError, match="keys list"):
        KeyTable(engine).revoke("sk_nothing", NOW)
