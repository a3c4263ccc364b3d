import pytest

from src.services.model.address import Address


@pytest.mark.parametrize(
    ("given", "base_url", "query"),
    [
        (None, "https://api.openai.com/v1", {}),
        ("http://localhost:11434", "http://localhost:11434/v1", {}),
        ("http://localhost:11434/", "http://localhost:11434/v1", {}),
        ("http://localhost:8000/v1", "http://localhost:8000/v1", {}),
        ("http://localhost:8000/v1/chat/completions", "http://localhost:8000/v1", {}),
        ("https://openrouter.ai/api/v1/", "https://openrouter.ai/api/v1", {}),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1", {}),
        (
            "https://x.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21",
            "https://x.openai.azure.com/openai/deployments/gpt",
            {"api-version": "2024-10-21"},
        ),
        (
            "https://x.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
            "https://x.openai.azure.com/openai/deployments/gpt",
            {"api-version": "2024-10-21"},
        ),
    ],
)
def test_what_people_write_is_understood(given: str | None, base_url: str, query: dict[str, str]) -> None:
    address = Address.given(given)
    assert (address.base_url, address.query) == (base_url, query)


@pytest.mark.parametrize(
    ("given", "is_local"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://[::1]:1", True),
        ("http://localhost/v1", True),
        ("http://localhost.example.org/v1", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_it_is_known_which_are_on_this_machine(given: str, is_local: bool) -> None:
    assert Address.given(given).is_local == is_local


@pytest.mark.parametrize(
    ("given", "has_its_own"),
    [
        ("https://x.openai.azure.com/openai/v1", True),
        ("https://gateway.example.org/openai/deployments/gpt?api-version=1", True),
        ("https://api.openai.com/v1", False),
        ("https://azure.com.example.org/v1", False),
    ],
)
def test_azure_is_given_its_key_by_its_own_name(given: str, has_its_own: bool) -> None:
    assert Address.given(given).headers("key") == ({"api-key": "key"} if has_its_own else {})
