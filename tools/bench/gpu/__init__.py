"""What only a GPU can answer, in one go on a bare machine, within the minutes that there are."""
