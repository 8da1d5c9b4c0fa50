// results/model.hpp - what a run leaves behind, as types.
//
// This is the contract between measuring (harness) and reading (analysis, and other people's
// tools). It mirrors results.json, schema version 2, field by field; schema.v2.json states the same
// for programs in other languages. A value that is not known is an empty optional (JSON null),
// never 0 and never NaN. Times are in the unit that stands beside them; a ratio is strategy /
// baseline, below 1 is faster.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace patchbench::results {

/// Of files that are written. Those of every version from kOldestSchemaVersion on are read: version
/// 1 repeated a counter that the machine lacks in every cell, with its reason.
inline constexpr int kSchemaVersion = 2;
inline constexpr int kOldestSchemaVersion = 1;

/// Where a run's time went, as the lines of its journal have it: that of all processes of rounds.
struct TimeSpent {
  double children_s = 0;    // wall time from starting them to having their answers
  double batches_s = 0;     // part of it: timed batches with their preparation
  double between_s = 0;     // wall time between them, which is the parent's alone
  double parent_cpu_s = 0;  // processor time of the parent while they ran
};

/// Samples are flagged, never left out.
struct FlaggedSamples {
  int samples = 0;  // that there are
  int drifted = 0;  // the calibrations before and after differ by more than 5 %
  int stolen = 0;   // the hypervisor gave the processor to others meanwhile
  int starved = 0;  // waited for its processor for a while: a neighbour or a quota
  int any = 0;      // any of these
};

/// How many of a kind of ratios whose truth is 1 have intervals that say otherwise.
struct IdenticalCount {
  int intervals = 0;
  int missing = 0;      // that do not hold 1
  double expected = 0;  // of those, by the intervals' own 95 %
  /// The probability of as many missing or more if nothing but chance is at work.
  std::optional<double> chance;
  std::optional<double> scatter;  // root mean square of the logarithms of the ratios
  std::string worst;              // "cell, metric: ratio [low, high]"; empty for no interval
};

/// The standing check of the measuring: costs that cannot differ. Empty optionals and texts where
/// there is nothing to say.
struct Identical {
  IdenticalCount code;   // strategies that execute the baseline's bytes, metrics that only execute
  IdenticalCount again;  // the baseline's twin, all metrics
  std::string alarm;     // why the run is not to be cited; empty where it may be
};

struct Run {
  std::string id;
  std::string started;   // ISO 8601, UTC
  std::string finished;  // empty while a run goes on
  std::string command;
  std::string preset;
  std::uint64_t seed = 0;
  int rounds = 0;
  bool interrupted = false;
  /// What decides the plan, in one form however it was typed, and what was run: a run is resumed
  /// only with the same. Both are later than the first files of schema 1, and empty in those.
  std::vector<std::string> arguments;
  std::string program;  // its fingerprint
  /// Why it has so many rounds: "rounds: ...", "precision: ...", "budget: ..."; empty while it goes
  /// on, when it was interrupted, and in the first files of schema 1.
  std::string ended;
  /// The share below which two costs are called the same; none in the first files of schema 1,
  /// whose verdicts are for 3 %.
  std::optional<double> delta = {};
  /// From the journal; none in the first files of schema 1.
  std::optional<TimeSpent> time = {};
  std::optional<FlaggedSamples> flagged = {};
  /// The metrics that only execute code, and patch none. Empty in the first files of schema 1.
  std::vector<std::string> execute_only = {};
  /// By what its numbers were estimated, "sample" -> "the lower decile of a process' batches".
  /// Empty in files of before it was recorded.
  std::vector<std::pair<std::string, std::string>> estimators = {};
  /// None in the first files of schema 1, and in a run whose times mean nothing.
  std::optional<Identical> identical = {};
};

