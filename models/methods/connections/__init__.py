"""Attention level: ``patterns`` and ``masks`` are shared; every other module is one pattern."""
