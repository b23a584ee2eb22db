"""Setting a few attributes of a file to given texts, and leaving all else of it as it is."""
