"""Who does not want to be known: those whose last word on the purpose `personalization` is a withdrawal.

A projection of the event log. They are answered as nobody is, and recommenders learn nothing of what they did.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import BigInteger, Column, Engine, Row, Table, Text, func, select

from features.database import insert_into, metadata, writing
from features.identity import Identities
from features.log import EVENTS, Log
from features.offsets import move, offset
from features.people import Subject, people_of
from features.person import Person
from features.simulated import made_ids

PURPOSE = "personalization"
"""The purpose of a consent that is about being known at all; the channel of such a word does not matter."""

NOBODYS = ""
"""The customer whose events count for nothing."""

WORDS = Table(
    "personalization",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("granted", BigInteger, nullable=False),
)
_NAME = "personalization"
_LOCK = 7_061_776_695
_PRIME = 1_000_000_007
_BATCH = 50_000
_IDS = 500
_USER, _VISITOR = "user", "anonymous"

_log = logging.getLogger(__name__)


class _Word(msgspec.Struct, frozen=True, gc=False):
    """Of a `Body` what a word is about: what else is damaged in it must not lose the word."""

    purpose: str | None = None
    consent: str | None = None


_word = msgspec.json.Decoder(_Word)


class Withdrawals:
    """The last word of each id, beside the log on `engine`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def catch_up(self, log: Log) -> None:
        """Read what was said since. Of two words of one moment the withdrawal holds, in whatever order they came.

        One that cannot be read is passed over, as it must not stop all that follow, and a warning says where it stands.
        """
        while True:
            with self.engine.connect() as connection:
                after = offset(connection, _NAME)
            upto = min(log.last_position(), after + _BATCH)
            if upto <= after:
                return
            rows = _said(log, after, upto)
            with writing(self.engine, _LOCK) as connection:
                if offset(connection, _NAME) != after:
                    continue
                for row in rows:
                    insert = insert_into(WORDS, self.engine.dialect.name).values(row)
                    newer = insert.excluded.at * 2 + (1 - insert.excluded.granted)
                    latest = {"at": insert.excluded.at, "granted": insert.excluded.granted}
                    known = WORDS.c.at * 2 + (1 - WORDS.c.granted)
                    upsert = insert.on_conflict_do_update(
                        index_elements=["kind", "id"], set_=latest, where=known < newer
                    )
                    connection.execute(upsert)
                move(connection, _NAME, upto)

    def said(self) -> tuple[int, ...]:
        """What changes when anybody says anything: for whoever keeps `people`.

        A word that arrives late is neither one more nor the latest, so all moments count, each by its remainder: their
        sum would be too large for a database.
        """
        moments = func.sum(WORDS.c.at % _PRIME)
        with self.engine.connect() as connection:
            row = connection.execute(select(func.count(), moments, func.sum(WORDS.c.granted)).select_from(WORDS)).one()
        return tuple(int(number or 0) for number in row)

    def anybody(self) -> bool:
        """Whether anybody ever said a word."""
        with self.engine.connect() as connection:
            return connection.execute(select(WORDS.c.id).limit(1)).first() is not None

    def among(self, people: Sequence[Person]) -> list[bool]:
        """Of each person, whether they have withdrawn, under the ids that are given: what a list asks of some."""
        said: dict[tuple[str, str], tuple[int, bool]] = {}
        users = {id_ for person in people for id_ in person.user_ids}
        visitors = {id_ for person in people for id_ in person.anonymous_ids}
        with self.engine.connect() as connection:
            for kind, ids in ((_USER, sorted(users)), (_VISITOR, sorted(visitors))):
                for first in range(0, len(ids), _IDS):
                    theirs = WORDS.c.kind == kind, WORDS.c.id.in_(ids[first : first + _IDS])
                    for row in connection.execute(select(WORDS).where(*theirs)):
                        said[kind, row.id] = row.at, not row.granted
        words = ([said[id_] for id_ in ids_of([person]) if id_ in said] for person in people)
        return [bool(told) and max(told)[1] for told in words]

    def people(self, identities: Identities) -> list[Person]:
        """Everybody who has withdrawn, with all ids of theirs: the last word of any of them counts for all."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(WORDS)).all()
        subjects: dict[Subject, Row[Any]] = {
            (row.id, None) if row.kind == _USER else (None, row.id): row for row in rows
        }
        words: defaultdict[Person, list[tuple[int, bool]]] = defaultdict(list)
        for subject, person in people_of(identities, subjects).items():
            row = subjects[subject]
            words[person].append((row.at, not row.granted))
        return sorted((person for person, said in words.items() if max(said)[1]), key=lambda one: one.customer_id)


def _said(log: Log, after: int, upto: int) -> list[dict[str, str | int]]:
    """Every word about the purpose behind a position of the log and not behind another, as a row of `WORDS`."""
    table = log.table.c
    here = table.position > after, table.position <= upto, table.type == "consent_changed"
    columns = table.position, table.occurred_at, table.user_id, table.anonymous_id, table.payload
    rows: list[dict[str, str | int]] = []
    with log.engine.connect() as connection:
        for position, at, user_id, anonymous_id, payload in connection.execute(select(*columns).where(*here)):
            try:
                word = _word.decode(payload)
            except (msgspec.MsgspecError, RecursionError):
                _log.warning(
                    "the change of consent at position %d of the log cannot be read and is passed over: whoever said "
                    "it may have withdrawn; tell it anew, as by POST /v1/consents",
                    position,
                )
                continue
            if word.purpose == PURPOSE:
                kind, id_ = (_VISITOR, anonymous_id) if user_id is None else (_USER, user_id)
                rows.append({"kind": kind, "id": id_, "at": at, "granted": int(word.consent == "granted")})
    return rows


def identities_to_learn_from(engine: Engine) -> pa.Table:
    """`Identities.table` for whoever trains: the ids of those who have withdrawn, or were made, belong to nobody.

    `features/compute.py` passes over the events of nobody, so no model learns from any of them, also from old ones.
    """
    withdrawals, identities = Withdrawals(engine), Identities(engine)
    withdrawals.catch_up(Log(engine, EVENTS))
    withheld = ids_of(withdrawals.people(identities)) | {(_USER, id_) for id_ in made_ids(engine)}
    table = identities.table()
    rows = [tuple(row) for row in zip(*table.to_pydict().values(), strict=True) if tuple(row[:2]) not in withheld]
    rows += [(kind, id_, NOBODYS) for kind, id_ in sorted(withheld)]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=table.schema)


def ids_of(people: Iterable[Person]) -> frozenset[tuple[str, str]]:
    """Every id of these persons, with its kind.

    >>> sorted(ids_of([Person("u1", ("u1",), ("a1",))]))
    [('anonymous', 'a1'), ('user', 'u1')]
    """
    found = set()
    for person in people:
        found |= {(_USER, id_) for id_ in person.user_ids} | {(_VISITOR, id_) for id_ in person.anonymous_ids}
    return frozenset(found)
