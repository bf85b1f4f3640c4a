"""Quality of dithered pictures, by published measures: ``python -m bench.quality``."""
