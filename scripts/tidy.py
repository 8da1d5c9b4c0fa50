#!/usr/bin/env python3
"""Runs clang-tidy over the translation units of a build, several at once.

A unit is a file, or the several that the build compiles together (PATCHBENCH_UNITY), whose headers are then read once.
A unit that passed is not looked at again until something that could change the verdict does: its preprocessed text
(comments included, because of NOLINT), its command, the configuration, or clang-tidy itself.

    scripts/tidy.py --build=build/tidy [--only=sources|tests] [--deep] [--jobs=N] [--fresh] [--seconds=N]
                    [PART_OF_A_PATH...]

With --seconds the units whose sources or headers were committed last come first, and those that are not begun by then
are counted at the end.

Exit code 0: clean, 1: findings, 2: bad usage.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

# States of a function that the analyzer goes through, instead of 225,000. On this code that is a third of the time.
FEWER_STATES = [f"--extra-arg={word}" for word in
                ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=20000")]
ROOT = pathlib.Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help="has compile_commands.json")
    parser.add_argument("--only", choices=["sources", "tests"], help="one of the two; without it both")
    parser.add_argument("--deep", action="store_true", help="the analyzer follows a function as far as it can")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--seconds", type=float, help="no unit is begun later than that")
    parser.add_argument("parts", nargs="*", help="only units whose path contains one of these")
    return parser.parse_args()


INCLUDED = re.compile(r'^#include "(/.*)"$', re.M)


def is_test(entry):
    return all(name.endswith("_test.cpp") for name in entry["sources"])


def sources_of(file, build):
    """Those of this project that `file` is, or that CMake made it of; none where it is a build's own."""
    path = pathlib.Path(file)
    if path.parent.name == "Unity" and path.is_file():
        return INCLUDED.findall(path.read_text())
    ours = path.is_relative_to(ROOT) and not path.is_relative_to(build.resolve())
    return [file] if ours else []


def units(build, only, parts):
    """The build's entries for sources of this project."""
    database = build / "compile_commands.json"
    if not database.is_file():
        sys.exit(f"tidy.py: {database} does not exist; configure that build first")
    entries = json.loads(database.read_text())
    ours = {}
    for entry in entries:
        sources = sources_of(entry["file"], build)
        # Several targets, layouts of one program among them, may compile the same sources.
        if sources:
            ours[tuple(sources)] = entry | {"sources": sources}
    return [e for _, e in sorted(ours.items())
            if (only is None or is_test(e) == (only == "tests"))
            and (not parts or any(p in name for p in parts for name in e["sources"]))]


def newest_first(entries):
    """By the last commit that touched a unit's sources or the headers of their names."""
    log = subprocess.run(["git", "log", "--format=@%ct", "--name-only"], cwd=ROOT, check=True, capture_output=True,
                         text=True).stdout
    changed, when = {}, 0
    for line in log.splitlines():
        if line.startswith("@"):
            when = int(line[1:])
        elif line:
            changed.setdefault(os.path.splitext(line)[0], when)
    return sorted(entries, reverse=True, key=lambda entry: max(
        changed.get(os.path.splitext(os.path.relpath(source, ROOT))[0], 0) for source in entry["sources"]))


def preprocess_command(entry):
    """The entry's command, changed to write its preprocessed text with comments."""
    words = shlex.split(entry["command"])
    if os.path.basename(words[0]) == "ccache":
        del words[0]
    words[words.index("-o") + 1] = "-"
    words[words.index("-c")] = "-E"
    return words + ["-C"]  # not -CC: comments in macros break Boost.MPL's computed includes


def fingerprint(entry, salt):
    text = subprocess.run(preprocess_command(entry), cwd=entry["directory"], check=True,
                          capture_output=True).stdout
    return hashlib.sha256(salt + entry["command"].encode() + text).hexdigest()


def options(entry, deep):
    # The analyzer follows every path through Catch2's macros: minutes a file, and no finding that a test run has not.
    together = [f"--header-filter={ROOT}/(strategies|workloads|harness|analysis|results)/.*"]
    left_out = ["-bugprone-suspicious-include"] if entry["file"] not in entry["sources"] else []  # it has no others
    if is_test(entry):
        left_out.append("-clang-analyzer-*")
    together += [f"--checks={','.join(left_out)}"] if left_out else []
    return together if deep or is_test(entry) else together + FEWER_STATES


def check(entry, build, memory, salt, deep):
    """Returns (passed, known from before, clang-tidy's output)."""
    try:
        mark = memory / fingerprint(entry, salt + str(options(entry, deep)).encode())
    except subprocess.CalledProcessError as error:
        return False, False, error.stderr.decode(errors="replace")
    if mark.exists():
        return True, True, ""
    run = subprocess.run(["clang-tidy", "-p", build, "--quiet", *options(entry, deep), entry["file"]], cwd=ROOT,
                         capture_output=True, text=True)
    if run.returncode == 0:
        mark.touch()
        return True, False, ""
    return False, False, run.stdout or run.stderr  # stderr counts what was suppressed


def main():
    chosen = arguments()
    build = chosen.build.resolve()
    memory = build / "tidy"
    memory.mkdir(parents=True, exist_ok=True)
    if chosen.fresh:
        for mark in memory.iterdir():
            mark.unlink()
    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True).stdout
    salt = version + (ROOT / ".clang-tidy").read_bytes()
    entries = units(build, chosen.only, chosen.parts)
    if not entries:
        sys.exit("tidy.py: no translation unit matches")
    if chosen.seconds is not None:
        entries = newest_first(entries)
    last_begin = time.monotonic() + (chosen.seconds if chosen.seconds is not None else float("inf"))

    def check_in_time(entry):
        return check(entry, build, memory, salt, chosen.deep) if time.monotonic() < last_begin else None

    failed = known = not_reached = 0
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        for entry, checked in zip(entries, pool.map(check_in_time, entries)):
            if checked is None:
                not_reached += 1
                continue
            passed, from_before, output = checked
            name = " ".join(os.path.relpath(source, ROOT) for source in entry["sources"])
            known += from_before
            if not from_before:
                print(f"{'ok    ' if passed else 'FAILED'} {name}\n{output}".rstrip(), flush=True)
            if not passed:
                failed += 1
                print(f"again: scripts/tidy.py --build={chosen.build} {name}", flush=True)
    late = f", {not_reached} not reached in {chosen.seconds:g} s" if not_reached else ""
    print(f"clang-tidy: {len(entries)} units, {failed} with findings, {known} unchanged since they passed{late}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
