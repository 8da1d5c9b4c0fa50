#include "harness/programs/command_line.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/statistics/statistics.hpp"
#include "harness/base/text_parts.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/counters/asked_events.hpp"
#include "harness/counters/event_sets.hpp"
#include "harness/machine/cpu_list.hpp"
#include "harness/machine/machine.hpp"
#include "harness/programs/front_door.hpp"
#include "harness/run/resume.hpp"
#include "harness/run/zone_options.hpp"
#include "strategies/publish.hpp"
#include "workloads/parameters.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostRounds = 10'000;
constexpr std::string_view kAutomatic = "auto";
constexpr std::string_view kNoPolicy = "none";

constexpr const char* kSummary =
    "Measures what it costs a JIT to change code that is already running: strategies for patching\n"
    "inline caches, as ratios to a baseline, on this machine.";

constexpr const char* kFooter = R"(Examples:
  bench-run                                every strategy, a first look (two minutes)
  bench-run --preset=standard              the whole grid (less than an hour)
  bench-run --strategy=memfd-dual,indirect-cell --workload=mic
  bench-run --workload=mic --param sites=1024 order=shuffled --rounds=20
  bench-run --filter='pic/.*degree=6' --baseline=memfd-dual
  bench-run --workload=mic --counters=simulated   and simulated counts of instructions
  bench-run --workload=relink --counters=icache,branch-misses:u
  bench-run --workload=relink --publish=none,membarrier   what telling every thread costs
  bench-run --policy=mdwe                  what is left where the system forbids writable code
  bench-run --selftest                     what this machine and this program can tell apart
  bench-run --dry-run                      the cases and the time they would take
  bench-run --dump-code=mic/rwx/sites=16   the machine code that is measured

Controls and the baseline are part of every run, whatever is selected.

Exit codes: 0 done (denied strategies included); 1 a case failed or crashed; 2 bad usage or
nothing matched; 130 interrupted.)";

constexpr ProgramText kText = {.name = "bench-run", .summary = kSummary, .footer = kFooter};

/// A share as a person types it, with enough digits to be read and written again unchanged.
std::string exact_percent(double share) { return fmt::format("{:.10g}", share * 100); }

/// The options, each by itself: not yet compared with each other and with the catalogue.
struct CommandLine {
  std::string strategies = "all";
  std::string workloads = "all";
  std::string preset = "quick";
  std::optional<int> rounds;
  std::optional<double> precision;  // shares
  std::optional<double> budget_s;
  std::optional<double> timeout_s;
  double delta = analysis::kDefaultDelta;
  std::optional<std::uint64_t> seed;
  std::optional<std::string> filter;
  std::vector<std::string> params;
  std::optional<std::string> publish;
  std::string policy{kNoPolicy};
  std::optional<std::string> zone;
  std::optional<std::string> pages;
  std::optional<std::string> alias_offset;
  std::optional<std::string> placement;
  std::optional<std::string> baseline;
  std::string counters = "auto";
  std::optional<std::string> cpus;
  std::optional<std::string> out;
  std::optional<std::string> resume;
  std::string list;
  bool dry_run = false;
  std::optional<std::string> dump_code;
  bool no_report = false;
  bool quiet = false;
  bool verbose = false;
  std::vector<std::string> advise;
  bool self_test = false;
  bool has_choice = false;  // of what a run measures, how, or where it goes
};

std::vector<std::string> ids_of_publish_modes() {
  std::vector<std::string> words;
  for (const PublishModeInfo& mode : publish_modes()) words.emplace_back(mode.id);
  return words;
}

std::vector<std::string> policy_words() {
  std::vector<std::string> words = {std::string(kNoPolicy)};
  for (const PolicyInfo& info : kPolicies) words.emplace_back(info.word);
  return words;
}

std::string policy_text() {
  std::string text =
      "What the system forbids: each measuring process sets it for itself, and a strategy that it "
      "refuses is a row with the reason. none (default)";
  for (const PolicyInfo& info : kPolicies) text += fmt::format("; {}: {}", info.word, info.summary);
  return text;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names(kPresets.size());
  std::ranges::transform(kPresets, names.begin(), &Preset::name);
  return names;
}

