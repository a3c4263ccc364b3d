"""Courses that are recorded, and written again from the recording with no server there."""

import asyncio
import io
import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from src.config import OpenAISettings
from src.domain.course import Failed, Finished
from src.domain.errors import ErrorCode
from src.domain.markdown import lesson_markdown
from src.domain.stored_course import StoredLesson, stored_lesson
from src.services.model import recording as model_recording
from src.services.model import server as model_server
from src.services.model.brake import ModelBrake
from src.services.model.recording import RecordingError
from src.services.model.server import ModelServer, RemoteCallsForbidden
from src.services.sources.vector_store import VectorStoreSearch
from tests.integration.test_course_generator import SAMPLES, Memory, claim, generate
from tests.stand_in import StandIn
from tests.waiting import PATIENCE, eventually

KEY = "sk-a-key-that-nobody-may-see-0123456789"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture
def gone() -> StandIn:
    """A server that was never there."""
    return StandIn()


def record(stand_in: StandIn, file: Path, **settings: Any) -> Memory:
    memory = Memory()
    outcome, _ = generate(stand_in, claim(), memory, record_to=file, api_key=KEY, **settings)
    assert outcome == Finished()
    return memory


def replay(gone: StandIn, file: Path, **settings: Any) -> Memory:
    memory = Memory()
    outcome, _ = generate(gone, claim(), memory, replay_from=file, **{"base_url": None, **settings})
    assert outcome == Finished()
    return memory


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def lessons(memory: Memory) -> list[StoredLesson]:
    return [stored_lesson(memory.lessons[number]) for number in sorted(memory.lessons)]


