"""Serves the model until it is ended: `python serve.py LIBRARY MODEL PORT CONTEXT_TOKENS`."""

import signal
import sys

sys.path.insert(0, sys.argv[1])

import xllamacpp  # type: ignore[import-not-found]

parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[2]
parameters.hostnames = ["127.0.0.1"]
parameters.port = int(sys.argv[3])
parameters.n_ctx = int(sys.argv[4])
parameters.n_parallel = 1
parameters.use_jinja = True
server = xllamacpp.Server(parameters)
print("listening", flush=True)
signal.pause()
