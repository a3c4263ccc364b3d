import os
import re
from pathlib import Path

import pytest

from src.config import OpenAISettings, Settings, SettingsError, exposed_secrets, ignored_settings, known_secrets
from src.config.settings import environment_names
from src.operations.known_schema import ROOT


def settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings(env_file=None)


def test_defaults_need_no_environment_and_no_key() -> None:
    found = Settings(env_file=None)
    assert found.database.name == "learningdb"
    assert found.rabbitmq.queue_generation == "course.generation.queue"
    assert found.openai.api_key is None
    assert not found.openai.configured


def test_documented_names_reach_documented_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(
        monkeypatch,
        OPENAI_API_KEY="sk-1",
        VECTOR_DB_ID="vs_1",
        RABBITMQ_HOST="r",
        RABBITMQ_PORT="1",
        RABBITMQ_USERNAME="ru",
        RABBITMQ_PASSWORD="rp",
        RABBITMQ_EXCHANGE="x",
        RABBITMQ_QUEUE_GENERATION="qg",
        RABBITMQ_QUEUE_STATUS="qs",
        RABBITMQ_ROUTE_GENERATE="rg",
        RABBITMQ_ROUTE_STATUS="rs",
        DB_HOST="d",
        DB_PORT="2",
        DB_NAME="n",
        DB_USER="du",
        DB_PASSWORD="dp",
        OUTPUT_DIR="out",
        LOG_LEVEL="debug",
    )
    assert (found.openai.api_key, found.openai.vector_store_id) == ("sk-1", "vs_1")
    assert (found.rabbitmq.host, found.rabbitmq.port) == ("r", 1)
    assert (found.rabbitmq.username, found.rabbitmq.password, found.rabbitmq.exchange) == ("ru", "rp", "x")
    assert (found.rabbitmq.queue_generation, found.rabbitmq.queue_status) == ("qg", "qs")
    assert (found.rabbitmq.route_generate, found.rabbitmq.route_status) == ("rg", "rs")
    assert (found.database.host, found.database.port, found.database.name) == ("d", 2, "n")
    assert (found.database.user, found.database.password) == ("du", "dp")
    assert (found.output_dir, found.log_level) == (Path("out"), "DEBUG")


def test_every_fault_is_named_at_once_and_no_value_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(
            monkeypatch,
            DB_PORT="s3cret-put-into-the-wrong-line",
            RABBITMQ_PORT="70000",
            OPENAI_BASE_URL="no-url",
            LOG_LEVEL="loud",
            RABBITMQ_TLS_CA_FILE="/no/such/file",
            WORKER_HEARTBEAT="20",
        )
    names = [fault.split(":")[0].split(" ")[0] for fault in caught.value.faults]
    assert sorted(names) == sorted(
        ["DB_PORT", "RABBITMQ_PORT", "OPENAI_BASE_URL", "LOG_LEVEL", "RABBITMQ_TLS_CA_FILE", "WORKER_HEARTBEAT"]
    )
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({"WORKER_HEARTBEAT": "11"}, "WORKER_HEARTBEAT must be at most a third of WORKER_LEASE"),
        ({"OPENAI_TIMEOUT": "400"}, "OPENAI_TIMEOUT must not be longer than OPENAI_DEADLINE"),
        ({"OPENAI_DEADLINE": "700"}, "OPENAI_DEADLINE must not be longer than OPENAI_LESSON_DEADLINE"),
        (
            {"OPENAI_RECORD_TO": "a.jsonl", "OPENAI_REPLAY_FROM": str(ROOT / "app.py")},
            "OPENAI_RECORD_TO and OPENAI_REPLAY_FROM must not be set together",
        ),
        ({"COURSE_DEADLINE": "500"}, "OPENAI_LESSON_DEADLINE must be shorter than COURSE_DEADLINE"),
        (
            {"MAX_COURSE_TOKENS": "16000"},
            "MAX_COURSE_TOKENS (16000) must be more than OPENAI_MAX_OUTPUT_TOKENS (16000)",
        ),
        (
            {"DB_PASSWORD": "p", "DB_PASSWORD_FILE": str(ROOT / "app.py")},
            "DB_PASSWORD and DB_PASSWORD_FILE must not be set together",
        ),
        ({"DB_SSLCERT": str(ROOT / "app.py")}, "DB_SSLCERT and DB_SSLKEY must be set together"),
        ({"DB_SSLROOTCERT": str(ROOT / "app.py")}, "DB_SSLMODE must be verify-full"),
        (
            {"RABBITMQ_TLS": "on", "RABBITMQ_TLS_KEY_FILE": str(ROOT / "app.py")},
            "RABBITMQ_TLS_CERT_FILE and RABBITMQ_TLS_KEY_FILE must be set together",
        ),
        ({"RABBITMQ_TLS_CA_FILE": str(ROOT / "app.py")}, "RABBITMQ_TLS must be true if certificates are set"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], fault: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(fault)):
        settings(monkeypatch, **environment)


def test_a_recording_is_all_the_model_that_is_needed() -> None:
    assert OpenAISettings(replay_from=ROOT / "app.py").configured
    assert not OpenAISettings(record_to=ROOT / "calls.jsonl").configured


def test_an_empty_value_means_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, OPENAI_API_KEY="", RABBITMQ_PORT="", HEALTH_PORT="")
    assert (found.openai.api_key, found.rabbitmq.port, found.health_port) == (None, 5672, None)


def test_variables_that_are_named_like_a_group_are_somebody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, DATABASE="learningdb", OPENAI="x", WORKER="1", DB_NAME="mine")
    assert found.database.name == "mine"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings(env_file=None).database.name = "other"


