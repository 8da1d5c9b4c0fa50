#include "harness/run/command_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
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
#include "harness/machine/environment.hpp"
#include "harness/machine/machine.hpp"
#include "harness/run/resume.hpp"
#include "strategies/publish.hpp"
#include "workloads/parameters.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

constexpr int kMostRounds = 10'000;
constexpr std::string_view kAutomatic = "auto";

constexpr std::string_view kSummary =
    "Measures what it costs a JIT to change code that is already running: strategies for patching\n"
    "inline caches, as ratios to a baseline, on this machine.";

constexpr std::string_view kExamples = R"(Examples:
  bench-run                                every strategy, a first look (two minutes)
  bench-run --preset=standard              the whole grid (less than an hour)
  bench-run --strategy=memfd-dual,indirect-cell --workload=mic
  bench-run --workload=mic --param sites=1024 order=shuffled --rounds=20
  bench-run --filter='pic/.*degree=6' --baseline=memfd-dual
  bench-run --workload=mic --counters=simulated   and simulated counts of instructions
  bench-run --workload=relink --counters=icache,branch-misses:u
  bench-run --workload=relink --publish=none,membarrier   what telling every thread costs
  bench-run --selftest                     what this machine and this program can tell apart
  bench-run --dry-run                      the cells and the time they would take
  bench-run --dump-code=mic/rwx/sites=16   the machine code that is measured
Controls and the baseline are part of every run, whatever is selected.
Exit codes: 0 done (denied strategies included), 1 a cell failed or crashed, 2 bad usage or
nothing matched, 130 interrupted.)";

/// A share as a person types it, in so many digits that reading and writing it again changes
/// nothing.
std::string percent(double share) { return fmt::format("{:.10g}", share * 100); }

/// Options as GNU programs show them, with descriptions that fit a terminal.
class GnuFormatter : public CLI::Formatter {
 public:
  GnuFormatter() { column_width(kNames); }

  std::string make_option_name(const CLI::Option* option, bool /*positional*/) const override {
    return "--" + option->get_lnames().front();
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name();
    return type.empty() || type.starts_with('[') ? type : "=" + type;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text;
    std::size_t column = 0;
    for (const std::string& word : split(option->get_description(), ' ')) {
      const bool fits = column + 1 + word.size() <= kWidth - kNames;
      text += column == 0 ? "" : (fits ? " " : "\n");
      column = (column == 0 || !fits ? 0 : column + 1) + word.size();
      text += word;
    }
    return text;
  }

 private:
  static constexpr std::size_t kNames = 34;
  static constexpr std::size_t kWidth = 100;
};

/// The options as typed, before anything is compared with the catalogue.
struct Words {
  std::string strategies = "all";
  std::string workloads = "all";
  std::string preset = "quick";
  std::string rounds;
  std::optional<std::string> precision;
  std::optional<std::string> budget;
  std::optional<std::string> delta;
  std::string seed;
  std::optional<std::string> filter;
  std::vector<std::string> params;
  std::optional<std::string> publish;
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
  bool self_test = false;
  bool chooses = false;  // anything of what a run measures, how, or where it goes
};

