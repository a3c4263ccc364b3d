"""Things operators use: commands, health, local services, the stand-in model."""
