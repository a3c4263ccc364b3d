"""RabbitMQ: connections, and what is published over them."""
