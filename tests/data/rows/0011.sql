-- Rows as a slice writes them at revision 0011: an event that waits for a broker.

INSERT INTO outbox (destination, routing_key, order_key, type, body)
VALUES ('event', 'learning.answered', 'enrolment-1', 'learning.answered', '{}');
