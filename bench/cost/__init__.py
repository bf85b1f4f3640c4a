"""How long each method takes, compared with the engine's own estimate."""
