#!/usr/bin/env python3
"""Holds the sources to the layout of the house (CONTRIBUTING.md).

    scripts/check_layering.py [TREE]      reports every violation in the tree; exit code 1 if there is one
    scripts/check_layering.py --selftest  builds trees with one violation each and expects it to be reported

Rules:
 1. Includes run one way only: strategies <- workloads <- harness and results <- analysis <- harness, and inside
    them as INSIDE says. Tests of a folder inside another may look around there.
 2. A quoted include names a file that exists: beside the including file, or from the root of the tree.
 3. Only a file named for an architecture tests for one, includes its headers, or has inline assembly.
 4. No file names a path of the machine it was written on, or a private package server.
"""

import pathlib
import re
import sys
import tempfile

MAY_INCLUDE = {
    "strategies": {"strategies"},
    "workloads": {"workloads", "strategies"},
    "results": {"results"},
    "analysis": {"analysis", "results"},
    "harness": {"harness", "workloads", "strategies", "analysis", "results"},
}
# Of folders inside one of those; what is beside them may include all.
INSIDE = {
    "analysis": {
        "statistics": {"statistics"},
        "render": {"render", "statistics"},
        "quantity": {"quantity", "render", "statistics"},
        "view": {"view", "quantity", "render", "statistics"},
    },
    "harness": {
        "base": {"base"},
        "machine": {"machine", "base"},
        "counters": {"counters", "machine", "base"},
        "plan": {"plan", "counters", "machine", "base"},
        "process": {"process", "plan", "counters", "machine", "base"},
        "policies": {"policies", "process", "plan", "counters", "machine", "base"},
        "counting": {"counting", "process", "plan", "counters", "machine", "base"},
        "run": {"run", "counting", "process", "plan", "counters", "machine", "base"},
    },
}
SOURCES = {".hpp", ".cpp", ".h", ".c", ".cc"}
NOT_TEXT = {".pdf", ".png", ".jpg", ".gz", ".xz", ".bin"}
NOT_OURS = {".git", "build", "__pycache__"}

ARCHITECTURES = ("x86_64", "aarch64")
ARCHITECTURE_MACRO = re.compile(
    r"\b(_*(x86_64|amd64|i386|aarch64|arm|arm64|riscv|powerpc64|s390x)_*|__ARM_\w+|__SSE\w*|__AVX\w*|_M_\w+)\b")
ARCHITECTURE_HEADER = re.compile(
    r"asmjit/(x86|a64|arm)\b.*|(imm|x86|[a-z]mm)intrin\.h|cpuid\.h|arm_(neon|acle|sve)\.h|asm/hwcap\.h")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.MULTILINE)
CONDITION = re.compile(r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif|elifdef|elifndef)\b(.*)$", re.MULTILINE)
# asm volatile("" ...) is a barrier for the compiler: no instruction, no architecture.
ASSEMBLY = re.compile(r'\b(?:asm|__asm__|__asm)\b[\s\w]*\(\s*(?:R?"[^"]+")')
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*")', re.DOTALL)

FOREIGN = [
    ("a path of one machine",
     re.compile(r"(?<![\w.}>)-])/(?:work|root|home|Users|builds|workspace|mnt|media)/[\w.]")),
    ("a private package server",
     re.compile(r"\b(?:artif[a]ctory|nexu[s]|devp[i]|(?:registry|mirror|proxy|index|cache)[\w-]*\.[\w.-]*"
                r"(?:internal|local|corp|lan|intranet))\b|--(?:extra-)?index-url", re.IGNORECASE)),
]


def without_comments(text):
    """The text with comments blanked and everything else on the same line as before."""
    def blank(match):
        return match[0] if match[1] else re.sub(r"[^\n]", " ", match[0])
    return COMMENT.sub(blank, text.replace("\\\n", "  "))


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def files_of(tree):
    for path in sorted(tree.rglob("*")):
        parts = path.relative_to(tree).parts
        foreign = (any(p in NOT_OURS or p.startswith("build-") for p in parts)
                   or (parts[0] == "results" and parts[1:2] != ("reference",) and len(parts) > 2))
        if path.is_file() and not foreign and path.suffix not in NOT_TEXT:
            yield path