std::vector<std::string> words_of_publishing() {
  std::vector<std::string> words;
  for (const PublishModeInfo& mode : publish_modes()) {
    words.emplace_back(mode.id);
  }
  return words;
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

void add_what_to_measure(CLI::App& app, Words& words) {
  app.add_option("--strategy", words.strategies, "Strategies, or all (default)")
      ->type_name("ID,ID...");
  app.add_option("--workload", words.workloads, "Workloads, or all (default)")
      ->type_name("ID,ID...");
  app.add_option("--preset", words.preset,
                 "quick (default): a first look; standard: the whole grid; paper: with more rounds")
      ->type_name("quick|standard|paper");
  app.add_option(
         "--param", words.params,
         "Values of a workload parameter, instead of the preset's; repeatable, and several may "
         "follow one --param")
      ->type_name("NAME=VALUE[,VALUE...]");
  app.add_option("--publish", words.publish, publish_text())->type_name("MODE[,MODE...]");
  app.add_option("--filter", words.filter, "Only cells whose id matches (ECMAScript)")
      ->type_name("REGEX");
  app.add_option("--baseline", words.baseline,
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
  for (const EventSet& set : event_sets()) {
    text += fmt::format("; {}: {}", set.id, set.summary);
  }
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

void add_how_to_measure(CLI::App& app, Words& words) {
  app.add_option(
         "--rounds", words.rounds,
         fmt::format("Fresh processes for each cell, a fixed number. Unless given, the preset goes "
                     "on until every ratio is known or its time is used ({}), and what is known "
                     "has no more rounds. Those that count stay as many as the preset has",
                     fmt::join(times_of_presets(), ", ")))
      ->type_name("N");
  app.add_option("--precision", words.precision,
                 "Instead of a number of rounds: go on until every ratio asked for is known so "
                 "well; 1% unless given")
      ->type_name("PERCENT[%]");
  app.add_option("--budget", words.budget,
                 "Instead of a number of rounds: go on until then, or until every ratio is known; "
                 "1h unless given")
      ->type_name("TIME[s|m|h]");
  app.add_option("--delta", words.delta,
                 fmt::format("Costs closer than this are called the same; {}% unless given",
                             percent(analysis::kDefaultDelta)))
      ->type_name("PERCENT[%]");
  app.add_option("--counters", words.counters, counters_text())
      ->type_name("auto|none|simulated|SET,EVENT...");
  app.add_flag("--selftest", words.self_test,
               "Measure what is known: the harness' own cost, the clock, equal code twice, a "
               "slowdown of 3 %. Alone: nothing else, exit code 1 where it fails. With a choice of "
               "what to measure: before that, and its outcome is part of the results")
      ->disable_flag_override();
  app.add_option("--seed", words.seed, "Repeats the order, the layout and the receivers of a run")
      ->type_name("N");
  app.add_option("--cpus", words.cpus,
                 "Processors to pin to, one a round in turn; by default the last one allowed")
      ->type_name("LIST");
}

void add_what_to_leave(CLI::App& app, Words& words) {
  app.add_option("--out", words.out,
                 "Directory for the results, never overwritten; by default "
                 "results/HOST-ARCH-TIME")
      ->type_name("DIR");
  app.add_option("--resume", words.resume,
                 "Go on with the run in this directory, which was killed or interrupted; refuses "
                 "when machine, program or options are not the same")
      ->type_name("DIR");
  app.add_flag("--list{text}", words.list,
               "Strategies, workloads and parameters; --list=json for programs")
      ->type_name("[=json]");
  app.add_flag("--dry-run", words.dry_run, "Show the plan and measure nothing")
      ->disable_flag_override();
  app.add_option("--dump-code", words.dump_code,
                 "Write the machine code of a cell, before and after linking")
      ->type_name("CELL");
  app.add_flag("--no-report", words.no_report, "No report.html and no figures")
      ->disable_flag_override();
  app.add_flag("--quiet", words.quiet, "Print errors only")->disable_flag_override();
}

/// "all" and nothing give an empty list, which stands for all.
std::vector<std::string> id_list(std::string_view option, const std::string& text) {
  std::vector<std::string> ids = split(text, ',');
  if (std::ranges::any_of(ids, &std::string::empty)) {
    throw UsageError(
        fmt::format("{}='{}' has an empty name in it; --list shows the valid ones", option, text));
  }
  if (std::ranges::find(ids, "all") == ids.end()) {
    return ids;
  }
  if (ids.size() > 1) {
    throw UsageError(fmt::format("{}='{}': 'all' stands alone", option, text));
  }
  return {};
}

const Preset* chosen_preset(const std::string& name) {
  if (const Preset* preset = find_preset(name)) {
    return preset;
  }
  std::vector<std::string> names(kPresets.size());
  std::ranges::transform(kPresets, names.begin(), &Preset::name);
  throw UsageError(unknown_word("preset", name, names));
}

template <typename Integer>
Integer parse_number(std::string_view option, const std::string& text, Integer least,
                     Integer most) {
  Integer value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < least || value > most) {
    throw UsageError(
        fmt::format("{}='{}' is not a number from {} to {}", option, text, least, most));
  }
  return value;
}

/// A positive number with one of `units` behind it, or none, as so many of the first unit.
double parse_amount(std::string_view option, const std::string& text,
                    const std::vector<std::pair<std::string_view, double>>& units) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  const auto unit = std::ranges::find(units, rest, &std::pair<std::string_view, double>::first);
  if (error != std::errc{} || unit == units.end() || !(value > 0) || !std::isfinite(value)) {
    std::vector<std::string_view> names(units.size());
    std::ranges::transform(units, names.begin(), &std::pair<std::string_view, double>::first);
    throw UsageError(
        fmt::format("{}='{}' is not a positive number with one of these behind it: '{}'", option,
                    text, fmt::join(names, "', '")));
  }
  return value * unit->second;
}

double parse_delta(const std::optional<std::string>& text) {
  if (!text) {
    return analysis::kDefaultDelta;
  }
  const double delta = parse_amount("--delta", *text, {{"%", 0.01}, {"", 0.01}});
  if (!(delta < 1)) {
    throw UsageError(fmt::format("--delta='{}' is not below 100%", *text));
  }
  return delta;
}

std::optional<StopRule> parse_stop_rule(const Words& words, const Preset& preset) {
  if (!words.precision && !words.budget) {
    return words.rounds.empty() ? std::optional(preset.until) : std::nullopt;
  }
  if (!words.rounds.empty()) {
    throw UsageError(
        "--rounds fixes the number of rounds that --precision and --budget find out: leave out one "
        "or the other");
  }
  StopRule rule;
  if (words.precision) {
    rule.precision = parse_amount("--precision", *words.precision, {{"%", 0.01}, {"", 0.01}});
  }
  if (words.budget) {
    rule.budget_s =
        parse_amount("--budget", *words.budget, {{"s", 1}, {"m", 60}, {"h", 3600}, {"", 1}});
  }
  return rule;
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return device();  // 32 bits: short to type again
}

std::optional<std::regex> parse_filter(const std::optional<std::string>& text) {
  if (!text) {
    return std::nullopt;
  }
  try {
    return std::regex(*text, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    throw UsageError(fmt::format("--filter='{}' is not a regular expression (ECMAScript): {}",
                                 *text, error.what()));
  }
}

ListFormat parse_list(const std::string& text) {
  if (text.empty()) {
    return ListFormat::none;
  }
  if (text == "text" || text == "json") {
    return text == "json" ? ListFormat::json : ListFormat::text;
  }
  throw UsageError(fmt::format("--list={}: write --list or --list=json", text));
}

void ask_for(const std::string& word, CountersAsked& asked) {
  const auto add_once = [](auto& list, const auto& value) {
    if (std::ranges::find(list, value) == list.end()) {
      list.push_back(value);
    }
  };
  if (const CounterChoice* choice = find_counter_choice(word)) {
    add_once(asked.sources, choice);
  } else if (word == kAutomatic) {
    for (const EventSet& set : event_sets()) {
      add_once(asked.events, std::string(set.id));
    }
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
    if (!none) {
      ask_for(word, asked);
    }
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
                                    words_of_publishing()));
    }
  }
  std::vector<std::string> having;
  for (const WorkloadInfo& workload : catalogue.workloads) {
    if (has_modes_of_publishing(workload)) {
      having.push_back(workload.id);
    }
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
std::vector<std::string> plan_arguments(const Words& words, const Options& options) {
  std::vector<std::string> arguments = {fmt::format("--strategy={}", words.strategies),
                                        fmt::format("--workload={}", words.workloads),
                                        fmt::format("--preset={}", words.preset),

                                        fmt::format("--seed={}", options.seed),
                                        fmt::format("--cpus={}", fmt::join(options.cpus, ","))};
  if (words.precision || words.budget) {
    arguments.push_back(fmt::format("--precision={}%", percent(options.until->precision)));
    arguments.push_back(fmt::format("--budget={}s", options.until->budget_s));
  } else if (!options.until) {
    arguments.push_back(fmt::format("--rounds={}", options.rounds));
  }
  arguments.push_back(fmt::format("--delta={}%", percent(options.delta)));
  for (const std::string& param : words.params) {
    arguments.push_back(fmt::format("--param={}", param));
  }
  if (words.publish) {
    arguments.push_back(fmt::format("--publish={}", *words.publish));
  }
  if (words.filter) {
    arguments.push_back(fmt::format("--filter={}", *words.filter));
  }
  if (words.baseline) {
    arguments.push_back(fmt::format("--baseline={}", *words.baseline));
  }
  arguments.push_back(fmt::format("--counters={}", words.counters));
  if (words.self_test) {
    arguments.emplace_back("--selftest");
  }
  return arguments;
}

Options compare(const Words& words, const Catalogue& catalogue) {
  Options options;
  options.selection.preset = chosen_preset(words.preset);
  options.selection.strategies = id_list("--strategy", words.strategies);
  options.selection.workloads = id_list("--workload", words.workloads);
  for (const std::string& param : words.params) {
    options.selection.overrides.push_back(parse_override(param));
  }
  if (words.publish) {
    options.selection.overrides.push_back(
        parse_publish(catalogue, options.selection, *words.publish));
  }
  options.selection.filter = parse_filter(words.filter);
  check_selection(catalogue, options.selection);
  check_baseline(catalogue, words.baseline);
  options.until = parse_stop_rule(words, *options.selection.preset);
  options.delta = parse_delta(words.delta);
  options.rounds =
      options.until ? kFewestRounds : parse_number<int>("--rounds", words.rounds, 1, kMostRounds);
  options.seed = words.seed.empty()
                     ? fresh_seed()
                     : parse_number<std::uint64_t>("--seed", words.seed, 0,
                                                   std::numeric_limits<std::uint64_t>::max());
  options.baseline = words.baseline;
  options.counters = parse_counters(words.counters);
  if (words.self_test) {
    options.self_test = words.chooses ? SelfTestWanted::before_the_run : SelfTestWanted::alone;
  }
  options.cpus = choose_cpus(words.cpus);
  if (words.out && words.out->empty()) {
    throw UsageError("--out is empty: name a directory");
  }
  options.out = words.out;
  options.list = parse_list(words.list);
  options.dry_run = words.dry_run;
  options.dump_code = words.dump_code;
  options.report = !words.no_report;
  options.quiet = words.quiet;
  options.arguments = plan_arguments(words, options);
  return options;
}

/// CLI11 would take the next argument for the value.
void refuse_empty_values(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with("--") && word.find('=') == word.size() - 1) {
      throw UsageError(
          fmt::format("{} has an empty value; --help shows what each option takes", word));
    }
  }
}

