"""Asks for a course and follows it on a queue of its own: progress, then the result as a reply.

    python examples/follow_course.py "Cell Biology"

Nothing is taken from the status queue. The broker is taken from RABBITMQ_HOST, RABBITMQ_PORT, RABBITMQ_USERNAME,
RABBITMQ_PASSWORD and RABBITMQ_VHOST. The exit code is 1 if the course fails.
"""

import json
import os
import sys
from uuid import uuid4

import pika

EXCHANGE, REQUESTS, PROGRESS = "course.exchange", "course.generate", "course.progress"
USER = "7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11"


def main(topic: str) -> int:
    """Asks for the course and prints its progress and result. Returns the exit code."""
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
    channel.confirm_delivery()
    # The queue goes with this connection. To get a reply after a restart of yours, declare a durable queue with a name.
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, EXCHANGE, PROGRESS)  # the progress of everybody's courses

    request = {"request_id": str(uuid4()), "user_id": USER, "topic": topic, "num_lessons": 2}
    properties = pika.BasicProperties(delivery_mode=2, reply_to=queue, correlation_id="mine")
    channel.basic_publish(EXCHANGE, REQUESTS, json.dumps(request).encode(), properties, mandatory=True)

    for _method, received, body in channel.consume(queue, auto_ack=True):
        message = json.loads(body)
        if received.correlation_id == "mine":
            print(message["status"], message["message"], message.get("output_path"))
            connection.close()
            return 0 if message["status"] == "success" else 1
        if message["request_id"] == request["request_id"]:
            print(message["lessons_done"], "of", message["total_lessons"], message["message"])
    raise ConnectionError("the broker cancelled the subscription")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or ["Cell Biology"]))
