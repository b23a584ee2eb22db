"""Who provides what the ports ask for: one SDK, one file or folder."""
