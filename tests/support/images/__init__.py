"""Test the Dockerfile: build it, and start every service from the image."""
