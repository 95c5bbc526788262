"""Whoever is on the list does not come back by any event; everybody else does, and the list holds no id."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from features.database import open_database
from features.events import Event
from features.log import from_record, to_record
from features.person import Person
from features.privacy.secret import digest, secret_in
from features.privacy.suppression import Suppressions
from tests.features.person import at, event

SECRET = b"0123456789abcdef"
HER = Person("u1", ("u1", "u2"), ("a1", "a2"))
IDS = st.sampled_from(["u1", "u2", "u3", "a1", "a2", "a3"])
EVENTS = st.builds(
    lambda kind, user, visitor, previous: event(
        kind, 0, user=user, visitor=visitor, previous_id=previous if kind == "aliased" else None, id="m"
    ),
    st.sampled_from(["product_viewed", "aliased", "identified"]),
    st.none() | IDS,
    st.none() | IDS,
    IDS,
).filter(lambda one: one.user_id is not None or one.anonymous_id is not None)


@pytest.fixture(scope="module")
def listed() -> Suppressions:
    found = Suppressions(open_database("sqlite://"), SECRET)
    found.add(HER, at(0))
    return found


@settings(max_examples=40)
@given(one=EVENTS)
def test_an_event_is_kept_as_far_as_it_says_nothing_of_her(one: Event) -> None:
    listed = Suppressions(open_database("sqlite://"), SECRET)
    assert listed.admitted(one) == one
    listed.add(HER, at(0))
    kept = listed.admitted(one)
    about_her = one.user_id in HER.user_ids or (one.user_id is None and one.anonymous_id in HER.anonymous_ids)
    if about_her or one.body.previous_id in (*HER.user_ids, *HER.anonymous_ids):
        assert kept is None
    else:
        assert kept is not None
        assert kept.anonymous_id == (None if one.anonymous_id in HER.anonymous_ids else one.anonymous_id)
        assert (kept.user_id, kept.body, kept.message_id) == (one.user_id, one.body, one.message_id)
    records = listed.admitted_records([to_record(one)])
    assert [from_record(record) for record in records] == ([kept] if kept is not None else [])


def test_an_id_of_the_other_kind_is_somebody_else(listed: Suppressions) -> None:
    assert not listed.has_visitor("u1")
    assert not listed.has_user("a1")
    assert not listed.has(None, None)


def test_another_process_knows_it_after_its_next_look_and_forgets_it_when_it_is_lifted(engine: Engine) -> None:
    here, there = Suppressions(engine, SECRET), Suppressions(engine, SECRET)
    assert here.add(HER, at(0)) == 4
    assert here.add(HER, at(1)) == 0
    assert not there.has_user("u2")
    there.refresh()
    assert there.has_user("u2")
    assert there.lift(HER) == 4
    here.refresh()
    assert not here.has_user("u2")
    assert here.revision == there.revision


def test_the_list_holds_hashes_that_nobody_can_make_without_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "kairos.db"
    engine = open_database(f"sqlite:///{path}")
    Suppressions(engine, SECRET).add(Person("her-own-id", ("her-own-id",), ()), at(0))
    engine.dispose()
    content = (
        path.read_bytes() + path.with_name("kairos.db-wal").read_bytes()
        if path.with_name("kairos.db-wal").exists()
        else path.read_bytes()
    )
    assert digest(SECRET, "user", "her-own-id").encode() in content
    for told in (b"her-own-id", SECRET, digest(b"another", "user", "her-own-id").encode()):
        assert told not in content


def test_the_secret_is_made_once_for_its_owner_alone_and_never_silently_anew(tmp_path: Path) -> None:
    path = tmp_path / "var" / "privacy.key"
    made = secret_in(path)
    assert (len(made), path.stat().st_mode & 0o777) == (32, 0o600)
    assert secret_in(path) == made
    assert [one.name for one in path.parent.iterdir()] == ["privacy.key"]
    path.write_text("something else")
    with pytest.raises(ValueError, match="put back the file"):
        secret_in(path)
