"""The parts, consumers and duties of a worker process. Each is run by `await start()` and `await stop()`."""
