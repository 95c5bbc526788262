"""What the service reads from the end of the log is what the next build of the features will say of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from features.compute import NOBODY, customer_features
from features.database import open_database
from features.events import Body, Event, Line
from features.history import compact
from features.log import EVENTS, Log, to_record
from features.recent import readable
from serving.visitor import visitor_of

START = datetime(2026, 1, 1, tzinfo=UTC)
LINES = st.lists(st.sampled_from(["milk", "tea", "rye"]).map(lambda id_: Line(product_id=id_)), max_size=3).map(tuple)
TYPES = st.sampled_from(["order_completed", "order_refunded", "order_cancelled", "product_viewed", "cart_viewed"])
HAPPENINGS = st.lists(st.tuples(TYPES, st.integers(0, 4), st.sampled_from(["o1", "o2"]), LINES), max_size=10)


@settings(max_examples=40)
@given(HAPPENINGS)
def test_the_tail_and_the_next_build_agree(happenings: list[tuple[str, int, str, tuple[Line, ...]]]) -> None:
    events = [
        Event(
            message_id=str(number),
            type=kind,
            occurred_at=START + timedelta(hours=hour),
            received_at=START + timedelta(hours=9),
            user_id="u1",
            body=Body(order_id=order if kind.startswith("order_") else None, lines=lines),
        )
        for number, (kind, hour, order, lines) in enumerate(happenings)
    ]
    with TemporaryDirectory() as folder:
        log = Log(open_database("sqlite://"), EVENTS)
        log.append([to_record(event) for event in events])
        compact(log, Path(folder), 1)
        built = customer_features(Path(folder), NOBODY, START + timedelta(days=1)).to_pylist()
        visitor = visitor_of([], readable(log.read()), None)
    row = built[0] if built else {"history_ids": [], "history_days": [], "history_weights": []}
    assert visitor.ids.tolist() == row["history_ids"]
    assert visitor.days.tolist() == row["history_days"]
    assert visitor.weights.tolist() == row["history_weights"]
