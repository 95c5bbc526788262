"""A policy goes on learning, so what is live is a line of versions: one that was promoted, and what it has become.

Each version says in its tags how far in the logs it has learned, so that nothing counts twice in a line, and the gate
can refuse to judge a version on what it has seen.
"""

from models.published import Version

LINE = "line"
"""The number of the version that a line began with; that version itself lacks the tag."""

BASE = "base"
"""The number of the version whose state this one extends by what has happened since."""

LEARNED_FROM = "learned_from"
"""The number of the version that was live when this one was made of it."""

SAW_NOTHING = "saw_nothing"
"""Whether it knows no reward: it starts from the shop's rule, or from nothing."""

DECISIONS, EVENTS = "log.decisions", "log.events"
"""The positions in both logs that it has learned up to."""

FROZEN = "frozen.decisions"
"""How long the decision log was when it was made: all that is behind that, it cannot have seen."""

AS_OF = "log.as_of"
DIGEST = "log.digest"
"""When it learned, and a hash of what."""


def line_of(version: Version) -> str:
    """The number of the version that its line began with; its own where it began one."""
    return version.tags.get(LINE, version.number)


def base_of(version: Version) -> str:
    """The number of the version whose state it extends; its own where it stands for itself."""
    return version.tags.get(BASE, version.number)


def position(version: Version, tag: str = DECISIONS) -> int:
    """A position of a log that its tags name; 0 where they do not."""
    return int(version.tags.get(tag, "0"))
