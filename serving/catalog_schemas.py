"""The shapes of the catalogue over HTTP: what a product may hold when the shop tells of it, and how it is read back."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from serving.schemas import Id, LongText, Money, Request, Text

Url = Annotated[LongText, Field(pattern=r"^https?://\S+$")]
Stock = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


class CatalogItem(Request):
    """One product of the shop."""

    item_id: Id
    title: LongText | None = None
    category: Annotated[LongText | None, Field(description="a path with /, e.g. `grocery/tea`")] = None
    brand: Text | None = None
    price: Money | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    url: Url | None = None
    image_url: Url | None = None
    in_stock: bool = True
    attributes: dict[Id, LongText] = Field({})
    group_id: Annotated[Id | None, Field(description="variants of one thing share it")] = None
    stock: Annotated[dict[Id, Stock], Field(description="how much there is at each location")] = Field({})
    periodic: Annotated[bool | None, Field(description="bought again and again; by what people did when null")] = None


class CatalogUpdate(Request):
    """What `PUT /v1/catalog/items` takes: each item replaces the one of its id; of two with one id the last counts."""

    items: list[CatalogItem] = Field(min_length=1, max_length=5_000)


class CatalogUpdated(BaseModel):
    """How many of the items were new or different."""

    success: Literal[True] = True
    items: int
    changed: int


class CatalogPage(BaseModel):
    """Products in order of their ids; pass `next_cursor` as `after` for the next page."""

    items: list[CatalogItem]
    next_cursor: str | None = None
