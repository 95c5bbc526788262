"""The decision log: what was shown and prepared goes, and of a decision a tombstone stays that says nothing of whom.

Policies are compared by what was decided and what came of it. Were the decisions of those who leave taken out, whoever
drives people away would look better for it. So a tombstone keeps the decision point, who decided, the options with
their probabilities, the context in numbers, and the parts of the reward; ids are replaced by random ones, the same for
one person and one episode, and all times of a person are moved by the same part of an hour.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Engine, bindparam, update

from features.database import writing
from features.decisions import DECISION, Came, Decided
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log, Record, moment
from features.outcomes import Outcome, outcomes
from features.person import Person
from features.privacy.base import Row
from features.privacy.log_rows import BLANK, rows_of, take_out, theirs

_LOCK = 7_061_776_693
_HOUR = 3_600_000_000
_DECIDED = msgspec.json.Decoder(Decided)
_CAME = tuple(Came.__struct_fields__)


class DecisionRows:
    """The decision log; tombstones are made of what is known at `as_of`."""

    name = "decisions"

    def __init__(self, engine: Engine, as_of: datetime) -> None:
        self.engine = engine
        self.as_of = as_of

    def held(self, person: Person) -> Iterator[Row]:
        """Every answer that was logged, oldest first: what was shown, prepared carts, decisions."""
        for record in rows_of(Log(self.engine, DECISIONS), person):
            yield {
                "id": record.key,
                "type": record.type,
                "at": moment(record.occurred_at).isoformat(),
                "user_id": record.user_id,
                "anonymous_id": record.anonymous_id,
                **msgspec.json.decode(record.payload),
            }

    def erase(self, person: Person) -> None:
        """All in one transaction. The events must still be there, as they tell what came of the decisions."""
        log, events, identities = Log(self.engine, DECISIONS), Log(self.engine, EVENTS), Identities(self.engine)
        made = [record for record in rows_of(log, person) if record.type == DECISION]
        came = outcomes(events, log, identities, made, self.as_of)
        stones = tombstones(made, came)
        position = DECISIONS.c.position
        with writing(self.engine, _LOCK) as connection:
            if stones:
                columns = ("key", "occurred_at", "received_at", "user_id", "anonymous_id", "payload")
                stone = update(DECISIONS).where(position == bindparam("at")).values({n: bindparam(n) for n in columns})
                values = [{name: getattr(one, name) for name in columns} | {"at": one.position} for one in stones]
                connection.execute(stone, values)
            take_out(connection, DECISIONS, theirs(self.engine.dialect.name, DECISIONS, person))


def tombstones(records: Sequence[Record], came: Sequence[Outcome]) -> list[Record]:
    """What stays of decisions about one person, of which `came` is known."""
    if not records:
        return []
    who = f"{BLANK}:{secrets.token_hex(8)}"
    early = min(record.occurred_at for record in records) % _HOUR
    decided = [_DECIDED.decode(record.payload) for record in records]
    episodes = {one.trigger_id: f"{BLANK}:{secrets.token_hex(8)}" for one in decided}
    return [
        _tombstone(record, one, outcome, who, episodes, early)
        for record, one, outcome in zip(records, decided, came, strict=True)
    ]


def _tombstone(
    record: Record, decided: Decided, came: Outcome, who: str, episodes: Mapping[str, str], early: int
) -> Record:
    shift = timedelta(microseconds=early)
    kept = {name: getattr(came, name) for name in _CAME}
    moved = {name: value - shift for name, value in kept.items() if isinstance(value, datetime)}
    stone = msgspec.structs.replace(
        decided,
        customer_id=who,
        trigger_id=episodes[decided.trigger_id],
        trigger_at=decided.trigger_at - shift,
        valid_until=decided.valid_until - shift,
        options=tuple(
            msgspec.structs.replace(option, send_at=option.send_at - shift if option.send_at else None)
            for option in decided.options
        ),
        item_ids=(),
        timezone=None,
        came=Came(**kept | moved),
    )
    return Record(
        key=f"dec_{secrets.token_hex(15)}",  # a decision's own id follows from that of its customer
        type=DECISION,
        occurred_at=record.occurred_at - early,
        received_at=record.received_at - early,
        user_id=who,
        anonymous_id=None,
        payload=msgspec.json.encode(stone).decode(),
        position=record.position,
    )
