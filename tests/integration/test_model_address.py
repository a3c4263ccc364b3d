"""Where the model's server is: addresses as people have them, certificates of one's own, and proxies."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from src.domain.errors import ModelAccessDenied, ModelUnavailable
from tests.integration.test_language_model import Caller
from tests.stand_in import StandIn
from tests.tls import Certificates, certificates


class Gateway(StandIn):
    """A stand-in at the path that Azure has, which notes how it was called."""

    def __init__(self, certificates: Certificates | None = None, host: str = "127.0.0.1") -> None:
        super().__init__()
        self.called: list[web.Request] = []
        self._certificates = certificates
        self._host = host

    def _application(self, **settings: Any) -> web.Application:
        model = self._model(**settings)

        async def deployment(request: web.Request) -> web.StreamResponse:
            self.called.append(request)
            return await model._chat(request)

        application = model.application()
        application.router.add_post("/openai/deployments/gpt/chat/completions", deployment)
        return application

    def _site(self, runner: web.AppRunner) -> web.TCPSite:
        if self._certificates is None:
            return web.TCPSite(runner, self._host, 0)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self._certificates.pair("server"))
        return web.TCPSite(runner, self._host, 0, ssl_context=context)

    @property
    def address(self) -> str:
        scheme = "http" if self._certificates is None else "https"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls") / "certificates")


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_an_address_is_understood_in_each_of_its_forms(gateway: Gateway, path: str) -> None:
    assert Caller(gateway).ask(base_url=f"{gateway.address}{path}").value.title == "Cells"


def test_what_stands_behind_azures_path_stays_behind_it_and_the_key_has_azures_name(gateway: Gateway) -> None:
    url = f"{gateway.address}/openai/deployments/gpt?api-version=2024-10-21"
    assert Caller(gateway).ask(base_url=url, api_key="the-key").value.title == "Cells"
    (request,) = gateway.called
    assert request.path_qs == "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    assert request.headers["api-key"] == "the-key"


def test_a_server_at_an_address_of_ipv6_is_reached() -> None:
    with Gateway(host="::1") as running:
        assert Caller(running).ask(base_url=f"{running.address}/v1", allow_remote=False).value.title == "Cells"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_this_machine_is_never_reached_by_way_of_a_proxy(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    assert Caller(stand_in).ask().value.title == "Cells"


class TestCertificate:
    def test_that_nobody_vouches_for_is_told_with_the_setting_that_helps(self, made: Certificates) -> None:
        with Gateway(made) as running:
            caller = Caller(running)
            with pytest.raises(ModelAccessDenied, match="OPENAI_CA_FILE") as caught:
                caller.ask(base_url=f"{running.address}/v1")
        assert running.address in str(caught.value)
        assert len(caller.calls) == 1

    def test_of_an_authority_in_a_file_is_trusted(self, made: Certificates) -> None:
        with Gateway(made) as running:
            answer = Caller(running).ask(base_url=f"{running.address}/v1", ca_file=made.authority)
            assert answer.value.title == "Cells"

    def test_a_file_that_holds_none_is_named(self, made: Certificates, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("not a certificate")
        with Gateway(made) as running, pytest.raises(Exception, match="OPENAI_CA_FILE"):
            Caller(running).ask(base_url=f"{running.address}/v1", ca_file=tmp_path / "ca.pem")


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_without_end_is_not_kept_in_memory(status: int, stand_in: StandIn) -> None:
    sent = 0

    class Flood(StandIn):
        def _application(self, **settings: Any) -> web.Application:
            async def flood(request: web.Request) -> web.StreamResponse:
                nonlocal sent
                response = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
                await response.prepare(request)
                while True:
                    await response.write(b" " * 2**20)
                    sent += 1

            application = web.Application()
            application.router.add_post("/v1/chat/completions", flood)
            return application

    with Flood() as running, pytest.raises(ModelUnavailable):
        Caller(running).ask(base_url=running.base_url, deadline=5, timeout=5)
    assert 0 < sent < 1000
