"""Who listens on the line, or answers in the place of a server; and secrets that lie in files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from src.config import DatabaseSettings
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.devtools.local_reaper import Reaper
from src.operations.migrations import upgrade
from tests.conftest import Workers
from tests.tls import Certificates, certificates, postgres_with_tls, rabbitmq_with_tls
from tests.upstream import Upstream
from tests.waiting import eventually

pytestmark = pytest.mark.attack


@dataclass(frozen=True)
class Encrypted:
    """Two servers that are reached by TLS alone, with a certificate of the client."""

    settings: dict[str, str]
    broker: LocalRabbitMQ
    stranger: Certificates
    """Of an authority that neither server nor client knows."""


@pytest.fixture(scope="module")
def encrypted(reaper: Reaper, rabbitmq: LocalRabbitMQ) -> Iterator[Encrypted]:
    made, stranger = certificates(reaper.folder / "tls"), certificates(reaper.folder / "stranger")
    crt, key = map(str, made.pair("client"))
    with (
        postgres_with_tls(reaper.folder / "postgres-tls", made) as port,
        rabbitmq_with_tls(reaper.folder / "rabbitmq-tls", made) as (broker, tls_port),
    ):
        database = {
            "DB_HOST": "localhost",
            "DB_PORT": str(port),
            "DB_NAME": "postgres",
            "DB_USER": "course",
            "DB_PASSWORD": "",
            "DB_SSLMODE": "verify-full",
            "DB_SSLROOTCERT": str(made.authority),
            "DB_SSLCERT": crt,
            "DB_SSLKEY": key,
        }
        fields = {name.removeprefix("DB_").lower(): value for name, value in database.items()}
        upgrade(DatabaseSettings.model_validate(fields))
        queue = {
            **broker.environment(),
            "RABBITMQ_HOST": "localhost",
            "RABBITMQ_PORT": str(tls_port),
            "RABBITMQ_TLS": "on",
            "RABBITMQ_TLS_CA_FILE": str(made.authority),
            "RABBITMQ_TLS_CERT_FILE": crt,
            "RABBITMQ_TLS_KEY_FILE": key,
        }
        # It asks for no password: the certificate stands for it.
        yield Encrypted({**database, **queue, "PGREQUIREAUTH": "none"}, broker, stranger)


def test_a_course_is_made_over_encrypted_lines_with_secrets_from_files(
    workers: Workers, encrypted: Encrypted, tmp_path: Path, user_id: str
) -> None:
    (secret := tmp_path / "broker-password").write_text(encrypted.broker.password + "\n")
    secret.chmod(0o600)
    settings = {**encrypted.settings, "RABBITMQ_PASSWORD": "", "RABBITMQ_PASSWORD_FILE": str(secret)}
    worker = workers.start(**settings)
    with Upstream(encrypted.broker, "/") as upstream:
        upstream.request(user_id, num_lessons=1)
        assert upstream.result().fields["status"] == "success"
    connections = encrypted.broker.control("list_connections", "client_properties", "ssl", "peer_cert_subject")
    own = [line for line in connections.splitlines() if "course-generator" in line]
    assert len(own) >= 3
    assert all("\ttrue\tCN=course" in line for line in own), own
    assert encrypted.broker.password not in str(worker)
    assert worker.stop() == 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("DB_SSLROOTCERT", "certificate verify failed"),
        ("DB_SSLCERT", "unknown ca"),
        ("DB_SSLMODE", "requires a valid client certificate"),
    ],
)
def test_a_database_that_can_not_prove_itself_or_takes_no_stranger_is_no_outage(
    workers: Workers, encrypted: Encrypted, wrong: str, says: str
) -> None:
    """Or requests would be written with files only, for whoever answers in the database's place to look at."""
    crt, key = map(str, encrypted.stranger.pair("client"))
    changed = {
        "DB_SSLROOTCERT": {"DB_SSLROOTCERT": str(encrypted.stranger.authority)},
        "DB_SSLCERT": {"DB_SSLCERT": crt, "DB_SSLKEY": key},
        "DB_SSLMODE": {"DB_SSLMODE": "require", "DB_SSLROOTCERT": "", "DB_SSLCERT": "", "DB_SSLKEY": ""},
    }[wrong]
    worker = workers.launch(**{**encrypted.settings, "DB_PATIENCE": "0.1", **changed})
    reason = worker.wait_for("database_unavailable")["reason"]
    assert says in reason, reason
    eventually(lambda: len(worker.lines("database_unavailable")) >= 3, "it has looked for longer than it is patient")
    assert worker.lines("database_lost") == []
    assert worker.stop() == 0


def test_a_broker_that_can_not_prove_itself_gets_no_login(workers: Workers, encrypted: Encrypted) -> None:
    stranger = str(encrypted.stranger.authority)
    worker = workers.launch(**{**encrypted.settings, "RABBITMQ_TLS_CA_FILE": stranger})
    assert "certificate verify failed" in worker.wait_for("broker_unavailable")["error"]
    assert worker.stop() == 0


def test_a_broker_that_wants_a_certificate_gets_one_or_says_so(workers: Workers, encrypted: Encrypted) -> None:
    crt, key = map(str, encrypted.stranger.pair("client"))
    worker = workers.launch(**{**encrypted.settings, "RABBITMQ_TLS_CERT_FILE": crt, "RABBITMQ_TLS_KEY_FILE": key})
    error = worker.wait_for("broker_unavailable")["error"]
    assert "RABBITMQ_TLS_CERT_FILE" in error, error
    assert worker.stop() == 0
