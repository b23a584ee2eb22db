"""`python -m bench.profiled FILE MODULE ARGUMENT...` runs a module and samples where its CPU time goes.

The kernel interrupts the process each few milliseconds of CPU time, waiting not counted, and the main thread's stack is
noted. On SIGUSR1 the counts go to FILE and begin anew. Next to nothing is added to what the module costs.
"""

import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

_INTERVAL = 0.002
_SHOWN = 40
_LONGEST_NAME = 90
_PROJECT = f"{Path(__file__).parent.parent}/"
_PACKAGES = "/site-packages/"


class Sampler:
    """Counts what is found on the stack, in four ways."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._samples = 0
        self._counts = _no_counts()

    def start(self) -> None:
        """Begin to count; only the main thread may do this."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, self._write)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        self._samples += 1
        stack = []
        while frame is not None:
            stack.append((frame.f_code.co_filename, frame.f_code.co_qualname))
            frame = frame.f_back
        by_package, by_project, alone, with_callees = self._counts.values()
        by_package[_package(stack[0][0]), ""] += 1
        by_project[next((one for one in stack if _is_projects(one[0])), ("none of them", ""))] += 1
        alone[stack[0]] += 1
        with_callees.update(set(stack))

    def _write(self, _number: int, _frame: FrameType | None) -> None:
        # The other signal comes in the midst of this too, and counts into what is new.
        samples, counts = self._samples, self._counts
        self._samples, self._counts = 0, _no_counts()
        lines = [f"{samples} samples of CPU time"]
        for title, counter in counts.items():
            lines.append(f"\n{title}")
            lines += [
                f"{100 * count / samples:6.1f} %  {_short(*name)}"
                for name, count in counter.most_common(_SHOWN * 2)
                if count < samples
            ][:_SHOWN]
        partial = self._file.with_suffix(".partial")
        partial.write_text("\n".join(lines) + "\n")
        partial.rename(self._file)


def _no_counts() -> dict[str, Counter[tuple[str, str]]]:
    return {
        "by package": Counter(),
        "by the project's function that was at work or had called what was": Counter(),
        "functions alone": Counter(),
        "functions with what they call": Counter(),
    }


def _is_projects(file: str) -> bool:
    """Tell whether a file is the project's; what only starts the event loop does not count."""
    starts = file.endswith(("/profiled.py", "/__main__.py"))
    return file.startswith(_PROJECT) and _PACKAGES not in file and not starts


def _package(file: str) -> str:
    if _PACKAGES in file:
        parts = file.rpartition(_PACKAGES)[2].split("/")
        return "/".join(parts[:2]) if parts[0] == "azure" else parts[0]
    if _is_projects(file):
        return file.removeprefix(_PROJECT).partition("/")[0]
    return "Python's own"


def _short(file: str, name: str) -> str:
    for folder in (_PACKAGES, _PROJECT, f"{sys.base_prefix}/"):
        file = file.rpartition(folder)[2]
    return f"{file}:{name}".rstrip(":")[-_LONGEST_NAME:]


if __name__ == "__main__":
    Sampler(Path(sys.argv[1])).start()
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
