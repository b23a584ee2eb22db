"""What a file may tell of its patient: where, of which kind, how grave. Never a value of it."""
