"""A real S3 server (S3Proxy, from Maven): it checks signatures and keeps objects as files."""

from tests.support.s3_server.server import S3Server

__all__ = ["S3Server"]
