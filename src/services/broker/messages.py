"""Maps a message to what the broker gets: an exchange, a routing key and properties."""

from typing import assert_never

from src.config import RabbitMQSettings
from src.domain.message import Message, is_short
from src.services.broker.publisher import Publication


def publication(message: Message, config: RabbitMQSettings) -> Publication:
    """Returns what is published for `message`: its exchange, routing key and properties."""
    match message.destination:
        case "status":
            exchange, routing_key = config.exchange, config.route_status
        case "reply":
            exchange, routing_key = "", message.routing_key or ""
        case "dead":
            exchange, routing_key = "", config.queue_dead
        case "event":
            exchange, routing_key = config.exchange, message.routing_key or ""
        case _:
            assert_never(message.destination)
    return Publication(
        exchange=exchange,
        routing_key=routing_key,
        body=message.body,
        type=message.type,
        # The body of a rejected request may be anything.
        content_type="application/octet-stream" if message.destination == "dead" else "application/json",
        message_id=str(message.message_id),
        # Of a plain INSERT it may be of any length. The body has it whole.
        correlation_id=message.correlation_id if is_short(message.correlation_id) else None,
        headers=message.headers,
        mandatory=not message.is_direct_reply,
    )
