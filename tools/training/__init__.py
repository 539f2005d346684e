"""Derives training programs from compiled models, and runs them."""
