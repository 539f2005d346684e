"""Compressed images to pixels, with numpy and Pillow alone: processes that decode load no torch."""
