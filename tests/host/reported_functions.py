"""Write to a file what Microsoft's worker reports of this app to its host, as JSON.

Run in a process of its own, for a process holds one app: `python -m tests.host.reported_functions FILE`.
"""

import asyncio
import json
import sys
from pathlib import Path

from localhost.worker import Worker


async def main() -> None:
    """Index the app and write name and bindings of every function."""
    worker = Worker(Path.cwd())
    functions = await worker.start()
    reported = {
        function.name: sorted(
            (json.loads(binding) for binding in function.raw_bindings), key=lambda one: one["name"]
        )
        for function in functions
    }
    await worker.stop()
    text = json.dumps(dict(sorted(reported.items())), indent=2, sort_keys=True)
    Path(sys.argv[1]).write_text(text + "\n")


asyncio.run(main())
