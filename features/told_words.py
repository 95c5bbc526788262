"""By which channels, and for which purposes, people said who may write to them: counted, so that a name that nobody's
rules know is found.

A withdrawal by `emial`, or for `markteing`, stops nothing, and nobody would notice. No id of a person stands here.
"""

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
SELECT CASE WHEN type = 'consent_changed' AND consent = 'granted' THEN '{granted}' ELSE '{withdrawn}' END AS log,
  received_at / {hour} AS hour,
  CASE WHEN length(name) > :signs THEN substr(name, 1, :signs) || '…' ELSE name END AS type,
  count(*) AS count,
  max(occurred_at) AS occurred_at, max(received_at) AS received_at
FROM (
  SELECT type, occurred_at, received_at, {name} AS name, {purpose} AS purpose, {consent} AS consent FROM event
  WHERE position > :after AND position <= :upto
    AND type IN ({types})
) AS told
WHERE coalesce(name, '') <> '' AND NOT (type = 'consent_changed' AND coalesce(purpose, '') = '{personal}')
GROUP BY 1, 2, 3"""


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


def words_told(connection: Connection, named: Named, after: int, upto: int) -> list[dict[str, Any]]:
    """The words of the log behind a position and not behind another, by what was said, hour of receipt and name.

    Of a name 100 signs are kept. A word on being known at all is left out: its channel does not matter.
    """
    dialect = connection.dialect.name
    read = {name: json_text(dialect, "payload", name) for name in ("purpose", "consent")}
    read |= {"name": json_text(dialect, "payload", named.field), "granted": named.granted, "withdrawn": named.withdrawn}
    types = ", ".join(f"'{name}'" for name in CONSENT_EVENTS)
    query = text(_TOLD.format(hour=HOUR, types=types, personal=PURPOSE, **read))
    bounds = {"after": after, "upto": upto, "signs": _SIGNS}
    return [dict(row) for row in connection.execute(query, bounds).mappings()]


def trim_words(connection: Connection, named: Named) -> None:
    """Keep the names that were named most; of as many words each, those that were there first."""
    log, name, words = TALLIES.c.log, TALLIES.c.type, func.sum(TALLIES.c.count)
    told, first = log.in_([named.granted, named.withdrawn]), func.min(TALLIES.c.hour)
    most = select(name).where(told).group_by(name).order_by(words.desc(), first, name).limit(_KEPT)
    connection.execute(delete(TALLIES).where(told, name.not_in(most)))
