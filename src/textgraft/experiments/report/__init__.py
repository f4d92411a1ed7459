"""Findings as one HTML file that needs nothing else: no network, no script.

``evaluation`` gathers what is said of a classifier, ``origin`` where it comes from, ``charts`` what is drawn,
and ``page`` makes the file from templates. Another report is a record, a template that extends
``base.html.j2``, and the macros of ``macros.html.j2``.
"""
