"""The Dockerfile proven: built, and every service started from the image."""
