"""One call through the gateway, compared with the engine alone."""
