"""Placements: who is asked in which order, whatever the live version has, and a file that changes a line at a time."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args

import pytest

from models.recommenders.fallback import Fallback
from models.recommenders.item_item import ItemItem
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.suite import Suite
from pipelines.serve import serve
from pipelines.settings import Settings as ShopSettings
from serving.placement_file import PlacementFile, read
from serving.placements import DEFAULT, MAIN, Placement, PlacementName, Source, members, stages
from serving.rules.rules import Rules
from tests.models.recommenders.world import random_shop

SHOP = random_shop()
CHAIN = Fallback((RP3Beta(), Popularity())).fit(SHOP)
SUITE = Suite((Fallback((RP3Beta(), Popularity())), ItemItem())).fit(SHOP)


def asked(placement: Placement, model: object, fallback: bool = True) -> list[tuple[str, str]]:
    found = stages(placement, members(model), fallback)  # type: ignore[arg-type]
    return [(stage.model.name, stage.source.ask) for stage in found]


def written(folder: Path, text: str) -> Path:
    path = folder / "placements.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_table_has_every_placement() -> None:
    assert list(DEFAULT) == list(get_args(PlacementName))
    assert all(name == placement.name for name, placement in DEFAULT.items())


def test_a_version_that_is_no_suite_is_its_own_member() -> None:
    assert set(members(CHAIN)) == {MAIN, "fallback", "rp3beta", "popularity"}
    assert members(CHAIN)[MAIN] is CHAIN
    assert members(SUITE)[MAIN].name == "fallback"
    assert set(members(SUITE)) == {MAIN, "fallback", "rp3beta", "popularity", "item_item"}


def test_a_chain_is_asked_link_by_link_and_nobody_twice() -> None:
    assert asked(DEFAULT["home"], SUITE) == [("rp3beta", "history"), ("popularity", "history")]
    assert asked(DEFAULT["home"], Popularity().fit(SHOP)) == [("popularity", "history")]


def test_what_the_version_lacks_is_passed_over() -> None:
    assert asked(DEFAULT["product"], SUITE) == [
        ("item_item", "similar"),
        ("rp3beta", "similar"),
        ("rp3beta", "page"),
        ("rp3beta", "history"),
        ("popularity", "history"),
    ]
    lacking = Placement("home", (Source("sasrec"), Source("session_knn")))
    assert asked(lacking, SUITE) == [("rp3beta", "history"), ("popularity", "history")]


def test_without_fallback_the_first_source_is_alone() -> None:
    assert asked(DEFAULT["product"], SUITE, fallback=False) == [("item_item", "similar")]
    assert asked(DEFAULT["home"], SUITE, fallback=False) == [("rp3beta", "history")]


def test_every_default_placement_has_somebody_to_ask_in_any_version() -> None:
    for placement in DEFAULT.values():
        for model in (CHAIN, SUITE, Popularity().fit(SHOP)):
            assert asked(placement, model)


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        [home.rules]
        diversity = 0.25
        caps = { "category.1" = 2 }

        [email.rules]
        exclude_purchased = true

        [cart]
        sources = ["main", { recommender = "rp3beta", ask = "page", same_category = true, last_resort = true }]
        keep_category = true

        [wishlist]
        cart_on_page = true

        [buy_again]
        sources = ["buy_again", { recommender = "popularity", last_resort = true }]
        """,
    )
    found = read(path)
    assert found["home"] == Placement("home", DEFAULT["home"].sources, Rules(diversity=0.25, caps={"category.1": 2}))
    assert found["email"].rules == Rules(diversity=DEFAULT["email"].rules.diversity, exclude_purchased=True)
    assert found["cart"].sources == (Source(MAIN), Source("rp3beta", "page", same_category=True, last_resort=True))
    assert (found["cart"].keep_category, found["cart"].cart_on_page) == (True, True)
    assert found["wishlist"] == replace(DEFAULT["wishlist"], cart_on_page=True)
    assert found["buy_again"].sources == (Source("buy_again"), Source("popularity", last_resort=True))
    changed = ("home", "email", "cart", "wishlist", "buy_again")
    assert {name: found[name] for name in DEFAULT if name not in changed} == {
        name: placement for name, placement in DEFAULT.items() if name not in changed
    }


