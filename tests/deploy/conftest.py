"""The service whose metrics are asked for is that of the tests of serving."""

from tests.serving.conftest import folder, shop

__all__ = ["folder", "shop"]
