// workloads/workload.hpp - where code that is measured meets code that measures.
//
// Everything above this header (the harness) sees a case as an Instance: set up once, checked
// against the oracle, then asked for its measurements. Everything below is a template over
// (strategy, workload), so that no virtual call stands on a path that is timed: a Measurement's
// `run` is one plain function pointer called once for thousands of operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "strategies/code_zone.hpp"
#include "strategies/policy.hpp"

namespace patchbench {

/// What set-up and checks of a case take for as much of a parameter as its default is, in ms, as
/// seen on a small virtual machine; it grows in proportion. For estimates and timeouts alone.
struct Growth {
  double ms = 0;
  double toggling_ms = 0;  // where each patch changes the protection of pages
};

/// A workload parameter: integers in [min, max], one of a list of words, or a share of something.
struct Parameter {
  std::string name;
  std::string summary;
  std::string default_value;               // used where a preset does not vary the parameter
  std::vector<std::string> standard_grid;  // --preset=standard and paper
  std::vector<std::string> quick_grid;     // --preset=quick
  std::int64_t min = 0;
  std::int64_t max = 0;              // integers only
  bool power_of_two = false;         // integers only
  double smallest_share = 0;         // not 0: any number from this to 1, written by share_text()
  std::vector<std::string> choices;  // words only; empty for an integer
  bool in_id = true;                 // false: part of the id only when it differs from the default
  /// Why this machine cannot have a value, empty when it can; null: it can have all.
  std::string (*why_unavailable)(std::string_view value) = nullptr;
  Growth growth = {};
  /// Words only: a value with a slash in it is the path of a file, of which this answers why it
  /// cannot be had, empty when it can; null: there are no other values than the words.
  std::string (*why_unreadable)(const std::string& path) = nullptr;
};

/// A column of a report's first table: the metric at the parameters that come nearest to these, of
/// which the first decides first.
struct Headline {
  std::string metric;
  std::vector<std::pair<std::string, std::int64_t>> near;
};

using ParamText = std::vector<std::pair<std::string, std::string>>;

struct WorkloadInfo {
  std::string id;
  std::string summary;
  std::vector<Parameter> parameters;  // declared order = order in the case's id
  std::vector<std::string> metrics;   // of kMetrics (metrics.hpp)
  /// Where it says nothing, every metric has a column. An empty list: it has none, unless the
  /// workload was asked for by its name.
  std::optional<std::vector<Headline>> headline = {};
  /// Where a preset measures strategies that have a small grid. Empty: nowhere.
  ParamText small_grid = {};
  /// The points of its grid that a run's answer rests on. A preset may measure these in more rounds
  /// than the others.
  std::vector<ParamText> decides = {};
};

/// Where a case's memory goes. The same for every strategy inside a round, so that layout is not
/// measured as a difference between strategies. Zero: the kernel chooses (tests, sanitizers).
struct Arena {
  std::uintptr_t base = 0;
};

/// Which range of addresses a case's code must lie in.
enum class CodeWindow {
  arena,  // wherever its arena is
  near,   // a direct call reaches the program's own code from it
  low2g,  // below 2 GiB
  named,  // one direct call's reach from an address that was named
};

/// What is asked of zones beside the strategy, the same for all of them.
struct ZoneOptions {
  std::size_t reserve = 0;  // bytes of each zone; zero: what its code takes
  Pages pages = Pages::base;
  std::uintptr_t alias_offset = 0;  // writable view - executable one; zero: kAliasOffset
  CodeWindow window = CodeWindow::arena;
  std::uintptr_t window_at = 0;  // of CodeWindow::named
};

struct CellRequest {
  ParamText params;  // complete: one entry for every declared parameter
  std::uint64_t seed = 1;
  Arena arena;
  ZoneOptions zone = {};
  /// Where threads that a case makes may run: not where the one that sets it up does, if there is
  /// another processor. Empty: wherever that one may.
  std::vector<int> processors = {};
};

/// About so many sends a run of `send`, and never fewer than half, so that the timed loop around it
/// costs under 0.01 ns a send.
inline constexpr std::uint64_t kSendsPerRun = 16'384;

/// One quantity that a case can measure. `prepare` runs before each `run`, outside the clock.
struct Measurement {
  std::string metric;       // "send", "patch", ...
  std::string unit = "ns";  // of one operation
  double operations = 1;    // performed by one call of run()
  void* self = nullptr;
  void (*prepare)(void* self) = nullptr;  // may be null
  void (*run)(void* self) noexcept = nullptr;
  /// The same work without what is measured, with its own preparation; null where run() does
  /// nothing else. A batch is then the difference of the two, taken in turn, and `operations`
  /// counts what only run() does.
  void (*prepare_without)(void* self) = nullptr;
  void (*without)(void* self) noexcept = nullptr;
  double expected_ns = 0;      // rough cost of one run(), to choose iteration counts; 0 = unknown
  bool has_executors = false;  // other threads execute the case's code meanwhile
};

struct SiteCounter {
  std::string name;  // "code-bytes", "cell-bytes", "method-cache-hits"
  std::string per;   // send | patch | site
  double value = 0;
};

struct MemoryUse {
  std::int64_t vmas = 0;
  std::int64_t mapped_kib = 0;
  std::int64_t rss_kib = 0;
  std::int64_t pss_kib = -1;   // resident, a page that is mapped twice counted once; -1: unknown
  std::int64_t anon_kib = -1;  // part of that which is anonymous; the rest is shared; -1: unknown
  std::int64_t page_kib = -1;  // size of the pages behind them; -1: unknown
  std::int64_t huge_kib = -1;  // part of it on huge pages; -1: unknown
};

/// A named piece of generated code, as bytes at the address where it executes.
struct CodePiece {
  std::string name;  // "send-site", "checked-entry", "closed-pic", "open-pic", "cell-data"
  std::uintptr_t address = 0;
  std::vector<std::byte> bytes;
};

struct CodeSnapshot {
  std::string moment;  // "unlinked", "mic", "closed-pic-2" to "closed-pic-6", "open-pic"
  std::vector<CodePiece> pieces;
};

/// What was executed does not agree with the oracle. The case is `failed` and never timed.
class WrongResult : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The machine lacks something that the parameters ask for. The case is `unsupported`, with what()
/// as its reason.
class Unsupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Of a zone whose stores are staged (strategies/zone_traits.hpp), asked for a mode of publishing.
inline constexpr const char* kStagedPublishing =
    "its stores reach the code when a patch scope ends, after what is published inside it";

class Instance {
 public:
  Instance() = default;
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  virtual ~Instance() = default;

