#include "analysis/sample_results_test.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <string_view>

#include "analysis/quantity/selection.hpp"
#include "analysis/quantity/summarise.hpp"

namespace patchbench::analysis {
namespace {

using results::Params;

constexpr std::array<std::string_view, 9> kEverywhere = {
    "rwx",           "memfd-dual", "sysv-shm",  "file-dual", "mprotect-toggle",
    "indirect-cell", "floor",      "unchecked", "again"};
constexpr std::array<std::string_view, 4> kMicOnly = {"tag-cell", "target-cell", "target-register",
                                                      "indirect-cell-rwx"};

void add_cells(results::Results& results, const std::string& workload, const Params& params) {
  std::vector<std::string_view> ids(kEverywhere.begin(), kEverywhere.end());
  if (workload == "mic") ids.insert(ids.end(), kMicOnly.begin(), kMicOnly.end());
  for (const std::string_view id : ids) {
    results::Cell cell;
    cell.id = results::cell_id(workload, id, params);
    cell.strategy = id;
    cell.workload = workload;
    cell.params = params;
    const bool second_view = id == "memfd-dual" || id == "sysv-shm" || id == "file-dual";
    if (second_view) cell.notes.emplace_back("no architectural guarantee");
    if (id == "again") cell.notes.emplace_back("twin of rwx");
    results.cells.push_back(std::move(cell));
  }
}

void add_grid(results::Results& results, bool standard) {
  using Sites = std::vector<std::int64_t>;
  const Sites sites =
      standard ? Sites{16, 1024, 4096, 8192, 12288, 16384, 65536} : Sites{1024, 16384};
  for (const char* order : {"linear", "shuffled"}) {
    if (!standard && std::string_view(order) != "linear") continue;
    for (const char* targets : {"64", "sites"}) {
      if (!standard && std::string_view(targets) != "64") continue;
      for (const auto count : sites) {
        add_cells(results, "mic",
                  {{"sites", count},
                   {"order", std::string(order)},
                   {"targets", results::param_value(targets)}});
      }
    }
  }
  for (const std::int64_t degree : standard ? Sites{2, 4, 6} : Sites{4}) {
    for (const char* receivers : {"cyclic", "random"}) {
      if (!standard && std::string_view(receivers) != "random") continue;
      add_cells(
          results, "pic",
          {{"degree", degree}, {"order", std::string(receivers)}, {"sites", std::int64_t{1024}}});
    }
  }
  for (const std::int64_t classes : standard ? Sites{16, 256, 4096} : Sites{256}) {
    for (const std::int64_t entries : standard ? Sites{1024, 8192} : Sites{1024}) {
      add_cells(results, "open-pic", {{"classes", classes}, {"cache_entries", entries}});
    }
  }
  add_cells(results, "mixed", {{"sites", std::int64_t{1024}}});
  add_cells(results, "link", {{"sites", std::int64_t{1024}}});
  for (const std::int64_t batch : standard ? Sites{1, 16, 256} : Sites{1}) {
    add_cells(results, "relink", {{"sites", std::int64_t{1024}}, {"batch", batch}});
  }
  for (const std::int64_t kib : standard ? Sites{64, 1024, 65536} : Sites{1024}) {
    add_cells(results, "zone", {{"size_kib", kib}});
  }
}

/// Above one where the branch predictor and the caches no longer hold all sites.
double crowding(double sites) { return 1 + std::pow(std::max(1.0, sites / 6000), 1.1) - 1; }

double send_cost(const results::Cell& cell) {
  const std::string& id = cell.strategy;
  const bool cells = id.starts_with("indirect-cell") || id == "target-cell";
  if (cell.workload == "pic") {
    return 4 + 2.3 * static_cast<double>(integer_param(cell.params, "degree").value_or(2)) +
           (cells ? 1.5 : 0);
  }
  if (cell.workload == "open-pic") {
    return 24 + (integer_param(cell.params, "classes").value_or(0) > 1000 ? 90 : 0);
  }
  if (cell.workload == "mixed") return cells ? 8.1 : 6.9;
  const auto sites = static_cast<double>(integer_param(cell.params, "sites").value_or(1024));
  const auto* order = find_param(cell.params, "order");
  const bool shuffled = order != nullptr && *order == results::ParamValue("shuffled");
  double cost = 1.9 * crowding(sites) * (shuffled ? 1.8 : 1);
  if (id == "unchecked") cost *= 0.86;
  if (id == "tag-cell") cost *= 1 + 0.1 * std::log2(crowding(sites));
  if (cells) cost *= 1 + 0.5 * std::log2(crowding(sites)) * (shuffled ? 0.7 : 1);
  if (id == "target-register") cost *= 1 + 0.4 * std::log2(crowding(sites)) * (shuffled ? 0.4 : 1);
  return cost;
}

double cost_of(const results::Cell& cell, std::string_view metric) {
  static const std::map<std::string_view, double> patch_costs = {
      {"mprotect-toggle", 3650}, {"indirect-cell", 1.1}, {"floor", 0.9}, {"memfd-dual", 3.9}};
  const auto found = patch_costs.find(cell.strategy);
  const auto batch = static_cast<double>(integer_param(cell.params, "batch").value_or(1));
  const double base = found == patch_costs.end() ? 3.5 : found->second;
  const double patch = cell.strategy == "mprotect-toggle" ? base / batch + 3.5 : base;
  if (metric == "send") return send_cost(cell);
  if (metric == "patch") return patch;
  if (metric == "patch_execute") return cell.strategy == "indirect-cell" ? 6.5 : patch + 310;
  if (metric == "miss") return 95 + (cell.strategy == "indirect-cell" ? 4 : patch + 290);
  if (metric == "link") return 120 + (cell.strategy == "indirect-cell" ? 4 : patch + 250);
  const auto kib = static_cast<double>(integer_param(cell.params, "size_kib").value_or(64));
  if (metric == "reserve") return 4000;
  return metric == "first_touch" ? 60 * kib : 2500 + kib;
}

std::vector<std::string_view> metrics_of(const results::Cell& cell) {
  const bool patches = cell.strategy != "floor" && cell.strategy != "unchecked";
  if (cell.workload == "relink" && !patches) return {};
  if (cell.workload == "relink") return {"patch", "patch_execute", "miss"};
  if (cell.workload == "link") return {"link", "miss"};
  if (cell.workload == "zone") return {"reserve", "first_touch", "teardown"};
  return {"send"};
}

class Child {
 public:
  explicit Child(const SampleOptions& options) : options_(options), random_(options.seed) {}

