from features.database import open_database
from features.log import DECISIONS, Log
from features.person import Person
from serving.decisions.past import past_of
from tests.features.decided import decision
from tests.features.person import at


def test_what_was_decided_later_is_not_known_yet_and_a_shared_device_tells_of_nobody_else() -> None:
    engine = open_database("sqlite://")
    log = Log(engine, DECISIONS)
    log.append([decision("late", 9), decision("early", 1), decision("visit", 5, user=None, visitor="a1")])
    log.append([decision("other", 2, user="u2", visitor="a1")])
    person = Person("u1", ("u1",), ("a1",))
    assert [one.decision_id for one in past_of(log, [person], [at(9)])[0]] == ["early", "visit", "late"]
    assert [one.decision_id for one in past_of(log, [person], [at(8)])[0]] == ["early", "visit"]
    engine.dispose()


def test_however_much_was_decided_about_somebody_all_of_it_is_known_and_nothing_of_others() -> None:
    engine = open_database("sqlite://")
    log = Log(engine, DECISIONS)
    log.append([decision(f"d{number}", number) for number in range(450)])
    log.append([decision("of another", 3, user="u2")])
    people = [Person("u2", ("u2",), ()), Person("u1", ("u1",), ())]
    other, many = past_of(log, people, [at(500), at(320)])
    assert [one.decision_id for one in other] == ["of another"]
    assert [one.decision_id for one in many] == [f"d{number}" for number in range(321)]
    engine.dispose()
