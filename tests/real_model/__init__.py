"""A real model on this machine: llama.cpp's own HTTP server with a small one, both from the package index."""
