"""What somebody else wrote into the stream of ranges is taken out of it, and the stream is as it was before.

A stream takes no id that is not above the last, and one of Redis' own (`XADD stream * …`) is a time in milliseconds,
far above every position: nothing could be fed behind it. To delete the entry does not take its id back. How far the
stream was fed is known all the same, by the ranges in it and the largest id that was deleted. So it is made anew up to
there, in one go on the server, with what waits and what is in whose hands: no range is lost and none is fed twice.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from features.log_ranges import Entry, position_of, range_of

log = logging.getLogger(__name__)

_AT_ONCE = 1000
_CUT = """
local function named(told)
  local one = {}
  for place = 1, #told, 2 do one[told[place]] = told[place + 1] end
  return one
end
local key, group, seen, top = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if named(redis.call('XINFO', 'STREAM', key))['last-generated-id'] ~= seen then return 0 end
local read, held = '0-0', {}
for _, told in ipairs(redis.call('XINFO', 'GROUPS', key)) do
  local one = named(told)
  if one.name == group then
    read = one['last-delivered-id']
    held = redis.call('XPENDING', key, group, '-', top, math.max(1, one.pending))
  end
end
if tonumber(read:match('^%d+')) >= tonumber(top:match('^%d+')) then read = top end
local entries = redis.call('XRANGE', key, '-', top)
redis.call('DEL', key)
redis.call('XGROUP', 'CREATE', key, group, read, 'MKSTREAM')
for _, entry in ipairs(entries) do redis.call('XADD', key, entry[1], unpack(entry[2])) end
if top ~= '0-0' then redis.call('XSETID', key, top, 'MAXDELETEDID', top) end
for _, one in ipairs(held) do
  redis.call('XCLAIM', key, group, one[2], 0, one[1], 'IDLE', one[3], 'RETRYCOUNT', one[4], 'FORCE', 'JUSTID')
end
return 1"""
"""Makes the stream anew up to an id, unless somebody added to it or made it anew since its last id was seen."""


def take_out(client: Any, key: str, group: str) -> int:
    """Take out whatever is no range, name it in the log, and let the stream go on behind its last range.

    Returns how many went; 0 when somebody else was at it, who took them out or whom the next call finds done. Servers
    before Redis 7 do not tell what was deleted: there the entries go, and the last id stays where it is.
    """
    last = client.xinfo_stream(key)["last-generated-id"]
    foreign, top = list[bytes](), 0
    for entry in _all(client, key):
        found = range_of(*entry)
        if found is None:
            foreign.append(entry[0])
        else:
            top = max(top, found.upto)
    deleted = client.xinfo_stream(key).get("max-deleted-entry-id")  # asked last: what was done meanwhile is in it
    if deleted is None or position_of(last) <= max(top, position_of(deleted)):
        gone = sum(_delete(client, key, group, some) for some in _parts(foreign))
    else:
        top = max(top, position_of(deleted))
        gone = len(foreign) * client.eval(_CUT, 1, key, group, last, f"{top}-0")
    if gone:
        for some in _parts(foreign):
            names = ", ".join(id_.decode() for id_ in some)
            log.error("in the stream %s %s is no range of the log, and was deleted", key, names)
    return gone


def _all(client: Any, key: str) -> Iterator[Entry]:
    start = "-"
    while entries := client.xrange(key, min=start, count=_AT_ONCE):
        yield from entries
        start = f"({entries[-1][0].decode()}"


def _parts(ids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _delete(client: Any, key: str, group: str, ids: Sequence[bytes]) -> int:
    with client.pipeline(transaction=True) as pipe:
        pipe.xack(key, group, *ids)
        pipe.xdel(key, *ids)
        return int(pipe.execute()[1])
