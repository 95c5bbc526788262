"""Use case: the catalogue, told by the shop and read back."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request

from features.catalog import Product
from serving.catalog_schemas import CatalogItem, CatalogPage, CatalogUpdate, CatalogUpdated
from serving.openapi import problems
from serving.resources import Resources
from serving.schemas import Id

router = APIRouter(tags=["catalogue"])
_PROBLEMS = problems("malformed_json", "payload_too_large", "unsupported_media_type")


@router.put("/v1/catalog/items", responses=_PROBLEMS)
async def put_items(
    request: Request, body: CatalogUpdate, mode: Literal["incremental", "full"] = "incremental"
) -> CatalogUpdated:
    """Write products, all or nothing. With `mode=full` the body is the whole assortment: what is missing is gone.

    Recommendations follow within moments. For more than a body holds run `python -m pipelines catalog`.
    """
    resources: Resources = request.app.state.resources
    products = [_product(item) for item in body.items]
    changed = await resources.in_thread(resources.catalog.upsert, products, resources.clock(), mode == "full")
    resources.champion.wake()
    return CatalogUpdated(items=len(products), changed=changed)


@router.get("/v1/catalog/items", responses=problems())
async def get_items(
    request: Request, after: Id | None = None, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
) -> CatalogPage:
    """Products in order of their ids, a page at a time."""
    resources: Resources = request.app.state.resources
    page = await resources.in_thread(resources.catalog.page, after, limit + 1)
    shown = page[:limit]
    return CatalogPage(
        items=[_item(product) for product in shown],
        next_cursor=shown[-1].product_id if len(page) > limit else None,
    )


def _product(item: CatalogItem) -> Product:
    values = item.model_dump(exclude={"item_id"})
    return Product(product_id=item.item_id, **values)


def _item(product: Product) -> CatalogItem:
    values: dict[str, Any] = msgspec.structs.asdict(product)
    return CatalogItem.model_construct(item_id=values.pop("product_id"), **values)