/// An option that does not exist, with the one that was probably meant.
std::string unknown_option(const CLI::App& app, const std::string& argument) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    names.push_back("--" + option->get_lnames().front());
  }
  const std::string name = argument.substr(0, argument.find('='));
  const std::optional<std::string> suggestion = nearest(name, names);
  return fmt::format("{} '{}'{} --help lists the options",
                     name.starts_with('-') ? "unknown option" : "unexpected argument", name,
                     suggestion ? fmt::format(": did you mean {}?", *suggestion) : ".");
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
bool chooses(const CLI::App& app) {
  constexpr std::array<std::string_view, 4> kNoChoice = {"selftest", "cpus", "seed", "quiet"};
  const std::vector<const CLI::Option*> options = app.get_options();
  return std::ranges::any_of(options, [&](const CLI::Option* option) {
    return option->count() > 0 &&
           std::ranges::find(kNoChoice, option->get_lnames().front()) == kNoChoice.end();
  });
}

std::variant<Words, Answer> parse_words(int argc, const char* const* argv) {
  CLI::App app(std::string(kSummary), "bench-run");
  app.footer(std::string(kExamples));
  app.formatter(std::make_shared<GnuFormatter>());
  app.set_help_flag("--help", "Print this and exit");
  app.set_version_flag("--version", "bench-run " + version_text());
  app.allow_extras();  // to say more about them than CLI11 does
  refuse_empty_values(argc, argv);
  Words words;
  add_what_to_measure(app, words);
  add_how_to_measure(app, words);
  add_what_to_leave(app, words);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Answer{app.help()};
  } catch (const CLI::CallForVersion&) {
    return Answer{"bench-run " + version_text() + "\n"};
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}; --help shows what each option takes", error.what()));
  }
  if (const std::vector<std::string> extras = app.remaining(); !extras.empty()) {
    throw UsageError(unknown_option(app, extras.front()));
  }
  words.chooses = chooses(app);
  return words;
}

