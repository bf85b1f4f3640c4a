"""Throughput and cost of the whole system, compared with the engine alone."""
