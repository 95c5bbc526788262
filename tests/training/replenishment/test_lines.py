"""From the history to a forecast, whatever the history holds: an honest answer, or an honest silence that says why."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from features.compute import NOBODY
from features.history import compact
from features.log import EVENTS, Log, Record
from models.catalogue import Catalogue
from models.time_to_event.forecast import Forecasts
from models.time_to_event.lines import Lines
from models.time_to_event.log_normal import LogNormal
from models.time_to_event.missing import missing_of
from models.time_to_event.replenishment import FittedReplenishment, Replenishment
from serving.restock.history import lines_of as lines_of_one
from tests.features.shop import bought, day, happened, history_of, log_of, merged
from training.replenishment.lines import lines_of

NOW = 150
SHELF = {"bun": "Food/Bread", "loaf": "Food/Bread", "milk": "Food/Milk", "tea": "Food/Tea", "lamp": "Home/Lamps"}
PERIODIC = {"lamp": 0.0, "tea": 1.0}


def catalogue() -> Catalogue:
    """Two kinds of bread, milk, tea that the shop declares to be periodic, and lamps that it declares not to be."""
    ids = np.array(sorted(SHELF), object)
    return Catalogue(
        0.0,
        ids,
        {"category": np.array([SHELF[id_] for id_ in ids], object)},
        {"periodic": np.array([PERIODIC.get(id_, np.nan) for id_ in ids])},
    )


def regulars() -> list[Record]:
    """Twenty customers who need milk and bread every 9 to 12 days, and tea every month."""
    rng = np.random.default_rng(0)
    records = []
    for customer in range(20):
        for number, at in enumerate(np.arange(customer % 9, NOW, 9 + customer % 4)):
            products: list[str | tuple[str, float, str]] = ["milk", str(rng.choice(["bun", "loaf"]))]
            products += ["tea", "lamp"] if number % 3 == 0 else []
            moment = float(max(at + rng.integers(-2, 3), 0)) + 0.4
            records.append(bought(f"regular-{customer}", moment, f"r{customer}-{number}", *products))
    return records


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FittedReplenishment:
    """What is learned from the regulars."""
    history = history_of(tmp_path_factory.mktemp("history"), regulars())
    lines, _ = lines_of(history, NOBODY, day(NOW))
    return Replenishment(need=LogNormal(), trips=LogNormal(), origins=5).fit(lines, catalogue())


def answers(model: FittedReplenishment, lines: Lines, customer: int = 0) -> dict[str, tuple[str, str]]:
    """Status and what is missing, by group, of one customer."""
    found = model.forecast(lines, lines.day)
    for name, column in (("curves", found.curves), ("packs", found.packs), ("trips", found.trips)):
        assert np.isfinite(column).all(), name
    assert ((found.curves >= 0) & (found.curves <= 1)).all()
    assert ((found.packs >= 1) & (found.packs <= 24)).all()
    _silent_where_nothing_is_known(found)
    rows = np.flatnonzero(found.customers == customer)
    return {str(found.unit_ids[row]): (str(found.status[row]), str(found.missing[row])) for row in rows}


def _silent_where_nothing_is_known(found: Forecasts) -> None:
    silent = found.status == "unknown"
    assert (found.curves[silent] == 1).all()
    assert ((found.missing != "") == silent).all()
    assert ((found.confidence == "none") == silent).all()


def of_history(folder: Path, records: Sequence[Record], at: float = NOW) -> Lines:
    """The lines of the only customer of `records`, which the log tells in the same way."""
    lines, _ = lines_of(history_of(folder, records), NOBODY, day(at))
    mine = lines_of_one(records, day(at))
    assert sorted(zip(mine.days, mine.product_ids[mine.products], mine.packs, strict=True)) == sorted(
        zip(lines.days, lines.product_ids[lines.products], lines.packs, strict=True)
    )
    assert mine.day == lines.day
    return lines


def weekly(*products: str | tuple[str, float, str], until: float = NOW, start: float = 80) -> list[Record]:
    """Orders of `me` every ten days."""
    return [bought("me", at, f"o{at}", *products) for at in np.arange(start, until, 10.0)]


CLAIMED = {"due", "overdue", "upcoming"}


def test_a_regular_customer_gets_an_answer(model: FittedReplenishment, tmp_path: Path) -> None:
    found = answers(model, of_history(tmp_path, weekly("milk")))
    assert found.keys() == {"Food/Milk"}
    assert found["Food/Milk"][0] in CLAIMED


def test_nobody_and_nothing(model: FittedReplenishment, tmp_path: Path) -> None:
    assert answers(model, of_history(tmp_path, [])) == {}
    views = [happened("product_viewed", "me", at, "milk") for at in range(9)]
    assert answers(model, of_history(tmp_path / "views", views)) == {}


def test_one_purchase_is_not_enough_but_where_the_shop_declares_it(model: FittedReplenishment, tmp_path: Path) -> None:
    found = answers(model, of_history(tmp_path, [bought("me", 140, "o", "milk", "tea")]))
    assert found["Food/Milk"] == ("unknown", "one_purchase")
    assert found["Food/Tea"][0] in CLAIMED


def test_all_on_one_day_is_one_purchase(model: FittedReplenishment, tmp_path: Path) -> None:
    records = [bought("me", 140 + hour / 24, f"o{hour}", "milk") for hour in range(5)]
    assert answers(model, of_history(tmp_path, records)) == {"Food/Milk": ("unknown", "all_on_one_day")}


def test_what_was_bought_years_ago_is_not_counted_as_something_else(model: FittedReplenishment, tmp_path: Path) -> None:
    years_ago = [bought("me", hour / 24 - 900, f"o{hour}", "bun") for hour in range(5)]
    found = answers(model, of_history(tmp_path, [*years_ago, bought("me", 140, "o", "milk")]))
    assert found == {"Food/Milk": ("unknown", "one_purchase")}


def test_what_was_long_ago_is_not_foreseen(model: FittedReplenishment, tmp_path: Path) -> None:
    records = [bought("me", at, f"o{at}", "milk") for at in (5, 15, 25)]
    assert answers(model, of_history(tmp_path, records)) == {"Food/Milk": ("unknown", "long_ago")}


def test_the_future_waits_for_its_day(model: FittedReplenishment, tmp_path: Path) -> None:
    past, future = weekly("milk"), [bought("me", NOW + 30, "ahead", "milk"), bought("me", NOW + 31, "more", "tea")]
    without, within = of_history(tmp_path / "a", past), of_history(tmp_path / "b", past + future)
    assert answers(model, within) == answers(model, without)
    assert answers(model, of_history(tmp_path / "c", future)) == {}
    later = of_history(tmp_path / "d", past + future, at=NOW + 32)
    assert later.day == without.day + 32
    assert len(later.days) == len(without.days) + 2
    ahead, behind = model.forecast(later, without.day), model.forecast(without, without.day)
    for name in ("curves", "product_ids", "packs", "status", "missing", "trips"):
        np.testing.assert_array_equal(getattr(ahead, name), getattr(behind, name), err_msg=name)


def test_out_of_order_is_in_order(model: FittedReplenishment, tmp_path: Path) -> None:
    records = weekly("milk", "bun")
    straight, turned = of_history(tmp_path / "a", records), of_history(tmp_path / "b", records[::-1])
    np.testing.assert_array_equal(
        model.forecast(straight, straight.day).curves, model.forecast(turned, turned.day).curves
    )


def test_what_was_returned_was_not_bought(model: FittedReplenishment, tmp_path: Path) -> None:
    records = [bought("me", 120, "o1", "milk"), bought("me", 130, "o2", "milk"), bought("me", 140, "o3", "milk")]
    returns = [
        happened("order_refunded", "me", 131, "milk", order="o2"),
        happened("order_cancelled", "me", 141, order="o3"),
    ]
    assert answers(model, of_history(tmp_path / "a", records))["Food/Milk"][0] in CLAIMED
    found = answers(model, of_history(tmp_path / "b", records + returns))
    assert found == {"Food/Milk": ("unknown", "one_purchase")}


def test_absurd_quantities_move_no_cart(model: FittedReplenishment, tmp_path: Path) -> None:
    for name, quantity in (("huge", 1e9), ("grams", 0.001), ("mixed", 12345.678)):
        lines = of_history(tmp_path / name, weekly(("milk", quantity, "1.00")))
        assert answers(model, lines)["Food/Milk"][0] in CLAIMED
    nothing = [bought("me", at, f"o{at}", ("milk", quantity, "1")) for at, quantity in ((120, 0), (130, -3))]
    assert answers(model, of_history(tmp_path / "nothing", nothing)) == {}


def test_a_product_without_a_group_is_left_out_and_says_so(model: FittedReplenishment, tmp_path: Path) -> None:
    found = answers(model, of_history(tmp_path, weekly("unheard-of", "lamp", "milk")))
    assert found.keys() == {"Food/Milk"}
    assert [missing_of(product, model.groups) for product in ("unheard-of", "lamp", "bun")] == [
        "no_group",
        "not_periodic",
        "never_bought",
    ]


def test_a_substitute_ends_the_need(model: FittedReplenishment, tmp_path: Path) -> None:
    found = answers(
        model,
        of_history(
            tmp_path,
            [bought("me", at, f"o{at}", product) for at, product in ((120, "bun"), (130, "loaf"), (140, "bun"))],
        ),
    )
    assert found.keys() == {"Food/Bread"}
    assert found["Food/Bread"][0] in CLAIMED


def test_a_late_event_is_in_the_next_answer(model: FittedReplenishment, tmp_path: Path) -> None:
    log: Log = log_of([bought("me", 140, "o1", "milk")])
    compact(log, tmp_path, 2)
    assert answers(model, lines_of(tmp_path, NOBODY, day(NOW))[0])["Food/Milk"][0] == "unknown"
    log.append([happened("order_completed", "me", 130, "milk", order="o0", received=NOW - 1)])
    compact(log, tmp_path, 2)
    assert answers(model, lines_of(tmp_path, NOBODY, day(NOW))[0])["Food/Milk"][0] in CLAIMED
    assert len(lines_of(tmp_path, NOBODY, day(NOW), known_at=day(NOW - 2))[0].days) == 1
    assert answers(model, lines_of_one(log.of_person(["me"], []), day(NOW)))["Food/Milk"][0] in CLAIMED
    assert log.table is EVENTS


def test_who_is_one_person_has_one_history(tmp_path: Path) -> None:
    records = [bought("?device", 10, "o1", "milk"), bought("me", 20, "o2", "milk"), bought("zoe", 20, "o3", "tea")]
    lines, customers = lines_of(history_of(tmp_path, records), merged(("anonymous", "device", "me")), day(30))
    assert customers.tolist() == ["me", "zoe"]
    assert lines.customers.tolist() == [0, 0, 1]
    assert lines.product_ids[lines.products].tolist() == ["milk", "milk", "tea"]
