"""What tests do to the broker."""

from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.devtools.local_service import LocalServiceError
from tests.waiting import eventually


def close_every_connection(rabbitmq: LocalRabbitMQ, *options: str) -> None:
    """Closes what is open from the broker's side, as an operator would; `options` are those of `rabbitmqctl`.

    The command ends with `noproc` at the first connection that has ended since it made its list, and leaves the rest.
    """

    def close() -> bool:
        try:
            rabbitmq.control("close_all_user_connections", "course", "on purpose", *options)
        except LocalServiceError as error:
            if ":noproc" not in str(error):
                raise
            return False
        return True

    eventually(close, "no connection ends by itself while all are closed")
