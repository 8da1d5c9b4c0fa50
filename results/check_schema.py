#!/usr/bin/python3
"""check_schema.py [--strict=LATER] SCHEMA... RESULTS: does an independent validator accept the results?

Of several schemas the one counts whose schema_version is that of the results. With --strict=LATER also whether the schema holds them to anything: without any one of its members, or with any one
replaced by something of another type, the document must be refused; without one of those that came after the first
files of schema 1, a path a line in LATER, it must be accepted. Exits 77 (skipped) without jsonschema (Debian: python3-jsonschema).
"""
import copy
import json
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

FREE_MEMBERS = {"caches", "mitigations", "libraries", "params", "bracket", "sources", "events", "estimators", "near",
                "zone_options"}


def read(name):
    with open(name, encoding="utf-8") as file:
        return json.load(file)


def version_of(schema):
    return schema["properties"]["schema_version"]["const"]


def in_schema(path):
    """Without the indices of lists, as LATER names it."""
    return "/".join(step for step in path if isinstance(step, str))


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
    strict = [a.removeprefix("--strict=") for a in sys.argv[1:] if a.startswith("--strict=")]
    *schema_files, results_file = [a for a in sys.argv[1:] if not a.startswith("--")]
    document = read(results_file)
    schema_file = next((f for f in schema_files if version_of(read(f)) == document["schema_version"]), schema_files[-1])
    schema = read(schema_file)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    check = validator(schema)
    errors = list(check.iter_errors(document))
    for error in errors:
        print(f"{results_file}: {error.json_path}: {error.message}")
    if strict:
        with open(strict[0], encoding="utf-8") as file:
            later = set(file.read().split())
        for path in places(document):
            for change in (remove, spoil):
                wanted = change is remove and in_schema(path) in later
                if check.is_valid(changed(document, path, change)) != wanted:
                    errors.append(path)
                    word = "refuses" if wanted else "accepts"
                    print(f"{schema_file}: {word} results with {path} damaged ({change.__name__})")
    sys.exit(1 if errors else 0)


main()
