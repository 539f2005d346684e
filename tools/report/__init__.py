"""What people read: tables, progress bars, pictures and the description of a machine."""
