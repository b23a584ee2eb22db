"""Triggers: parse what came, call one flow, answer. Nothing is decided here."""
