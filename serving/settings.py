"""What the service reads from the environment: `KAIROS_…`, once, into one small frozen object."""

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the stores are and what the limits are. The addresses are those of `pipelines/settings.py`."""

    model_config = SettingsConfigDict(env_prefix="KAIROS_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field("sqlite:///var/kairos.db", description="event log, decision log, catalogue, identity")
    history: Path = Field(Path("var/history"), description="folder of the Parquet history; an erasure reaches into it")
    feature_data: Path = Field(Path("var/features"), description="folder of Feast's offline tables, registry, SQLite")
    online_store: str = Field("sqlite", description="`sqlite`, or `host:port` of Redis or Valkey")
    feast_registry: str | None = Field(None, description="URL of a database for Feast's registry; else a file")
    mlflow_uri: str = Field("sqlite:///mlruns/mlflow.db", description="MLflow tracking and registry")
    privacy_key: Path = Field(
        Path("var/privacy.key"), description="file with the secret of the suppression list; made when it is missing"
    )
    refresh_seconds: float = Field(2.0, gt=0, description="how often the service looks for a new champion or catalogue")
    feature_timeout_ms: int = Field(250, ge=1, description="longer than this and the answer goes without features")
    placements: Path | None = Field(None, description="TOML file that changes the default placements")
    action_bank: Path | None = Field(None, description="TOML file that changes the default action bank")
    catalog_max_age_hours: float = Field(
        168.0, gt=0, description="when the shop has said nothing of its catalogue for longer, answers say `degraded`"
    )
    max_event_bytes: int = Field(32_768, ge=1024, description="limit of one event's body")
    max_batch_bytes: int = Field(512_000, ge=1024, description="limit of a batch's body, after gunzip")
    future_tolerance_seconds: int = Field(300, ge=0, description="an event further ahead of our clock is rejected")
    max_in_flight: int = Field(32, ge=1, description="requests that a worker answers at once; a few more may wait")
    journal: Path = Field(Path("var/journal"), description="where records go that the database cannot take right now")
    journal_megabytes: int = Field(64, ge=1, description="of the disk that each worker reserves for that, a log")
    log_timeout_ms: int = Field(1_000, ge=1, description="longer than this and a record goes into the journal")
    rate_publishable: float = Field(500.0, gt=0, description="requests a second of one publishable key, `pk_…`")
    rate_secret: float = Field(5_000.0, gt=0, description="requests a second of one secret key, `sk_…`")
    rate_admin: float = Field(50.0, gt=0, description="requests a second of one key for administration, `adm_…`")
    rate_address: float = Field(50.0, gt=0, description="requests a second of one address, unless with `sk_` or `adm_`")
    rate_failures: float = Field(
        0.5, gt=0, description="unknown keys a second that one address may try, and as many unknown pages; 30 at once"
    )
    trusted_proxies: str = Field("", description="addresses or networks, by comma, whose X-Forwarded-For is believed")
    console_identity_header: str | None = Field(
        None, description="header in which a trusted proxy names who looks at the console, as `X-Forwarded-User`"
    )
    console_admins: str = Field("", description="names, by comma, that such a proxy tells of administrators")
    console_customers: str = Field("", description="names, by comma, of viewers who may look at single customers")
    mlflow_link: str | None = Field(
        None, description="address of MLflow's own pages, as `http://localhost:5000`, for links from the console"
    )
    run_folder: Path | None = Field(None, description="where the workers of one service add up their metrics")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="of what Kairos itself logs")
    access_log: bool = Field(False, description="a line in the log for every answer: template, status, time and key")
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices("otlp_endpoint", "KAIROS_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="where spans go over OTLP/HTTP; the usual OTEL_EXPORTER_OTLP_ENDPOINT says the same",
    )
    allow_as_of: bool = Field(False, description="requests may say `as_of`: for simulation and replay")