  /// Executes the case's code and compares with the plain C++ oracle; touches everything that will
  /// be timed. Throws WrongResult.
  virtual void check() = 0;
  /// Valid as long as the instance.
  [[nodiscard]] virtual std::span<const Measurement> measurements() const = 0;
  /// Called after the measurements: code and cell bytes a site, hit rates.
  [[nodiscard]] virtual std::vector<SiteCounter> counters() const = 0;
  [[nodiscard]] virtual MemoryUse memory() const = 0;
  /// Mappings of the zone and its data while one site is open for a patch; empty where that cannot
  /// be known, or nothing is patched while it is measured.
  [[nodiscard]] virtual std::optional<std::int64_t> vmas_while_open() { return std::nullopt; }
};

/// Sets a case up. Throws std::system_error (what() names the call) when the machine refuses the
/// memory, Unsupported, and std::invalid_argument for parameters that cannot be had together.
using MakeInstance = std::unique_ptr<Instance> (*)(const CellRequest&);
/// The case's code through every state of its sites, for --dump-code.
using DumpCode = std::vector<CodeSnapshot> (*)(const CellRequest&);

/// One (strategy, workload): either a way to make it, or why it has no meaning.
struct CellFactory {
  std::string_view strategy;
  std::string_view workload;
  MakeInstance make = nullptr;   // null: unsupported
  DumpCode dump = nullptr;       // null: the workload generates no sends
  std::string_view unsupported;  // the reason, when make is null
  /// Why the strategy has no meaning with these parameters, empty where it has; null: it has with
  /// all. A preset leaves such cases out, and who asks for them gets the reason.
  std::string_view (*unsupported_at)(const ParamText& params) = nullptr;
};

enum class StrategyRole { strategy, control };

struct StrategyInfo {
  std::string_view id;
  std::string_view summary;
  StrategyRole role = StrategyRole::strategy;
  bool patches_code = false;        // while it runs, and not data instead
  bool second_view = false;         // writes through another address than it executes
  std::string_view only_workload;   // non-empty: a control of that workload alone
  std::string_view code = {};       // strategies with the same execute the same bytes once linked
  bool toggles_protection = false;  // of pages, for each patch
  bool writable_and_executable = false;  // its memory is both at once
  bool preferred_baseline = false;       // before those that are not
  bool floor = false;                    // the control that nothing can go below
  bool staged = false;                   // stores reach the code when a patch scope ends
  bool opens_whole_zone = false;         // a scope makes all of the zone unexecutable
  bool small_grid = false;               // a preset measures it at one point of a workload's grid
  std::string_view fork = {};            // "shared": a child of fork(2) patches its parent's code
  std::span<const Refusal> refused_by = {};
};

/// Creates a zone, patches and executes in it once. Throws std::system_error as MakeInstance does.
/// Returns what was chosen ("/tmp (ext4)"), or an empty string.
using ProbeStrategy = std::string (*)();

struct StrategyEntry {
  StrategyInfo info;
  ProbeStrategy probe = nullptr;
};

/// The strategies in presentation order: strategies first, then controls. `again` is not among
/// them: it is the baseline measured twice, and the harness adds it.
[[nodiscard]] std::span<const StrategyEntry> strategies();
[[nodiscard]] std::span<const WorkloadInfo> workloads();
/// Every pair; a control that belongs to another workload alone has no entry (nullptr).
[[nodiscard]] const CellFactory* find_cell(std::string_view strategy, std::string_view workload);

}  // namespace patchbench
