"""Things that run: take work and hand it on. Each has the same shape: `await start()`, `await stop()`."""
