"""The parts, consumers and duties of a worker process. Each offers `await start()` and `await stop()`."""
