#!/usr/bin/env python3
"""Writes codegen_x86_64_golden.txt anew: what the generator emits now, as objdump reads it.

    workloads/send/codegen_x86_64_golden.py BUILD/bin/send_codegen_test

Read the difference before committing it: the test compares with whatever stands there.
"""

import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile

GOLDEN = pathlib.Path(__file__).with_suffix(".txt")
HEAD = """\
# Everything that the x86-64 generator emits (codegen_x86_64_test.cpp), written by codegen_x86_64_golden.py.
# NAME ADDRESS, then: offset (decimal), bytes (*N: repeated N times) ; what objdump makes of them.
"""


def pieces_of(test, folder):
    """(name, address, bytes) of each piece."""
    path = folder / "pieces"
    subprocess.run([test, "[.pieces]"], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, PATCHBENCH_PIECES=str(path)))
    for line in path.read_text().splitlines():
        name, at, code = line.split(" ", 2)
        yield name, int(at, 16), bytes.fromhex(code)


def disassemble(code, at, folder):
    """(offset, bytes, text) of each instruction."""
    path = folder / "code"
    path.write_bytes(code)
    listing = subprocess.run(
        ["objdump", "-D", "-z", "-w", "-b", "binary", "-m", "i386:x86-64", "-M", "intel",
         "--insn-width=16", f"--adjust-vma={at:#x}", path], check=True, capture_output=True, text=True).stdout
    for match in re.finditer(r"^ *([0-9a-f]+):\t([0-9a-f ]+?) *\t(.*)$", listing, re.MULTILINE):
        yield int(match[1], 16) - at, match[2], re.sub(r" +", " ", match[3]).strip()


def lines_of(name, at, code, folder):
    yield f"\n{name} {at:#x}"
    for (hexed, text), run in itertools.groupby(disassemble(code, at, folder), key=lambda i: i[1:]):
        run = list(run)
        repeated = f" *{len(run)}" if len(run) > 1 and " " not in hexed else ""
        for offset, _, _ in run[:1] if repeated else run:
            yield f"{offset:4}  {hexed + repeated:30} ; {text}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        lines = [line for piece in pieces_of(sys.argv[1], folder) for line in lines_of(*piece, folder)]
    GOLDEN.write_text(HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
