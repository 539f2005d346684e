"""What ``trivit-board demo`` is made of: images, their classes and kept tokens, where they go."""