def find_included(tree, path, name):
    """The included file, as a path inside the tree, or None."""
    for start in (path.parent, tree):
        candidate = (start / name).resolve()
        # A header may be made while building, from NAME.hpp.in or by NAME.cmake.
        sources = candidate, candidate.with_name(candidate.name + ".in"), candidate.with_suffix(".cmake")
        if candidate.is_relative_to(tree) and any(source.is_file() for source in sources):
            return candidate.relative_to(tree)
    return None


def inner_folder(path):
    """(folder, folder inside it), the latter None for what lies directly in the former."""
    return path.parts[0], path.parts[1] if len(path.parts) > 2 else None


def may_include_inside(path, target):
    (folder, inside), (other, target_inside) = inner_folder(path), inner_folder(target)
    rules = INSIDE.get(folder, {})
    if folder != other or inside not in rules or path.stem.endswith("_test"):
        return True
    return target_inside in rules[inside]


def check_includes(tree, path, code):
    folder = path.relative_to(tree).parts[0]
    for match in INCLUDE.finditer(code):
        line, name = line_of(code, match.start()), match[2]
        if match[1] == "<":
            if name.split("/")[0] in MAY_INCLUDE:
                yield line, f"<{name}>: headers of this project are included with quotes"
            continue
        target = find_included(tree, path, name)
        if target is None:
            yield line, f'"{name}" is neither beside this file nor in the tree'
        elif target.parts[0] not in MAY_INCLUDE[folder]:
            yield line, f'"{name}": {folder} must not know {target.parts[0]}'
        elif not may_include_inside(path.relative_to(tree), target):
            yield line, f'"{name}": {path.parent.name} must not know {target.parent.name}'


def check_architecture(path, code):
    if any(name in path.stem for name in ARCHITECTURES):
        return
    for match in CONDITION.finditer(code):
        if ARCHITECTURE_MACRO.search(match[1]):
            yield line_of(code, match.start()), f"tests for an architecture:{match[1].rstrip()}"
    for match in INCLUDE.finditer(code):
        if ARCHITECTURE_HEADER.fullmatch(match[2]):
            yield line_of(code, match.start()), f"includes a header of one architecture: {match[2]}"
    for match in ASSEMBLY.finditer(code):
        yield line_of(code, match.start()), "has assembly of one architecture"


def check_foreign_names(text):
    for what, pattern in FOREIGN:
        for match in pattern.finditer(text):
            yield line_of(text, match.start()), f"names {what}: {match[0]}"


def check_file(tree, path):
    text = path.read_text(errors="replace")
    yield from check_foreign_names(text)
    inside = path.relative_to(tree).parts
    if path.suffix in SOURCES and inside[0] in MAY_INCLUDE:
        code = without_comments(text)
        # The example is a project of its own and sees only what is installed.
        if "example" not in inside:
            yield from check_includes(tree, path, code)
        yield from check_architecture(path, code)


def violations(tree):
    tree = tree.resolve()
    return [f"{path.relative_to(tree)}:{line}: {what}"
            for path in files_of(tree) for line, what in check_file(tree, path)]


