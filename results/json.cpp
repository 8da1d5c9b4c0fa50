#include "results/json.hpp"

#include <array>
#include <set>
#include <utility>

#include "results/fields.hpp"
#include "results/file.hpp"

namespace patchbench::results {
namespace {

constexpr std::array kAvailabilities = {Availability::available, Availability::denied,
                                        Availability::unsupported};

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// ---- writing ----

Json named_texts_to_json(const NamedTexts& texts) {
  Json object = Json::object();
  for (const auto& [name, text] : texts) object[name] = text;
  return object;
}

Json time_to_json(const std::optional<TimeSpent>& time) {
  if (!time) return nullptr;
  return {{"children_s", number_to_json(time->children_s)},
          {"batches_s", number_to_json(time->batches_s)},
          {"between_s", number_to_json(time->between_s)},
          {"parent_cpu_s", number_to_json(time->parent_cpu_s)}};
}

Json flagged_to_json(const std::optional<FlaggedSamples>& flagged) {
  if (!flagged) return nullptr;
  return {{"all", flagged->samples},
          {"drifted", flagged->drifted},
          {"stolen", flagged->stolen},
          {"any", flagged->any}};
}

Json undisturbed_to_json(const std::optional<UndisturbedRatio>& ratio) {
  if (!ratio) return nullptr;
  return {{"n", ratio->n},
          {"median", number_to_json(ratio->median)},
          {"verdict", to_string(ratio->verdict)}};
}

Json identical_count_to_json(const IdenticalCount& count) {
  return {{"intervals", count.intervals},
          {"missing", count.missing},
          {"expected", number_to_json(count.expected)},
          {"chance", number_to_json(count.chance)},
          {"scatter", number_to_json(count.scatter)},
          {"worst", count.worst}};
}

Json identical_to_json(const std::optional<Identical>& identical) {
  if (!identical) return nullptr;
  return {{"code", identical_count_to_json(identical->code)},
          {"again", identical_count_to_json(identical->again)},
          {"alarm", identical->alarm}};
}

Json run_to_json(const Run& run) {
  return {{"id", run.id},
          {"started", run.started},
          {"finished", run.finished},
          {"command", run.command},
          {"preset", run.preset},
          {"seed", run.seed},
          {"rounds", run.rounds},
          {"interrupted", run.interrupted},
          {"program", run.program},
          {"arguments", run.arguments},
          {"ended", run.ended},
          {"delta", number_to_json(run.delta)},
          {"time", time_to_json(run.time)},
          {"flagged", flagged_to_json(run.flagged)},
          {"execute_only", run.execute_only},
          {"identical", identical_to_json(run.identical)}};
}

Json cpu_to_json(const Cpu& cpu) {
  return {{"model", nullable_to_json(cpu.model)},
          {"vendor", nullable_to_json(cpu.vendor)},
          {"microcode", nullable_to_json(cpu.microcode)},
          {"family", nullable_to_json(cpu.family)},
          {"model_number", nullable_to_json(cpu.model_number)},
          {"online", nullable_to_json(cpu.online)},
          {"cores", nullable_to_json(cpu.cores)},
          {"pinned", nullable_to_json(cpu.pinned)},
          {"caches", named_texts_to_json(cpu.caches)}};
}

Json counting_to_json(const std::optional<Counting>& counting) {
  if (!counting) return nullptr;
  Json bracket = Json::object();
  for (const auto& [event, value] : counting->bracket) bracket[event] = number_to_json(value);
  Json reads = Json::array();
  for (const ReadCost& read : counting->reads) {
    reads.push_back({{"source", read.source},
                     {"path", read.path},
                     {"ns", number_to_json(read.ns)},
                     {"used", read.used}});
  }
  return {{"library", counting->library},
          {"pmu", nullable_to_json(counting->pmu)},
          {"counters", nullable_to_json(counting->counters)},
          {"read_path", nullable_to_json(counting->read_path)},
          {"read_ns", number_to_json(counting->read_ns)},
          {"rounds", counting->rounds},
          {"reads", std::move(reads)},
          {"bracket", std::move(bracket)},
          {"events", named_texts_to_json(counting->events)}};
}

Json context_to_json(const Context& context) {
  return {{"host", nullable_to_json(context.host)},
          {"arch", context.arch},
          {"cpu", cpu_to_json(context.cpu)},
          {"kernel", nullable_to_json(context.kernel)},
          {"kernel_command_line", nullable_to_json(context.kernel_command_line)},
          {"virtualization", nullable_to_json(context.virtualization)},
          {"emulated", context.emulated},
          {"page_size", context.page_size},
          {"huge_page_sizes", nullable_to_json(context.huge_page_sizes)},
          {"thp_size", nullable_to_json(context.thp_size)},
          {"governor", nullable_to_json(context.governor)},
          {"turbo", nullable_to_json(context.turbo)},
          {"smt", nullable_to_json(context.smt)},
          {"aslr", nullable_to_json(context.aslr)},
          {"thp", nullable_to_json(context.thp)},
          {"perf_event_paranoid", nullable_to_json(context.perf_event_paranoid)},
          {"load_average", number_to_json(context.load_average)},
          {"mitigations", named_texts_to_json(context.mitigations)},
          {"compiler", context.compiler},
          {"flags", context.flags},
          {"build_type", context.build_type},
          {"git", nullable_to_json(context.git)},
          {"libraries", named_texts_to_json(context.libraries)},
          {"simulator", nullable_to_json(context.simulator)},
          {"counting", counting_to_json(context.counting)},
          {"sources", named_texts_to_json(context.sources)},
          {"selftest", self_test_to_json(context.selftest)},
          {"warnings", context.warnings}};
}

Json strategy_to_json(const StrategyStatus& strategy) {
  return {{"id", strategy.id},
          {"status", to_string(strategy.status)},
          {"call", strategy.call},
          {"errno", nullable_to_json(strategy.error)},
          {"reason", strategy.reason},
          {"detail", strategy.detail},
          {"code", nullable_to_json(strategy.code)},
          {"second_view", nullable_to_json(strategy.second_view)}};
}

Json params_to_json(const Params& params) {
  Json object = Json::object();
  for (const auto& [name, value] : params) {
    std::visit([&object, &key = name](const auto& plain) { object[key] = plain; }, value);
  }
  return object;
}

Json variance_to_json(const std::optional<Variance>& variance) {
  if (!variance) return nullptr;
  return {{"between", number_to_json(variance->between)},
          {"within", number_to_json(variance->within)},
          {"batches", number_to_json(variance->batches)},
          {"batch_ms", number_to_json(variance->batch_ms)},
          {"process_ms", number_to_json(variance->process_ms)}};
}

Json metric_to_json(const Metric& metric) {
  Json json = {{"name", metric.name},
               {"unit", metric.unit},
               {"samples", samples_to_json(metric.samples)},
               {"median", number_to_json(metric.median)},
               {"ci95", interval_to_json(metric.ci95)},
               {"drifts", nullable_to_json(metric.drifts)},
               {"bimodal", nullable_to_json(metric.bimodal)},
               {"variance", variance_to_json(metric.variance)},
               {"latency_ns", samples_to_json(metric.latency_ns)},
               {"throughput_ns", samples_to_json(metric.throughput_ns)}};
  if (!metric.not_above_zero.empty()) json["not_above_zero"] = metric.not_above_zero;
  return json;
}

Json ratio_to_json(const Ratio& ratio) {
  return {{"metric", ratio.metric},
          {"baseline", ratio.baseline},
          {"median", number_to_json(ratio.median)},
          {"ci95", interval_to_json(ratio.ci95)},
          {"ci_free", interval_to_json(ratio.ci_free)},
          {"ci_free_coverage", number_to_json(ratio.ci_free_coverage)},
          {"n", ratio.n},
          {"verdict", to_string(ratio.verdict)},
          {"q_differs", number_to_json(ratio.q_differs)},
          {"q_same", number_to_json(ratio.q_same)},
          {"drifts", nullable_to_json(ratio.drifts)},
          {"bimodal", nullable_to_json(ratio.bimodal)},
          {"undisturbed", undisturbed_to_json(ratio.undisturbed)}};
}

template <typename T, typename Write>
Json list_to_json(const std::vector<T>& values, Write write) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(write(value));
  return list;
}

Json lost_to_json(const LostRound& lost) {
  return {{"round", lost.round}, {"status", to_string(lost.status)}, {"reason", lost.reason}};
}

Json cell_to_json(const Cell& cell) {
  return {{"id", cell.id},
          {"strategy", cell.strategy},
          {"workload", cell.workload},
          {"params", params_to_json(cell.params)},
          {"status", to_string(cell.status)},
          {"reason", cell.reason},
          {"notes", cell.notes},
          {"metrics", list_to_json(cell.metrics, metric_to_json)},
          {"ratios", list_to_json(cell.ratios, ratio_to_json)},
          {"counters", counters_to_json(cell.counters)},
          {"memory", memory_to_json(cell.memory)},
          {"lost", list_to_json(cell.lost, lost_to_json)},
          {"known_after", nullable_to_json(cell.known_after)},
          {"every", nullable_to_json(cell.every)}};
}

/// Whatever fits goes on one line, so that a person can read a cell and a diff shows what changed.
void lay_out(const Json& value, std::size_t indent, std::string& out) {
  constexpr std::size_t kLineWidth = 118;
  const std::string line = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (!value.is_structured() || value.empty() || line.size() + indent <= kLineWidth) {
    out += line;
    return;
  }
  const bool object = value.is_object();
  out += object ? '{' : '[';
  const char* separator = "";
  for (const auto& [key, element] : value.items()) {
    out += separator;
    out += '\n';
    out.append(indent + 1, ' ');
    if (object) out += Json(key).dump(-1, ' ', false, Json::error_handler_t::replace) + ": ";
    lay_out(element, indent + 1, out);
    separator = ",";
  }
  out += '\n';
  out.append(indent, ' ');
  out += object ? '}' : ']';
}

// ---- reading ----

NamedTexts named_texts_from(const Field& field) {
  NamedTexts texts;
  for (const auto& [name, value] : field.members()) texts.emplace_back(name, value.text());
  return texts;
}

int small_from(const Field& field) { return field.small(); }

std::int64_t size_from(const Field& field) { return field.integer(0); }

std::vector<std::int64_t> sizes_from(const Field& field) { return field.list(size_from); }

/// Of a cost: more than nothing, less than all of it.
double share_from(const Field& field) {
  const double value = field.positive();
  if (value >= 1) field.fail("must be below 1, is not");
  return value;
}

TimeSpent time_from(const Field& field) {
  return {field.member("children_s").non_negative(), field.member("batches_s").non_negative(),
          field.member("between_s").non_negative(), field.member("parent_cpu_s").non_negative()};
}

FlaggedSamples flagged_from(const Field& field) {
  return {field.member("all").small(0), field.member("drifted").small(0),
          field.member("stolen").small(0), field.member("any").small(0)};
}

/// A p-value, after correction or not.
double probability_from(const Field& field) {
  const double value = field.non_negative();
  if (value > 1) field.fail("must be at most 1, is above");
  return value;
}

IdenticalCount identical_count_from(const Field& field) {
  return {.intervals = field.member("intervals").small(0),
          .missing = field.member("missing").small(0),
          .expected = field.member("expected").non_negative(),
          .chance = field.member("chance").nullable(probability_from),
          .scatter = field.member("scatter").nullable(&Field::non_negative),
          .worst = field.member("worst").text()};
}

Identical identical_from(const Field& field) {
  return {.code = identical_count_from(field.member("code")),
          .again = identical_count_from(field.member("again")),
          .alarm = field.member("alarm").text()};
}

Run run_from(const Field& field) {
  Run run;
  run.id = field.member("id").name();
  run.started = field.member("started").text();
  run.finished = field.member("finished").text();
  run.command = field.member("command").text();
  run.preset = field.member("preset").text();
  run.seed = field.member("seed").unsigned_integer();
  run.rounds = field.member("rounds").small(1);
  run.interrupted = field.member("interrupted").boolean();
  if (const auto program = field.find("program")) {
    run.program = program->text();
  }
  if (const auto ended = field.find("ended")) {
    run.ended = ended->text();
  }
  if (const auto arguments = field.find("arguments")) {
    run.arguments = arguments->list(&Field::text);
  }
  run.delta = field.later("delta", share_from);
  run.time = field.later("time", time_from);
  run.flagged = field.later("flagged", flagged_from);
  if (const auto only = field.find("execute_only")) run.execute_only = only->list(&Field::name);
  run.identical = field.later("identical", identical_from);
  return run;
}

Cpu cpu_from(const Field& field) {
  Cpu cpu;
  cpu.model = field.member("model").nullable(&Field::text);
  cpu.vendor = field.member("vendor").nullable(&Field::text);
  cpu.microcode = field.member("microcode").nullable(&Field::text);
  cpu.family = field.member("family").nullable(small_from);
  cpu.model_number = field.member("model_number").nullable(small_from);
  cpu.online = field.member("online").nullable(small_from);
  cpu.cores = field.later("cores", small_from);
  cpu.pinned = field.member("pinned").nullable(&Field::text);
  cpu.caches = named_texts_from(field.member("caches"));
  return cpu;
}

std::vector<ReadCost> reads_from(const Field& field) {
  std::vector<ReadCost> reads;
  for (const Field& read : field.elements()) {
    reads.push_back({.source = read.member("source").name(),
                     .path = read.member("path").name(),
                     .ns = read.member("ns").non_negative(),
                     .used = read.member("used").boolean()});
  }
  return reads;
}

Counting counting_from(const Field& field) {
  Counting counting;
  counting.library = field.member("library").name();
  counting.pmu = field.member("pmu").nullable(&Field::name);
  counting.counters =
      field.member("counters").nullable([](const Field& value) { return value.small(0); });
  counting.read_path = field.member("read_path").nullable(&Field::name);
  counting.read_ns = field.member("read_ns").nullable(&Field::non_negative);
  counting.rounds = field.member("rounds").small(0);
  for (const auto& [event, value] : field.member("bracket").members()) {
    counting.bracket.emplace_back(event, value.number());
  }
  counting.reads = field.later("reads", reads_from).value_or(std::vector<ReadCost>{});
  counting.events = field.later("events", named_texts_from).value_or(NamedTexts{});
  return counting;
}

Context context_from(const Field& field) {
  Context context;
  context.host = field.member("host").nullable(&Field::text);
  context.arch = field.member("arch").name();
  context.cpu = cpu_from(field.member("cpu"));
  context.kernel = field.member("kernel").nullable(&Field::text);
  context.kernel_command_line = field.member("kernel_command_line").nullable(&Field::text);
  context.virtualization = field.member("virtualization").nullable(&Field::text);
  context.emulated = field.member("emulated").boolean();
  context.page_size = field.member("page_size").integer(0);
  context.huge_page_sizes = field.later("huge_page_sizes", sizes_from);
  context.thp_size = field.later("thp_size", size_from);
  context.governor = field.member("governor").nullable(&Field::text);
  context.turbo = field.member("turbo").nullable(&Field::boolean);
  context.smt = field.member("smt").nullable(&Field::boolean);
  context.aslr = field.member("aslr").nullable(small_from);
  context.thp = field.member("thp").nullable(&Field::text);
  context.perf_event_paranoid = field.member("perf_event_paranoid").nullable(small_from);
  context.load_average = field.member("load_average").nullable(&Field::non_negative);
  context.mitigations = named_texts_from(field.member("mitigations"));
  context.compiler = field.member("compiler").text();
  context.flags = field.member("flags").text();
  context.build_type = field.member("build_type").text();
  context.git = field.member("git").nullable(&Field::text);
  context.libraries = named_texts_from(field.member("libraries"));
  if (const auto simulator = field.find("simulator")) {
    context.simulator = simulator->nullable(&Field::name);
  }
  context.counting = field.later("counting", counting_from);
  if (const auto sources = field.find("sources")) context.sources = named_texts_from(*sources);
  context.selftest = field.later("selftest", self_test_from);
  context.warnings = field.member("warnings").list(&Field::text);
  return context;
}

StrategyStatus strategy_from(const Field& field) {
  StrategyStatus strategy;
  strategy.id = field.member("id").name();
  strategy.status = field.member("status").one_of(kAvailabilities);
  strategy.call = field.member("call").text();
  strategy.error = field.member("errno").nullable(&Field::text);
  strategy.reason = field.member("reason").text();
  strategy.detail = field.member("detail").text();
  strategy.code = field.later("code", &Field::name);
  strategy.second_view = field.later("second_view", &Field::boolean);
  return strategy;
}

Variance variance_from(const Field& field) {
  return {field.member("between").number(), field.member("within").non_negative(),
          field.member("batches").non_negative(),
          field.member("batch_ms").nullable(&Field::non_negative),
          field.member("process_ms").nullable(&Field::non_negative)};
}

/// One value a round, or none at all.
std::vector<std::optional<double>> calibrations_from(const Field& metric, std::string_view name,
                                                     std::size_t rounds) {
  const std::optional<Field> found = metric.find(name);
  if (!found) return {};
  auto values = found->list([](const Field& value) { return value.nullable(&Field::positive); });
  if (!values.empty() && values.size() != rounds) {
    found->fail("must be empty or have one value a round (" + std::to_string(rounds) + "), has " +
                std::to_string(values.size()));
  }
  return values;
}

Metric metric_from(const Field& field, int rounds) {
  Metric metric;
  metric.name = field.member("name").name();
  metric.unit = field.member("unit").name();
  const Field samples = field.member("samples");
  metric.samples =
      samples.list([](const Field& sample) { return sample.nullable(&Field::positive); });
  if (metric.samples.size() != static_cast<std::size_t>(rounds)) {
    samples.fail("must have one value a round (" + std::to_string(rounds) + "), has " +
                 std::to_string(metric.samples.size()));
  }
  metric.median = field.member("median").nullable(&Field::non_negative);
  metric.ci95 = field.member("ci95").nullable(&Field::interval);
  metric.drifts = field.later("drifts", &Field::boolean);
  metric.bimodal = field.later("bimodal", &Field::boolean);
  metric.variance = field.later("variance", variance_from);
  metric.latency_ns = calibrations_from(field, "latency_ns", metric.samples.size());
  metric.throughput_ns = calibrations_from(field, "throughput_ns", metric.samples.size());
  if (const auto found = field.find("not_above_zero")) {
    metric.not_above_zero = found->list([](const Field& round) { return round.small(0); });
  }
  return metric;
}

Ratio ratio_from(const Field& field, int rounds) {
  Ratio ratio;
  ratio.metric = field.member("metric").name();
  ratio.baseline = field.member("baseline").name();
  ratio.median = field.member("median").nullable(&Field::non_negative);
  ratio.ci95 = field.member("ci95").nullable(&Field::interval);
  ratio.ci_free = field.member("ci_free").nullable(&Field::interval);
  ratio.ci_free_coverage = field.member("ci_free_coverage").nullable(&Field::non_negative);
  ratio.n = static_cast<int>(field.member("n").integer(0, rounds));
  ratio.verdict = field.member("verdict").one_of(kVerdicts);
  ratio.q_differs = field.later("q_differs", probability_from);
  ratio.q_same = field.later("q_same", probability_from);
  ratio.drifts = field.later("drifts", &Field::boolean);
  ratio.bimodal = field.later("bimodal", &Field::boolean);
  ratio.undisturbed = field.later("undisturbed", [rounds](const Field& from) {
    return UndisturbedRatio{static_cast<int>(from.member("n").integer(0, rounds)),
                            from.member("median").nullable(&Field::non_negative),
                            from.member("verdict").one_of(kVerdicts)};
  });
  return ratio;
}

LostRound lost_from(const Field& field, int rounds) {
  LostRound lost;
  lost.round = static_cast<int>(field.member("round").integer(0, rounds - 1));
  lost.status = field.member("status").one_of(kCellStatuses);
  lost.reason = field.member("reason").text();
  return lost;
}

Params params_from(const Field& field) {
  Params params;
  for (const auto& [name, value] : field.members()) params.emplace_back(name, value.param());
  return params;
}

Cell cell_from(const Field& field, int rounds) {
  Cell cell;
  cell.id = field.member("id").name();
  cell.strategy = field.member("strategy").name();
  cell.workload = field.member("workload").name();
  cell.params = params_from(field.member("params"));
  cell.status = field.member("status").one_of(kCellStatuses);
  cell.reason = field.member("reason").text();
  cell.notes = field.member("notes").list(&Field::text);
  cell.metrics = field.member("metrics").list(
      [=](const Field& metric) { return metric_from(metric, rounds); });
  cell.ratios =
      field.member("ratios").list([=](const Field& ratio) { return ratio_from(ratio, rounds); });
  cell.counters = counters_from(field.member("counters"));
  cell.memory = memory_from(field.member("memory"));
  cell.lost = field.member("lost").list([=](const Field& lost) { return lost_from(lost, rounds); });
  cell.known_after = field.later("known_after", [](const Field& value) { return value.small(1); });
  cell.every = field.later("every", [](const Field& value) { return value.small(1); });
  return cell;
}

/// What no field shows by itself.
void check_cell(const Field& field, const Cell& cell) {
  const std::string prefix = cell.workload + '/' + cell.strategy;
  if (cell.id != prefix && !cell.id.starts_with(prefix + '/')) {
    field.member("id").fail("\"" + cell.id + "\" does not begin with workload/strategy, \"" +
                            prefix + "\"");
  }
  std::set<std::string> names;
  for (const Metric& metric : cell.metrics) {
    if (!names.insert(metric.name).second) {
      field.member("metrics").fail("has \"" + metric.name + "\" twice");
    }
  }
}

std::vector<Cell> cells_from(const Field& field, int rounds) {
  std::vector<Cell> cells;
  std::set<std::string> ids;
  for (const Field& element : field.elements()) {
    cells.push_back(cell_from(element, rounds));
    check_cell(element, cells.back());
    if (!ids.insert(cells.back().id).second) {
      element.member("id").fail("\"" + cells.back().id + "\" stands here for the second time");
    }
  }
  return cells;
}

}  // namespace

