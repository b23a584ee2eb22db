"""OHIF, configured for the archive that serves it. It is installed by `make viewer` and never committed."""
