"""The accelerator's simulator, built and run on this machine: the backend ``simulation``."""
