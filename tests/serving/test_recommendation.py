"""What is sent is what the interface says: the same names in the same order, and nothing that it would refuse."""

from datetime import UTC, datetime

import msgspec
import pytest
from pydantic import BaseModel

from serving import recommendation, schemas
from serving.recommendation import Item, Reason, Recommendation, Version, json_of

TOLD = Recommendation(
    recommendation_id="rec_1",
    placement="home",
    strategy="two_stage",
    degraded=True,
    degraded_reason="catalog_stale",
    fallback=None,
    items=(
        Item(
            "milk",
            1,
            0.1,
            "rp3beta",
            True,
            True,
            1e-7,
            (Reason("promoted", None, "«Чай»"), Reason("bought_with", "tea", "x")),
            {"price": "3.50"},
        ),
        Item("tea", 2, -3.5, "popularity", False, False, None, None, None),
    ),
    model=Version("recommender", "7", "champion"),
    expires_at=datetime(2026, 11, 21, 12, 15, 0, 5, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("struct", "model"),
    [
        (Reason, schemas.Reason),
        (Item, schemas.RecommendedItem),
        (Version, schemas.ModelReference),
        (Recommendation, schemas.RecommendationAnswer),
    ],
)
def test_the_same_fields_in_the_same_order(struct: type[msgspec.Struct], model: type[BaseModel]) -> None:
    assert struct.__struct_fields__ == tuple(model.model_fields)


def test_what_is_sent_is_what_the_schema_says() -> None:
    read = schemas.RecommendationAnswer.model_validate_json(TOLD.json(), strict=True)
    assert read.model_dump() == schemas.RecommendationAnswer.model_validate(msgspec.to_builtins(TOLD)).model_dump()
    assert msgspec.json.decode(read.model_dump_json()) == msgspec.json.decode(TOLD.json())
    many = schemas.RecommendationAnswers.model_validate_json(json_of([TOLD, TOLD]), strict=True)
    assert many.answers == [read, read]


def test_the_module_has_no_struct_that_no_schema_stands_for() -> None:
    structs = {
        name for name, one in vars(recommendation).items() if isinstance(one, type) and issubclass(one, msgspec.Struct)
    }
    assert structs == {"Reason", "Item", "Version", "Recommendation"}
