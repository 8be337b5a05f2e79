"""Settings come from the environment, are read once at start, and never change."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from crossdock_chassis.kafka import Kafka, KafkaProfile


class InvalidSettings(Exception):
    """The environment does not add up. The text names the variables and what is wrong, never a value."""


class Settings(BaseSettings):
    """Base of a service's and an adapter's settings. A subclass sets `env_prefix`, describes its fields."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises InvalidSettings."""
        try:
            return cls()
        except ValidationError as error:
            raise InvalidSettings(_explain(cls, error)) from None
        except SettingsError as error:  # names the field and never the value
            raise InvalidSettings(f"{environment_name(cls, '*')}: {error}: it has to be JSON") from None


def environment_name(settings: type[BaseSettings], field: str) -> str:
    """The variable a field is read from."""
    prefix = settings.model_config.get("env_prefix", "")
    return f"{prefix}{field}".upper()


def _explain(settings: type[BaseSettings], error: ValidationError) -> str:
    lines = []
    for one in error.errors(include_input=False, include_context=False, include_url=False):
        name = environment_name(settings, str(one["loc"][0])) if one["loc"] else settings.__name__
        lines.append(f"{name}: {'is not set' if one['type'] == 'missing' else one['msg']}")
    return "; ".join(lines)


def _asyncpg(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith("postgresql+asyncpg://"):
        raise ValueError("must begin with postgresql+asyncpg://")
    return url


DatabaseUrl = Annotated[SecretStr, AfterValidator(_asyncpg)]
Port = Annotated[int, Field(ge=0, le=65535)]


class ServiceSettings(Settings):
    """What every service is told. A service subclasses it with a prefix of its own."""

    database_url: DatabaseUrl = Field(
        description="The service's own database as its runtime role; may be behind a transaction-mode pooler."
    )
    database_direct_url: DatabaseUrl | None = Field(
        default=None,
        description="The same without a pooler, for session locks. Empty: the same as DATABASE_URL.",
    )
    database_pooled: bool = Field(
        default=False, description="DATABASE_URL leads through a pooler in transaction mode."
    )
    migration_url: DatabaseUrl | None = Field(
        default=None, description="The database as its owner; only `migrate` uses it, and cannot do without."
    )
    database_pool_size: int = Field(
        default=10, ge=1, le=100, description="Connections kept open per process."
    )
    database_pool_overflow: int = Field(
        default=5, ge=0, le=100, description="Connections opened on top under load and closed afterwards."
    )
    database_wait_s: float = Field(
        default=60,
        ge=0,
        le=600,
        description="How long a starting process waits for the database and its migrations.",
    )

    kafka_bootstrap_servers: str = Field(
        min_length=1, description="Brokers as host:port, separated by commas; one that answers is enough."
    )
    kafka_profile: KafkaProfile = Field(
        default=KafkaProfile.APACHE,
        description="apache: a real cluster. tansu: the embedded broker with its limits.",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How to talk to the brokers. PLAINTEXT is for loopback only."
    )
    kafka_ca_file: Path | None = Field(
        default=None,
        description="PEM file of the authority that signed the brokers' certificates, or a folder of *.crt."
        " This and the next two are read anew when they have changed.",
    )
    kafka_certificate_file: Path | None = Field(
        default=None, description="PEM file of our own certificate, where brokers ask for one."
    )
    kafka_key_file: Path | None = Field(default=None, description="PEM file of the key of that certificate.")
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="How to log in with SASL."
    )
    kafka_sasl_username: str | None = Field(default=None, description="SASL user name.")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="SASL password.")

    http_host: str = Field(default="127.0.0.1", description="Address the HTTP server listens on.")
    http_port: Port = Field(default=8000, description="Port of the API. 0 takes a free one.")
    health_port: Port = Field(
        default=8080,
        description="Port of /livez, /readyz, /startupz and /metrics in a process without the API role.",
    )
    http_concurrency: int = Field(
        default=500,
        ge=1,
        le=10_000,
        description="Requests in work at once; above it the answer is 503.",
    )
    api_docs: bool = Field(default=False, description="Serve the interactive API documentation at /docs.")

    log_format: Literal["json", "console"] = Field(
        default="json", description="json: one object a line. console: for people."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level logged."
    )
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Base URL of an OpenTelemetry collector (OTLP over HTTP). Empty: nothing is exported.",
    )
    trace_sample_ratio: float = Field(
        default=1.0, ge=0, le=1, description="Share of the traces begun here that are exported."
    )
    metrics_enabled: bool = Field(default=False, description="Serve Prometheus metrics at /metrics.")

    drain_delay_s: float = Field(
        default=0,
        ge=0,
        le=8,
        description="How long requests are still taken after SIGTERM; 5 behind a load balancer.",
    )

    @property
    def direct_url(self) -> SecretStr:
        """The database without a pooler in between."""
        return self.database_direct_url or self.database_url

    def kafka(self, client_id: str) -> Kafka:
        """The connection these settings describe."""
        password = self.kafka_sasl_password
        return Kafka(
            bootstrap_servers=self.kafka_bootstrap_servers,
            profile=self.kafka_profile,
            client_id=client_id,
            security_protocol=self.kafka_security_protocol,
            ca_file=self.kafka_ca_file,
            certificate_file=self.kafka_certificate_file,
            key_file=self.kafka_key_file,
            sasl_mechanism=self.kafka_sasl_mechanism,
            sasl_username=self.kafka_sasl_username,
            sasl_password=password.get_secret_value() if password else None,
        )
