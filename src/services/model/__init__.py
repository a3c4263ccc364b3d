"""The language model: its server, questions with their prompts, answers, limits, recordings."""
