#!/usr/bin/python3
"""check_google_benchmark.py SCHEMA BENCH_REPORT RESULTS DIR [EMULATOR...]: is --format=google-benchmark what it says?

Has bench-report write the file into DIR, validates it against the schema, and has google/benchmark's own compare.py
compare it with itself (Debian: libbenchmark-tools, which needs python3-scipy). Exits 77 (skipped) without
python3-jsonschema; without compare.py that part is left out, and the output says so.
"""
import json
import os
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

COMPARE = "/usr/share/benchmark/compare.py"


def write(program, results, directory):
    written = os.path.join(directory, "google-benchmark.json")
    if os.path.exists(written):  # of an earlier test; bench-report replaces a run's own alone
        os.remove(written)
    command = program + [results, "--format=google-benchmark", f"--out={directory}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return written


def validate(schema_file, written):
    with open(schema_file, encoding="utf-8") as file:
        schema = json.load(file)
    with open(written, encoding="utf-8") as file:
        document = json.load(file)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    errors = [f"{e.json_path}: {e.message}" for e in validator(schema).iter_errors(document)]
    return document, errors


def compare(document, written):
    """What is wrong with compare.py's answer to two equal files."""
    try:
        import scipy.stats  # noqa: F401, compare.py needs it
    except ImportError:
        print("compare.py was not asked: python3-scipy is not installed")
        return []
    if not os.path.exists(COMPARE):
        print("compare.py was not asked: libbenchmark-tools is not installed")
        return []
    run = subprocess.run([sys.executable, COMPARE, "--no-color", "benchmarks", written, written],
                         capture_output=True, text=True)
    if run.returncode != 0:
        return [f"compare.py ended with {run.returncode}:\n{run.stderr}"]
    lines = [line.split() for line in run.stdout.splitlines()]
    changes = [line for line in lines if len(line) == 7 and line[0] != "Benchmark"]
    errors = [f"compare.py sees a change in equal files: {line}" for line in changes
              if line[1] != "+0.0000" or line[2] != "+0.0000"]
    shown = [line[0] for line in changes if line[0] != "OVERALL_GEOMEAN"]
    if sorted(shown) != sorted(entry["name"] for entry in document["benchmarks"]):
        errors.append(f"compare.py shows {len(shown)} of {len(document['benchmarks'])} entries")
    names = {entry["run_name"] for entry in document["benchmarks"]}
    tested = {line[0].removesuffix("_pvalue") for line in lines if line and line[0].endswith("_pvalue")}
    if not names <= tested:
        errors.append(f"compare.py's test of repetitions leaves out {sorted(names - tested)[:3]}")
    print(f"compare.py: {len(shown)} entries, {len(names & tested)} tested")
    return errors


def main():
    schema_file, bench_report, results, directory, *emulator = sys.argv[1:]
    written = write(emulator + [bench_report], results, directory)
    document, errors = validate(schema_file, written)
    errors += compare(document, written)
    print(*errors, sep="\n")
    sys.exit(1 if errors else 0)


main()