struct Cpu {
  std::optional<std::string> model;
  std::optional<std::string> vendor;
  std::optional<std::string> microcode;
  std::optional<int> family;
  std::optional<int> model_number;
  std::optional<int> online;          // logical processors
  std::optional<int> cores;           // what they belong to; later than the first files of schema 1
  std::optional<std::string> pinned;  // the --cpus list that children were pinned to
  /// The kind of core that they were, where the machine has several; how much processor time the
  /// control group may use, in processors, where it is limited. Both are later.
  std::optional<std::string> core_type = {};
  std::optional<double> quota = {};
  std::vector<std::pair<std::string, std::string>> caches;  // "L1d" -> "48K", as sysfs says
};

/// What one reading of a group of events costs by one path.
struct ReadCost {
  std::string source;  // hardware | software | tracepoint
  std::string path;    // rdpmc | mrs | read
  double ns = 0;       // of a whole group, measured when the run began
  bool used = false;   // the cheapest path of a source is
};

/// How hardware, software and tracepoint counters were counted.
struct Counting {
  std::string library;             // "libpfm 4.13.0": what knows the events' names
  std::optional<std::string> pmu;  // what counts, as the library or the kernel calls it
  std::optional<int> counters;     // of it that count at the same time; none where there is no PMU
  std::optional<std::string> read_path;  // rdpmc | mrs | read, by which hardware events are read
  std::optional<double> read_ns;         // what one reading of a whole group takes so
  std::vector<ReadCost> reads = {};      // of every source that counts, by each path that it has
  int rounds = 0;  // processes a cell that were counted: the samples of each counter
  /// What a reading before and one after nothing count, "cycles:user" -> 97. It is part of no
  /// value: each is the difference of two stretches that have such readings around them.
  std::vector<std::pair<std::string, double>> bracket = {};
  /// What is behind a row here, "l1i-misses" -> "ICACHE_64B:IFTAG_MISS".
  std::vector<std::pair<std::string, std::string>> events = {};
};

enum class Verdict { faster, slower, same, inconclusive };

/// One line of what bench-run --selftest measures of the measuring.
struct SelfTestLine {
  std::string name;                           // one of kSelfTestLines
  std::string unit;                           // "ns"; "ratio" for those that have a verdict
  std::optional<double> value;                // median over rounds
  std::optional<std::array<double, 2>> ci95;  // the interval that decides
  std::optional<Verdict> verdict;
  int rounds = 0;  // that have a value
  /// The number of rounds from which on the interval of a ratio excluded 1; none where it did not.
  std::optional<int> noticed_after;
  bool passed = false;
  std::string reason;  // why not; of a line that passed what else there is to say
  /// One value a round, index = round; empty where that round was lost.
  std::vector<std::optional<double>> samples;
};

/// - `empty-driver`: what the harness adds to a call of a driver that does nothing.
/// - `clock-step`: the smallest step of the clock between two readings.
/// - `multiplication`: one of a chain of dependent multiplications.
/// - `again`: the chain against itself. `known-0`: against as many steps of other code. `known-3`:
///   against 3 % more steps.
inline constexpr std::array<std::string_view, 6> kSelfTestLines = {
    "empty-driver", "clock-step", "multiplication", "again", "known-0", "known-3"};

struct SelfTest {
  std::string date;     // ISO 8601, UTC
  std::string stopped;  // why it has so many rounds
  std::vector<SelfTestLine> lines;
};

/// A counter that has no value in any cell, for one reason. Only files have these: what is read has
/// them spread over the cells again (missing_counters.hpp).
struct MissingCounter {
  std::string name;
  std::string source;
  std::string scope;
  std::vector<std::string> per;  // as Counter::per: missing for each of these
  std::string beside;
  std::string set;
  std::string status;
  std::string reason;
};

