"""Things are broken on purpose, and nothing that a client was promised may be lost or doubled.

How it is laid out:

* ``ledger.py``: what clients were promised (201, 202, 204), and every answer that broke a rule.
* ``clients.py``: clients that upload, ask for dithers and delete, and write down the promises.
* ``world.py``: the whole system on a real Kafka, a real Postgres, the real Cloudinary SDK against
  a test server, and an SMTP server.
* ``audit.py``: the ledger held against databases, storage, topics and mailbox.
* ``telemetry.py``: what the services tell of themselves, held against itself.
* ``scale.py``: how much of everything: the short form, part of ``make test``, ``FAULTS=full`` or
  ``LONG=1``; and ``SEED``, from which every choice is drawn.
* ``test_*.py``: a file for each row of the table, each with the fault that it is about.
* ``table.py`` and ``__main__.py``: ``python -m tests.faults`` (``make test-faults``) runs all
  rows, also those that are tests of the library in ``tests/integration``, prints the table with
  what was measured, and exits non-zero on any miss.

``docs/reliability.md`` shows the table as it was measured last.
"""
