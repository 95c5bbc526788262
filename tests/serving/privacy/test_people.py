"""Who withdrew is known to whoever looked after the withdrawal, whoever else looks at the same time."""

import threading

import pytest

from features.log import Record
from features.person import Person
from serving.privacy.put_aside import REJECTED, put_aside
from tests.serving.world import DRINKER, NOW, Shop
from tests.waiting import PATIENCE


def test_who_began_to_look_before_somebody_withdrew_does_not_put_back_what_he_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = shop.resources.privacy
    people._follower.close()
    people._said = None  # so that the first look, too, reads who withdrew
    has_read, go_on, real = threading.Event(), threading.Event(), people.withdrawals.people

    def read(identities: object) -> list[Person]:
        found, first = real(identities), not has_read.is_set()
        has_read.set()
        assert not first or go_on.wait(PATIENCE)
        return found

    monkeypatch.setattr(people.withdrawals, "people", read)
    before, after = threading.Thread(target=people.refresh), threading.Thread(target=people.refresh)
    before.start()
    assert has_read.wait(PATIENCE)
    consent = {"consent": "withdrawn", "purpose": "personalization", "channel": "email"}
    shop.track("Consent Changed", consent, userId=DRINKER, messageId="gone")
    after.start()
    after.join(0.5)  # if it does not wait for who looks, it is over by now
    go_on.set()
    for thread in (before, after):
        thread.join(PATIENCE)
    assert people.impersonal(DRINKER, None)


def test_what_memory_holds_of_a_person_goes_though_others_read_the_list_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As who replays a journal does, and the job that puts somebody on the list."""
    people, forgotten = shop.resources.privacy, list[int]()
    people._follower.close()
    monkeypatch.setattr(people, "changed", lambda: forgotten.append(people.suppressions.revision))
    people.suppressions.add(Person(DRINKER, (DRINKER,), ()), NOW)
    people.suppressions.refresh()
    people.catch_up()
    people.catch_up()
    assert forgotten == [people.suppressions.revision]


def test_who_was_listed_while_this_replica_was_away_is_forgotten_in_its_own_files(shop: Shop) -> None:
    people = shop.resources.privacy
    people._follower.close()
    people.suppressions.add(Person("her", ("her",), ()), NOW)
    folder = shop.resources.settings.journal / "event"
    folder.mkdir(parents=True, exist_ok=True)
    put_aside(folder, Record("k", "product_viewed", 1, 1, "her", None, "{}"))
    people._put_aside_until = -1  # as when it starts
    people.catch_up()
    assert (folder / REJECTED).read_text(), "no answer waits for files"
    people.look()
    assert (folder / REJECTED).read_text() == ""
    people.look()


def test_a_page_of_people_asks_of_them_and_not_who_withdrew_at_all(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as withdrew in all the years of a shop, each page would sum and read."""
    people = shop.resources.privacy
    people._follower.close()
    for name in ("people", "said"):
        monkeypatch.setattr(people.withdrawals, name, lambda *_: pytest.fail("all who withdrew were read"))
    consent = {"consent": "withdrawn", "purpose": "personalization", "channel": "email"}
    shop.track("Consent Changed", consent, userId=DRINKER)
    asked = [Person(id_, (id_,), ()) for id_ in (DRINKER, "somebody")]
    assert people.unlisted(asked) == [True, False]