def test_secrets_are_not_in_the_printed_form() -> None:
    assert "sk-secret" not in repr(Settings(env_file=None, openai=OpenAISettings(api_key="sk-secret")))


SECRETS = {"OPENAI_API_KEY": "openai", "RABBITMQ_PASSWORD": "rabbitmq", "DB_PASSWORD": "database"}


def test_secrets_can_stand_in_files_and_are_as_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in SECRETS:
        (tmp_path / name).write_text(f"the-{name} \n\n")
    found = settings(monkeypatch, **{f"{name}_FILE": str(tmp_path / name) for name in SECRETS})
    assert sorted(found.secrets) == sorted(f"the-{name} " for name in SECRETS)
    assert found.openai.api_key == "the-OPENAI_API_KEY "
    assert "the-" not in repr(found)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_can_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (empty := tmp_path / "empty").write_text("\n")
    with pytest.raises(SettingsError, match=f"{name}_FILE: the file is empty"):
        settings(monkeypatch, **{f"{name}_FILE": str(empty)})
    (binary := tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=f"{name}_FILE: can't be read: it is not UTF-8"):
        settings(monkeypatch, **{f"{name}_FILE": str(binary)})
    with pytest.raises(SettingsError, match=f"{name}_FILE"):
        settings(monkeypatch, **{f"{name}_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize("name", SECRETS)
def test_what_lies_in_the_place_of_a_secret_is_named_and_blocks_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    os.mkfifo(fifo := tmp_path / "fifo")
    (long := tmp_path / "long").write_bytes(b"s" * (64 * 1024 + 1))
    (nul := tmp_path / "nul").write_bytes(b"se\0cret")
    (lines := tmp_path / "lines").write_bytes(b"se\ncret")
    for file, fault in (
        (fifo, f"{name}_FILE: can't be read: is no regular file"),
        (Path("/dev/zero"), f"{name}_FILE: can't be read: is no regular file"),
        (long, f"{name}_FILE: can't be read: has more than 65536 bytes"),
        (nul, f"{name}: there are control characters in it"),
        (lines, f"{name}: there are control characters in it"),
    ):
        with pytest.raises(SettingsError, match=fault) as caught:
            settings(monkeypatch, **{f"{name}_FILE": str(file)})
        assert "cret" not in str(caught.value)


def test_a_secret_can_be_a_link_as_container_platforms_make_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("the-password")
    (tmp_path / "link").symlink_to("data")
    assert settings(monkeypatch, DB_PASSWORD_FILE=str(tmp_path / "link")).database.password == "the-password"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://user:pa/ss@host/v1", "must hold no user and password"),
        ("https://user:pass@host/v1", "must hold no user and password"),
        ("https://pass@host/v1", "must hold no user and password"),
        ("https://user:pass/v1", "should be the address of a server"),
        ("https://pass:99999/v1", "should be the address of a server"),
        ("https://[pass/v1", "should be the address of a server"),
        ("https:///pass", "should be the address of a server"),
        ("https://ho st/pass", "should be the address of a server"),
        ("ftp://pass/v1", "should be the address of a server"),
    ],
)
def test_an_address_of_no_server_or_with_a_password_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, url: str, fault: str
) -> None:
    with pytest.raises(SettingsError, match=f"OPENAI_BASE_URL: {fault}") as caught:
        settings(monkeypatch, OPENAI_BASE_URL=url)
    assert "pass" not in str(caught.value).replace("and password", "").replace("wants a password", "")
    assert "pa/ss" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:8080/v1", "https://api.example/v1/", "http://[::1]:1/v1"])
def test_the_address_of_a_server_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert settings(monkeypatch, OPENAI_BASE_URL=url).openai.base_url == url


def test_secrets_are_known_whatever_is_wrong_with_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-key")
    monkeypatch.setenv("DB_PASSWORD", "the-password")
    monkeypatch.setenv("RABBITMQ_PORT", "none")
    assert known_secrets(None) == ["the-key", "the-password"]


def test_prefixes_of_reply_to_have_commas_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch).rabbitmq.reply_to_allow == ()
    found = settings(monkeypatch, RABBITMQ_REPLY_TO_ALLOW="portal., amq.gen-,")
    assert found.rabbitmq.reply_to_allow == ("portal.", "amq.gen-")


def test_env_example_has_every_setting_once_with_a_comment_and_is_valid(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text()
    named = re.findall(r"^#?\s?([A-Z][A-Z_]+)=", text, re.MULTILINE)
    assert sorted(named) == sorted(environment_names())
    for block in text.split("\n\n"):
        if re.search(r"^#?\s?[A-Z_]+=", block, re.MULTILINE):
            assert block.lstrip().startswith("# "), f"no comment above: {block}"
    copy = tmp_path / ".env"
    copy.write_text(text)
    assert Settings(env_file=copy) == Settings(env_file=None)


def test_secrets_in_a_file_that_everybody_can_read_are_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    assert exposed_secrets(file) == []
    file.write_text("openai_api_key=k\nDB_PASSWORD=\nDB_HOST=h\n")
    file.chmod(0o644)
    assert exposed_secrets(file) == ["OPENAI_API_KEY"]
    file.chmod(0o640)
    assert exposed_secrets(file) == []


def test_a_setting_that_is_gone_is_found_in_the_environment_and_in_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    assert ignored_settings(file) == {}
    file.write_text("SOURCES_DIR=\n")
    assert ignored_settings(file) == {}
    file.write_text("sources_dir=/library\n")
    assert "app.py sources add" in ignored_settings(file)["SOURCES_DIR"]
    file.unlink()
    monkeypatch.setenv("SOURCES_DIR", "/library")
    assert list(ignored_settings(file)) == ["SOURCES_DIR"]