std::string to_json_text(const Results& results) {
  const Json document = {{"schema_version", results.schema_version},
                         {"run", run_to_json(results.run)},
                         {"context", context_to_json(results.context)},
                         {"baseline", results.baseline},
                         {"strategies", list_to_json(results.strategies, strategy_to_json)},
                         {"cells", list_to_json(results.cells, cell_to_json)}};
  std::string text;
  lay_out(document, 0, text);
  text += '\n';
  return text;
}

Results from_json_text(std::string_view text, std::string_view source) {
  const Json document = parse_json(text, source);
  const Field root(document, source);
  // First of all: a later version may look different everywhere else.
  const Field version = root.member("schema_version");
  if (version.integer() != kSchemaVersion) {
    version.fail("is " + std::to_string(version.integer()) + ", but this program reads version " +
                 std::to_string(kSchemaVersion));
  }
  Results results;
  results.run = run_from(root.member("run"));
  results.context = context_from(root.member("context"));
  results.baseline = root.member("baseline").text();
  results.strategies = root.member("strategies").list(strategy_from);
  results.cells = cells_from(root.member("cells"), results.run.rounds);
  return results;
}

Results read_results(const std::filesystem::path& path) {
  const std::filesystem::path file =
      std::filesystem::is_directory(path) ? path / "results.json" : path;
  return from_json_text(read_text(file), file.string());
}

void write_results(const Results& results, const std::filesystem::path& file) {
  write_text_atomically(file, to_json_text(results));
}

}  // namespace patchbench::results
