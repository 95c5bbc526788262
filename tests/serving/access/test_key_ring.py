"""Keys in memory: one that was just made is found while the others are read, and not hidden again by what was read."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from features.database import open_database
from serving.access.key_ring import KeyRing
from serving.access.key_table import KeyTable
from serving.access.keys import Key
from serving.measures import Counter
from tests.serving.world import NOW
from tests.waiting import PATIENCE


class Slow(KeyTable):
    """Whoever reads every key first keeps them to himself until he may `go_on`."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.has_read, self.go_on = threading.Event(), threading.Event()

    def all(self) -> list[Key]:
        found, first = super().all(), not self.has_read.is_set()
        self.has_read.set()
        assert not first or self.go_on.wait(PATIENCE)
        return found


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    yield found
    found.dispose()


@pytest.mark.parametrize("how", ["look_up", "refresh"])
def test_a_key_that_was_made_while_the_others_were_read_stays_known(engine: Engine, how: str) -> None:
    table = Slow(engine)
    ring = KeyRing(table, 3_600.0, Counter("failures", "of the test"))
    reading = threading.Thread(target=ring.refresh)
    reading.start()
    assert table.has_read.wait(PATIENCE)
    digest = table.create("sk", "", NOW).key.digest
    asking = threading.Thread(target=getattr(ring, how), args=[digest] if how == "look_up" else [])
    asking.start()
    asking.join(PATIENCE)
    table.go_on.set()
    reading.join(PATIENCE)
    assert ring.get(digest) is not None


def test_who_looks_for_a_key_does_not_wait_for_who_reads_them_all(engine: Engine) -> None:
    table = Slow(engine)
    ring = KeyRing(table, 3_600.0, Counter("failures", "of the test"))
    reading = threading.Thread(target=ring.refresh)
    reading.start()
    assert table.has_read.wait(PATIENCE)
    known, nobodys = table.create("sk", "", NOW).key.digest, "of no key"
    asking = [threading.Thread(target=ring.look_up, args=[digest], daemon=True) for digest in (known, nobodys)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(PATIENCE)
    found, missed = ring.get(known), ring.unknown(nobodys)
    table.go_on.set()
    reading.join(PATIENCE)
    assert found is not None
    assert missed


def test_a_key_that_is_revoked_while_it_is_looked_for_stays_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    table = KeyTable(engine)
    ring = KeyRing(table, 3_600.0, Counter("failures", "of the test"))
    key, real = table.create("sk", "", NOW).key, table.find

    def find(digest: str) -> Key | None:
        found = real(digest)
        table.revoke(key.prefix, NOW)
        ring.refresh()
        return found

    monkeypatch.setattr(table, "find", find)
    ring.look_up(key.digest)
    known = ring.get(key.digest)
    assert known is not None
    assert not known.alive(NOW)


def test_a_page_that_no_key_names_is_remembered_until_the_keys_are_read_again(engine: Engine) -> None:
    table, page = KeyTable(engine), "https://shop.example"
    ring = KeyRing(table, 3_600.0, Counter("failures", "of the test"))
    ring.look_for_page(page)
    assert ring.unknown(page)
    key = table.create("pk", "", NOW, origins=[page]).key
    ring.refresh()
    assert (ring.unknown(page), ring.origins) == (False, {page})
    table.revoke(key.prefix, NOW)
    ring.refresh()
    ring.look_for_page(page)
    assert (ring.unknown(page), ring.origins) == (True, frozenset())


def test_the_pages_of_a_key_that_was_just_made_are_known_with_it(engine: Engine) -> None:
    table = KeyTable(engine)
    ring = KeyRing(table, 3_600.0, Counter("failures", "of the test"))
    table.create("pk", "", NOW, origins=["https://old.example"])
    ring.refresh()
    key = table.create("pk", "", NOW, origins=["https://shop.example"]).key
    assert ring.origins == {"https://old.example"}
    ring.look_up(key.digest)
    assert ring.origins == {"https://old.example", "https://shop.example"}
    table.revoke(key.prefix, NOW)
    ring.refresh()
    assert ring.origins == {"https://old.example"}
