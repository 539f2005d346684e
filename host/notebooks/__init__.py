"""Notebooks for a board; ``pynq get-notebooks trivit`` copies this folder's."""
