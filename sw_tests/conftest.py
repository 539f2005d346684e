"""Counts the seconds of each group of tests."""

from time_shares import pytest_configure

__all__ = ["pytest_configure"]
