"""Every performance claim, measured here and now: `python -m benchmarks [NAME ...]`.

A claim is a module in this folder with a `run()` that returns the rows of its table. The exit
status is 1 if one of them was measured and missed.
"""

import importlib
import pkgutil
import sys
import time

import benchmarks
from benchmarks.measure import table


def main(wanted: list[str]) -> int:
    """Run the modules named, or all of them, and print their tables."""
    names = [
        module.name
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if not module.name.startswith("_")
    ]
    if unknown := set(wanted) - set(names):
        print(
            f"there is no benchmark {sorted(unknown)[0]!r}; choose from {', '.join(names)}",
            file=sys.stderr,
        )
        return 2
    missed = False
    for name in wanted or names:
        module = importlib.import_module(f"benchmarks.{name}")
        if not hasattr(module, "run"):
            continue
        start = time.perf_counter()
        results = module.run()
        missed |= any(result.verdict == "OVER" for result in results)
        title = (module.__doc__ or name).splitlines()[0]
        print(
            f"\n{name}: {title}  [{time.perf_counter() - start:.0f} s]\n{table(results)}",
            flush=True,
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