struct Context {
  std::optional<std::string> host;
  std::string arch;  // x86_64 | aarch64
  Cpu cpu;
  std::optional<std::string> kernel;
  std::optional<std::string> kernel_command_line;  // its words that change what is measured
  std::optional<std::string> virtualization;       // "none", "kvm", "qemu", ...
  bool emulated = false;                           // instructions are interpreted or translated
  std::int64_t page_size = 0;                      // bytes
  /// Bytes, ascending: the larger pages that can be asked for, and what transparent huge pages are
  /// made of. Both are later than the first files of schema 1.
  std::optional<std::vector<std::int64_t>> huge_page_sizes;
  std::optional<std::int64_t> thp_size;
  std::optional<std::string> governor;
  std::optional<bool> turbo;
  std::optional<bool> smt;
  std::optional<int> aslr;  // kernel.randomize_va_space
  std::optional<std::string> thp;
  std::optional<int> perf_event_paranoid;
  std::optional<double> load_average;  // one minute, at the start
  std::vector<std::pair<std::string, std::string>> mitigations;
  std::string compiler;
  std::string flags;
  std::string build_type;
  /// What the measuring processes set for themselves, as --policy has it; none where they set
  /// nothing, and in files of before there was that option.
  std::optional<std::string> policy = {};
  /// What was asked of all zones beside the strategy, by option; those that were left alone are not
  /// in it, and files of before there were such options have none.
  std::vector<std::pair<std::string, std::string>> zone_options = {};
  std::optional<std::string> git;  // revision, with "-dirty" when the tree had changes
  std::vector<std::pair<std::string, std::string>> libraries;
  /// What counters of source `simulated` were counted by, and what it assumes; empty where nothing
  /// was. Later than the first files of schema 1, which do not have it.
  std::optional<std::string> simulator;
  /// How the other counters were counted; empty where none were. As late as `simulator`.
  std::optional<Counting> counting;
  /// Where each of the facts above was read, by its name in results.json ("cpu.model"); of one that
  /// is unknown, where it was looked for. Later than the first files of schema 1.
  std::vector<std::pair<std::string, std::string>> sources;
  /// None where none was run, and in the first files of schema 1.
  std::optional<SelfTest> selftest;
  /// Empty but in a file: see there.
  std::vector<MissingCounter> missing_counters = {};
  std::vector<std::string> warnings;
};

/// The id of the baseline's twin, which is measured beside it: how much two equal things differ.
inline constexpr std::string_view kAgain = "again";

enum class Availability { available, denied, unsupported };

/// A way to change code, or what those are held against.
enum class Role { strategy, control };

/// What the architecture promises of a patch that ends with no instruction but what it asks for:
/// that the patching thread executes the new code; nothing, so that it rests on the behaviour of
/// the processors that exist; or nothing is needed, because only data changes.
enum class Guarantee { architectural, none, not_needed };

/// In presentation order.
struct StrategyStatus {
  std::string id;
  Availability status = Availability::available;
  std::string call;                  // the system call that refused, empty when none did
  std::optional<std::string> error;  // errno's symbol: "EACCES"
  std::string reason;                // a sentence: what failed and what to do
  std::string detail;                // what was chosen: file-dual's directory and filesystem
  /// Strategies with the same word execute the same bytes once their sends are linked. This and
  /// what follows are later than the first files of schema 1.
  std::optional<std::string> code = {};
  std::optional<bool> second_view = {};  // writes through another address than it executes
  std::optional<Role> role = {};
  std::optional<std::string> summary = {};  // what it is, in a few words
  /// The one workload that a control belongs to; empty where it belongs to all.
  std::optional<std::string> only_workload = {};
  /// Of its zone: memory is writable and executable at once, or its protection changes for each
  /// patch, when no other thread may execute there; policies that refuse it
  /// (strategies/policy.hpp).
  std::optional<bool> writable_and_executable = {};
  std::optional<bool> toggles_protection = {};
  std::vector<std::string> refused_by = {};
  std::optional<Guarantee> guarantee = {};  // schema 1 did not have it
  /// Of one that patches code: "shared" where a child of fork(2) that patches changes its parent's
  /// code too, else "isolated".
  std::optional<std::string> fork = {};
  std::optional<bool> small_grid = {};  // presets measure it at one point of a workload's grid
};

