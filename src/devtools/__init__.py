"""What developers, testers and newcomers use: local services and the stand-in model. The worker never imports it."""
