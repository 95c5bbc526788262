"""What one person was sent, what came of it, and what they agreed to: the facts that rules about sending rest on.

Sends of every campaign count, whoever decided them. Who is asked twice where one withdrawal was said is lost for good,
so whatever is in doubt here is read against sending.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter
from types import MappingProxyType
from typing import Literal

from features.events import Event

TouchKind = Literal["sent", "delivered", "opened", "clicked", "bounced", "unsubscribed", "complained", "converted"]
Consent = Literal["granted", "withdrawn"]

ANY = ""
"""The channel of a consent that is about every channel, and the purpose of one that is about every purpose."""

BOUNCES = 2
"""So many messages that bounced with none delivered since make a channel unreachable."""

TOUCHES: Mapping[str, tuple[TouchKind, str]] = MappingProxyType(
    {
        "message_sent": ("sent", ANY),
        "message_delivered": ("delivered", ANY),
        "message_opened": ("opened", ANY),
        "message_clicked": ("clicked", ANY),
        "message_bounced": ("bounced", ANY),
        "message_marked_as_spam": ("complained", ANY),
        "message_converted": ("converted", ANY),
        "email_delivered": ("delivered", "email"),
        "email_opened": ("opened", "email"),
        "email_link_clicked": ("clicked", "email"),
        "email_bounced": ("bounced", "email"),
        "email_marked_as_spam": ("complained", "email"),
        "push_notification_received": ("delivered", "push"),
        "push_notification_tapped": ("clicked", "push"),
        "push_notification_bounced": ("bounced", "push"),
        "unsubscribed": ("unsubscribed", ANY),
    }
)
"""What each type of event says of a message, and by which channel it went where the event does not say."""

CONTACT_EVENTS = (*TOUCHES, "consent_changed")
"""The types that `contact_of` reads; of any other it takes the time zone only."""

CONSENT_EVENTS = ("consent_changed", "unsubscribed", "message_marked_as_spam", "email_marked_as_spam")
"""Those of them that say who may be written to: of somebody with very many events, these must not be left out."""

LEAVING: tuple[TouchKind, ...] = ("unsubscribed", "complained")
"""By which somebody withdraws consent, whatever else they said."""

_REACHED = ("delivered", "opened", "clicked")
_TRACED = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Touch:
    """Something that happened to one message. A channel of `ANY` was not named; `machine` is a mail proxy's opening."""

    at: datetime
    channel: str
    kind: TouchKind
    decision_id: str | None = None
    campaign: str | None = None
    machine: bool = False
    provider_message_id: str | None = None


@dataclass(frozen=True)
class Said:
    """The last word about one channel and purpose, and when it was said."""

    consent: Consent
    at: datetime


@dataclass(frozen=True)
class Contact:
    """All of it about one person. `touches` are oldest first; `consents` are by (channel, purpose), either maybe `ANY`.

    `unreachable` are the channels that do not arrive; `timezone` is what the latest event that had one said, unchecked.
    """

    touches: tuple[Touch, ...] = ()
    consents: Mapping[tuple[str, str], Said] = field(default_factory=dict)
    unreachable: frozenset[str] = frozenset()
    timezone: str | None = None

    def consent(self, channel: str, purpose: str = ANY) -> Consent | None:
        """The last word that covers this channel and purpose; None where nothing was ever said.

        A word about every purpose, or every channel, covers each. Of two of the same moment the withdrawal holds.

        >>> from datetime import UTC
        >>> monday, friday = datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
        >>> said = {("email", ""): Said("withdrawn", monday), ("email", "carts"): Said("granted", friday)}
        >>> contact = Contact(consents=said)
        >>> contact.consent("email", "carts"), contact.consent("email", "news"), contact.consent("sms", "carts")
        ('granted', 'withdrawn', None)
        """
        covering = (channel, purpose), (channel, ANY), (ANY, purpose), (ANY, ANY)
        words = [self.consents[scope] for scope in covering if scope in self.consents]
        return max(words, key=weight).consent if words else None

    def sends(self, since: datetime, channel: str | None = None) -> int:
        """How many messages went out at `since` or later, by `channel` or by all of them."""
        sent = (touch for touch in self.touches if touch.kind == "sent" and touch.at >= since)
        return sum(1 for touch in sent if channel is None or touch.channel == channel)

    def last(self, kind: TouchKind, channel: str | None = None) -> datetime | None:
        """When something of this kind happened last, machines left out; None when it never did."""
        found = (touch for touch in reversed(self.touches) if touch.kind == kind and not touch.machine)
        return next((touch.at for touch in found if channel is None or touch.channel == channel), None)


