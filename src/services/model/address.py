"""Where the model's server is: what people write as its address, and what the client needs of it."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from src.domain.errors import StartError

_OPENAI = "https://api.openai.com/v1"
# Paths of single calls, which people copy from examples. The client adds them itself.
_CALLS = ("/chat/completions", "/completions", "/embeddings", "/models", "/responses")


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a model's server."""

    base_url: str
    """What the path of a call is put behind."""
    query: Mapping[str, str]
    """What each call has behind its path, such as the `api-version` of Azure."""

    @classmethod
    def given(cls, url: str | None) -> "Address":
        """Reads OPENAI_BASE_URL; without one it is the address of OpenAI.

        The path of a call at its end is left out. Where there is no path at all, it is `/v1`, as with every server of
        this API that runs on one's own machine.
        """
        parts = urlsplit(url or _OPENAI)
        given = path = parts.path.rstrip("/")
        for call in _CALLS:
            path = path.removesuffix(call)
        address = urlunsplit((parts.scheme, parts.netloc, path if given else "/v1", "", ""))
        return cls(address, dict(parse_qsl(parts.query)))

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def headers(self, api_key: str) -> dict[str, str]:
        """Returns the headers that calls have besides those of OpenAI: Azure takes its key by another name.

        https://learn.microsoft.com/azure/ai-services/openai/reference#authentication
        """
        host = urlsplit(self.base_url).hostname or ""
        is_azure = "api-version" in self.query or host.endswith((".azure.com", ".azure.us", ".azure.cn"))
        return {"api-key": api_key} if is_azure else {}


def trusted(ca_file: Path | None) -> ssl.SSLContext | bool:
    """Returns what tells whether a server's certificate is trusted: the system's authorities, and those of a file.

    Raises `StartError` if the file can't be used.
    """
    if ca_file is None:
        return True
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise StartError(f"OPENAI_CA_FILE: {ca_file} holds no certificates that can be read: {error}") from error
    return context
