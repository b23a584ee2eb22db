"""Pixels: frames decoded, rendered and encoded. It reads no store; numpy and codecs are imported where they are used."""
