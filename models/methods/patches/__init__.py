"""Patch sampling schedules (PSS): ``schedule`` and ``orders`` are shared by the schedules."""
