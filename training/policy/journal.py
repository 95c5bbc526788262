"""The decisions of some decision points as arrays: what was known, eligible, likely and chosen, in order of the log.

What a decision saw stands in its record, so nothing is computed here a second time; only who its customer is, is asked
anew, as a visitor may have logged in since.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.decisions import DECISION, Decided, Option, Terms
from features.log import Log, Record, microseconds, moment
from features.options import columns
from features.simulated import is_made
from models.arrays import Floats, Ids, Mask
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible, Starts
from training.policy.slim import Once, slim_decided, slim_option, slim_record

HOLDOUT, POLICY, RANDOM, BASELINE = "holdout", "policy", "random", "baseline"
"""The arms of `features.decisions.Decided`."""

RULE = "rule"
"""The name, in `policy`, of the shop's own series: what it does is certain, so no other policy can be judged on it."""

_MICROSECONDS_A_DAY = 86_400e6
_COLUMNS = ("kind", "id", "customer_id")
_AT_ONCE = 2_000
_SILENCE = (Option(probability=1.0),)


class _Head(msgspec.Struct, frozen=True):
    decision_point: str


_HEAD = msgspec.json.Decoder(_Head)
_DECIDED = msgspec.json.Decoder(Decided)


@dataclass(frozen=True)
class Journal:
    """n decisions in the order of their `positions` in the log.

    `logging`, one a row of `eligible`, is the probability that it had. `customers` and `episodes` are numbers of merged
    persons and of what triggered them; `at` is in days since 1970, `waits` in hours from a decision to the moment for
    which its message was meant, NaN for silence. `options` are what was chosen, `decided` the rest of the records,
    without what stands in the arrays.
    """

    decision_ids: Ids
    positions: NDArray[np.int64]
    decided: tuple[Decided, ...]
    options: tuple[Option, ...]
    customer_ids: Ids
    customers: Starts
    episodes: Starts
    at: Floats
    contexts: Contexts
    eligible: Eligible
    logging: Floats
    chosen: Starts
    waits: Floats

    def __len__(self) -> int:
        return len(self.decided)

    def texts(self, name: str) -> Ids:
        """One attribute of the records that is a text; "" for None. `arm`, `mode`, `policy_version` …"""
        return np.array([getattr(one, name) or "" for one in self.decided], object)

    @cached_property
    def terms(self) -> tuple[Terms, ...]:
        """How the reward of each is counted."""
        return tuple(one.terms for one in self.decided)

    @cached_property
    def sends(self) -> Mask:
        """Which of them said something."""
        return ~self.eligible.silent[self.chosen]


def gathered(
    decisions: Log,
    points: Collection[str],
    identities: pa.Table,
    after: int = 0,
    upto: int | None = None,
    made: bool = True,
) -> tuple[list[Record], Journal]:
    """What was decided at these points, behind position `after` of the log (and not behind `upto`), about customers
    who were `made` too or about real ones alone.

    A batch is arrays before the next one is decoded, as the options of a decision take ten times as much memory when
    they are objects. The records that are returned say what was chosen, not what else could have been.
    """

    def wanted(record: Record, _point: str) -> bool:
        return made or not is_made(record.user_id)

    records, parts = _parted(decisions, dict.fromkeys(points, ""), after, upto, wanted)[""]
    return records, _whole(records, parts, identities)


def gathered_by_point(
    decisions: Log, points: Mapping[str, int], identities: pa.Table, since: datetime | None = None
) -> Iterator[tuple[str, list[Record], Journal]]:
    """The same of each of `points`, in their order, from behind the position of each, and decided at `since` or later:
    the log is read once."""
    earliest = microseconds(since) if since else 0

    def wanted(record: Record, point: str) -> bool:
        return record.position > points[point] and record.occurred_at >= earliest

    found = _parted(decisions, {point: point for point in points}, min(points.values(), default=0), wanted=wanted)
    for point in points:
        records, parts = found.pop(point, ([], []))
        yield point, records, _whole(records, parts, identities)


def _parted(
    decisions: Log,
    piles: Mapping[str, str],
    after: int = 0,
    upto: int | None = None,
    wanted: Callable[[Record, str], bool] = lambda _record, _point: True,
) -> defaultdict[str, tuple[list[Record], list["_Part"]]]:
    """Records and their parts by pile; `piles` says which pile a decision point goes on, those not in it on none."""
    found: defaultdict[str, tuple[list[Record], list[_Part]]] = defaultdict(lambda: ([], []))
    for batch in decisions.scan(after, upto, _AT_ONCE):
        sorted_: defaultdict[str, list[Record]] = defaultdict(list)
        for record in batch:
            if record.type != DECISION:
                continue
            point = _HEAD.decode(record.payload).decision_point
            if point in piles and wanted(record, point):
                sorted_[piles[point]].append(record)
        for pile, some in sorted_.items():
            records, parts = found[pile]
            parts.append(_Part.of(some, [_DECIDED.decode(record.payload) for record in some]))
            records += map(slim_record, some, parts[-1].decided, parts[-1].options)
    return found


