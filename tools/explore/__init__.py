"""Search of kernel descriptions for a model within the limits of a part (`trivit explore`)."""
