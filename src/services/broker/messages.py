"""Maps the destination of a message to an exchange and a routing key of the broker."""

from typing import assert_never

from src.config import RabbitMQSettings
from src.domain.message import Message
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
        correlation_id=message.correlation_id,
        headers=message.headers,
    )
