#include "results/sample_test.hpp"

#include <string>
#include <utility>

namespace patchbench::results {
namespace {

Counter sample_counter() {
  Counter counter;
  counter.name = "instructions";
  counter.source = "hardware";
  counter.scope = "user";
  counter.per = "send";
  counter.beside = "busy-thread";
  counter.value = 11.25;
  counter.time_enabled = 1000;
  counter.time_running = 900;
  counter.status = "multiplexed";
  counter.set = "prefetch";
  counter.samples = {11, 11.5};
  return counter;
}

Counter missing_counter() {
  Counter counter;
  counter.name = "branch-misses";
  counter.source = "hardware";
  counter.scope = "kernel";
  counter.per = "send";
  counter.status = "unavailable";
  counter.reason = "perf_event_open: EACCES";
  return counter;
}

SelfTest sample_self_test() {
  SelfTest test;
  test.date = "2025-01-02T03:03:05Z";
  test.stopped = "precision: 9 rounds";
  test.lines.resize(2);
  test.lines[0].name = "multiplication";
  test.lines[0].unit = "ns";
  test.lines[0].value = 0.8;
  test.lines[0].ci95 = {{0.79, 0.82}};
  test.lines[0].rounds = 2;
  test.lines[0].passed = true;
  test.lines[0].samples = {0.79, std::nullopt, 0.82};
  test.lines[1].name = "known-3";
  test.lines[1].unit = "ratio";
  test.lines[1].verdict = Verdict::inconclusive;
  test.lines[1].noticed_after = 7;
  test.lines[1].reason = "not distinguished";
  return test;
}

Context sample_context() {
  Context context;
  context.host = "test \"host\"\n";
  context.arch = "x86_64";
  context.cpu.model = "CPU";
  context.cpu.family = 6;
  context.cpu.cores = 4;
  context.cpu.caches = {{"L1d", "48K"}, {"L2", "2048K"}};
  context.kernel = "Linux 6.1";
  context.policy = "mdwe";
  context.zone_options = {{"pages", "thp"}, {"zone", "64M"}};
  context.page_size = 4096;
  context.huge_page_sizes = {{2097152, 1073741824}};
  context.turbo = false;
  context.aslr = 2;
  context.load_average = 0.125;
  context.mitigations = {{"meltdown", "Not affected"}};
  context.compiler = "g++ 12";
  context.build_type = "Release";
  context.git = "abcdef-dirty";
  context.libraries = {{"asmjit", "1.9"}};
  context.simulator = "cachegrind of valgrind-1.0";
  context.counting = {.library = "libpfm 4.13.0",
                      .pmu = "amd64_fam19h_zen4",
                      .counters = 6,
                      .read_path = "rdpmc",
                      .read_ns = 101.5,
                      .reads = {{.source = "hardware", .path = "rdpmc", .ns = 101.5, .used = true},
                                {.source = "hardware", .path = "read", .ns = 900}},
                      .rounds = 2,
                      .bracket = {{"cycles:user", 97}, {"cycles:kernel", 0}},
                      .events = {{"cycles", "CPU_CLK_UNHALTED"}}};
  context.sources = {{"cpu.model", "/proc/cpuinfo"}, {"turbo", "/sys/devices/system/cpu"}};
  context.selftest = sample_self_test();
  context.warnings = {"load is high"};
  return context;
}

Cell sample_cell(const std::string& strategy) {
  Cell cell;
  cell.strategy = strategy;
  cell.workload = "mic";
  cell.params = {{"sites", std::int64_t{1024}}, {"order", std::string("linear")}};
  cell.id = cell_id(cell.workload, cell.strategy, cell.params);
  Metric metric;
  metric.name = "send";
  metric.unit = "ns";
  metric.samples = {0.1 + 0.2, std::nullopt, 1.0 / 3};
  metric.median = 0.3166666666666667;
  metric.ci95 = {{0.25, 0.4}};
  metric.drifts = false;
  metric.bimodal = true;
  metric.latency_ns = {1.25, std::nullopt, 1.5};
  metric.variance = {0.0004, 0.0009, 41, 0.5, std::nullopt};
  cell.metrics.push_back(std::move(metric));
  LostRound lost;
  lost.round = 1;
  lost.status = CellStatus::timeout;
  lost.reason = "killed after 30 s";
  cell.lost.push_back(std::move(lost));
  return cell;
}

}  // namespace

Results sample_results() {
  Results results;
  results.run = {"run-1",
                 "2025-01-02T03:04:05Z",
                 "2025-01-02T03:05:05Z",
                 "bench-run",
                 "quick",
                 18446744073709551615ULL,
                 3,
                 false,
                 {"--strategy=all", "--rounds=3"},
                 "fnv1a64:0123456789abcdef",
                 "rounds: 3, as asked for",
                 0.05,
                 TimeSpent{120.5, 80.25, 1.5, 0.01},
                 FlaggedSamples{6, 1, 2, 3},
                 {"send"},
                 {{"sample", "the lower decile"}},
                 Identical{{3, 1, 0.15, 0.142625, 0.01, "mic/floor, send: 0.950 [0.920, 0.980]"},
                           {1, 0, 0.05, std::nullopt, std::nullopt, ""},
                           "differs"}};
  results.context = sample_context();
  results.baseline = "rwx";
  results.floor = "floor";
  results.strategies.resize(2);
  results.strategies[0].id = "rwx";
  results.strategies[1] = {
      "sysv-shm", Availability::denied, "shmat", "EACCES",       "refused",
      "none",     "inline-cache",       true,    Role::strategy, "a segment attached twice"};
  results.strategies[0].only_workload = "mic";
  results.strategies[1].guarantee = Guarantee::none;
  results.workloads = {{"mic", "sends", {"send"}, {{"send", {{"sites", 1024}, {"degree", 4}}}}}};
  results.metrics = {{.id = "send",
                      .title = "send",
                      .meaning = "one send",
                      .unit = "ns",
                      .executes_only = true,
                      .countable = true,
                      .over_islands = "zone"}};
  results.cells = {sample_cell("rwx"), sample_cell("memfd-dual")};
  Cell& cell = results.cells[1];
  cell.notes = {"no architectural guarantee"};
  Ratio ratio;
  ratio.metric = "send";
  ratio.baseline = "rwx";
  ratio.median = 1.01;
  ratio.ci95 = {{0.97, 1.05}};
  ratio.ci_free = {{0.98, 1.04}};
  ratio.ci_free_coverage = 0.5;
  ratio.n = 2;
  ratio.q_differs = 0.75;
  ratio.q_same = 1.0;
  ratio.drifts = true;
  ratio.undisturbed = {1, std::nullopt, Verdict::inconclusive};
  cell.ratios.push_back(ratio);
  cell.counters = {sample_counter(), missing_counter()};
  cell.memory = {2, 64, std::nullopt, 4, std::nullopt, 4, 30, std::nullopt, 31};
  return results;
}

JournalEntry sample_entry(int round) {
  JournalEntry entry;
  entry.round = round;
  entry.order = 3;
  entry.cell = "mic/rwx/sites=1024";
  entry.layout = 2;
  entry.status = CellStatus::ok;
  entry.started = "2025-01-02T03:04:05Z";
  entry.wall_ms = 12.5;
  entry.between_ms = 0.5;
  entry.parent_cpu_ms = 0.25;
  entry.metrics = {{"send", "ns", {1.5, 0.1 + 0.2}, 1.25, 20.5, 0.75, 0.0625, 1.125}};
  entry.counters = {sample_counter(), missing_counter()};
  entry.memory = {1, 64, 32, 4, 0, 3, 30, 31, std::nullopt};
  entry.calibration_before_ns = 1.0;
  entry.calibration_after_ns = 1.01;
  entry.steal_ticks = 0;
  entry.max_rss_kib = 9000;
  return entry;
}

}  // namespace patchbench::results