  results::JournalEntry run(const results::Cell& cell, int round, int order) {
    results::JournalEntry entry;
    entry.round = round;
    entry.order = order;
    entry.cell = cell.id;
    entry.started = "2025-11-20T10:00:00Z";
    entry.wall_ms = 41.5;
    entry.calibration_before_ns = 1.0;
    entry.calibration_after_ns = 1.0 + (order % 97 == 13 ? 0.08 : 0.001);
    entry.steal_ticks = 0;
    entry.max_rss_kib = 9000;
    if (options_.crash_one && cell.workload == "relink" && cell.strategy == "file-dual") {
      entry.status = results::CellStatus::crashed;
      entry.reason = "killed by SIGBUS (Bus error) while measuring patch";
      return entry;
    }
    for (const std::string_view metric : metrics_of(cell)) {
      const double median = cost_of(cell, metric) * noise(0.02);
      results::JournalMetric& measured = entry.metrics.emplace_back();
      measured.name = metric;
      measured.unit = "ns";
      measured.median = median;
      measured.batches_ms = 4.5;
      measured.latency_ns = 1.0;
      measured.throughput_ns = 0.07;
      for (int batch = 0; batch < 3; ++batch) {
        measured.batches.push_back(median * (1 + 0.004 * (batch - 1)));
      }
    }
    results::Counter counter;
    counter.name = "code-bytes";
    counter.source = "generator";
    counter.scope = "user";
    counter.per = "site";
    counter.value = cell.strategy == "indirect-cell" ? 19 : 16;
    counter.status = "ok";
    entry.counters.push_back(counter);
    entry.memory = {cell.strategy == "rwx" ? 1 : 2,
                    1024,
                    640,
                    4,
                    0,
                    std::nullopt,
                    std::nullopt,
                    std::nullopt,
                    std::nullopt};
    if (cell.strategy == "mprotect-toggle") entry.memory.vmas_open = 4;
    return entry;
  }

 private:
  double noise(double scatter) { return std::exp(normal_(random_) * scatter); }

