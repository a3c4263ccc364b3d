"""What operators use: commands, health, metrics, logs, reports."""
