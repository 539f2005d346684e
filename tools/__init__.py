"""The ``trivit`` command, the compiler to accelerator programs, estimates and reports."""