class TestReplay:
    def test_a_course_is_written_again_byte_for_byte_without_server_key_or_address(
        self, gone: StandIn, file: Path
    ) -> None:
        with StandIn() as stand_in:
            first = record(stand_in, file)
        second = replay(gone, file, allow_remote=False)
        assert second.outlines == first.outlines
        assert lessons(second) == lessons(first)
        assert list(map(lesson_markdown, lessons(second))) == list(map(lesson_markdown, lessons(first)))
        counted = [
            sorted(
                (call.lesson_number or 0, call.input_tokens, call.cached_tokens, call.output_tokens) for call in calls
            )
            for calls in (first.calls, second.calls)
        ]
        assert counted[0] == counted[1]

    def test_it_does_not_depend_on_the_address_of_the_server(self, gone: StandIn, file: Path) -> None:
        with StandIn() as stand_in:
            record(stand_in, file)
        replay(gone, file, base_url="https://elsewhere.example/with/another/path/v3", allow_remote=False)

    def test_equal_requests_get_their_answers_in_order_and_then_the_last_one(self, gone: StandIn, file: Path) -> None:
        with StandIn() as stand_in:
            stand_in.fault("cut_off", lesson=2)
            first = record(stand_in, file)
        server_calls = len(lines(file))
        second = replay(gone, file)
        assert len(second.calls) == len(first.calls) == server_calls == 5
        assert [call.outcome for call in second.calls if call.lesson_number == 2] == ["cut off", "ok"]
        assert lessons(second) == lessons(first)

        outline = next(line for line in lines(file) if "<lesson>" not in json.dumps(line["request"]))
        answers = [outline | {"body": json.dumps(json.loads(outline["body"]) | {"id": name})} for name in "ab"]
        file.write_text("".join(json.dumps(answer) + "\n" for answer in answers))
        assert [_asked_again(file, outline["request"]) for _ in range(2)] == [["a", "b", "b"]] * 2

    def test_of_two_lessons_that_say_the_same_the_one_that_was_answered_later_is_repaired_again(
        self, gone: StandIn, file: Path
    ) -> None:
        with StandIn() as stand_in, ThreadPoolExecutor(1) as helper:
            text = record(stand_in, file).lessons[1].text.model_dump_json()
            file.unlink()
            message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            stand_in.fault("overwrite", lesson=2, times=2, fields={"choices": [message]})
            stand_in.fault("hold", lesson=1)

            def answer_lesson_1_last() -> None:
                eventually(lambda: file.exists() and len(lines(file)) == 4, "lesson 2 is answered and repaired")
                stand_in.release()

            helping = helper.submit(answer_lesson_1_last)
            memory = Memory()
            outcome, _ = generate(stand_in, claim(), memory, record_to=file)
            helping.result()
        assert isinstance(outcome, Failed) and "lesson 1 can't be used" in outcome.message
        assert "stands in lesson 2 too [overlap]" in outcome.message
        again = Memory()
        assert generate(gone, claim(), again, replay_from=file, base_url=None)[0] == outcome
        assert lessons(again) == lessons(memory)

    def test_nobody_waits_for_answers_that_nobody_asks_for(
        self, gone: StandIn, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with StandIn() as stand_in:
            generate(stand_in, claim({"topic": "Volcanoes"}), Memory(), record_to=file)
            first = record(stand_in, file)
        monkeypatch.setattr(model_recording, "_PATIENCE", 0.01)
        assert lessons(replay(gone, file)) == lessons(first)

    def test_an_answer_that_nobody_waits_for_any_more_is_for_who_asks_again(self, gone: StandIn, file: Path) -> None:
        with StandIn() as stand_in:
            record(stand_in, file)
        first, second, *_ = lines(file)
        same = [second | {"body": json.dumps(json.loads(second["body"]) | {"id": name})} for name in "ab"]
        file.write_text("".join(json.dumps(line) + "\n" for line in (first, *same)))

        async def run() -> list[str]:
            server = ModelServer(OpenAISettings(replay_from=file))
            ask = server.client.chat.completions.create
            try:
                with pytest.raises(TimeoutError):  # what stands before it isn't asked for yet
                    await asyncio.wait_for(ask(**second["request"]), 0.1)
                await ask(**first["request"])
                return [(await ask(**second["request"])).id for _ in range(2)]
            finally:
                await server.close()

        assert asyncio.run(run()) == ["a", "b"]

    def test_searches_in_a_vector_store_are_answered_too(self, gone: StandIn, file: Path) -> None:
        with StandIn(sources=SAMPLES) as stand_in:
            found = _searched(stand_in, record_to=file)
        assert len(found) == 3
        assert [line["path"] for line in lines(file)] == ["/vector_stores/vs_1/search"]
        assert _searched(gone, replay_from=file) == found

    def test_nobody_waits_for_the_rate_limits_of_a_file(self, gone: StandIn, file: Path) -> None:
        limits = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "0.3s"}
        with StandIn() as stand_in:
            stand_in.fault("overwrite", purpose="outline", headers=limits)
            record(stand_in, file)
        (first,) = (line for line in lines(file) if len(line["headers"]) > 1)
        assert first["headers"].items() >= limits.items()
        file.write_text(file.read_text().replace("0.3s", "500s"))
        replay(gone, file)


def _asked_again(file: Path, request: dict[str, Any]) -> list[str]:
    async def run() -> list[str]:
        server = ModelServer(OpenAISettings(replay_from=file))
        try:
            return [(await server.client.chat.completions.create(**request)).id for _ in range(3)]
        finally:
            await server.close()

    return asyncio.run(run())


def _searched(stand_in: StandIn, **settings: Any) -> list[Any]:
    async def run() -> list[Any]:
        server = ModelServer(OpenAISettings(base_url=stand_in.base_url, **settings))
        try:
            return list(await VectorStoreSearch(server, "vs_1").search("cell membrane", None, 3))
        finally:
            await server.close()

    return asyncio.run(run())