Words parse_recorded(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv = {"bench-run"};
  std::ranges::transform(arguments, std::back_inserter(argv), &std::string::c_str);
  return std::get<Words>(parse_words(static_cast<int>(argv.size()), argv.data()));
}

/// What was asked for beside --resume, where anything was, is held against the recorded options.
void require_no_contradiction(Words asked, const Words& recorded, const Catalogue& catalogue) {
  if (asked.seed.empty()) {
    asked.seed = recorded.seed;
  }
  if (asked.out && fs::path(*asked.out) != fs::path(*asked.resume)) {
    throw UsageError(fmt::format("--out={} and --resume={}: a resumed run stays where it is",
                                 *asked.out, *asked.resume));
  }
  const auto differences = differing_arguments(compare(recorded, catalogue).arguments,
                                               compare(asked, catalogue).arguments);
  if (!differences.empty()) {
    throw UsageError(fmt::format("--resume={}: {}; leave the option out, or start a new run",
                                 *asked.resume, fmt::join(differences, "; ")));
  }
}

Options resumed_options(const Words& asked, bool alone, const Catalogue& catalogue) {
  if (asked.resume->empty()) {
    throw UsageError("--resume is empty: name the directory of the run to go on with");
  }
  if (asked.dry_run || asked.dump_code || !asked.list.empty()) {
    throw UsageError("--resume measures: --dry-run, --dump-code and --list do not go with it");
  }
  results::Results begun = read_unfinished(*asked.resume);
  const Words recorded = parse_recorded(begun.run.arguments);
  if (!alone) {
    require_no_contradiction(asked, recorded, catalogue);
  }
  Options options = compare(recorded, catalogue);
  options.command = begun.run.command;
  options.begun = std::move(begun);
  options.out = asked.resume;
  options.quiet = asked.quiet;
  options.report = !asked.no_report;
  return options;
}

/// Whether every argument says where and how loudly, and none what to measure.
bool only_resumes(int argc, const char* const* argv) {
  return std::all_of(argv + 1, argv + argc, [](std::string_view argument) {
    return argument.starts_with("--resume=") || argument == "--quiet" || argument == "--no-report";
  });
}

}  // namespace

std::variant<Options, Answer> parse_command_line(int argc, const char* const* argv,
                                                 const Catalogue& catalogue) {
  const auto parsed = parse_words(argc, argv);
  if (const auto* answer = std::get_if<Answer>(&parsed)) {
    return *answer;
  }
  const Words& words = std::get<Words>(parsed);
  if (words.resume) {
    return resumed_options(words, only_resumes(argc, argv), catalogue);
  }
  Options options = compare(words, catalogue);
  options.command = as_typed(argc, argv);
  return options;
}

}  // namespace patchbench::harness
