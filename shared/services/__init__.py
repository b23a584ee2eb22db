"""Composition: which adapters a deployment runs on."""
