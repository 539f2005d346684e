"""Measurements behind decisions; each is a module that anyone can run (`python -m`)."""
