"""Training programs: what they are, how they run, how exponents move (needs numpy alone)."""
