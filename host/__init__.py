"""Runtime that loads program bundles and drives the accelerator or its stand-ins (numpy only)."""
