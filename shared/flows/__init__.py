"""What the product does: one file, one public function each. The listing is the table of contents; this exports nothing."""
