"""Prints the requests on the dead queue, each with the reason, and leaves them there.

    python examples/read_rejected.py

The broker is taken from RABBITMQ_HOST, RABBITMQ_PORT, RABBITMQ_USERNAME, RABBITMQ_PASSWORD and RABBITMQ_VHOST.
"""

import os

import pika

DEAD_QUEUE = "course.generation.dead"


def main() -> None:
    """Prints each message without acknowledging it: when the connection is closed, all of them are back."""
    connection = pika.BlockingConnection(
        pika.ConnectionParameters(
            host=os.environ.get("RABBITMQ_HOST", "localhost"),
            port=int(os.environ.get("RABBITMQ_PORT", "5672")),
            virtual_host=os.environ.get("RABBITMQ_VHOST", "/"),
            credentials=pika.PlainCredentials(
                os.environ.get("RABBITMQ_USERNAME", "guest"), os.environ.get("RABBITMQ_PASSWORD", "guest")
            ),
        )
    )
    channel = connection.channel()
    while True:
        method, properties, body = channel.basic_get(DEAD_QUEUE)
        if method is None or properties is None or body is None:
            break
        headers = properties.headers or {}
        print(headers.get("x-error-code"), headers.get("x-error-reason"), properties.correlation_id, body[:1000])
    connection.close()


if __name__ == "__main__":
    main()