def test_false_takes_a_rule_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = Placement("home", DEFAULT["home"].sources, Rules(price_band=1.5, filter="price < 9"))
    monkeypatch.setitem(DEFAULT, "home", strict)  # type: ignore[arg-type]
    found = read(written(tmp_path, "[home.rules]\nprice_band = false\nfilter = false\nin_stock = false"))
    assert found["home"].rules == Rules(in_stock=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[moon]", "there is no placement 'moon'; there are home, product, cart"),
        ("home = 3", "home must be a table"),
        ("[home]\ncolour = 1", "home: colour is not known; there is sources, keep_category, cart_on_page, rules"),
        ("[home]\nrules = 3", "rules must be a table"),
        ("[home.rules]\nfiltre = 'x'", "filtre: there is no such rule"),
        ("[home.rules]\nfilter = 'price <'", "the filter does not parse at 8"),
        ("[home.rules]\ndiversity = 2", "diversity"),
        ("[home]\nsources = []", "sources must be a list"),
        ("[home]\nsources = ['oracle']", "there is no recommender 'oracle'; there are main, "),
        ("[home]\nsources = [3]", "a source is a name, or a table"),
        ("[home]\nsources = [{ recommender = 'main', ask = 'twice' }]", "none of history, page, similar, search"),
        ("[home]\nsources = [{ recommender = 'main', same_category = 1 }]", "same_category must be true or false"),
        ("[home]\nsources = [{ recommender = 'main', colour = 1 }]", "colour is not known"),
        ("[home]\ncart_on_page = 'yes'", "cart_on_page must be true or false"),
        ("[home.rules]\nprice_band = 'yes'", "home: price_band: Input should be a valid number"),
        ("[home.rules]\nin_stock = 'no'", "home: in_stock: Input should be a valid boolean"),
        ("[home.rules]\nin_stock = 1", "home: in_stock: Input should be a valid boolean"),
        ("[home.rules]\ndiversity = true", "home: diversity: Input should be a valid number"),
        ("[home.rules]\ncaps = { brand = '2' }", "home: caps.brand: Input should be a valid integer"),
        ("[home.rules]\nfilter = 2026-11-22", "home: the filter does not parse at 5"),
        ("[home.rules]\nboost = [{ filter = 'true', factor = '3' }]", "home: boost.0.factor: Input should be a valid"),
        ("[home.rules]\npin = [{ item_id = 7, position = 1 }]", "home: pin.0.item_id: Input should be a valid string"),
        ("[home.rules]\nrotation = { rate = 0.5, hours = '24' }", "home: rotation.hours: Input should be a valid"),
        ("[home", "is not TOML"),
    ],
)
def test_a_mistake_names_itself_and_what_there_is(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=r"placements\.toml") as error:
        read(path)
    assert words in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="unset KAIROS_PLACEMENTS"):
        PlacementFile(tmp_path / "missing.toml").read()


def test_a_change_is_seen_once_also_one_that_is_refused(tmp_path: Path) -> None:
    file = PlacementFile(written(tmp_path, ""))
    assert file.changed()
    assert file.read() == DEFAULT
    assert not file.changed()
    written(tmp_path, "[moon]")
    assert file.changed()
    with pytest.raises(ValueError, match="moon"):
        file.read()
    assert not file.changed()
    assert not PlacementFile(None).changed()


def test_serve_says_once_what_is_wrong_and_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.execve", lambda *_: pytest.fail("the service was started"))
    with pytest.raises(ValueError, match=r"placements\.toml is not TOML: .* \(at line 2, column 12\)"):
        serve(ShopSettings(placements=written(tmp_path, "[home.rules]\nrotation = twice\n"), port=0))
    with pytest.raises(FileNotFoundError, match="unset KAIROS_PLACEMENTS"):
        serve(ShopSettings(placements=tmp_path / "missing.toml", port=0))


def test_the_page_about_recommendations_is_true(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/recommendations.md").read_text(encoding="utf-8")
    example = page.split("<!-- example: placements.toml -->\n```toml\n")[1].split("```")[0]
    changed = {name for name, placement in read(written(tmp_path, example)).items() if placement != DEFAULT[name]}
    assert changed == {"home", "cart", "email", "product"}
    names = {name for cell in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}
    assert names == {*DEFAULT, *(field.name for field in fields(Rules))}
    for name, placement in DEFAULT.items():
        (told,) = re.findall(rf"^\| `{name}` \| (.*?) \|", page, re.MULTILINE)
        named = re.findall(r"`(\w+)`", told)
        sources = [source.recommender for source in placement.sources if not source.last_resort]
        assert list(dict.fromkeys(named)) == list(dict.fromkeys(sources)), name
