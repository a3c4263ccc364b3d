"""The course generation worker: the command line and its exit codes.

`python app.py` serves until it is told to stop; `python app.py --help` lists the other commands.
"""

import asyncio
import gc
import itertools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from types import FrameType

import structlog
import typer

from src.config import COURSES, Settings, exposed_secrets, ignored_settings, known_secrets
from src.domain.errors import OperatorError, StartError, TwinFound
from src.domain.redaction import Redactor
from src.operations.commands import commands
from src.operations.logs import configure_logging
from src.operations.metrics import Metrics
from src.operations.terminal import say
from src.services.crash_points import arm
from src.services.part import Engine, Part, load_slice

_log = structlog.get_logger("app")


def _end_as_twin(error: TwinFound) -> None:
    # At once, and nothing is handed back or taken off the list: it all belongs to the other process as well.
    _log.critical(str(error), action="twin_found")
    sys.stdout.flush()
    say(str(error), err=True)
    os._exit(error.exit_code)


async def _serve(
    settings: Settings, redact: Redactor, metrics: Metrics, slices: Sequence[Callable[[Engine], Part]]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = itertools.count()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        # It only sets a flag. A second signal means that somebody doesn't want to wait for an orderly stop.
        if next(signals) > 0:
            os._exit(128 + number)
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)

    # Imported here, as they take longer to load than most commands take to run. Nothing of it is garbage, and to look
    # for some would take a tenth of the start.
    gc.disable()
    from src.operations.health import HealthServer
    from src.worker import Worker

    gc.enable()

    worker = Worker(settings, redact, slices, _end_as_twin)

    async def metrics_page() -> bytes:
        return metrics.page(worker.readiness(), await worker.gauges(), worker.gauge_descriptions)

    health = (
        HealthServer(settings.health_host, settings.health_port, worker.readiness, metrics_page)
        if settings.health_port
        else None
    )
    if health is not None:
        try:
            await health.start()
        except OSError as error:
            await worker.close()
            raise StartError(
                f"HEALTH_PORT: can't listen on port {settings.health_port} of {settings.health_host}:"
                f" {os.strerror(error.errno or 0)}; set another one, or none, or HEALTH_HOST"
            ) from error
    starting = asyncio.create_task(worker.start())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        try:
            starting.result()
            await stopped
        finally:  # also if a part could not be started: the others hand back what they have begun
            await worker.stop()
    else:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await worker.stop()
    if health is not None:
        await health.stop()


@commands.callback(invoke_without_command=True)
def run(context: typer.Context) -> None:
    """Without a command: serve requests until SIGTERM or SIGINT."""
    if context.invoked_subcommand is not None:
        configure_logging(Redactor(known_secrets()), Metrics())
        return
    settings = Settings()
    slices = [load_slice(role) for role in sorted(settings.roles - {COURSES})]
    own_settings = [each.read_settings() for each in slices]
    redact = Redactor([*settings.secrets, *(secret for own in own_settings for secret in own.secrets)])
    metrics = Metrics()
    configure_logging(redact, metrics, settings.log_level, settings.log_format)
    for name, instead in ignored_settings().items():
        _log.warning("a setting of an earlier version is ignored", action="setting_ignored", setting=name, do=instead)
    if exposed := exposed_secrets():
        _log.warning(
            "every user of this machine can read secrets in .env",
            action="secrets_exposed",
            settings=exposed,
            do="chmod 600 .env",
        )
    arm(os.environ.get("CRASH_AT", ""))
    parts = [partial(each.part, own) for each, own in zip(slices, own_settings, strict=True)]
    asyncio.run(_serve(settings, redact, metrics, parts))


def main() -> None:
    """Runs the command line. An `OperatorError` ends it with a line for each fault and the error's exit code."""
    devtools = find_spec("src.devtools")
    if devtools is not None and devtools.origin is not None:  # the container image has none
        from src.devtools.commands import add_to

        add_to(commands)
    try:
        commands()
    except OperatorError as error:
        say(*error.lines(), err=True)
        sys.exit(error.exit_code)
    except Exception:
        say(*traceback.format_exc().splitlines(), err=True)  # what is at fault may have put anything into its error
        sys.exit(1)


if __name__ == "__main__":
    main()
