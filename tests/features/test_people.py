"""Many persons at once are who each alone is, and what is read of them is theirs."""

import pytest
from sqlalchemy import Engine

from features.events import Event
from features.identity import Identities
from features.latest import latest_of
from features.log import EVENTS, Log, to_record
from features.people import Subject, people_of, records_of
from tests.features.person import at, event

MANY = 260


def shop(engine: Engine) -> tuple[Log, Identities]:
    """Customers with devices of their own, one that they all use, and accounts that an alias joins."""
    events: list[Event] = []
    for number in range(MANY):
        events.append(event("identified", number, user=f"u{number}", visitor=f"a{number}"))
        events.append(event("page_viewed", number + 1000, user=f"u{number}", visitor="kiosk"))
        events.append(event("product_viewed", number, "tea", user=None, visitor=f"a{number}"))
    events += [event("aliased", 5, user=f"u{number}", previous_id=f"u{number + 1}") for number in range(0, MANY, 20)]
    events.append(event("product_viewed", 3, "tea", user=None, visitor="nobody"))
    events.append(event("product_viewed", 2000, "cup", user=None, visitor="kiosk"))
    log, identities = Log(engine, EVENTS), Identities(engine)
    log.append([to_record(one) for one in events])
    identities.catch_up(log)
    return log, identities


def test_many_are_who_each_alone_is(engine: Engine) -> None:
    _, identities = shop(engine)
    subjects: list[Subject] = [(f"u{number}", None) for number in range(MANY)]
    subjects += [(None, f"a{number}") for number in range(0, MANY, 7)]
    subjects += [(None, "nobody"), (None, "kiosk"), ("stranger", None), ("u3", "a9"), ("stranger", "unheard")]
    together = people_of(identities, subjects)
    assert together.keys() == set(subjects)
    for user_id, anonymous_id in subjects[::11] + subjects[-5:]:
        alone = identities.person(user_id, anonymous_id if user_id is None else None)
        assert together[user_id, anonymous_id] == alone
        assert people_of(identities, [(user_id, anonymous_id)]) == {(user_id, anonymous_id): alone}


def test_what_is_read_is_theirs_in_the_order_of_the_log(engine: Engine) -> None:
    log, identities = shop(engine)
    people = people_of(identities, [(f"u{number}", None) for number in range(MANY)]).values()
    read = {person.customer_id: records for person, records in records_of(log, people, ())}
    assert len(read) == len({person.customer_id for person in people})
    for person in list({person.customer_id: person for person in people}.values())[::29]:
        alone = log.of_person(person.user_ids, person.anonymous_ids, limit=10_000)
        assert read[person.customer_id] == [record for record in alone if person.did(record.user_id)]
    kiosk = identities.person(None, "kiosk").customer_id
    assert [name for name, records in read.items() if any("cup" in record.payload for record in records)] == [kiosk]


def test_only_what_is_asked_for_is_read(engine: Engine) -> None:
    log, identities = shop(engine)
    people = people_of(identities, [("u25", None)]).values()
    ((_, viewed),) = records_of(log, people, ("product_viewed",))
    assert [record.type for record in viewed] == ["product_viewed"]
    ((_, late),) = records_of(log, people, (), since=at(1000))
    assert [record.type for record in late] == ["page_viewed"]
    assert list(records_of(log, [], ())) == []


def test_a_statement_for_all_knows_each_as_if_asked_alone(engine: Engine) -> None:
    _, identities = shop(engine)
    subjects: list[Subject] = [(f"u{number}", None) for number in range(0, MANY, 3)]
    subjects += [(None, f"a{number}") for number in range(0, MANY, 7)] + [("u4", "a4"), ("u5", "a7"), ("u1", "a0")]
    subjects += [(None, "nobody"), (None, "kiosk"), ("stranger", None), ("u3", "a9"), ("stranger", "unheard")]
    assert identities.people(subjects) == [identities.person(*subject) for subject in subjects]
    assert identities.people([(None, "fresh"), (None, "unheard")]) == [
        identities.person(None, "fresh"),
        identities.person(None, "unheard"),
    ]
    with pytest.raises(ValueError, match="user_id or an anonymous_id"):
        identities.people([("u1", None), (None, None)])


def test_the_latest_of_each_are_what_is_read_of_each_alone(engine: Engine) -> None:
    log, identities = shop(engine)
    subjects: list[Subject] = [(f"u{number}", None) for number in range(0, MANY, 2)] + [(None, "kiosk"), ("u1", "a0")]
    people = identities.people([*subjects, (None, "nobody"), (None, "unheard")])
    for limit, types in ((1, ("page_viewed", "product_viewed")), (500, ("identified", "product_viewed"))):
        together = latest_of(log, people, limit, types)
        for person, records in zip(people, together, strict=True):
            alone = log.of_person(person.user_ids, person.anonymous_ids, 0, 10_000, types=types)
            assert records == [record for record in alone if person.did(record.user_id)][-limit:]
    middle = log.last_position() // 2
    behind = [middle if place % 2 else 0 for place in range(len(people))]
    news = latest_of(log, people, 500, types, after=behind)
    assert news == [[one for one in own if one.position > after] for own, after in zip(together, behind, strict=True)]
    assert any(news)
    assert news != together
    assert latest_of(log, [], 5, ("page_viewed",)) == []
    early = latest_of(log, people, 1, ("page_viewed",), [at(1010)] * len(people))
    assert [records[0].key for records in early[:4]] == [
        own[-1].key for own in latest_of(log, people[:4], 9, ("page_viewed",))
    ]
    assert early[6:9] == [[], [], []], "they came later"