std::string publish_text() {
  std::string text =
      "What each patch ends with, beside the maintenance that it must have; short for --param "
      "publish=MODE[,MODE...]";
  for (const PublishModeInfo& mode : publish_modes()) {
    text += fmt::format("; {}{}: {}", mode.id, mode.mode == PublishMode::none ? " (default)" : "",
                        mode.summary);
  }
  return text;
}

void add_what_to_measure(CLI::App& app, CommandLine& line) {
  app.add_option("--strategy", line.strategies, "Strategies, or all (default)")
      ->type_name("ID,ID...");
  app.add_option("--workload", line.workloads, "Workloads, or all (default)")
      ->type_name("ID,ID...");
  app.add_option("--preset", line.preset,
                 "quick (default): a first look; standard: the whole grid; paper: with more rounds")
      ->check(one_of(preset_names()))
      ->type_name("quick|standard|paper");
  app.add_option(
         "--param", line.params,
         "Values of a workload parameter, instead of the preset's; repeatable, and several may "
         "follow one --param")
      ->type_name("NAME=VALUE[,VALUE...]");
  app.add_option("--publish", line.publish, publish_text())->type_name("MODE[,MODE...]");
  app.add_option("--filter", line.filter, "Only cases whose id matches (ECMAScript)")
      ->type_name("REGEX");
  app.add_option("--baseline", line.baseline,
                 "What ratios are to; by default the first that this machine allows of rwx, "
                 "memfd-dual, file-dual and then the others")
      ->type_name("ID");
}

std::string counters_text() {
  std::string text =
      "What is counted after the timed rounds, in processes of its own. auto (default): all sets; "
      "none";
  for (const CounterChoice& choice : counter_choices()) {
    text += fmt::format("; {}: {}", choice.id, choice.summary);
  }
  for (const EventSet& set : event_sets()) text += fmt::format("; {}: {}", set.id, set.summary);
  return text +
         "; or an event of a set, or any of libpfm4; :u behind an event: user code alone, :k: the "
         "kernel alone (bench-probe lists the sets' events)";
}

std::vector<std::string> times_of_presets() {
  std::vector<std::string> texts;
  texts.reserve(kPresets.size());
  for (const Preset& preset : kPresets) {
    texts.push_back(fmt::format("{} {:.0f} s", preset.name, preset.until.budget_s));
  }
  return texts;
}

void add_zone_options(CLI::App& app, CommandLine& line) {
  app.add_option("--zone", line.zone,
                 "How much each code zone reserves; by default what its code takes, and at most "
                 "1G. Only what the code takes is allocated")
      ->type_name("SIZE[K|M|G]");
  app.add_option("--pages", line.pages,
                 "Pages of the code zone: 4k (default), the machine's own and no larger ones; thp: "
                 "transparent huge pages, both views aligned to 2 MiB and collapsed "
                 "(MADV_COLLAPSE); hugetlb: of the pool of vm.nr_hugepages. What a case got stands "
                 "in its memory")
      ->type_name("4k|thp|hugetlb");
  app.add_option("--alias-offset", line.alias_offset,
                 "How far behind the code its writable view is, where there is one: a power of "
                 "two, 2^32 unless given")
      ->type_name("2^K");
  app.add_option("--placement", line.placement,
                 "Where code goes: near, a direct call reaches this program's own code from it; "
                 "low2g, below 2 GiB; window:ADDRESS, within a direct call's reach behind it. By "
                 "default another place in every round. A window that is full is a denied case")
      ->type_name("near|low2g|window:ADDRESS");
}

