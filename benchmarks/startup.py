"""How long `corpus --help` takes against importing rich and tyro, the floor of a typed command
line; below or near 1 is good."""

import json
import subprocess
import sys
import time

REPEATS = 15


def seconds(arguments: list[str]) -> float:
    """Return the wall-clock seconds of one Python process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Alternate between both sides, after one run each that warms the file cache, and keep the
    best."""
    commands = {
        "help": ["-m", "corpus", "--help"],
        "floor": ["-c", "import rich.console, tyro"],
        "run": ["-m", "corpus", "run", "cpu", "--help"],
        "torch": ["-c", "import torch"],
    }
    best = {name: seconds(arguments) for name, arguments in commands.items()}
    for _ in range(REPEATS):
        for name in ("help", "floor", "run"):
            best[name] = min(best[name], seconds(commands[name]))
    print(f"corpus --help        {best['help']:.3f} s")
    print(f"import rich, tyro    {best['floor']:.3f} s   (the peer)")
    print(f"corpus run --help    {best['run']:.3f} s   (every setting of a recipe as a flag)")
    print(f"import torch         {best['torch']:.3f} s   (what --help does not do; one run)")
    result = {
        "name": "startup",
        "ratio": round(best["help"] / best["floor"], 3),
        "help_seconds": round(best["help"], 4),
        "peer_seconds": round(best["floor"], 4),
        "run_help_seconds": round(best["run"], 4),
        "torch_seconds": round(best["torch"], 4),
        "repeats": REPEATS,
        "threads": 1,
        "batch": 1,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
