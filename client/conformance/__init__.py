"""Checks of a DICOMweb service over HTTP, whichever it is. Imports nothing of the product."""
