"""Every setting, by area."""