# name: (files, what must be reported about the last of them; None for a tree without a violation)
TREES = {
    "good tree": ({
        "strategies/zone.hpp": "// #if __x86_64__ in a comment is text\n",
        "strategies/rwx.hpp": '#include "zone.hpp"\n',
        "workloads/send/site.hpp": '#include "strategies/rwx.hpp"\n#include <vector>\n',
        "results/model.hpp": "",
        "analysis/statistics/rank.hpp": "",
        "analysis/view/table.hpp": '#include "results/model.hpp"\n#include "analysis/statistics/rank.hpp"\n',
        "analysis/statistics/rank_test.cpp": '#include "analysis/view/table.hpp"\n',
        "strategies/publish_aarch64.cpp": '#ifdef __aarch64__\nasm("isb");\n#endif\n',
        "results/version.hpp.in": "",
        "harness/main.cpp": '#include "workloads/send/site.hpp"\n#include "analysis/view/table.hpp"\n'
                            '#include "results/version.hpp"\n#ifdef __clang__\n#endif\n'
                            'void f() { asm volatile("" ::: "memory"); }\n',
        "README.md": "see https://example.org/work/page and build/root/x\n"}, None),
    "strategies know workloads": ({
        "workloads/a.hpp": "", "strategies/b.hpp": '#include "workloads/a.hpp"\n'}, "must not know"),
    "a relative path crosses": ({
        "workloads/a.hpp": "", "strategies/b.hpp": '#include "../workloads/a.hpp"\n'}, "must not know"),
    "analysis knows strategies": ({
        "strategies/a.hpp": "", "analysis/b.cpp": '#  include "strategies/a.hpp"\n'}, "must not know"),
    "workloads know results": ({
        "results/a.hpp": "", "workloads/b.cpp": '#include "results/a.hpp"\n'}, "must not know"),
    "results know analysis": ({
        "analysis/a.hpp": "", "results/b_test.cpp": '#include "analysis/a.hpp"\n'}, "must not know"),
    "statistics know views": ({
        "analysis/view/a.hpp": "", "analysis/statistics/b.cpp": '#include "analysis/view/a.hpp"\n'}, "must not know"),
    "quantities know the programs": ({
        "analysis/report.hpp": "", "analysis/quantity/b.hpp": '#include "analysis/report.hpp"\n'}, "must not know"),
    "angle brackets hide it": ({
        "workloads/a.hpp": "", "strategies/b.hpp": "#include <workloads/a.hpp>\n"}, "with quotes"),
    "a missing header": ({"harness/b.cpp": '#include "harness/gone.hpp"\n'}, "neither beside"),
    "#ifdef on an architecture": ({"harness/b.cpp": "#ifdef __x86_64__\n#endif\n"}, "tests for"),
    "#elif on an architecture": ({
        "harness/b.cpp": "#if 0\n# elif defined(__aarch64__) && 1\n#endif\n"}, "tests for"),
    "a condition over two lines": ({"harness/b.cpp": "#if 0 || \\\n defined(__amd64__)\n#endif\n"}, "tests for"),
    "an architecture's assembler": ({"workloads/c.cpp": "#include <asmjit/x86.h>\n"}, "header of one"),
    "an architecture's intrinsics": ({"workloads/c.cpp": "#include <immintrin.h>\n"}, "header of one"),
    "assembly": ({"harness/c.cpp": 'void f() { asm volatile ("rdtsc"); }\n'}, "has assembly"),
    "a machine's path": ({"README.md": "cd " + "/" + "work/main\n"}, "a path of one machine"),
    "a home directory": ({"scripts/x": "x=/" + "home/someone/x\n"}, "a path of one machine"),
    "a package server": ({"scripts/x": "pip --index" + "-url x\n"}, "a private package server"),
    "a server's name": ({"x.cmake": "mirror" + ".example.internal\n"}, "a private package server"),
}


def found_in(files):
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        for name, text in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
        return violations(tree)


def selftest():
    wrong = 0
    for name, (files, expected) in TREES.items():
        found = found_in(files)
        if expected is None:
            passed = not found
        else:
            passed = len(found) == 1 and found[0].startswith(list(files)[-1]) and expected in found[0]
        wrong += not passed
        print(f"{'ok    ' if passed else 'FAILED'} {name}: {found}")
    return 1 if wrong else 0


def main():
    if sys.argv[1:] == ["--selftest"]:
        return selftest()
    tree = pathlib.Path(sys.argv[1]) if len(sys.argv) == 2 else pathlib.Path(__file__).parent.parent
    if len(sys.argv) > 2 or not tree.is_dir():
        sys.exit(__doc__)
    found = violations(tree)
    for line in found:
        print(line)
    print(f"layering: {len(found)} violation(s)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
