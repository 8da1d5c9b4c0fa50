#!/usr/bin/python3
"""check_schema.py SCHEMA RESULTS: does an independent validator accept the results?

With --strict also whether the schema holds them to anything: without any one of its members, or with any one
replaced by something of another type, the document must be refused; without one that came later it must be
accepted. Exits 77 (skipped) without jsonschema (Debian: python3-jsonschema).
"""
import copy
import json
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

FREE_MEMBERS = {"caches", "mitigations", "libraries", "params", "bracket", "sources", "events"}
# Came after the first files of schema 1, which stay readable without them.
LATER_MEMBERS = {
    "program", "arguments", "ended", "simulator", "drifts", "bimodal", "variance", "q_differs", "q_same",
    "counting", "set", "beside", "cores", "huge_page_sizes", "thp_size", "sources",
    "vmas_open", "process_vmas_before", "process_vmas_during", "process_vmas_after",
    "delta", "selftest", "time", "flagged", "undisturbed", "reads", "events",
    "execute_only", "identical", "code", "second_view", "latency_ns", "throughput_ns", "known_after", "every",
    "not_above_zero",
}


def came_later(path):
    """Also the samples of a counter; those of a metric were always there. What came with a later object is part of it."""
    if path[-2:] == ("identical", "code"):
        return False
    return path[-1] in LATER_MEMBERS or ("counters" in path and path[-1] == "samples")


def places(value, path=()):
    """Every member of every object, as a path; members of the free-form maps are theirs to choose."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield path + (key,)
            if key not in FREE_MEMBERS:
                yield from places(inner, path + (key,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, path + (index,))


def changed(document, path, change):
    document = copy.deepcopy(document)
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    change(parent, path[-1])
    return document


def remove(parent, key):
    del parent[key]


def spoil(parent, key):
    # No member may be an object where it is something else, or a truth value inside a list.
    parent[key] = [True] if isinstance(parent[key], dict) else {"unexpected": [True]}


def main():
    strict = "--strict" in sys.argv
    schema_file, results_file = [a for a in sys.argv[1:] if not a.startswith("--")]
    with open(schema_file, encoding="utf-8") as file:
        schema = json.load(file)
    with open(results_file, encoding="utf-8") as file:
        document = json.load(file)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    check = validator(schema)
    errors = list(check.iter_errors(document))
    for error in errors:
        print(f"{results_file}: {error.json_path}: {error.message}")
    if strict:
        for path in places(document):
            for change in (remove, spoil):
                wanted = change is remove and came_later(path)
                if check.is_valid(changed(document, path, change)) != wanted:
                    errors.append(path)
                    word = "refuses" if wanted else "accepts"
                    print(f"{schema_file}: {word} results with {path} damaged ({change.__name__})")
    sys.exit(1 if errors else 0)


main()
