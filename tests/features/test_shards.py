"""However many shards a history is read in, wherever ids lie and whoever was merged, features are the same bytes."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.compute import NOBODY, customer_features, product_features
from features.history import generation
from features.log import Record
from features.shards import Shards, prepare
from features.snapshots import build
from tests.features.shop import day, happened, history_of, merged

PEOPLE = ["u1", "u2", "u3", "u4", "?a", "?b", "?c", "u1?a", "u3?b", "u4?c", ""]
"""Who has both ids may have an owner by each: the customer's counts. Some events name nobody."""

PRODUCTS = ["milk", "bread", ("milk", 2, "1.25"), ("tea", 1, "3.50")]

happenings = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["order_completed", "order_refunded", "order_cancelled"]),
            st.sampled_from(PEOPLE),
            st.integers(0, 40),
            st.lists(st.sampled_from(PRODUCTS), max_size=3),
            st.sampled_from(["o1", "o2", "o3", "o4"]),
        ),
        st.tuples(
            st.sampled_from(["product_viewed", "product_added", "page_viewed"]),
            st.sampled_from(PEOPLE),
            st.integers(0, 40),
            st.lists(st.sampled_from(PRODUCTS), max_size=2),
            st.none(),
        ),
    ),
    min_size=1,
    max_size=30,
)
homes = st.dictionaries(
    st.sampled_from([("user", "u1"), ("user", "u2"), ("anonymous", "a"), ("anonymous", "b"), ("anonymous", "c")]),
    st.sampled_from(["u3", "u4", ""]),
)


def events(happened_: list[tuple]) -> list[Record]:  # type: ignore[type-arg]
    return [happened(kind, who, at, *lines, order=order) for kind, who, at, lines, order in happened_]


def tables(folder: Path) -> tuple[pa.Table, pa.Table]:
    """Products and customers as kept, customers sorted."""
    products, customers = (pq.read_table(next((folder / name).glob("*.parquet"))) for name in ("product", "customer"))
    return products, customers.sort_by("customer_id")


BOTH = [
    ("order_completed", "u1?a", 1, ["milk"], "o1"),
    ("product_viewed", "?a", 2, ["tea"], None),
    ("order_refunded", "", 3, [], "o1"),
    ("order_completed", "", 4, ["bread"], "o2"),
]


@settings(max_examples=12)
@given(happenings, homes, st.integers(1, 4), st.booleans())
@example(BOTH, {("user", "u1"): "u3", ("anonymous", "a"): "u4"}, 3, False)
@example(BOTH, {("anonymous", "a"): "u4"}, 3, False)
def test_how_many_shards_there_are_changes_no_bit(
    told: list[tuple],  # type: ignore[type-arg]
    owners: dict[tuple[str, str], str],
    count: int,
    late: bool,
) -> None:
    identities = merged(*((*key, customer) for key, customer in owners.items())) if owners else NOBODY
    with TemporaryDirectory() as name:
        folder = Path(name)
        history = history_of(folder / "history", events(told), buckets=7)
        known_at = day(30) if late else None
        build(history, identities, folder / "features", day(35), created=day(36), known_at=known_at, count=count)
        products, customers = tables(folder / "features")
        assert customers.equals(customer_features(history, identities, day(35), known_at, day(36)))
        assert products.equals(product_features(history, identities, day(35), known_at, day(36)))
        assert not list((folder / "features" / "unfinished" / "features").glob("*/*")), "what is done leaves nothing"


def test_one_shard_alone_writes_its_rows_and_tells_nobody(tmp_path: Path) -> None:
    told = [happened("order_completed", "u1", 1, "milk", order="o1"), happened("order_refunded", "?a", 2, order="o1")]
    history = history_of(tmp_path / "history", told)
    alone = Shards(history, day(35), None, 2, 4, 1, generation(history), tmp_path / "work")
    alone.folder.mkdir()
    prepare(alone, NOBODY)
    made = {path.name for path in alone.folder.glob("*-0000*")}
    assert made == {"identity-0000.parquet", "rows-0000.arrow"}