void add_how_to_measure(CLI::App& app, CommandLine& line) {
  app.add_option("--policy", line.policy, policy_text())
      ->check(one_of(policy_words()))
      ->type_name("POLICY");
  add_zone_options(app, line);
  app.add_option(
         "--rounds", line.rounds,
         fmt::format("Fresh processes for each case, a fixed number. Unless given, the preset goes "
                     "on until every ratio is known or its time is used ({}), and what is known "
                     "has no more rounds. Those that count stay as many as the preset has",
                     fmt::join(times_of_presets(), ", ")))
      ->transform(whole_number(1, kMostRounds))
      ->type_name("N");
  app.add_option("--precision", line.precision,
                 "Instead of a number of rounds: go on until every ratio asked for is known so "
                 "well; 1% unless given")
      ->transform(percentage())
      ->type_name("PERCENT[%]");
  app.add_option("--budget", line.budget_s,
                 "Instead of a number of rounds: go on until then, or until every ratio is known; "
                 "1h unless given")
      ->transform(duration())
      ->type_name("TIME[s|m|h]");
  app.add_option("--timeout", line.timeout_s,
                 "Give a case up that has used so much time in its turns; 30s unless given. A case "
                 "of large parameters, whose set-up takes long, has more in proportion")
      ->transform(duration())
      ->type_name("TIME[s|m|h]");
  app.add_option("--delta", line.delta,
                 fmt::format("Costs closer than this are called the same; {}% unless given",
                             exact_percent(analysis::kDefaultDelta)))
      ->transform(percentage())
      ->type_name("PERCENT[%]");
  app.add_option("--counters", line.counters, counters_text())
      ->type_name("auto|none|simulated|SET,EVENT...");
  app.add_flag("--selftest", line.self_test,
               "Measure what is known: the harness' own cost, the clock, equal code twice, a "
               "slowdown of 3 %. Alone: nothing else, exit code 1 where it fails. With a choice of "
               "what to measure: before that, and its outcome is part of the results")
      ->disable_flag_override();
  app.add_option("--seed", line.seed, "Repeats the order, the layout and the receivers of a run")
      ->transform(whole_number(0, std::numeric_limits<std::uint64_t>::max()))
      ->type_name("N");
  app.add_option("--cpus", line.cpus,
                 "Processors to pin to, one a round in turn; by default one on which nothing runs, "
                 "of the fastest kind")
      ->type_name("LIST");
}

void add_what_to_leave(CLI::App& app, CommandLine& line) {
  app.add_option("--out", line.out,
                 "Directory for the results, never overwritten; by default "
                 "results/HOST-ARCH-TIME")
      ->type_name("DIR");
  app.add_option("--resume", line.resume,
                 "Go on with the run in this directory, which was killed or interrupted; refuses "
                 "when machine, program or options are not the same")
      ->type_name("DIR");
  app.add_flag("--list{text}", line.list,
               "Strategies, workloads and parameters; --list=json for programs")
      ->check(one_of({"text", "json"}))
      ->type_name("[=json]");
  app.add_flag("--dry-run", line.dry_run, "Show the plan and measure nothing")
      ->disable_flag_override();
  app.add_option("--dump-code", line.dump_code,
                 "Write the machine code of a case, before and after linking")
      ->type_name("CASE");
  app.add_flag("--no-report", line.no_report, "No report.html and no figures")
      ->disable_flag_override();
  app.add_flag("--quiet", line.quiet, "Print errors only")->disable_flag_override();
  app.add_flag("--verbose", line.verbose,
               "Print every table at the end, and not the answer alone; the report has them anyway")
      ->disable_flag_override();
  app.add_option("--advise", line.advise,
                 "What to recommend a strategy for: patches a send, sites, threads that execute "
                 "them, as in 1/1000,4096,1; by default few and many sites, patched rarely and "
                 "often")
      ->delimiter(';')
      ->type_name("RATE,SITES,THREADS");
}

/// "all" and nothing give an empty list, which stands for all.
std::vector<std::string> id_list(std::string_view option, const std::string& text) {
  std::vector<std::string> ids = split(text, ',');
  if (std::ranges::any_of(ids, &std::string::empty)) {
    throw UsageError(
        fmt::format("{}='{}' has an empty name in it; --list shows the valid ones", option, text));
  }
  if (std::ranges::find(ids, "all") == ids.end()) return ids;
  if (ids.size() > 1) throw UsageError(fmt::format("{}='{}': 'all' stands alone", option, text));
  return {};
}

