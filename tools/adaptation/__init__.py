"""What training on the device is for: a model meets a shifted domain, and learns it from a few."""
