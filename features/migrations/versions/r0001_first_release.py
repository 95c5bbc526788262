"""The tables of 0.1.0, as they stood when it was released. Frozen: what changes since is a revision after this one."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
works_from = "0001"

TABLES = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

for log in ("event", "decision"):
    Table(
        log,
        TABLES,
        Column("position", _NUMBER, primary_key=True, autoincrement=True),
        Column("key", Text, nullable=False, unique=True),
        Column("type", Text, nullable=False),
        Column("occurred_at", BigInteger, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("user_id", Text),
        Column("anonymous_id", Text),
        Column("payload", Text, nullable=False),
        Index(f"{log}_of_user", "user_id", "position", "occurred_at"),
        Index(f"{log}_of_anonymous", "anonymous_id", "position", "occurred_at"),
        sqlite_autoincrement=True,
    )
Table(
    "projection",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
Table(
    "identity_link",
    TABLES,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Index("identity_link_of_user", "user_id"),
)
Table(
    "product",
    TABLES,
    Column("product_id", Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), primary_key=True),
    Column("payload", Text, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("added_at", BigInteger),
    Index("product_of_revision", "revision"),
)
Table("heard", TABLES, Column("of", Text, primary_key=True), Column("at", BigInteger, nullable=False))
Table(
    "cart",
    TABLES,
    Column("customer_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("user_id", Text),
    Column("anonymous_id", Text),
    Column("seen_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("value", BigInteger),
    Column("payload", Text, nullable=False),
    Index("cart_open", "kind", "closed_at", "seen_at"),
)
Table(
    "lease",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
Table(
    "personalization",
    TABLES,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("granted", BigInteger, nullable=False),
)
Table("suppressed", TABLES, Column("hash", Text, primary_key=True), Column("since", BigInteger, nullable=False))
Table("suppression_check", TABLES, Column("hash", Text, primary_key=True))
Table(
    "privacy_job",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("reason", Text),
    Column("person", Text),
    Column("hashes", Text, nullable=False),
    Column("request_id", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("counts", Text, nullable=False),
    Column("result", Text),
)
Table(
    "activity",
    TABLES,
    Column("log", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, primary_key=True),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("ahead", BigInteger, nullable=False),
    Column("at_once", BigInteger, nullable=False),
    Column("within_hour", BigInteger, nullable=False),
    Column("within_day", BigInteger, nullable=False),
    Column("older", BigInteger, nullable=False),
    Column("known_lines", BigInteger, nullable=False),
    Column("unknown_lines", BigInteger, nullable=False),
)
Table(
    "unknown_item",
    TABLES,
    Column("product_id", Text, primary_key=True),
    Column("lines", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)
Table(
    "arrival",
    TABLES,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("verdict", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)
Table(
    "report",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("computed_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
Table(
    "kept_answer",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("status", Integer),
    Column("media_type", Text),
    Column("body", Text),
)
Table(
    "api_key",
    TABLES,
    Column("prefix", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("origins", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)
Table(
    "rate_spent",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("spent", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)
Table(
    "console_session",
    TABLES,
    Column("digest", Text, primary_key=True),
    Column("key_prefix", Text, nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
Table(
    "console_act",
    TABLES,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", Text, nullable=False),
    Index("console_act_at", "at"),
)


def upgrade() -> None:
    """Make them all, in a database that has none."""
    TABLES.create_all(op.get_bind(), checkfirst=False)