class TestTheFile:
    def test_each_successful_call_is_a_line_that_says_what_was_asked_and_answered(
        self, stand_in: StandIn, file: Path
    ) -> None:
        record(stand_in, file)
        calls = lines(file)
        assert len(calls) == 4
        for call in calls:
            assert list(call) == ["method", "path", "digest", "request", "status", "headers", "body"]
            assert (call["method"], call["path"], call["status"]) == ("POST", "/chat/completions", 200)
            assert call["request"]["messages"][0]["role"] == "system"
            assert call["headers"] == {"content-type": "application/json; charset=utf-8"}
            assert json.loads(call["body"])["object"] == "chat.completion"

    def test_it_holds_no_secret_and_nothing_of_who_asked(self, stand_in: StandIn, file: Path) -> None:
        record(stand_in, file)
        text = file.read_text().lower()
        for word in (KEY, "authorization", "bearer", "organization", "user-agent", "127.0.0.1", "localhost"):
            assert word.lower() not in text
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    @pytest.mark.usefixtures("no_garbage_collection")
    def test_faults_are_not_recorded_as_answers(
        self, gone: StandIn, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_server, "_wait", lambda _: 0.0)
        monkeypatch.setattr(ModelBrake, "pause", lambda *_: None)
        with StandIn() as stand_in:
            for kind in ("429", "500", "half", "no_utf8", "deep", "no_http", "reset", "timeout"):
                stand_in.fault(kind, purpose="outline")
            first = record(stand_in, file, timeout=4)
            assert stand_in.stats()["faulted"] == 8
        assert len(lines(file)) == 4
        assert lessons(replay(gone, file)) == lessons(first)

    def test_what_all_lesson_prompts_begin_with_is_sent_byte_for_byte_the_same(
        self, stand_in: StandIn, file: Path
    ) -> None:
        record(stand_in, file)
        sent = [json.dumps(line["request"], ensure_ascii=False) for line in lines(file)]
        lessons = [text for text in sent if "<lesson>" in text]
        assert len(lessons) == 3
        shared = lessons[0].index("</course>")  # instructions and the whole course
        assert len({text[:shared] for text in lessons}) == 1

    def test_a_file_is_appended_to(self, stand_in: StandIn, file: Path) -> None:
        record(stand_in, file)
        record(stand_in, file)
        assert len(lines(file)) == 8

    def test_what_is_written_side_by_side_stays_in_whole_lines(self, stand_in: StandIn, file: Path) -> None:
        async def ask(server: ModelServer, length: int) -> None:
            message: Any = {"role": "user", "content": "x" * length}
            await server.client.chat.completions.create(model="m", messages=[message])

        async def run() -> None:
            config = OpenAISettings(base_url=stand_in.base_url, record_to=file)
            servers = [ModelServer(config) for _ in range(3)]
            await asyncio.gather(*(ask(server, size) for server in servers for size in range(0, 200_000, 20_000)))
            for server in servers:
                await server.close()

        asyncio.run(run())
        assert sorted(len(line["request"]["messages"][0]["content"]) for line in lines(file)) == sorted(
            [*range(0, 200_000, 20_000)] * 3
        )

    def test_a_full_disk_ends_the_recording_and_not_the_course(
        self, stand_in: StandIn, capfd: pytest.CaptureFixture[str]
    ) -> None:
        record(stand_in, Path("/dev/full"))
        assert capfd.readouterr().out.count("recording_failed") == 1


def test_the_event_loop_never_waits_for_the_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    class Noted(io.FileIO):
        def write(self, data: Any) -> int:
            threads.append(threading.get_ident())
            return super().write(data)

    monkeypatch.setattr(model_recording, "FileIO", Noted)
    with StandIn() as stand_in:
        record(stand_in, file)
    assert len(threads) == len(lines(file)) > 0
    assert threading.get_ident() not in threads


