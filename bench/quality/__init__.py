"""How good dithered pictures are, by measures that others publish: ``python -m bench.quality``."""