  SampleOptions options_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_{0, 1};
};

results::Context sample_context(bool emulated) {
  results::Context context;
  context.host = "sample";
  context.arch = "x86_64";
  context.cpu.model = "Made-up CPU @ 3.00GHz";
  context.cpu.online = 2;
  context.cpu.pinned = "1";
  context.cpu.caches = {{"L1d", "48K"}, {"L1i", "32K"}, {"L2", "2048K"}, {"L3", "105M"}};
  context.kernel = "Linux 6.1.0";
  context.virtualization = "kvm";
  context.emulated = emulated;
  context.page_size = 4096;
  context.smt = true;
  context.aslr = 2;
  context.thp = "madvise";
  context.load_average = 0.25;
  context.mitigations = {{"spectre_v2", "Mitigation: Enhanced IBRS"}};
  context.compiler = "g++ 12.2.0";
  context.flags = "-O2";
  context.build_type = "Release";
  context.git = "0123456789ab";
  context.libraries = {{"asmjit", "1.9"}, {"benchmark", "1.7.1"}};
  context.sources = {{"cpu.model", "/proc/cpuinfo"}, {"page_size", "sysconf(_SC_PAGESIZE)"}};
  context.warnings = {"the frequency governor is unknown: a virtual machine does not show it"};
  return context;
}

/// As the programs' registries have it where the tests depend on it.
void describe(results::Results& results) {
  const auto metric = [&](std::string id, std::string title, std::string among_hits = "") {
    results::MetricEntry entry;
    entry.publishes = id == "publish" || id.starts_with("patch");
    entry.title = title.empty() ? id : std::move(title);
    entry.id = std::move(id);
    entry.unit = "ns";
    entry.among_hits = std::move(among_hits);
    results.metrics.push_back(std::move(entry));
  };
  metric("send", "");
  metric("patch", "patch (burst)");
  metric("patch_isolated", "patch (isolated)");
  metric("patch_execute", "patch + execute (every send)", "patch_execute_among_hits");
  metric("patch_execute_among_hits", "patch + execute (among hits)");
  metric("miss", "miss (every send)", "miss_among_hits");
  metric("miss_among_hits", "miss (among hits)");
  metric("publish", "");
  using Near = std::vector<std::pair<std::string, std::int64_t>>;
  const Near many{{"batch", 1}, {"sites", 1024}};
  const Near few{{"batch", 1}, {"sites", 64}};
  results.workloads = {
      {"mic", "", {}, {{"send", {{"sites", 1024}}}, {"send", {{"sites", 16384}}}}},
      {"pic", "", {}, {{"send", {{"degree", 4}, {"sites", 1024}}}}},
      {"open-pic", "", {}, {{"send", {{"classes", 256}, {"cache_entries", 1024}}}}},
      {"mixed", "", {}, {{"send", {{"sites", 1024}}}}},
      {"link", "", {}, {{"link", {{"sites", 1024}}}}},
      {"relink",
       "",
       {},
       {{"patch", many},
        {"patch_isolated", many},
        {"patch_execute", many},
        {"execute", many},
        {"miss", many},
        {"patch", few},
        {"patch_isolated", few},
        {"patch_execute", few},
        {"execute", few}}}};
}

void set_up(results::Results& results, const SampleOptions& options) {
  results.run = {"sample-x86_64-20251120T100000Z",
                 "2025-11-20T10:00:00Z",
                 "2025-11-20T10:00:52Z",
                 "bench-run --strategy=all",
                 options.standard ? "standard" : "quick",
                 options.seed,
                 options.rounds,
                 false,
                 {},
                 {},
                 {}};
  results.context = sample_context(options.emulated);
  results.baseline = "rwx";
  results.floor = "floor";
  std::vector<std::string_view> ids(kEverywhere.begin(), kEverywhere.end());
  ids.insert(ids.end(), kMicOnly.begin(), kMicOnly.end());
  for (const std::string_view id : ids) {
    if (id == results::kAgain) continue;
    results::StrategyStatus status;
    status.id = id;
    const bool of_mic = std::ranges::find(kMicOnly, id) != kMicOnly.end();
    if (of_mic) status.only_workload = "mic";
    status.role = of_mic || id == "floor" || id == "unchecked" ? results::Role::control
                                                               : results::Role::strategy;
    status.summary = "what " + std::string(id) + " is";
    if (id == "file-dual") status.detail = "/tmp (ext4)";
    if (id == "sysv-shm" && options.deny_sysv) {
      status.status = results::Availability::denied;
      status.call = "shmat";
      status.error = "EPERM";
      status.reason =
          "shmat(SHM_EXEC) failed with EPERM: a seccomp filter refuses executable shared memory; "
          "run outside "
          "systemd's MemoryDenyWriteExecute";
    }
    results.strategies.push_back(std::move(status));
  }
  describe(results);
  add_grid(results, options.standard);
}

void preset_status(results::Cell& cell, bool deny_sysv) {
  if (cell.strategy == "sysv-shm" && deny_sysv) {
    cell.status = results::CellStatus::denied;
    cell.reason = "shmat(SHM_EXEC) failed with EPERM";
  }
  const bool never_patched = cell.strategy == "floor" || cell.strategy == "unchecked";
  if (never_patched && (cell.workload == "relink" || cell.workload == "link")) {
    cell.status = results::CellStatus::unsupported;
    cell.reason = "is never patched";
  }
}

}  // namespace

SampleRun sample_run(const SampleOptions& options) {
  SampleRun run;
  set_up(run.results, options);
  Child child(options);
  for (auto& cell : run.results.cells) preset_status(cell, options.deny_sysv);
  for (int round = 0; round < options.rounds; ++round) {
    int order = 0;
    for (const auto& cell : run.results.cells) {
      if (cell.status != results::CellStatus::ok) continue;
      run.journal.push_back(child.run(cell, round, order++));
    }
  }
  summarise(run.results, run.journal);
  return run;
}

}  // namespace patchbench::analysis
