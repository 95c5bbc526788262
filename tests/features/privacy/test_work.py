"""An erasure reaches every store, whenever it is killed; what others did, and what decisions were worth, stays."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from features.cart_table import CartTable
from features.database import open_database
from features.history import FILES
from features.log import EVENTS, Log, to_record
from features.people import records_of
from features.person import Person
from features.privacy.base import Store
from features.privacy.jobs import LEASE, MOST_ATTEMPTS, PAUSE, RESULTS_LAST, Job
from features.privacy.parquet import HistoryFiles
from features.privacy.personal import identities_to_learn_from
from features.privacy.suppression import Suppressions
from features.privacy.sweep import sweep
from features.privacy.work import Places, export, steps, work
from features.store import materialize, open_store, read_customer
from tests.features.person import at, event
from tests.features.privacy.world import (
    AS_OF,
    HER,
    HERS,
    HIM,
    OLD,
    PHONE,
    STRANGER,
    TABLET,
    World,
    build_world,
    said,
)
from tests.on_disk import bytes_in
from tests.valkeys import address_of, valkey_server


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    """The address of a Valkey server that lives as long as this module."""
    with valkey_server() as server:
        yield address_of(server)


@pytest.fixture
def either(engine: Engine, tmp_path: Path) -> World:
    """Over a database of each kind."""
    return build_world(engine, tmp_path)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(open_database(f"sqlite:///{tmp_path / 'kairos.db'}"), tmp_path)


def her(world: World) -> Person:
    return world.identities.person(HER, None)


def submit(world: World, kind: str = "erase", person: Person | None = None) -> Job:
    person = person or her(world)
    hashes = world.places.suppressions.hashes_of(person)
    return world.places.jobs.submit(kind, person, hashes, world.clock(), "request-1")  # type: ignore[arg-type]


def finish(world: World, places: Places | None = None) -> Job:
    last = None
    while (done := work(places or world.places, world.clock)) is not None:
        assert done.reason is None, done.reason
        last = done
    assert last is not None
    return last


def held(world: World, person: Person) -> dict[str, int]:
    return {store.name: sum(1 for _ in store.held(person)) for store in world.places.stores(AS_OF)}


def test_all_her_ids_are_known_and_every_store_holds_something_of_her(world: World) -> None:
    assert her(world) == Person(OLD, (OLD, HER), (OLD, PHONE, TABLET))
    identities_to_learn_from(world.engine)
    found = held(world, her(world))
    assert [name for name, rows in found.items() if not rows] == ["customer_recent"]  # that view has no tables


def test_after_an_erasure_nothing_is_held_of_her_anywhere_and_all_of_him(either: World) -> None:
    identities_to_learn_from(either.engine)
    person, him = her(either), either.identities.person(HIM, None)
    before, others = held(either, person), held(either, him)
    job = submit(either)
    done = finish(either)
    assert (done.id, done.state, done.person, dict(done.counts)) == (job.id, "done", None, before)
    assert set(held(either, person).values()) == {0}
    assert held(either, him) == {**others, "identities": 0}  # that the tablet was also his
    stranger = either.identities.person(None, STRANGER)
    assert held(either, stranger)["events"] == 1


@pytest.mark.parametrize("online_store", ["sqlite", "valkey"])
def test_the_online_store_of_either_kind_forgets_her_and_keeps_him(
    online_store: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    address = "sqlite" if online_store == "sqlite" else request.getfixturevalue("valkey")
    world = build_world(open_database(f"sqlite:///{tmp_path / 'kairos.db'}"), tmp_path, address)
    submit(world)
    finish(world)
    store = open_store(tmp_path / "features", address)
    asked = ["monetary", "is_overdue"]
    assert read_customer(store, OLD, asked, AS_OF) is None
    found = read_customer(store, HIM, asked, AS_OF)
    assert found is not None
    assert found.values == {"monetary": 2.5, "is_overdue": True}


def test_a_view_that_an_earlier_version_never_applied_holds_nobody_up(world: World) -> None:
    person = her(world)
    world.places.online.delete_feature_view("customer_restock")
    submit(world)
    assert finish(world).state == "done"
    assert set(held(world, person).values()) == {0}


def test_no_byte_of_her_ids_is_left_in_any_file(world: World) -> None:
    CartTable(world.engine).rebuild(world.events, world.identities)  # deletes rows and writes them elsewhere
    submit(world, "export")
    finish(world)
    assert {id_ for id_ in (*HERS, TABLET) if any(id_.encode() in found for _, found in bytes_in(world.folder))}
    submit(world)
    finish(world)
    found = {(path.name, id_) for path, content in bytes_in(world.folder) for id_ in HERS if id_.encode() in content}
    assert found == set()
    tablet = {path.name for path, content in bytes_in(world.folder) if TABLET.encode() in content}
    assert tablet == set()
    assert any(HIM.encode() in content for _, content in bytes_in(world.folder))


def layout(world: World) -> set[tuple[str, str, tuple[str, ...]]]:
    """Of the files of the history that have rows: how each column is compressed and encoded."""
    found = set()
    for told in map(pq.read_metadata, world.places.history.glob(FILES)):
        if told.num_rows:
            columns = map(told.row_group(0).column, range(told.num_columns))
            found |= {(one.path_in_schema, one.compression, one.encodings) for one in columns}
    return found


def test_what_is_left_of_the_history_is_laid_out_as_it_was(world: World) -> None:
    before = layout(world)
    submit(world)
    finish(world)
    assert layout(world) == before


def test_his_events_on_the_shared_tablet_stay_without_it(world: World) -> None:
    submit(world)
    finish(world)
    his = [record for _, records in records_of(world.events, [Person(HIM, (HIM,), ())], ()) for record in records]
    assert len(his) == 4
    assert all(record.anonymous_id is None for record in his)
    rows = [row for path in world.places.history.glob(FILES) for row in pq.read_table(path).to_pylist()]
    assert {(row["user_id"], row["anonymous_id"]) for row in rows} == {(HIM, None), (None, STRANGER)}


def test_positions_never_go_back_and_projections_go_on(either: World) -> None:
    last = either.events.last_position()
    submit(either)
    finish(either)
    assert either.events.last_position() == last
    either.compact()
    assert CartTable(either.engine).catch_up(either.events, either.identities) == 0
    either.events.append([to_record(event("product_viewed", 200, "milk", user=HIM))])
    either.compact()
    person = either.identities.person(HIM, None)
    assert sum(1 for _ in HistoryFiles(either.places.history).held(person)) == 5


def test_a_history_that_is_made_anew_of_the_log_is_the_one_that_was_erased(world: World, tmp_path: Path) -> None:
    submit(world)
    finish(world)
    erased = sorted(str(row) for row in _rows(world.places.history))
    other = replace(world, places=replace(world.places, history=tmp_path / "anew"))
    other.compact()
    anew = sorted(str(row) for row in _rows(tmp_path / "anew") if "'type': 'erased'" not in str(row))
    assert anew == erased


def test_half_of_a_file_of_a_compaction_that_was_killed_goes_too(world: World) -> None:
    part = next(world.places.history.glob(FILES))
    half = part.rename(part.with_name(f".{part.name}.5f"))
    HistoryFiles(world.places.history).erase(Person(HER, (HER,), ()))
    assert not half.exists()


def test_killed_before_any_step_the_next_worker_ends_it_with_the_same_receipt(engine: Engine, tmp_path: Path) -> None:
    world = build_world(engine, tmp_path)
    expected = held(world, her(world))
    submit(world)
    for _ in range(len(steps(world.places, AS_OF)) + 1):
        crashing = replace(world.places, more=())
        taken = world.places.jobs.take(world.clock())  # and is killed before it does anything
        assert taken is not None
        world.clock.now += LEASE
        done = work(crashing, world.clock)
        assert done is not None
        if done.state == "done":
            break
    assert done.state == "done"
    assert dict(done.counts) == expected
    assert set(held(world, Person(OLD, (OLD, HER), (OLD, PHONE, TABLET))).values()) == {0}


def test_a_step_that_was_done_but_not_written_down_is_done_again_and_changes_nothing(world: World) -> None:
    expected, person = held(world, her(world)), her(world)
    submit(world)
    names, last = steps(world.places, AS_OF), None
    for _ in names:
        job = world.places.jobs.take(world.clock())
        assert job is not None
        world.places.jobs.release(job, world.clock(), world.clock())
        first = work(world.places, world.clock)
        if first is not None and first.state != "done" and first.person is not None:
            again = replace(first, step=first.step - 1)
            world.places.jobs.release(again, world.clock(), world.clock())
            first = work(world.places, world.clock)
        last = first
    assert last is not None
    assert (last.state, dict(last.counts)) == ("done", expected)
    assert set(held(world, person).values()) == {0}


class Broken:
    """A store that cannot be reached so many times."""

    name = "broken"

    def __init__(self, times: int) -> None:
        self.times = times

    def held(self, person: Person) -> Iterator[dict[str, str]]:
        return iter(())

    def erase(self, person: Person) -> None:
        self.times -= 1
        if self.times >= 0:
            raise ValueError(f"no connection for {person.customer_id}")


def test_a_step_that_fails_is_tried_again_after_a_pause_and_says_why_without_ids(world: World) -> None:
    broken: Store = Broken(2)
    places = replace(world.places, more=(broken,))
    submit(world)
    tries = 0
    while (job := work(places, world.clock)) is not None:
        if job.reason:
            tries += 1
            assert job.reason == "ValueError"
            assert work(places, world.clock) is None
            world.clock.now += PAUSE
        if job.state == "done":
            break
    assert tries == 2
    assert job is not None
    assert job.state == "done"


def test_after_many_failures_a_job_waits_for_a_person_and_still_knows_whom_it_is_about(world: World) -> None:
    places = replace(world.places, more=(Broken(MOST_ATTEMPTS),))
    job = submit(world)
    while work(places, world.clock) is not None:
        world.clock.now += PAUSE
    failed = places.jobs.find(job.id)
    assert failed is not None
    assert (failed.state, failed.person is not None) == ("failed", True)
    assert places.jobs.again(world.clock()) == 1
    assert finish(world, places).state == "done"


def test_the_receipt_holds_no_id_and_the_hash_of_each(world: World) -> None:
    job = submit(world)
    done = finish(world)
    text = msgspec.json.encode(done).decode()
    assert not [id_ for id_ in (*HERS, TABLET) if id_ in text]
    assert set(done.hashes) == set(world.places.suppressions.hashes_of(Person(OLD, (OLD, HER), (OLD, PHONE, TABLET))))
    assert (job.request_id, done.request_id) == ("request-1", "request-1")


def test_an_export_holds_everything_and_lasts_a_day(world: World) -> None:
    job = submit(world, "export")
    finish(world)
    found = world.places.jobs.find(job.id)
    assert found is not None
    assert found.result is not None
    told = msgspec.json.decode(found.result)
    assert (told["user_ids"], told["anonymous_ids"], told["suppressed"]) == ([OLD, HER], [OLD, PHONE, TABLET], False)
    assert {name: len(rows) for name, rows in told["held"].items()} == held(world, her(world))
    assert {one["message_id"] for one in told["held"]["events"]} == {
        one.message_id for one in said() if one.user_id in (HER, OLD) or one.anonymous_id == PHONE
    }
    world.clock.now += RESULTS_LAST + timedelta(seconds=1)
    work(world.places, world.clock)
    assert world.places.jobs.find(job.id).result is None  # type: ignore[union-attr]


def test_an_erasure_takes_back_what_exports_found(world: World) -> None:
    job = submit(world, "export")
    finish(world)
    submit(world)
    finish(world)
    assert world.places.jobs.find(job.id).result is None  # type: ignore[union-attr]


def test_who_is_erased_is_suppressed_by_all_ids(world: World) -> None:
    submit(world)
    finish(world)
    listed = world.places.suppressions
    assert [listed.has_user(id_) for id_ in (HER, OLD, HIM)] == [True, True, False]
    assert [listed.has_visitor(id_) for id_ in (PHONE, TABLET, STRANGER)] == [True, True, False]
    anew = [to_record(one) for one in said()]
    kept = listed.admitted_records(anew)
    assert {(one.user_id, one.anonymous_id) for one in kept} == {(HIM, None), (None, STRANGER)}
    late = event("product_viewed", 300, "milk", user=HER)
    assert listed.admitted(late) is None


def test_an_erasure_of_a_visitor_leaves_everybody_else(world: World) -> None:
    stranger, person = world.identities.person(None, STRANGER), her(world)
    before = held(world, person)
    submit(world, person=stranger)
    finish(world)
    assert set(held(world, stranger).values()) == {0}
    assert held(world, person) == before


def test_what_was_being_computed_meanwhile_is_found_when_it_looks_again(world: World) -> None:
    person = her(world)
    submit(world)
    table = next((world.folder / "features" / "customer").glob("*.parquet"))
    stale = pq.read_table(table)
    while (job := work(world.places, world.clock)) is not None and job.state != "done":
        if steps(world.places, AS_OF)[job.step] == "look again":
            pq.write_table(stale, table)
            Log(world.engine, EVENTS).append([to_record(event("product_viewed", 400, "milk", user=HER))])
    assert job is not None
    assert set(held(world, person).values()) == {0}


def test_an_export_by_the_verb_is_the_one_of_the_job(world: World) -> None:
    told = msgspec.json.decode(export(world.places, her(world), world.clock()))
    assert told["as_of"] == at(60 * 24 * 30).isoformat().replace("+00:00", "Z")


def test_a_secret_that_is_not_the_one_of_the_list_is_refused(world: World) -> None:
    with pytest.raises(RuntimeError, match="KAIROS_PRIVACY_KEY"):
        Suppressions(world.engine, b"another")


def test_a_table_that_was_written_after_the_erasure_is_swept_at_night(world: World) -> None:
    person, him = her(world), world.identities.person(HIM, None)
    table = next((world.folder / "features" / "customer").glob("*.parquet"))
    stale = pq.read_table(table)
    submit(world)
    finish(world)
    assert sweep(world.places) == 0
    pq.write_table(stale, table)
    materialize(open_store(world.places.feature_data, "sqlite"))
    before = held(world, him)
    assert held(world, person)["online store"] == 1
    assert sweep(world.places) == 1
    assert set(held(world, person).values()) == {0}
    assert held(world, him) == before


def _rows(history: Path) -> list[dict[str, object]]:
    return [row for path in history.glob(FILES) for row in pq.read_table(path, partitioning=None).to_pylist()]
