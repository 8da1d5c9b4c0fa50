// analysis/view/google_benchmark.hpp - a run for the tools that read google/benchmark's JSON.
#pragma once

#include <string>

#include "analysis/quantity/quantities.hpp"

namespace patchbench::analysis {

/// The document that `--benchmark_format=json` writes (json_schema_version 1), member by member as
/// in google/benchmark's src/json_reporter.cc; its tools/compare.py, Bencher's cpp_google adapter
/// and github-action-benchmark's `googlecpp` read it. Cells that are not `ok` have no entry.
///
/// - `name` is CELL/METRIC. An `iteration` entry is one round's sample, an `aggregate` entry the
///   median over rounds; families are workload, strategy and metric, their instances the
///   parameters.
/// - `iterations` is 1: what a sample is the median of stands in samples.jsonl only.
/// - `cpu_time` repeats `real_time`, which compare.py asks for and which is the only one measured;
///   context.cpu_time says so.
/// - `mhz_per_cpu`, `num_sharing` of caches and whatever else a run does not know have no member.
///   Members of `context` that google/benchmark does not have are texts, as it allows itself.
/// - What was counted per operation of a metric stands in its aggregate entry, as google/benchmark
///   has user counters: "cycles:u", "cycles:k" (perf's modifiers), "system-calls". Simulated
///   counts, multiplexed ones, and those beside a busy thread are left out: a number here is a
///   measured one, whole, and of the same circumstances as the times.
///
/// Metrics in another unit than ns, us, ms or s are left out: the format knows no other.
[[nodiscard]] std::string google_benchmark_json(const Quantities& run);

}  // namespace patchbench::analysis
