"""Signed HTTP requests to Azure Storage, without the SDK's pipeline: that costs five times what the request does."""
