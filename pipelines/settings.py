"""What the verbs read from the environment: `KAIROS_…`, once, into one small frozen object."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from features.results import FOLDER as UNFINISHED
from pipelines.engine import named


class Settings(BaseSettings):
    """Where things are. Every default is the embedded one: nothing to start, everything below `var/` and `mlruns/`."""

    model_config = SettingsConfigDict(env_prefix="KAIROS_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field("sqlite:///var/kairos.db", description="event log, decision log, catalogue, identity")
    history: Path = Field(Path("var/history"), description="folder of the Parquet history")
    feature_data: Path = Field(Path("var/features"), description="folder of Feast's offline tables, registry, SQLite")
    online_store: str = Field("sqlite", description="`sqlite`, or `host:port` of Redis or Valkey")
    feast_registry: str | None = Field(None, description="URL of a database for Feast's registry; else a file")
    mlflow_uri: str = Field("sqlite:///mlruns/mlflow.db", description="MLflow tracking and registry")
    mlflow_artifacts: str = Field("mlruns/artifacts", description="where new experiments keep their files")
    journal: Path = Field(Path("var/journal"), description="where records go that the database cannot take right now")
    placements: Path | None = Field(None, description="TOML file that changes the default placements")
    action_bank: Path | None = Field(None, description="TOML file that changes the default action bank")
    privacy_key: Path = Field(
        Path("var/privacy.key"), description="file with the secret of the suppression list; made when it is missing"
    )
    retention_events_days: int | None = Field(None, ge=1, description="how long the event log keeps events")
    retention_history_days: int | None = Field(None, ge=1, description="how long the Parquet history keeps days")
    retention_decisions_days: int | None = Field(None, ge=1, description="how long the decision log keeps decisions")
    retention_shown_days: int | None = Field(365, ge=1, description="how long it keeps what was shown and prepared")
    retention_features_days: int | None = Field(400, ge=1, description="how long tables of customers' features stay")
    retention_jobs_days: int | None = Field(1_095, ge=1, description="how long receipts of erasures stay")
    retention_acts_days: int | None = Field(1_095, ge=1, description="how long the record of the console's users stays")
    engine: Annotated[str, AfterValidator(named)] = Field(
        "local", description="where parts are computed: `local`, `ray` (on this machine), `host:port` of a Ray cluster"
    )
    history_buckets: int = Field(
        8, ge=1, le=1024, description="hash buckets of customers; fixed at the first compaction"
    )
    host: str = Field("127.0.0.1", description="address that `serve` listens on")
    workers: int = Field(1, ge=1, le=64, description="processes that answer, each on one core; they share the stores")
    port: int = Field(3000, ge=0, le=65535, description="port that `serve` listens on; 0 takes a free one")

    @property
    def work(self) -> Path:
        """Where the history lies in shards once more while lines to train on are read."""
        return self.feature_data / UNFINISHED / "lines"
