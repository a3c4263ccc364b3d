"""PostgreSQL: courses, the queue, the outbox and the library, one transaction a call."""
