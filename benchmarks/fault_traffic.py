"""Traffic for the fault suite: visitors, an event stream and a campaign engine, who remember what they were promised.

Callers are as patient as real ones: what is refused or cut off is counted and not sent again, so that each figure is
that of a request.
"""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

RECOMMEND, TRACK, DECIDE = "/v1/recommendations", "/v1/track", "/v1/decisions"
_IDLE = 3.0
"""Seconds after which a caller opens its connection anew, as clients do; the server ends what was idle for five."""

POISON = (
    b'{"event": "Product Viewed", "userId": "u", "properties": {"product_id": "a\\u0000b"}}',
    b'{"event": "Product Viewed", "userId": "\\ud800", "properties": {"product_id": "x"}}',
    b'{"event": "Order Completed", "userId": "u", "properties": {"order_id": "o", "total": 1e400, "products": [1]}}',
    b'{"event": "Product Viewed", "userId": "u", "timestamp": "9999-12-31T23:59:59Z", "properties": {}}',
    b'{"event": {"$ne": 1}, "userId": ["u"]}',
    b"[" * 20_000,
    b"\xff\xfe",
)
"""Events that must be refused or stored, and never break what comes with them."""


@dataclass
class Seen:
    """What the callers got, by phase, and every id that was acknowledged."""

    phase: str = "before"
    answers: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    degraded: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    events: set[str] = field(default_factory=set)
    recommendations: set[str] = field(default_factory=set)
    decisions: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def failed(self, path: str, phases: Sequence[str] = ()) -> int:
        """Answers of a path that were errors of the server."""
        counts = self.answers.items()
        return sum(
            n
            for (phase, where, status), n in counts
            if where == path and status[0] == "5" and phase in (phases or phase)
        )

    def of(self, phase: str, path: str, status: str) -> int:
        """How often a path was answered so in a phase."""
        return self.answers[phase, path, status]

    def p99(self, phase: str, path: str) -> float:
        """Milliseconds within which 99 % were answered."""
        found = self.seconds.get((phase, path), [])
        return 1e3 * float(np.percentile(found, 99)) if found else float("nan")


class Traffic:
    """`callers` threads who together send `rate` requests a second to `url`, from `start` to `stop`."""

    def __init__(self, url: str, headers: Mapping[str, str], people: Sequence[str], rate: float, callers: int) -> None:
        self.url = urlsplit(url)
        self.headers = {**headers, "Content-Type": "application/json"}
        self.people = people
        self.pause = callers / rate
        self.seen = Seen()
        self._numbers = itertools.count()
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(place,), daemon=True) for place in range(callers)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, after the answers that are under way."""
        self._end.set()
        for thread in self._threads:
            thread.join(30)

    def phase(self, name: str, seconds: float) -> None:
        """Count what comes in this time under `name`."""
        self.seen.phase = name
        time.sleep(seconds)

    def _call(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311
        connection = self._connection()
        answered = time.monotonic()
        due = answered + chance.random() * self.pause
        while not self._end.wait(max(0.0, due - time.monotonic())):
            due = max(due + self.pause, time.monotonic() - 1)
            path, body, id_ = self._question(chance)
            phase, started = self.seen.phase, time.monotonic()
            if started - answered > _IDLE:
                connection.close()  # the next request opens it again
            try:
                connection.request("POST", path, body, self.headers)
                response = connection.getresponse()
                status, answer = str(response.status), response.read()
            except (OSError, http.client.HTTPException):
                status, answer = "cut off", b""
                connection.close()
                connection = self._connection()
            answered = time.monotonic()
            self._note(phase, path, status, answer, id_, answered - started)
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.url.hostname or "", self.url.port, timeout=30)

    def _question(self, chance: random.Random) -> tuple[str, bytes, str]:
        person, number = chance.choice(self.people), next(self._numbers)
        match chance.choice((RECOMMEND, RECOMMEND, TRACK, DECIDE)):
            case "/v1/recommendations":
                return RECOMMEND, json.dumps({"subject": {"user_id": person}, "limit": 5}).encode(), ""
            case "/v1/track":
                id_ = f"fault-{number}"
                body = {
                    "event": "Product Viewed",
                    "userId": person,
                    "messageId": id_,
                    "properties": {"product_id": str(number)},
                }
                return TRACK, json.dumps(body).encode(), id_
            case _:
                trigger = {"id": f"t{number}"}
                body = {"subject": {"user_id": person}, "decision_point": "cart_recovery", "trigger": trigger}
                return DECIDE, json.dumps(body).encode(), ""

    def _note(self, phase: str, path: str, status: str, answer: bytes, id_: str, seconds: float) -> None:
        with self.seen.lock:
            self.seen.answers[phase, path, status] += 1
            self.seen.seconds.setdefault((phase, path), []).append(seconds)
            if status != "200":
                return
            told = json.loads(answer)
            if path == TRACK:
                self.seen.events.add(id_)
            elif path == DECIDE:
                self.seen.decisions.add(told["decision_id"])
            else:
                if reason := told["degraded_reason"]:
                    self.seen.degraded[phase, reason] += 1
                if reason != "log_unavailable":
                    self.seen.recommendations.add(told["recommendation_id"])


def poison(url: str, headers: Mapping[str, str]) -> Counter[int]:
    """Send every poisoned event, alone and among good ones; the statuses they got."""
    statuses: Counter[int] = Counter()
    address = urlsplit(url)
    for bad in POISON:
        batch = b'{"batch": [{"type": "track", "event": "Product Viewed", "userId": "u"}, ' + bad + b"]}"
        for path, body in ((TRACK, bad), ("/v1/batch", batch)):
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
            with suppress(OSError):
                connection.request("POST", path, body, {**headers, "Content-Type": "application/json"})
                statuses[connection.getresponse().status] += 1
            connection.close()
    return statuses
