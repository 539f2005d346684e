"""Example level.

``method``, ``selector``, ``statistics`` and ``ranking`` are shared; the other modules are methods.
"""
