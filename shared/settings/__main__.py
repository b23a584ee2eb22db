"""`python -m shared.settings` prints the names of all settings, with their types and defaults."""

from shared.settings.settings import PREFIX, Settings

for name, info in Settings.model_fields.items():
    print(f"{PREFIX}{name.upper()}\t{info.annotation}\t{info.default!r}")  # noqa: T201  # a command
