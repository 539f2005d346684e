"""Training programs as commands of the accelerator, and the host's side of a step."""
