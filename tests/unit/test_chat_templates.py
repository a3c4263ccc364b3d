"""The messages that the worker builds, put through chat templates that real models come with.

The templates are files of the package `axolotl`, which is never imported. A server such as vLLM or llama.cpp renders
the messages with the template of its model, and answers 400 or 500 if that raises an exception.
"""

from dataclasses import replace
from importlib.metadata import distribution
from typing import Any

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from src.config import OpenAISettings
from src.devtools.stand_in_call import role_fault
from src.services.model.abilities import Abilities, stepped_down
from src.services.model.answers import Answer
from src.services.model.chat_request import chat_request
from src.services.model.complaint import complaint
from src.services.model.language_model import _repair_messages
from src.services.model.prompts import lesson_question, outline_question
from tests.lessons import outline_review
from tests.unit.test_prompts import BRIEF, OUTLINE, PASSAGES, review

FOLDER = "axolotl/utils/chat_templates/templates/"
# Two or more of each family: the newer ones have other rules.
FAMILIES = {
    "Mistral": ("mistral_v1", "mistral_v2v3", "mistral_v3_tekken", "mistral_v7_tekken", "pixtral"),
    "Gemma": ("gemma", "gemma3", "gemma3n", "gemma4"),
    "Qwen": ("qwen_25", "qwen3", "qwen3_5", "qwen2_vl"),
    "Llama": ("llama3", "llama3_2_vision", "llama4"),
    "DeepSeek": ("deepseek_v2", "deepseek_v3"),
    "Phi": ("phi_3", "phi_35"),
    "Cohere": ("cohere", "aya", "command_a"),
    "Exaone": ("exaone", "exaone4"),
}


def template(name: str) -> jinja2.Template:
    def raise_exception(message: str) -> None:
        raise jinja2.TemplateError(message)

    # As transformers and vLLM render them.
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: "27 Nov 2026"
    path = distribution("axolotl").locate_file(f"{FOLDER}{name}.jinja")
    return environment.from_string(path.read_text())


def rendered(name: str, messages: list[dict[str, Any]]) -> str:
    return template(name).render(messages=messages, add_generation_prompt=True, bos_token="<s>", eos_token="</s>")


# What the model said, and what was wrong with it.
TEXTS = st.text(min_size=1).filter(str.strip)
# What the model said, and what was wrong with it.
REPAIRS = st.none() | st.tuples(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
QUESTIONS = (
    outline_question(BRIEF, PASSAGES, outline_review),
    lesson_question(BRIEF, OUTLINE, OUTLINE.lessons[1], PASSAGES, review),
)


@pytest.mark.parametrize("name", [name for names in FAMILIES.values() for name in names])
@settings(max_examples=10, deadline=None)
@given(
    question=st.sampled_from(QUESTIONS),
    json_mode=st.sampled_from(["schema", "object", "prompt"]),
    repair=REPAIRS,
    passages_fit=st.booleans(),
    schema_told=st.booleans(),
)
def test_every_list_of_messages_is_taken(
    name: str, question: Any, json_mode: Any, repair: Any, passages_fit: bool, schema_told: bool
) -> None:
    config = OpenAISettings(json_mode=json_mode, context_tokens=None if passages_fit else 9000)
    able = replace(Abilities.at_first(config), schema_told=schema_told)
    exchange = []
    if repair is not None:
        said, faults = repair
        exchange = _repair_messages(Answer(said, None, None, faults), None, able)
    request = chat_request(question, exchange, None, able, config)
    # Qwen's newer templates, which the package hasn't got, want a system message at the beginning alone.
    assert role_fault(request.body) is None
    try:
        text = rendered(name, request.body["messages"])
    except jinja2.TemplateError as error:
        # A model without a system role says so, and is asked without one from then on.
        less = stepped_down(able, complaint(400, str(error)), request.body, config)
        assert less is not None and not less.system_message, error
        text = rendered(name, chat_request(question, exchange, None, less, config).body["messages"])
    assert question.prompt.text.splitlines()[0] in text
    assert "<course>" in text


@pytest.mark.parametrize("family", ["Mistral", "Gemma", "Cohere"])
@pytest.mark.parametrize("roles", [("system", "user", "user"), ("system", "user", "assistant", "system", "user")])
def test_orders_that_the_worker_once_sent_are_refused_by_models_of(family: str, roles: tuple[str, ...]) -> None:
    """So that the test above can fail."""

    def refuses(name: str) -> bool:
        try:
            rendered(name, [{"role": role, "content": "x"} for role in roles])
        except jinja2.TemplateError:
            return True
        return False

    assert any(map(refuses, FAMILIES[family]))
