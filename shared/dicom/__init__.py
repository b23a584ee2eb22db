"""What the standard says. Pure: no I/O but the fetch function it is handed."""
