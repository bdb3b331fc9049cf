"""Writes the reference pages in docs/reference/ from the code: command line, configuration, metrics and events.

`make references` writes them; `tests/test_documents.py` fails where a committed page differs from what the code gives.
"""
