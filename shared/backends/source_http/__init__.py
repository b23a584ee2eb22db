"""HTTP to archives that are imported from: credentials, limits, retries, and which addresses are never asked."""
