"""By which channels people said who may write to them: counted, so that a name that nobody's rules know is found.

A withdrawal by `emial` closes no channel, and nobody would notice. No id of a person stands here.
"""

from typing import Any

from sqlalchemy import Connection, delete, func, select, text

from features.contact import CONSENT_EVENTS
from features.database import json_text
from features.privacy.personal import PURPOSE
from features.tallies import HOUR, TALLIES

GRANTED, WITHDRAWN = "granted by channel", "withdrawn by channel"
"""What stands in place of a log in the tallies; the channel stands in place of a type."""

_KEPT = 1_000
"""Channels, however many hours of each: made-up names must not fill the database."""

_SIGNS = 100
"""Of a name: longer ones are cut, as PostgreSQL takes no key of more than 2,704 bytes."""

_TOLD = """
SELECT CASE WHEN type = 'consent_changed' AND consent = 'granted' THEN '{granted}' ELSE '{withdrawn}' END AS log,
  received_at / {hour} AS hour,
  CASE WHEN length(channel) > :signs THEN substr(channel, 1, :signs) || '…' ELSE channel END AS type,
  count(*) AS count,
  max(occurred_at) AS occurred_at, max(received_at) AS received_at
FROM (
  SELECT type, occurred_at, received_at, {channel} AS channel, {purpose} AS purpose, {consent} AS consent FROM event
  WHERE position > :after AND position <= :upto
    AND type IN ({types})
) AS told
WHERE coalesce(channel, '') <> '' AND NOT (type = 'consent_changed' AND coalesce(purpose, '') = '{personal}')
GROUP BY 1, 2, 3"""


def channels_told(connection: Connection, after: int, upto: int) -> list[dict[str, Any]]:
    """The words of the log behind a position and not behind another, by what was said, hour of receipt and channel.

    Of a name 100 signs are kept. A word on being known at all is left out: its channel does not matter.
    """
    read = {name: json_text(connection.dialect.name, "payload", name) for name in ("channel", "purpose", "consent")}
    types = ", ".join(f"'{name}'" for name in CONSENT_EVENTS)
    query = text(_TOLD.format(granted=GRANTED, withdrawn=WITHDRAWN, personal=PURPOSE, hour=HOUR, types=types, **read))
    bounds = {"after": after, "upto": upto, "signs": _SIGNS}
    return [dict(row) for row in connection.execute(query, bounds).mappings()]


def trim_channels(connection: Connection) -> None:
    """Keep the channels that were named most; of as many words each, those that were there first."""
    log, channel, words = TALLIES.c.log, TALLIES.c.type, func.sum(TALLIES.c.count)
    told, first = log.in_([GRANTED, WITHDRAWN]), func.min(TALLIES.c.hour)
    most = select(channel).where(told).group_by(channel).order_by(words.desc(), first, channel).limit(_KEPT)
    connection.execute(delete(TALLIES).where(told, channel.not_in(most)))