def test_an_answer_that_nobody_waits_for_any_longer_is_recorded_before_the_file_is_closed(
    stand_in: StandIn, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been paid for, and a recording with a hole is of no use."""
    writing, go_on = threading.Event(), threading.Event()

    class Slow(io.FileIO):
        def write(self, data: Any) -> int:
            writing.set()
            assert go_on.wait(PATIENCE)
            return super().write(data)

    monkeypatch.setattr(model_recording, "FileIO", Slow)

    async def run() -> None:
        server = ModelServer(OpenAISettings(base_url=stand_in.base_url, record_to=file))

        async def ask(text: str) -> None:
            message: Any = {"role": "user", "content": text}
            await server.client.chat.completions.create(model="m", messages=[message])

        asking = [asyncio.create_task(ask("first"))]
        await asyncio.to_thread(writing.wait, PATIENCE)
        asking.append(asyncio.create_task(ask("second")))
        transport = cast(Any, server.client)._client._transport
        await asyncio.to_thread(eventually, lambda: len(transport._records) == 2, "the second waits for its turn")
        for call in asking:
            call.cancel()
        await asyncio.wait(asking)
        closing = asyncio.create_task(server.close())
        await asyncio.sleep(0)
        go_on.set()
        await closing

    asyncio.run(run())
    assert [line["request"]["messages"][0]["content"] for line in lines(file)] == ["first", "second"]


class TestFaults:
    @pytest.mark.parametrize(
        ("change", "named"),
        [({"model": "another-model"}, "of the model another-model"), ({"json_mode": "object"}, "gpt-6-luna")],
    )
    def test_what_was_not_recorded_fails_the_course_at_once_and_says_what_to_do(
        self, gone: StandIn, file: Path, change: dict[str, Any], named: str
    ) -> None:
        with StandIn() as stand_in:
            record(stand_in, file)
        outcome, _ = generate(gone, claim(), Memory(), replay_from=file, base_url=None, **change)
        assert isinstance(outcome, Failed) and outcome.code is ErrorCode.MODEL_REFUSED
        assert outcome.message.startswith("OPENAI_REPLAY_FROM has no answer to this POST /chat/completions")
        assert named in outcome.message
        assert "the models in the file: gpt-6-luna" in outcome.message
        assert outcome.message.endswith("or record the course again")

    @pytest.mark.usefixtures("no_garbage_collection")
    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("", "is empty: nothing was recorded"),
            ("{GOOD}\nnot json\n", "line 2 of .* is no recorded call; record the course again"),
            ("{}\n", "line 1 of .* is no recorded call"),
            ("[" * 100_000, "line 1 of .* is no recorded call"),
            ('{GOOD}\n{"method": "POST", "path": "/cha', "line 2 of .* is no recorded call"),
        ],
        ids=["empty", "no JSON", "no record", "deep", "half a line"],
    )
    def test_a_file_that_is_no_recording_is_told_at_the_start(self, file: Path, text: str, fault: str) -> None:
        good: dict[str, Any] = {
            "method": "GET",
            "path": "/models",
            "digest": "d",
            "request": None,
            "status": 200,
            "headers": {},
        }
        file.write_text(text.replace("{GOOD}", json.dumps(good | {"body": "{}"})))
        with pytest.raises(RecordingError, match=f"^OPENAI_REPLAY_FROM: .*{fault}"):
            ModelServer(OpenAISettings(replay_from=file))

    @pytest.mark.parametrize("name", ["no/such/folder/calls.jsonl", "."])
    def test_a_file_that_can_not_be_written_is_told_at_the_start(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(RecordingError, match=r"^OPENAI_RECORD_TO: .* can't be written: (No such file|Is a dir)"):
            ModelServer(OpenAISettings(base_url="http://127.0.0.1:1", record_to=tmp_path / name))

    def test_recording_is_no_way_around_the_ban_on_other_machines(self, file: Path) -> None:
        with pytest.raises(RemoteCallsForbidden, match="OPENAI_ALLOW_REMOTE is off"):
            ModelServer(OpenAISettings(api_key=KEY, record_to=file, allow_remote=False))
        assert not file.exists()
