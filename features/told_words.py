"""By which channels, and for which purposes, people said who may write to them: counted, so that a name that nobody's
rules know is found.

A withdrawal by `emial`, or for `markteing`, stops nothing, and nobody would notice. No id of a person stands here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, text

from features.contact import CONSENT_EVENTS
from features.database import json_text
from features.privacy.personal import PURPOSE
from features.tallies import HOUR, TALLIES

_KEPT = 1_000
"""Names of one kind, however many hours of each: made-up names must not fill the database."""

_SIGNS = 100
"""Of a name: longer ones are cut, as PostgreSQL takes no key of more than 2,704 bytes."""

_TOLD = """
SELECT CASE WHEN type = 'consent_changed' AND consent = 'granted' THEN 1 ELSE 0 END AS granted,
  received_at / {hour} AS hour, {names},
  count(*) AS count, max(occurred_at) AS occurred_at, max(received_at) AS received_at
FROM (
  SELECT type, occurred_at, received_at, {channel} AS channel, {purpose} AS purpose, {consent} AS consent FROM event
  WHERE position > :after AND position <= :upto
    AND type IN ({types})
) AS told
WHERE NOT (type = 'consent_changed' AND coalesce(purpose, '') = '{personal}')
GROUP BY granted, hour, 3, 4"""
_NAME = "CASE WHEN length({field}) > :signs THEN substr({field}, 1, :signs) || '…' ELSE coalesce({field}, '') END"

_KEY = ("log", "hour", "type")


@dataclass(frozen=True)
class Named:
    """The field of a word about consent by which words are counted.

    What was said by it stands in place of a log in the tallies; the name stands in place of a type.
    """

    field: str

    @property
    def granted(self) -> str:
        """Where those who agreed are counted."""
        return f"granted by {self.field}"

    @property
    def withdrawn(self) -> str:
        """Where those who withdrew are counted."""
        return f"withdrawn by {self.field}"


CHANNELS, PURPOSES = Named("channel"), Named("purpose")


def words_told(connection: Connection, wanted: Collection[Named], after: int, upto: int) -> list[dict[str, Any]]:
    """The words of the log behind a position and not behind another, by what was said, hour of receipt and name; by
    each of the fields in one reading of the log.

    Of a name 100 signs are kept. A word on being known at all is left out: its channel does not matter.
    """
    read = {name: json_text(connection.dialect.name, "payload", name) for name in ("channel", "purpose", "consent")}
    names = ", ".join(f"{_NAME.format(field=one.field)} AS {one.field}_" for one in (CHANNELS, PURPOSES))
    types = ", ".join(f"'{name}'" for name in CONSENT_EVENTS)
    query = text(_TOLD.format(hour=HOUR, types=types, personal=PURPOSE, names=names, **read))
    found: dict[tuple[str, int, str], dict[str, Any]] = {}
    for row in connection.execute(query, {"after": after, "upto": upto, "signs": _SIGNS}).mappings():
        for named in wanted:
            if name := row[f"{named.field}_"]:
                key = named.granted if row["granted"] else named.withdrawn, row["hour"], name
                told = found.setdefault(key, dict(zip(_KEY, key, strict=True)) | {"count": 0})
                told["count"] += row["count"]
                for time in ("occurred_at", "received_at"):
                    told[time] = max(told.get(time, row[time]), row[time])
    return list(found.values())


def trim_words(connection: Connection, named: Named) -> None:
    """Keep the names that were named most; of as many words each, those that were there first."""
    log, name, words = TALLIES.c.log, TALLIES.c.type, func.sum(TALLIES.c.count)
    told, first = log.in_([named.granted, named.withdrawn]), func.min(TALLIES.c.hour)
    most = select(name).where(told).group_by(name).order_by(words.desc(), first, name).limit(_KEPT)
    connection.execute(delete(TALLIES).where(told, name.not_in(most)))