std::optional<StopRule> stop_rule(const CommandLine& line, const Preset& preset) {
  if (!line.precision && !line.budget_s) {
    return line.rounds ? std::nullopt : std::optional(preset.until);
  }
  if (line.rounds) {
    throw UsageError(
        "--rounds fixes the number of rounds that --precision and --budget find out: leave out one "
        "or the other");
  }
  StopRule rule;
  rule.precision = line.precision.value_or(rule.precision);
  rule.budget_s = line.budget_s.value_or(rule.budget_s);
  return rule;
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return device();  // 32 bits: short to type again
}

std::optional<std::regex> parse_filter(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  try {
    return std::regex(*text, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    throw UsageError(fmt::format("--filter='{}' is not a regular expression (ECMAScript): {}",
                                 *text, error.what()));
  }
}

void ask_for(const std::string& word, CountersAsked& asked) {
  const auto add_once = [](auto& list, const auto& value) {
    if (std::ranges::find(list, value) == list.end()) list.push_back(value);
  };
  if (const CounterChoice* choice = find_counter_choice(word)) {
    add_once(asked.sources, choice);
  } else if (word == kAutomatic) {
    asked.automatic = true;
    for (const EventSet& set : event_sets()) add_once(asked.events, std::string(set.id));
  } else {
    check_event_word(word);
    add_once(asked.events, word);
  }
}

CountersAsked parse_counters(const std::string& text) {
  const std::vector<std::string> words = split(text, ',');
  const bool none = std::ranges::find(words, "none") != words.end();
  if (none && words.size() > 1) {
    throw UsageError(fmt::format("--counters='{}': 'none' stands alone", text));
  }
  CountersAsked asked;
  for (const std::string& word : words) {
    if (word.empty()) {
      throw UsageError(fmt::format("--counters='{}' has an empty name in it", text));
    }
    if (!none) ask_for(word, asked);
  }
  return asked;
}

bool has_modes_of_publishing(const WorkloadInfo& workload) {
  return std::ranges::find(workload.parameters, kPublishParameter, &Parameter::name) !=
         workload.parameters.end();
}

/// Throws UsageError for a word that is no mode of this architecture, and where no selected
/// workload has modes.
ParamOverride parse_publish(const Catalogue& catalogue, const Selection& selection,
                            const std::string& text) {
  ParamOverride modes{.name = std::string(kPublishParameter), .values = split(text, ',')};
  for (const std::string& word : modes.values) {
    if (find_publish_mode(word) == nullptr) {
      throw UsageError(unknown_word(fmt::format("value of --publish on {}:", machine_name()), word,
                                    ids_of_publish_modes()));
    }
  }
  std::vector<std::string> having;
  for (const WorkloadInfo& workload : catalogue.workloads) {
    if (has_modes_of_publishing(workload)) having.push_back(workload.id);
  }
  const bool any = std::ranges::any_of(having, [&](const std::string& id) {
    return selection.workloads.empty() ||
           std::ranges::find(selection.workloads, id) != selection.workloads.end();
  });
  if (!any) {
    throw UsageError(fmt::format(
        "--publish={}: none of the selected workloads patches code while it is measured; those "
        "that do: {}",
        text, fmt::join(having, ", ")));
  }
  return modes;
}

void check_baseline(const Catalogue& catalogue, const std::optional<std::string>& baseline) {
  if (baseline && find_strategy(catalogue, *baseline) == nullptr) {
    throw UsageError(unknown_word("baseline", *baseline, strategy_ids(catalogue)));
  }
}

/// In this form two command lines can be compared, and parsed again.
std::vector<std::string> plan_arguments(const CommandLine& line, const Options& options) {
  std::vector<std::string> arguments;
  const auto add = [&](std::string_view name, const auto& value) {
    arguments.push_back(fmt::format("--{}={}", name, value));
  };
  const auto add_if_given = [&](std::string_view name, const std::optional<std::string>& value) {
    if (value) add(name, *value);
  };
  add("strategy", line.strategies);
  add("workload", line.workloads);
  add("preset", line.preset);
  add("seed", options.seed);
  if (!options.cpus.empty()) add("cpus", fmt::format("{}", fmt::join(options.cpus, ",")));
  if (line.precision || line.budget_s) {
    add("precision", exact_percent(options.until->precision) + "%");
    add("budget", fmt::format("{}s", options.until->budget_s));
  } else if (!options.until) {
    add("rounds", options.rounds);
  }
  add("delta", exact_percent(options.delta) + "%");
  for (const std::string& param : line.params) add("param", param);
  add_if_given(kPublishParameter, line.publish);
  add_if_given("filter", line.filter);
  add_if_given("baseline", line.baseline);
  if (options.policy) add("policy", line.policy);
  for (const auto& [name, text] : texts_of(options.zone)) add(name, text);
  add("counters", line.counters);
  if (line.self_test) arguments.emplace_back("--selftest");
  return arguments;
}

ZoneOptions zone_options(const CommandLine& line) {
  ZoneOptions zone;
  if (line.zone) zone.reserve = parse_zone_size(*line.zone);
  if (line.pages) zone.pages = parse_pages(*line.pages);
  if (line.alias_offset) zone.alias_offset = parse_alias_offset(*line.alias_offset);
  if (line.placement) parse_placement(*line.placement, zone);
  return zone;
}

/// Compares the options with each other and with the catalogue, and decides what was left open.
Options make_options(const CommandLine& line, const Catalogue& catalogue) {
  Options options;
  options.selection.preset = find_preset(line.preset);
  options.selection.strategies = id_list("--strategy", line.strategies);
  options.selection.workloads = id_list("--workload", line.workloads);
  for (const std::string& param : line.params) {
    options.selection.overrides.push_back(parse_override(param));
  }
  if (line.publish) {
    options.selection.overrides.push_back(
        parse_publish(catalogue, options.selection, *line.publish));
  }
  options.selection.filter = parse_filter(line.filter);
  check_selection(catalogue, options.selection);
  check_baseline(catalogue, line.baseline);
  options.until = stop_rule(line, *options.selection.preset);
  options.delta = line.delta;
  options.rounds = options.until ? kFewestRounds : *line.rounds;
  options.seed = line.seed ? *line.seed : fresh_seed();
  options.baseline = line.baseline;
  if (const PolicyInfo* info = find_policy(line.policy)) options.policy = info->policy;
  options.zone = zone_options(line);
  options.counters = parse_counters(line.counters);
  if (line.self_test) {
    options.self_test = line.has_choice ? SelfTestWanted::before_the_run : SelfTestWanted::alone;
  }
  options.cpus = choose_cpus(line.cpus);
  options.out = line.out;
  options.list = line.list.empty()     ? ListFormat::none
                 : line.list == "json" ? ListFormat::json
                                       : ListFormat::text;
  options.dry_run = line.dry_run;
  options.dump_code = line.dump_code;
  options.report = !line.no_report;
  options.timeout_s = line.timeout_s;
  options.quiet = line.quiet;
  options.verbose = line.verbose;
  options.profiles = advised(line.advise);
  options.arguments = plan_arguments(line, options);
  return options;
}

std::string as_typed(int argc, const char* const* argv) {
  std::string command;
  for (int i = 0; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool plain =
        word.find_first_of(" \t\n'\"\\$&|;<>()*?[]{}") == std::string_view::npos && !word.empty();
    std::string quoted(word);
    for (std::size_t at = quoted.find('\''); at != std::string::npos;
         at = quoted.find('\'', at + 4)) {
      quoted.replace(at, 1, "'\\''");
    }
    command += fmt::format("{}{}", i == 0 ? "" : " ", plain ? quoted : "'" + quoted + "'");
  }
  return command;
}

/// Whether anything was asked for beside a self-test and where and how loudly it runs.
bool has_choice(const CLI::App& app) {
  constexpr std::array<std::string_view, 6> kNoChoice = {"selftest", "cpus",    "seed",
                                                         "quiet",    "verbose", "timeout"};
  const std::vector<const CLI::Option*> options = app.get_options();
  return std::ranges::any_of(options, [&](const CLI::Option* option) {
    return option->count() > 0 &&
           std::ranges::find(kNoChoice, option->get_lnames().front()) == kNoChoice.end();
  });
}

std::variant<CommandLine, Answer> read_command_line(int argc, const char* const* argv) {
  CommandLineParser parser(kText);
  CommandLine line;
  add_what_to_measure(parser.app(), line);
  add_how_to_measure(parser.app(), line);
  add_what_to_leave(parser.app(), line);
  if (auto text = parser.parse(argc, argv)) return Answer{std::move(*text)};
  line.has_choice = has_choice(parser.app());
  return line;
}

CommandLine recorded_command_line(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv = {kText.name};
  std::ranges::transform(arguments, std::back_inserter(argv), &std::string::c_str);
  return std::get<CommandLine>(read_command_line(static_cast<int>(argv.size()), argv.data()));
}

/// What was asked for beside --resume, where anything was, is held against the recorded options.
void require_no_contradiction(CommandLine asked, const CommandLine& recorded,
                              const Catalogue& catalogue) {
  if (!asked.seed) asked.seed = recorded.seed;
  if (!asked.cpus) asked.cpus = recorded.cpus;  // which one is idle now says nothing
  if (asked.out && fs::path(*asked.out) != fs::path(*asked.resume)) {
    throw UsageError(fmt::format("--out={} and --resume={}: a resumed run stays where it is",
                                 *asked.out, *asked.resume));
  }
  const auto differences = differing_arguments(make_options(recorded, catalogue).arguments,
                                               make_options(asked, catalogue).arguments);
  if (!differences.empty()) {
    throw UsageError(fmt::format("--resume={}: {}; leave the option out, or start a new run",
                                 *asked.resume, fmt::join(differences, "; ")));
  }
}

Options resumed_options(const CommandLine& asked, bool alone, const Catalogue& catalogue) {
  if (asked.dry_run || asked.dump_code || !asked.list.empty()) {
    throw UsageError("--resume measures: --dry-run, --dump-code and --list do not go with it");
  }
  results::Results unfinished = read_unfinished(*asked.resume);
  const CommandLine recorded = recorded_command_line(unfinished.run.arguments);
  if (!alone) require_no_contradiction(asked, recorded, catalogue);
  Options options = make_options(recorded, catalogue);
  options.command = unfinished.run.command;
  options.unfinished = std::move(unfinished);
  options.out = asked.resume;
  options.timeout_s = asked.timeout_s;
  options.quiet = asked.quiet;
  options.verbose = asked.verbose;
  options.profiles = advised(asked.advise);
  options.report = !asked.no_report;
  return options;
}

/// Whether every argument says where and how loudly, and none what to measure.
bool only_resumes(int argc, const char* const* argv) {
  return std::all_of(argv + 1, argv + argc, [](std::string_view argument) {
    return argument.starts_with("--resume=") || argument.starts_with("--advise=") ||
           argument.starts_with("--timeout=") || argument == "--quiet" || argument == "--verbose" ||
           argument == "--no-report";
  });
}

}  // namespace

std::variant<Options, Answer> parse_command_line(int argc, const char* const* argv,
                                                 const Catalogue& catalogue) {
  const auto read = read_command_line(argc, argv);
  if (const auto* answer = std::get_if<Answer>(&read)) return *answer;
  const auto& line = std::get<CommandLine>(read);
  if (line.resume) return resumed_options(line, only_resumes(argc, argv), catalogue);
  Options options = make_options(line, catalogue);
  options.command = as_typed(argc, argv);
  return options;
}

}  // namespace patchbench::harness
