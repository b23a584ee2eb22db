"""Side by side in one run: this archive, and what lies beneath it. Prints ratios; nothing here passes or fails."""