@dataclass(frozen=True)
class _Part:
    """A batch of the log in arrays; `chosen` are rows of its own `eligible`."""

    decided: tuple[Decided, ...]
    options: tuple[Option, ...]
    contexts: Contexts
    eligible: Eligible
    logging: Floats
    chosen: Starts
    waits: Floats

    @classmethod
    def of(cls, records: Sequence[Record], decided: Sequence[Decided]) -> "_Part":
        """Records and what is written in them."""
        offered = list(map(_options, decided))
        eligible = Eligible.of_columns(*columns(offered))
        taken = tuple(options[one.chosen] for options, one in zip(offered, decided, strict=True))
        once: Once = {}
        return cls(
            tuple(slim_decided(one, once) for one in decided),
            tuple(slim_option(one, once) for one in taken),
            Contexts.of([one.context for one in decided]),
            eligible,
            np.array([option.probability for option in chain.from_iterable(offered)], np.float64),
            eligible.starts[:-1] + np.array([one.chosen for one in decided], np.int64),
            np.array([_wait(*pair) for pair in zip(taken, records, strict=True)], np.float64),
        )


def _whole(records: Sequence[Record], parts: Sequence[_Part], identities: pa.Table) -> Journal:
    """The parts of some records put together, and who is who."""
    parts = parts or [_Part.of([], [])]
    decided = tuple(chain.from_iterable(part.decided for part in parts))
    people = _people(records, identities)
    customer_ids, customers = np.unique(np.array(people, str), return_inverse=True)
    points = [(one.decision_point, who, one.trigger_id) for one, who in zip(decided, people, strict=True)]
    numbers = {episode: number for number, episode in enumerate(dict.fromkeys(points))}
    names = sorted({name for part in parts for name in part.contexts.names})
    labels = tuple(tuple(sorted({*chain(*of)})) for of in zip(*(part.eligible.labels for part in parts), strict=True))
    rows = np.cumsum([0, *(len(part.logging) for part in parts)])
    starts = [part.eligible.starts[:-1] + row for part, row in zip(parts, rows[:-1], strict=True)]
    return Journal(
        decision_ids=np.array([record.key for record in records], object),
        positions=np.array([record.position for record in records], np.int64),
        decided=decided,
        options=tuple(chain.from_iterable(part.options for part in parts)),
        customer_ids=customer_ids.astype(object),
        customers=customers.astype(np.int64),
        episodes=np.array([numbers[episode] for episode in points], np.int64),
        at=np.array([record.occurred_at for record in records], np.float64) / _MICROSECONDS_A_DAY,
        contexts=Contexts(tuple(names), np.concatenate([part.contexts.columns(names) for part in parts])),
        eligible=Eligible(
            np.append(np.concatenate(starts), rows[-1]),
            labels,
            np.concatenate([part.eligible.coded(labels) for part in parts]),
            np.concatenate([part.eligible.numbers for part in parts]),
        ),
        logging=np.concatenate([part.logging for part in parts]),
        chosen=np.concatenate([part.chosen + row for part, row in zip(parts, rows[:-1], strict=True)]),
        waits=np.concatenate([part.waits for part in parts]),
    )


def _wait(option: Option, record: Record) -> float:
    return (option.send_at - moment(record.occurred_at)).total_seconds() / 3600 if option.send_at else np.nan


def _options(decided: Decided) -> tuple[Option, ...]:
    """What was eligible; where nothing was, nothing could be done but say nothing."""
    return decided.options or _SILENCE


def _people(records: Sequence[Record], identities: pa.Table) -> list[str]:
    """The merged customer of each record, by what is known now."""
    rows = zip(*(identities[name].to_pylist() for name in _COLUMNS), strict=True)
    known: Mapping[tuple[str, str], str] = {(kind, id_): customer for kind, id_, customer in rows}
    return [
        known.get(("user", record.user_id), record.user_id)
        if record.user_id is not None
        else known.get(("anonymous", record.anonymous_id or ""), f"anonymous:{record.anonymous_id}")
        for record in records
    ]