/// What a report's first table has of a workload: a metric at the parameters that come nearest to
/// these, of which the first decides first.
struct HeadlineEntry {
  std::string metric;
  std::vector<std::pair<std::string, std::int64_t>> near;
};

/// What a run knew of a workload. In presentation order, as the strategies are.
struct WorkloadEntry {
  std::string id;
  std::string summary;               // what is executed, in a few words
  std::vector<std::string> metrics;  // all that it measures
  std::vector<HeadlineEntry> headline;
};

/// What a run knew of a metric. In presentation order.
struct MetricEntry {
  std::string id;
  std::string title;  // at the head of a table
  std::string meaning;
  std::string unit;
  bool executes_only = false;     // linked sends, and patches nothing meanwhile
  bool countable = false;         // a simulator can count its instructions
  bool patches = false;           // a change of code or of cells is part of each operation
  bool publishes = false;         // costs what --publish=MODE says: it has a column for each mode
  std::string among_hits = {};    // the metric of the same change among sends that hit; empty: none
  bool installs = false;          // what new code costs: each operation is a method, or its part
  bool replays = false;           // a send of a recorded program, in its order
  bool beside_executors = false;  // other threads execute what is patched, or what is timed
  std::string undisturbed = {};   // the metric of the same while nothing is patched; empty: none
  std::string leads_to = {};      // the state of a site after this step of its life; empty: none
  bool in_bulk = false;           // everything is changed at once
  /// Over the number of islands in a zone, an operation on a "page", a "zone" or a "snapshot";
  /// empty of others.
  std::string over_islands = {};
};

/// Whatever can be an integer is one.
using ParamValue = std::variant<std::int64_t, std::string>;
/// In the order in which the workload declares them: that order is part of the cell's id.
using Params = std::vector<std::pair<std::string, ParamValue>>;

enum class CellStatus { ok, denied, unsupported, failed, crashed, timeout };

/// The scatter of a metric's logarithms, so in squares of shares of its value.
struct Variance {
  double between = 0;                // processes, that within them taken out; may be negative
  double within = 0;                 // of the batches of one process
  double batches = 0;                // of a process
  std::optional<double> batch_ms;    // what one batch costs
  std::optional<double> process_ms;  // what a process costs beside its batches
};

struct Metric {
  std::string name;  // one of Results::metrics
  std::string unit;  // "ns"
  /// One value a round, index = round; empty where that round was lost.
  std::vector<std::optional<double>> samples;
  std::optional<double> median;
  std::optional<std::array<double, 2>> ci95;  // of the median over rounds
  std::optional<bool> drifts;        // with the rounds; none where they are too few to judge
  std::optional<bool> bimodal;       // none where the rounds are too few to tell
  std::optional<Variance> variance;  // none where the journal did not tell
  /// The machine's state around each sample, index = round: what one dependent multiplication took,
  /// and one instruction of a piece that the front end bounds. Empty where no sample has one, and
  /// in the first files of schema 1.
  std::vector<std::optional<double>> latency_ns = {};
  std::vector<std::optional<double>> throughput_ns = {};
  /// Of differences: the rounds in which what was measured did not take longer than what it was
  /// compared with. They have no sample, and count as the lowest wherever ranks are taken: leaving
  /// them out would leave out the low half of the noise.
  std::vector<int> not_above_zero = {};
};

/// A ratio without the rounds in which the sample of either side is flagged.
struct UndisturbedRatio {
  int n = 0;
  std::optional<double> median;
  Verdict verdict = Verdict::inconclusive;
};

