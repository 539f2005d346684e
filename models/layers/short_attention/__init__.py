"""Attention over up to 577 tokens as Triton kernels, forward and backward.

``selection`` says when they serve and needs no Triton; all other modules import it.
"""
