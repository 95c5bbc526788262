"""What the service reads from the environment: `KAIROS_…`, once, into one small frozen object."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the stores are and what the limits are. The addresses are those of `pipelines/settings.py`."""

    model_config = SettingsConfigDict(env_prefix="KAIROS_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field("sqlite:///var/kairos.db", description="event log, decision log, catalogue, identity")
    feature_data: Path = Field(Path("var/features"), description="folder of Feast's offline tables, registry, SQLite")
    online_store: str = Field("sqlite", description="`sqlite`, or `host:port` of Redis or Valkey")
    mlflow_uri: str = Field("sqlite:///mlruns/mlflow.db", description="MLflow tracking and registry")
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
    allow_as_of: bool = Field(False, description="requests may say `as_of`: for simulation and replay")
