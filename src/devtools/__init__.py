"""Local services and the stand-in model, for developers, testers and newcomers. The worker never imports them."""
