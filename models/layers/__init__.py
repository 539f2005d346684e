"""Parts that model families share: attention, blocks, embeddings, the selector, positions."""
