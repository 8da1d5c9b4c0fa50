#!/usr/bin/env python3
"""Writes codegen_<arch>_golden.txt anew: what the generator emits now, as objdump reads it.

    workloads/send/codegen_golden.py x86_64|aarch64 BUILD/bin/send_codegen_test

For an architecture other than this machine's it takes the cross binutils (scripts/setup --arch=arm64).
Read the difference before committing it: the test compares with whatever stands there.
"""

import itertools
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

MACHINES = {
    "x86_64": ["-m", "i386:x86-64", "-M", "intel", "--insn-width=16"],
    "aarch64": ["-m", "aarch64"],
}
HEAD = """\
# Everything that the {arch} generator emits (golden_test.hpp), written by codegen_golden.py.
# NAME ADDRESS, then: offset (decimal), bytes or words (*N: repeated N times) ; what objdump makes of them.
"""


def pieces_of(arch, test, folder):
    """(name, address, bytes) of each piece."""
    path = folder / "pieces"
    subprocess.run([test, f"[.pieces-{arch}]"], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, PATCHBENCH_PIECES=str(path)))
    for line in path.read_text().splitlines():
        name, at, code = line.split(" ", 2)
        yield name, int(at, 16), bytes.fromhex(code)


def disassemble(arch, code, at, folder):
    """(offset, bytes, text) of each instruction."""
    path = folder / "code"
    path.write_bytes(code)
    objdump = "objdump" if arch == platform.machine() else f"{arch}-linux-gnu-objdump"
    listing = subprocess.run(
        [objdump, "-D", "-z", "-w", "-b", "binary", *MACHINES[arch], f"--adjust-vma={at:#x}", path],
        check=True, capture_output=True, text=True).stdout
    for match in re.finditer(r"^ *([0-9a-f]+):\t([0-9a-f ]+?) *\t(.*)$", listing, re.MULTILINE):
        yield int(match[1], 16) - at, match[2], re.sub(r"\s+", " ", match[3]).strip()


def lines_of(arch, name, at, code, folder):
    yield f"\n{name} {at:#x}"
    for (hexed, text), run in itertools.groupby(disassemble(arch, code, at, folder), key=lambda i: i[1:]):
        run = list(run)
        repeated = f" *{len(run)}" if len(run) > 1 and " " not in hexed else ""
        for offset, _, _ in run[:1] if repeated else run:
            yield f"{offset:5}  {hexed + repeated:30} ; {text}"


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in MACHINES:
        sys.exit(__doc__)
    arch, test = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        lines = [line for piece in pieces_of(arch, test, folder) for line in lines_of(arch, *piece, folder)]
    golden = pathlib.Path(__file__).with_name(f"codegen_{arch}_golden.txt")
    golden.write_text(HEAD.format(arch=arch) + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
