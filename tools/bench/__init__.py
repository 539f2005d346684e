"""Measurements of speed, each beside something to compare it with in the same run."""