struct Ratio {
  std::string metric;
  std::string baseline;  // strategy id
  std::optional<double> median;
  /// t interval on the logarithms of the ratios, paired inside a round.
  std::optional<std::array<double, 2>> ci95;
  /// By ranks (analysis/statistics/statistics.hpp, PairedRatio), with the coverage that n allows.
  std::optional<std::array<double, 2>> ci_free;
  std::optional<double> ci_free_coverage;
  int n = 0;  // rounds in which both cells have a sample
  Verdict verdict = Verdict::inconclusive;
  /// Adjusted p-values of the hypotheses that both cost the same, and that they differ by delta;
  /// none in files written before verdicts were corrected for their number.
  std::optional<double> q_differs;
  std::optional<double> q_same;
  std::optional<bool> drifts;   // with the rounds; none where they are too few to judge
  std::optional<bool> bimodal;  // none where the rounds are too few to tell
  /// None where that is the same.
  std::optional<UndisturbedRatio> undisturbed;
};

struct Counter {
  std::string name;    // of source simulated: those of kSimulatedCounters
  std::string source;  // hardware | software | tracepoint | simulated
  std::string scope;   // user | kernel | both
  std::string per;     // send | patch | another metric's name | site
  std::string beside;  // what else the process did meanwhile: "busy-thread"; empty: nothing
  std::optional<double> value;
  std::optional<std::int64_t> time_enabled;  // ns
  std::optional<std::int64_t> time_running;  // ns
  /// ok | unavailable | unsupported | multiplexed: counted only for a part of the time and scaled
  std::string status;
  std::string reason;
  /// The named set of --counters that it belongs to: prefetch, icache or vma; empty for none.
  std::string set;
  /// One value for each process that counted, whose median is `value`; empty where there is one for
  /// each round, or nothing was counted.
  std::vector<double> samples;
};

/// What a simulator counts, in the order of tables. Misses are those of the caches that
/// Context::simulator describes, not of this machine's; ll-misses are of instructions and data
/// together. An emulator that only counts instructions has the first alone.
inline constexpr std::array<std::string_view, 5> kSimulatedCounters = {
    "instructions", "data-reads", "data-writes", "i1-misses", "ll-misses"};
inline constexpr std::string_view kSimulated = "simulated";

struct Memory {
  std::optional<std::int64_t> vmas;        // mappings that make up the zone and its data
  std::optional<std::int64_t> mapped_kib;  // their size
  std::optional<std::int64_t> rss_kib;     // their resident part
  std::optional<std::int64_t> page_kib;    // size of the pages behind them (KernelPageSize)
  std::optional<std::int64_t> huge_kib;    // part of them on transparent huge pages
  // Later than the first files of schema 1, which do not have them.
  std::optional<std::int64_t> pss_kib = {};    // resident, a page of two views counted once
  std::optional<std::int64_t> anon_kib = {};   // anonymous part of that; the rest is shared
  std::optional<std::int64_t> vmas_open = {};  // of the zone and its data during one patch
  std::optional<std::int64_t> process_vmas_before = {};  // of the process, before set-up
  std::optional<std::int64_t> process_vmas_during = {};  // once everything was measured
  std::optional<std::int64_t> process_vmas_after = {};   // once the cell is gone
};

struct LostRound {
  int round = 0;
  CellStatus status = CellStatus::failed;
  std::string reason;
};

struct Cell {
  std::string id;  // workload/strategy/parameters
  std::string strategy;
  std::string workload;
  Params params;
  CellStatus status = CellStatus::ok;
  std::string reason;
  std::vector<std::string> notes;  // "no architectural guarantee", "twin of rwx", "drift over 5 %"
  std::vector<Metric> metrics;
  std::vector<Ratio> ratios;
  std::vector<Counter> counters;
  /// The metrics of which Context::missing_counters have no value here. Empty but in a file.
  std::vector<std::string> uncounted = {};
  Memory memory;
  std::vector<LostRound> lost;
  /// The rounds after which its ratios were known well enough, so that it had no more of them; none
  /// where it had all rounds of the run, and in the first files of schema 1.
  std::optional<int> known_after = {};
  /// It is measured in the rounds whose number this divides alone; empty: in all.
  std::optional<int> every = {};
};

