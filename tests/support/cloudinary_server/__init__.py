"""A server that speaks Cloudinary's upload and destroy calls, for the real SDK to talk to.

It checks signatures as Cloudinary does, keeps the files in memory, serves them, counts the calls
by kind, and fails on request. In a test: `with CloudinaryServer() as server`. As a process:
`python -m tests.support.cloudinary_server --port N`, controlled by `POST /_control` with
`{"fail": {"mode": "500", "count": 3, "kinds": ["upload"]}}` or `{"recover": true}`;
`GET /_control` returns `{"calls": {…}, "public_ids": […]}`.
"""

from tests.support.cloudinary_server.server import CloudinaryServer

__all__ = ["CloudinaryServer"]
