"""Asks for a course, then prints the status messages until its result: what an upstream service does.

    python examples/request_course.py "Cell Biology"

The broker is taken from RABBITMQ_HOST, RABBITMQ_PORT, RABBITMQ_USERNAME, RABBITMQ_PASSWORD and RABBITMQ_VHOST.
The exit code is 1 if the course fails. Every message of the status queue is taken and printed, whoever asked for it:
run it only where no other service reads that queue.
"""

import json
import os
import sys
from uuid import uuid4

import pika

EXCHANGE, REQUESTS, STATUS_QUEUE = "course.exchange", "course.generate", "course.status.queue"
USER = "7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11"


def main(topic: str) -> int:
    """Asks for the course and prints status messages until its result. Returns the exit code."""
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
    channel.confirm_delivery()  # from here on, basic_publish returns when the broker has the message

    # An id of your own makes it safe to send the request again, for as long as you are in doubt.
    request = {"request_id": str(uuid4()), "user_id": USER, "topic": topic, "num_lessons": 2}
    persistent = pika.BasicProperties(delivery_mode=2)  # outlives a restart of the broker
    # With `mandatory`, it raises UnroutableError if no queue takes it, instead of losing it.
    channel.basic_publish(EXCHANGE, REQUESTS, json.dumps(request).encode(), persistent, mandatory=True)
    print("asked for", request["request_id"])

    seen: set[str | None] = set()
    for method, properties, body in channel.consume(STATUS_QUEUE):
        message = json.loads(body)
        if properties.message_id not in seen:  # a message may come more than once
            seen.add(properties.message_id)
            print(json.dumps(message))
        assert method.delivery_tag is not None  # pika's types allow None, but the broker numbers all it delivers
        channel.basic_ack(method.delivery_tag)  # only after the message is dealt with
        if message["request_id"] == request["request_id"] and message["status"] != "processing":
            connection.close()
            return 0 if message["status"] == "success" else 1
    raise ConnectionError("the broker cancelled the subscription")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or ["Cell Biology"]))
