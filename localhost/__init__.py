"""Run any Python Azure Functions app on one machine, without Core Tools; it is not Core Tools and deploys nothing.

`python -m localhost --app DIR --port 7071` serves the app of DIR; `--help` says the rest, and what it does not prove.
"""
