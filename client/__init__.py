"""A thin command line over the HTTP API, and the local start of everything; it imports nothing of the product."""
