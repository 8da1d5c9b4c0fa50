// results/members.hpp - the members of results.json and of samples.jsonl, each stated once.
//
// members(visitor, value) calls the visitor for every member of `value`, in the order of the file:
//
//   visit(key, member, rule)         always there
//   visit.later(key, member, rule)   not in all files of schema 1: may be missing
//   visit.unless_empty(...)          as later(), and not written where it is empty or unknown
//   visit.derived(key, value)        written; a reader checks it in agrees()
//
// A writer and a reader of JSON (visitors.hpp) and the list of later members are such visitors. A
// rule is what a scalar is held to when it is read; the type alone says the rest. An empty optional
// is null, a list of pairs is an object.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "results/fields.hpp"
#include "results/model.hpp"

namespace patchbench::results {

/// What the type says, and nothing more.
struct Plain {};

struct Between {
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};
inline constexpr Between kNatural{.min = 0};
inline constexpr Between kAtLeastOne{.min = 1};

/// For what something else refers to.
inline constexpr auto kName = &Field::name;
inline constexpr auto kNonNegative = &Field::non_negative;
/// For what was measured: nothing takes no time at all.
inline constexpr auto kPositive = &Field::positive;
/// Of a cost: more than nothing, less than all of it.
[[nodiscard]] double share_from(const Field& field);
/// From 0 to 1: a p-value, after correction or not, or a share of sends.
[[nodiscard]] double probability_from(const Field& field);

/// The words of an enum in a file.
inline constexpr std::array kCellStatuses = {CellStatus::ok,          CellStatus::denied,
                                             CellStatus::unsupported, CellStatus::failed,
                                             CellStatus::crashed,     CellStatus::timeout};
inline constexpr std::array kVerdicts = {Verdict::faster, Verdict::slower, Verdict::same,
                                         Verdict::inconclusive};
inline constexpr std::array kAvailabilities = {Availability::available, Availability::denied,
                                               Availability::unsupported};
inline constexpr std::array kCheaper = {Cheaper::never, Cheaper::always, Cheaper::same,
                                        Cheaper::below, Cheaper::above,  Cheaper::inconclusive};
inline constexpr std::array kRoles = {Role::strategy, Role::control};
inline constexpr std::array kGuarantees = {Guarantee::architectural, Guarantee::none,
                                           Guarantee::not_needed};
constexpr const auto& words_of(CellStatus) { return kCellStatuses; }
constexpr const auto& words_of(Verdict) { return kVerdicts; }
/// Of the first files of schema 1.
constexpr std::pair<std::string_view, Verdict> former_word(Verdict) {
  return {"unsure", Verdict::inconclusive};
}
constexpr const auto& words_of(Availability) { return kAvailabilities; }
constexpr const auto& words_of(Cheaper) { return kCheaper; }
constexpr const auto& words_of(Role) { return kRoles; }
constexpr const auto& words_of(Guarantee) { return kGuarantees; }

/// A T to be read into, a const T to be written.
template <typename V, typename T>
using In = typename V::template In<T>;

// ---- results.json ----

template <typename V>
void members(V& visit, In<V, TimeSpent>& time) {
  visit("children_s", time.children_s, kNonNegative);
  visit("batches_s", time.batches_s, kNonNegative);
  visit("between_s", time.between_s, kNonNegative);
  visit("parent_cpu_s", time.parent_cpu_s, kNonNegative);
}

template <typename V>
void members(V& visit, In<V, FlaggedSamples>& flagged) {
  visit("all", flagged.samples, kNatural);
  visit("drifted", flagged.drifted, kNatural);
  visit("stolen", flagged.stolen, kNatural);
  visit.later("starved", flagged.starved, kNatural);
  visit("any", flagged.any, kNatural);
}

template <typename V>
void members(V& visit, In<V, IdenticalCount>& count) {
  visit("intervals", count.intervals, kNatural);
  visit("missing", count.missing, kNatural);
  visit("expected", count.expected, kNonNegative);
  visit("chance", count.chance, probability_from);
  visit("scatter", count.scatter, kNonNegative);
  visit("worst", count.worst);
}

template <typename V>
void members(V& visit, In<V, Identical>& identical) {
  visit("code", identical.code);
  visit("again", identical.again);
  visit("alarm", identical.alarm);
}

template <typename V>
void members(V& visit, In<V, Run>& run) {
  visit("id", run.id, kName);
  visit("started", run.started);
  visit("finished", run.finished);
  visit("command", run.command);
  visit("preset", run.preset);
  visit("seed", run.seed);
  visit("rounds", run.rounds, kAtLeastOne);
  visit("interrupted", run.interrupted);
  visit.later("program", run.program);
  visit.later("arguments", run.arguments);
  visit.later("ended", run.ended);
  visit.later("delta", run.delta, share_from);
  visit.later("time", run.time);
  visit.later("flagged", run.flagged);
  visit.later("execute_only", run.execute_only, kName);
  visit.later("estimators", run.estimators);
  visit.later("identical", run.identical);
}

template <typename V>
void members(V& visit, In<V, Cpu>& cpu) {
  visit("model", cpu.model);
  visit("vendor", cpu.vendor);
  visit("microcode", cpu.microcode);
  visit("family", cpu.family);
  visit("model_number", cpu.model_number);
  visit("online", cpu.online);
  visit.later("cores", cpu.cores);
  visit("pinned", cpu.pinned);
  visit.later("core_type", cpu.core_type, kName);
  visit.later("quota", cpu.quota, kPositive);
  visit("caches", cpu.caches);
}

template <typename V>
void members(V& visit, In<V, ReadCost>& read) {
  visit("source", read.source, kName);
  visit("path", read.path, kName);
  visit("ns", read.ns, kNonNegative);
  visit("used", read.used);
}

template <typename V>
void members(V& visit, In<V, Counting>& counting) {
  visit("library", counting.library, kName);
  visit("pmu", counting.pmu, kName);
  visit("counters", counting.counters, kNatural);
  visit("read_path", counting.read_path, kName);
  visit("read_ns", counting.read_ns, kNonNegative);
  visit("rounds", counting.rounds, kNatural);
  visit.later("reads", counting.reads);
  visit("bracket", counting.bracket);
  visit.later("events", counting.events);
}

template <typename V>
void members(V& visit, In<V, SelfTestLine>& line) {
  visit("name", line.name, kName);
  visit("unit", line.unit, kName);
  visit("value", line.value, kNonNegative);
  visit("ci95", line.ci95);
  visit("verdict", line.verdict);
  visit("rounds", line.rounds, kNatural);
  visit("told_after", line.noticed_after, kAtLeastOne);
  visit("passed", line.passed);
  visit("reason", line.reason);
  visit("samples", line.samples, kPositive);
}

template <typename V>
void members(V& visit, In<V, SelfTest>& test) {
  visit("date", test.date);
  visit.derived("passed", passed(test));
  visit("stopped", test.stopped);
  visit("lines", test.lines);
}

template <typename V>
void members(V& visit, In<V, MissingCounter>& counter) {
  visit("name", counter.name, kName);
  visit("source", counter.source, kName);
  visit("scope", counter.scope, kName);
  visit("per", counter.per, kName);
  visit.unless_empty("beside", counter.beside, kName);
  visit.unless_empty("set", counter.set, kName);
  visit("status", counter.status, kName);
  visit("reason", counter.reason);
}

template <typename V>
void members(V& visit, In<V, Context>& context) {
  visit("host", context.host);
  visit("arch", context.arch, kName);
  visit("cpu", context.cpu);
  visit("kernel", context.kernel);
  visit("kernel_command_line", context.kernel_command_line);
  visit("virtualization", context.virtualization);
  visit("emulated", context.emulated);
  visit("page_size", context.page_size, kNatural);
  visit.later("huge_page_sizes", context.huge_page_sizes, kNatural);
  visit.later("thp_size", context.thp_size, kNatural);
  visit("governor", context.governor);
  visit("turbo", context.turbo);
  visit("smt", context.smt);
  visit("aslr", context.aslr);
  visit("thp", context.thp);
  visit("perf_event_paranoid", context.perf_event_paranoid);
  visit("load_average", context.load_average, kNonNegative);
  visit("mitigations", context.mitigations);
  visit("compiler", context.compiler);
  visit("flags", context.flags);
  visit("build_type", context.build_type);
  visit("git", context.git);
  visit("libraries", context.libraries);
  visit.later("simulator", context.simulator, kName);
  visit.later("counting", context.counting);
  visit.later("sources", context.sources);
  visit.later("selftest", context.selftest);
  visit.unless_empty("policy", context.policy, kName);
  visit.unless_empty("zone_options", context.zone_options);
  visit.unless_empty("missing_counters", context.missing_counters);
  visit("warnings", context.warnings);
}

template <typename V>
void members(V& visit, In<V, StrategyStatus>& strategy) {
  visit("id", strategy.id, kName);
  visit("status", strategy.status);
  visit("call", strategy.call);
  visit("errno", strategy.error);
  visit("reason", strategy.reason);
  visit("detail", strategy.detail);
  visit.later("code", strategy.code, kName);
  visit.later("second_view", strategy.second_view);
  visit.later("role", strategy.role);
  visit.later("summary", strategy.summary, kName);
  visit.later("only_workload", strategy.only_workload, kName);
  visit.later("writable_and_executable", strategy.writable_and_executable);
  visit.later("toggles_protection", strategy.toggles_protection);
  visit.later("refused_by", strategy.refused_by);
  visit.later("guarantee", strategy.guarantee);
  visit.later("fork", strategy.fork);
  visit.later("small_grid", strategy.small_grid);
}

template <typename V>
void members(V& visit, In<V, HeadlineEntry>& entry) {
  visit("metric", entry.metric, kName);
  visit("near", entry.near, kAtLeastOne);
}

template <typename V>
void members(V& visit, In<V, WorkloadEntry>& workload) {
  visit("id", workload.id, kName);
  visit("summary", workload.summary);
  visit("metrics", workload.metrics, kName);
  visit("headline", workload.headline);
}

template <typename V>
void members(V& visit, In<V, MetricEntry>& metric) {
  visit("id", metric.id, kName);
  visit("title", metric.title, kName);
  visit("meaning", metric.meaning);
  visit("unit", metric.unit, kName);
  visit("executes_only", metric.executes_only);
  visit("countable", metric.countable);
  visit("patches", metric.patches);
  visit("publishes", metric.publishes);
  visit("among_hits", metric.among_hits);
  visit.later("installs", metric.installs);
  visit.later("replays", metric.replays);
  visit.later("beside_executors", metric.beside_executors);
  visit.later("undisturbed", metric.undisturbed);
  visit.later("leads_to", metric.leads_to);
  visit.later("in_bulk", metric.in_bulk);
  visit.later("over_islands", metric.over_islands);
}

template <typename V>
void members(V& visit, In<V, Variance>& variance) {
  visit("between", variance.between);
  visit("within", variance.within, kNonNegative);
  visit("batches", variance.batches, kNonNegative);
  visit("batch_ms", variance.batch_ms, kNonNegative);
  visit("process_ms", variance.process_ms, kNonNegative);
}

template <typename V>
void members(V& visit, In<V, Metric>& metric) {
  visit("name", metric.name, kName);
  visit("unit", metric.unit, kName);
  visit("samples", metric.samples, kPositive);
  visit("median", metric.median, kNonNegative);
  visit("ci95", metric.ci95);
  visit.later("drifts", metric.drifts);
  visit.later("bimodal", metric.bimodal);
  visit.later("variance", metric.variance);
  visit.later("latency_ns", metric.latency_ns, kPositive);
  visit.later("throughput_ns", metric.throughput_ns, kPositive);
  visit.unless_empty("not_above_zero", metric.not_above_zero, kNatural);
}

template <typename V>
void members(V& visit, In<V, UndisturbedRatio>& ratio) {
  visit("n", ratio.n, Between{.min = 0, .max = visit.rounds()});
  visit("median", ratio.median, kNonNegative);
  visit("verdict", ratio.verdict);
}

template <typename V>
void members(V& visit, In<V, Ratio>& ratio) {
  visit("metric", ratio.metric, kName);
  visit("baseline", ratio.baseline, kName);
  visit("median", ratio.median, kNonNegative);
  visit("ci95", ratio.ci95);
  visit("ci_free", ratio.ci_free);
  visit("ci_free_coverage", ratio.ci_free_coverage, kNonNegative);
  visit("n", ratio.n, Between{.min = 0, .max = visit.rounds()});
  visit("verdict", ratio.verdict);
  visit.later("q_differs", ratio.q_differs, probability_from);
  visit.later("q_same", ratio.q_same, probability_from);
  visit.later("drifts", ratio.drifts);
  visit.later("bimodal", ratio.bimodal);
  visit.later("undisturbed", ratio.undisturbed);
}

template <typename V>
void members(V& visit, In<V, Counter>& counter) {
  visit("name", counter.name, kName);
  visit("source", counter.source);
  visit("scope", counter.scope);
  visit("per", counter.per);
  visit("value", counter.value);
  visit.unless_empty("time_enabled", counter.time_enabled, kNatural);
  visit.unless_empty("time_running", counter.time_running, kNatural);
  visit("status", counter.status, kName);
  visit.unless_empty("reason", counter.reason);
  visit.unless_empty("beside", counter.beside, kName);
  visit.unless_empty("set", counter.set, kName);
  visit.unless_empty("samples", counter.samples);
}

template <typename V>
void members(V& visit, In<V, Memory>& memory) {
  visit("vmas", memory.vmas, kNatural);
  visit("mapped_kib", memory.mapped_kib, kNatural);
  visit("rss_kib", memory.rss_kib, kNatural);
  visit("page_kib", memory.page_kib, kNatural);
  visit("huge_kib", memory.huge_kib, kNatural);
  visit.unless_empty("pss_kib", memory.pss_kib, kNatural);
  visit.unless_empty("anon_kib", memory.anon_kib, kNatural);
  visit.later("vmas_open", memory.vmas_open, kNatural);
  visit.later("process_vmas_before", memory.process_vmas_before, kNatural);
  visit.later("process_vmas_during", memory.process_vmas_during, kNatural);
  visit.later("process_vmas_after", memory.process_vmas_after, kNatural);
}

template <typename V>
void members(V& visit, In<V, LostRound>& lost) {
  visit("round", lost.round, Between{.min = 0, .max = visit.rounds() - 1});
  visit("status", lost.status);
  visit("reason", lost.reason);
}

template <typename V>
void members(V& visit, In<V, Cell>& cell) {
  visit("id", cell.id, kName);
  visit("strategy", cell.strategy, kName);
  visit("workload", cell.workload, kName);
  visit("params", cell.params);
  visit("status", cell.status);
  visit("reason", cell.reason);
  visit("notes", cell.notes);
  visit("metrics", cell.metrics);
  visit("ratios", cell.ratios);
  visit("counters", cell.counters);
  visit.unless_empty("uncounted", cell.uncounted, kName);
  visit("memory", cell.memory);
  visit("lost", cell.lost);
  visit.later("known_after", cell.known_after, kAtLeastOne);
  visit.later("every", cell.every, kAtLeastOne);
}

template <typename V>
void members(V& visit, In<V, ProfileCost>& cost) {
  visit("strategy", cost.strategy, kName);
  visit("ns", cost.ns, kNonNegative);
  visit("ratio", cost.ratio, kNonNegative);
  visit("ci95", cost.ci95);
  visit("verdict", cost.verdict);
  visit.later("protocol", cost.protocol);
}

template <typename V>
void members(V& visit, In<V, ProfileAnswer>& profile) {
  visit("rate", profile.rate, kNonNegative);
  visit("sites", profile.sites, kAtLeastOne);
  visit("threads", profile.threads, kAtLeastOne);
  visit("sends", profile.sends);
  visit("patches", profile.patches);
  visit("costs", profile.costs);
  visit("best", profile.best);
  visit("open", profile.open);
  visit("barred", profile.barred);
  visit.later("unmeasured", profile.unmeasured);
}

template <typename V>
void members(V& visit, In<V, BreakEvenAnswer>& answer) {
  visit("strategy", answer.strategy, kName);
  visit("sites", answer.sites, kAtLeastOne);
  visit("cheaper", answer.cheaper);
  visit("sends", answer.sends, kNonNegative);
  visit("ci95", answer.ci95);
  visit.later("measured", answer.measured);
}

template <typename V>
void members(V& visit, In<V, RateCrossing>& crossing) {
  visit("p", crossing.p, probability_from);
  visit("ci95", crossing.ci95);
}

template <typename V>
void members(V& visit, In<V, RatePair>& pair) {
  visit("strategy", pair.strategy, kName);
  visit("other", pair.other, kName);
  visit("params", pair.params);
  visit("rates", pair.rates, kNatural);
  visit("strategy_less", pair.strategy_less, kNatural);
  visit("other_less", pair.other_less, kNatural);
  visit("same", pair.same, kNatural);
  visit("cheaper", pair.cheaper);
  visit("crossings", pair.crossings);
}

template <typename V>
void members(V& visit, In<V, RateModel>& model) {
  visit("strategy", model.strategy, kName);
  visit("params", model.params);
  visit("send_ns", model.send_ns);
  visit("send_ci95", model.send_ci95);
  visit("relink_ns", model.relink_ns);
  visit("relink_ci95", model.relink_ci95);
  visit("error", model.error);
  visit("error_at", model.error_at, probability_from);
}

template <typename V>
void members(V& visit, In<V, Answer>& answer) {
  visit("recommendation", answer.recommendation);
  visit("strategies", answer.strategies);
  visit("profiles", answer.profiles);
  visit("break_even", answer.break_even);
  visit.later("rate_pairs", answer.rate_pairs);
  visit.later("rate_models", answer.rate_models);
  visit("trust", answer.trust);
  visit("refused", answer.refused);
}

template <typename V>
void members(V& visit, In<V, Results>& results) {
  visit("schema_version", results.schema_version);
  visit("run", results.run);
  visit.has_rounds(results.run.rounds);
  visit("context", results.context);
  visit("baseline", results.baseline);
  visit.later("floor", results.floor);
  visit("strategies", results.strategies);
  visit.later("workloads", results.workloads);
  visit.later("metrics", results.metrics);
  visit("cells", results.cells);
  visit.later("answer", results.answer);
}

// ---- samples.jsonl ----

template <typename V>
void members(V& visit, In<V, JournalMetric>& metric) {
  visit("name", metric.name, kName);
  visit("unit", metric.unit, kName);
  visit("batches", metric.batches);
  visit("median", metric.median, kNonNegative);
  visit.later("batches_ms", metric.batches_ms, kNonNegative);
  visit.later("latency_ns", metric.latency_ns, kPositive);
  visit.later("throughput_ns", metric.throughput_ns, kPositive);
  visit.later("low", metric.low, kNonNegative);
}

template <typename V>
void members(V& visit, In<V, JournalEntry>& entry) {
  visit.unless_empty("counted", entry.counted, kName);
  visit("round", entry.round, kNatural);
  visit("order", entry.order, kNatural);
  visit("cell", entry.cell, kName);
  visit.later("layout", entry.layout, kNatural);
  visit.later("in_group", entry.in_group, kNatural);
  visit.later("group_size", entry.group_size, kAtLeastOne);
  visit("status", entry.status);
  visit("call", entry.call);
  visit("errno", entry.error);
  visit("reason", entry.reason);
  visit("started", entry.started);
  visit("wall_ms", entry.wall_ms, kNonNegative);
  visit.later("between_ms", entry.between_ms, kNonNegative);
  visit.later("parent_cpu_ms", entry.parent_cpu_ms, kNonNegative);
  visit("metrics", entry.metrics);
  visit("counters", entry.counters);
  visit("memory", entry.memory);
  visit("calibration_before_ns", entry.calibration_before_ns, kNonNegative);
  visit("calibration_after_ns", entry.calibration_after_ns, kNonNegative);
  visit("steal_ticks", entry.steal_ticks, kNatural);
  visit("max_rss_kib", entry.max_rss_kib, kNatural);
  visit.unless_empty("cpu_ms", entry.cpu_ms, kNonNegative);
  visit.unless_empty("waited_ms", entry.waited_ms, kNonNegative);
  visit.unless_empty("throttled", entry.throttled, kNatural);
  visit.unless_empty("killed_run", entry.killed_run);
}

// ---- what no member shows by itself ----

template <typename T>
void agrees(const Field& /*field*/, const T& /*value*/, int /*rounds*/) {}
/// Each throws FormatError naming the member that does not fit.
void agrees(const Field& field, const SelfTest& test, int rounds);
void agrees(const Field& field, const Metric& metric, int rounds);
void agrees(const Field& field, const Ratio& ratio, int rounds);
void agrees(const Field& field, const Cell& cell, int rounds);
void agrees(const Field& field, const Results& results, int rounds);

}  // namespace patchbench::results