/// What one strategy costs under a profile: a send, and its share of a patch.
struct ProfileCost {
  std::string strategy;
  double ns = 0;                                   // a send, median over rounds
  std::optional<double> ratio = {};                // to the cheapest, paired inside a round
  std::optional<std::array<double, 2>> ci95 = {};  // the deciding one; none for the cheapest
  Verdict verdict = Verdict::inconclusive;         // for run.delta
  std::string protocol = {};  // by which it patches what other threads execute; empty: one thread
};

/// How a VM uses its inline caches, and what suits that.
struct ProfileAnswer {
  double rate = 0;  // patches a send, 0 to 1
  std::int64_t sites = 0;
  int threads = 1;
  Params sends = {};                     // the cases that come nearest, and are what was measured
  Params patches = {};                   // empty where the run measured none
  std::vector<ProfileCost> costs = {};   // from the cheapest on
  std::vector<std::string> best = {};    // the cheapest, and what certainly costs the same
  std::vector<std::string> open = {};    // what the run cannot tell from the cheapest
  std::vector<std::string> barred = {};  // what may not be used with that number of threads
  std::vector<std::string> unmeasured = {};  // what has no patches beside other threads
};

/// Where a strategy is cheaper than the baseline, in sends a patch. `same`: neither sends nor
/// patches differ.
enum class Cheaper { never, always, same, below, above, inconclusive };

/// At how many sends a patch a strategy and the baseline cost the same.
struct BreakEvenAnswer {
  std::string strategy;
  std::int64_t sites = 0;
  Cheaper cheaper = Cheaper::inconclusive;
  std::optional<double> sends = {};
  std::optional<std::array<double, 2>> ci95 = {};
  /// Sends of which a share relinks were measured. Otherwise it follows from sends and patches that
  /// were measured apart, as in files of before there was anything else.
  bool measured = false;
};

/// A share of relinking sends at which two strategies cost the same.
struct RateCrossing {
  double p = 0;  // median over rounds
  std::optional<std::array<double, 2>> ci95 = {};
};

/// Which of two strategies costs less per send, over the shares of relinking sends that were
/// measured.
struct RatePair {
  std::string strategy;
  std::string other;
  Params params = {};     // without p
  int rates = 0;          // measured of both
  int strategy_less = 0;  // at which `strategy` certainly costs less
  int other_less = 0;     // at which `other` does
  int same = 0;           // at which they certainly cost the same; the rest is open
  /// Of `strategy`, in p: `below`: below the first crossing, and costlier from there to the next.
  Cheaper cheaper = Cheaper::inconclusive;
  std::vector<RateCrossing> crossings = {};  // ascending
};

/// send + p * relink, fitted to what a strategy's sends cost at the measured shares p.
struct RateModel {
  std::string strategy;
  Params params = {};  // without p
  double send_ns = 0;  // medians over rounds
  std::optional<std::array<double, 2>> send_ci95 = {};
  double relink_ns = 0;
  std::optional<std::array<double, 2>> relink_ci95 = {};
  /// The largest error of the model as a part of what was measured, below 0 where the model is
  /// below, and the p where that is.
  double error = 0;
  double error_at = 0;
};

/// What a person started a run for. Follows from the rest of the results.
struct Answer {
  std::vector<std::string> recommendation;  // sentences
  std::vector<std::string> strategies;      // recommended, the first one first
  std::vector<ProfileAnswer> profiles;
  std::vector<BreakEvenAnswer> break_even;
  /// Of every two strategies, and of each strategy. Empty where no rates were measured, and in
  /// files of before it was recorded.
  std::vector<RatePair> rate_pairs = {};
  std::vector<RateModel> rate_models = {};
  std::vector<std::string> trust;    // sentences: how far the run can be trusted
  std::vector<std::string> refused;  // sentences: what this machine refuses, and why
};

