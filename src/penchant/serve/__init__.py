"""The server: a trained model as a service that takes ratings, and as a page.

`Service` is what everything here stands on: it knows no HTTP. A bundle and a log of events give a
model that is never older than the last write that was acknowledged; see docs/serve.md.
"""

from penchant.errors import MissingExtraError

try:
    import alembic as _alembic
    import sqlalchemy as _sqlalchemy
except ImportError:
    raise MissingExtraError(
        "The server needs further packages: pip install 'penchant[serve]'."
    ) from None

from penchant.serve.receipts import Receipt
from penchant.serve.service.answers import ModelInfo, Rating, Status, Written
from penchant.serve.service.service import Service

__all__ = ["ModelInfo", "Rating", "Receipt", "Service", "Status", "Written"]

del _alembic, _sqlalchemy
