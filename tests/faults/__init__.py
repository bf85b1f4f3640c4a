"""Fault injection: whatever fails, nothing that a client was promised may be lost or doubled.

The files:

* ``ledger.py``: what clients were promised (201, 202, 204), and every answer that broke a rule.
* ``clients.py``: clients that upload, request dithers and delete, and record the promises.
* ``world.py``: the whole system on a real Kafka, a real Postgres, the real Cloudinary SDK against
  a test server, and an SMTP server.
* ``audit.py``: compares the ledger with databases, storage, topics and mailbox.
* ``telemetry.py``: compares what the services report in ``/health`` and in ``/metrics``.
* ``scale.py``: the amounts of work: the short form (part of ``make test``), ``FAULTS=full`` or
  ``LONG=1``; and ``SEED``, the seed of every random choice.
* ``test_*.py``: the tests, one file for each row of the table or for a few of them.
* ``table.py`` and ``__main__.py``: ``python -m tests.faults`` (``make test-faults``) runs all
  rows, also those that are tests of the library in ``tests/integration``, prints the table with
  the measured values, and exits non-zero on any miss.

``docs/reliability.md`` shows the table of the last run.
"""
