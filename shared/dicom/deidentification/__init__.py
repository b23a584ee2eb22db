"""Rewrite headers so that they no longer name their patient, as PS3.15 Annex E has it. Pure: it reads and writes no store."""