struct Results {
  int schema_version = kSchemaVersion;
  Run run;
  Context context;
  std::string baseline;  // strategy id
  /// The control that no strategy can go below; empty in files of before it was recorded.
  std::string floor = {};
  std::vector<StrategyStatus> strategies;
  /// The catalogue of the program that ran. Empty in files of before it was recorded.
  std::vector<WorkloadEntry> workloads = {};
  std::vector<MetricEntry> metrics = {};
  std::vector<Cell> cells;
  /// None while a run goes on, and in files of before it was recorded.
  std::optional<Answer> answer = {};
};

struct JournalMetric {
  std::string name;
  std::string unit;
  /// One value a batch, in the order measured. Those of a difference of two may be zero or
  /// negative.
  std::vector<double> batches;
  double median = 0;                 // of the batches; 0 where that is not above 0
  std::optional<double> batches_ms;  // wall time of all batches, with their preparation
  // Later than the first journals, as the state of the processor around the batches: the means of
  // what the calibrations just before and just after them took.
  std::optional<double> latency_ns = {};     // one dependent multiplication
  std::optional<double> throughput_ns = {};  // one instruction of the throughput-bound piece
  std::optional<double> low = {};            // lower decile of the batches; none for differences
};

/// One line of samples.jsonl: one finished child of a round, or, where `counted` names a source of
/// counters, one cell's counters from it.
struct JournalEntry {
  /// Empty for a round. Otherwise `round` and `order` say nothing, and there are no metrics: what
  /// was counted was not timed.
  std::string counted;
  int round = 0;
  int order = 0;  // position inside the round's shuffled order
  std::string cell;
  /// Of the executable, 0 to the number of its layouts - 1; none where the child did not say, and
  /// in the first journals.
  std::optional<int> layout;
  /// Entries of a group, cells that were measured in turns, are written together: which of how many
  /// this is. Empty for others, and in the first journals.
  std::optional<int> in_group = {};
  std::optional<int> group_size = {};
  CellStatus status = CellStatus::ok;
  std::string call;
  std::optional<std::string> error;  // errno's symbol
  std::string reason;
  std::string started;  // ISO 8601, UTC
  double wall_ms = 0;
  /// Since the end of the child before it, or since rounds began: what the parent did meanwhile.
  /// This and the next are later than the first journals.
  std::optional<double> between_ms;
  std::optional<double> parent_cpu_ms;  // processor time of the parent while the child ran
  std::vector<JournalMetric> metrics;
  std::vector<Counter> counters;
  Memory memory;
  std::optional<double> calibration_before_ns;  // one dependent multiplication
  std::optional<double> calibration_after_ns;
  std::optional<std::int64_t> steal_ticks;
  /// While it was measured: processor time of the child, time in which it could have executed and
  /// had no processor, and periods in which its control group was stopped for its quota. Later than
  /// the first journals.
  std::optional<double> cpu_ms = {};
  std::optional<double> waited_ms = {};
  std::optional<std::int64_t> throttled = {};
  /// The run itself was killed while this case was measured: it is not begun again.
  std::optional<bool> killed_run = {};
  std::optional<std::int64_t> max_rss_kib;
};

/// Whether every line did, and there is one.
[[nodiscard]] bool passed(const SelfTest& test);

[[nodiscard]] std::string_view to_string(CellStatus status);
[[nodiscard]] std::string_view to_string(Verdict verdict);
[[nodiscard]] std::string_view to_string(Availability availability);
[[nodiscard]] std::string_view to_string(Role role);
[[nodiscard]] std::string_view to_string(Cheaper cheaper);
[[nodiscard]] std::string_view to_string(Guarantee guarantee);

/// "1024" is an integer, "linear" a word, and so is what no std::int64_t holds or writes otherwise.
[[nodiscard]] ParamValue param_value(std::string_view text);
/// "mic/memfd-dual/sites=1024,order=linear"
[[nodiscard]] std::string cell_id(std::string_view workload, std::string_view strategy,
                                  const Params& params);
/// "sites=1024,order=linear"; empty for no parameters.
[[nodiscard]] std::string params_text(const Params& params);

}  // namespace patchbench::results
