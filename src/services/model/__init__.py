"""The language model: questions and their prompts, answers, the server and its errors, limits, and recordings."""