def touch_of(event: Event) -> Touch | None:
    """What an event says of a message; None when it is about none."""
    kind, channel = TOUCHES.get(event.type, (None, ANY))
    if kind is None:
        return None
    body = event.body
    return Touch(
        at=event.occurred_at,
        channel=body.channel or channel,
        kind=kind,
        decision_id=body.decision_id,
        campaign=body.campaign,
        machine=body.machine,
        provider_message_id=body.provider_message_id,
    )


def contact_of(events: Iterable[Event], now: datetime) -> Contact:
    """What is known of one person at `now`, from their events in any order; each message id counts once.

    A delivery of which no send tells was sent all the same, by somebody who reports only deliveries: it counts as a
    send too, so that caps hold. A complaint withdraws consent as an unsubscription does: from the channel that it
    names, from all when it names none.
    """
    known = {event.message_id: event for event in events if event.occurred_at <= now}
    ordered = sorted(known.values(), key=attrgetter("occurred_at", "message_id"))
    told = [touch for event in ordered if (touch := touch_of(event)) is not None]
    touches = sorted(_each_sent_once(told), key=attrgetter("at"))
    zones = (event.body.timezone for event in reversed(ordered) if event.body.timezone)
    return Contact(tuple(touches), _consents(ordered), _unreachable(told), next(zones, None))


def weight(said: Said) -> tuple[datetime, bool]:
    """By what of two words the one that holds is the greater: the later, of one moment the withdrawal."""
    return said.at, said.consent == "withdrawn"


def _consents(ordered: Sequence[Event]) -> dict[tuple[str, str], Said]:
    last: dict[tuple[str, str], Said] = {}
    for event in ordered:
        scope = event.body.channel or ANY, event.body.purpose or ANY
        touch = touch_of(event)
        if event.type == "consent_changed":
            said = Said("granted" if event.body.consent == "granted" else "withdrawn", event.occurred_at)
        elif touch is not None and touch.kind in LEAVING:
            scope = touch.channel, scope[1]
            said = Said("withdrawn", event.occurred_at)
        else:
            continue
        last[scope] = max(last.get(scope, said), said, key=weight)
    return last


def _unreachable(touches: Sequence[Touch]) -> frozenset[str]:
    """Channels by which the latest messages bounced; several reports of one message are one bounce."""
    bounced: defaultdict[str, set[object]] = defaultdict(set)
    for place, touch in enumerate(touches):
        if touch.kind == "bounced":
            bounced[touch.channel].add(touch.decision_id or touch.provider_message_id or place)
        elif touch.kind in _REACHED:
            bounced[touch.channel].clear()
    return frozenset(channel for channel, messages in bounced.items() if len(messages) >= BOUNCES)


def _each_sent_once(touches: Sequence[Touch]) -> Iterator[Touch]:
    """All touches, with one send a message: of a decision the first that is told, by whomever and however often.

    A delivery that names no decision takes the earliest send of its channel in the last three days.
    """
    decided = {touch.decision_id for touch in touches if touch.kind == "sent"}
    waiting: defaultdict[str, deque[Touch]] = defaultdict(deque)
    once: set[str] = set()
    for touch in touches:
        if touch.kind != "sent":
            yield touch
        if touch.kind not in ("sent", "delivered"):
            continue
        here, id_ = waiting[touch.channel], touch.decision_id
        while here and touch.at - here[0].at > _TRACED:
            here.popleft()
        if touch.kind == "delivered" and (id_ is None or id_ in decided):
            sent = next((one for one in here if id_ in (None, one.decision_id)), None)
            if sent is not None:
                here.remove(sent)
            if sent is not None or id_ is not None:
                continue
        elif id_ is not None and id_ in once:
            continue
        if id_ is not None:
            once.add(id_)
        if touch.kind == "sent":
            here.append(touch)
        yield replace(touch, kind="sent")
