#include "analysis/view/report_document.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/context_difference.hpp"
#include "analysis/quantity/flags.hpp"
#include "analysis/quantity/identical.hpp"
#include "analysis/quantity/repetitions.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/answer.hpp"
#include "analysis/view/attribution.hpp"
#include "analysis/view/break_even.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/how_measured.hpp"
#include "analysis/view/islands.hpp"
#include "analysis/view/knee.hpp"
#include "analysis/view/layout.hpp"
#include "analysis/view/life.hpp"
#include "analysis/view/mappings.hpp"
#include "analysis/view/new_code.hpp"
#include "analysis/view/publishing.hpp"
#include "analysis/view/relink_rate.hpp"
#include "analysis/view/replays.hpp"
#include "analysis/view/result.hpp"
#include "analysis/view/self_test.hpp"
#include "analysis/view/simulated.hpp"
#include "analysis/view/table.hpp"
#include "analysis/view/threads.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Ratio;
using results::Results;
using results::Verdict;

// ---- noise ----

struct Noise {
  int comparisons = 0;
  int differing = 0;            // the interval excludes 1, and is not inside +-delta
  std::vector<double> reaches;  // of the intervals, as factors above 1
};

Noise noise_of(const Quantities& run) {
  Noise noise;
  for (const Quantity& one : run.all()) {
    if (one.strategy != results::kAgain || one.ratio == nullptr) continue;
    const auto interval = deciding_interval(*one.ratio);
    if (!interval) continue;
    const Verdict verdict = one.ratio->verdict;
    ++noise.comparisons;
    if (verdict == Verdict::faster || verdict == Verdict::slower) ++noise.differing;
    noise.reaches.push_back(std::max((*interval)[1], 1 / (*interval)[0]));
  }
  return noise;
}

/// At most one in twenty is what 95 % intervals promise; this is where chance stops being a good
/// explanation.
bool suspicious(const Noise& noise) {
  return noise.differing >= 2 && noise.differing * 100 > noise.comparisons * 15;
}

std::string noise_sentence(const Results& results, const Noise& noise) {
  if (noise.comparisons == 0) return "This run has no interval for the baseline against itself.";
  return fmt::format(
      "{} of {} comparisons of {} with itself call it faster or slower; with 95 % intervals at "
      "most "
      "one in twenty does by chance. Half of the intervals reach {:.1f} % or more from 1: a "
      "difference smaller than that is mostly beyond what this run can see.",
      noise.differing, noise.comparisons, results.baseline, 100 * (*median(noise.reaches) - 1));
}

Column<Quantity> metric_column(const Quantities& run) {
  return {"metric",
          [&run](const Quantity& one) { return plain(metric_title(run.results(), one.name)); }};
}

Section noise_section(const Quantities& run) {
  Section section{.title = "Noise: the baseline against itself",
                  .paragraphs = {noise_sentence(run.results(), noise_of(run))},
                  .detail = true,
                  .part = Part::trust};
  using Row = const Quantity&;
  fill_table(
      section,
      select(run, [](Row one) { return one.strategy == results::kAgain && one.ratio != nullptr; }),
      {workload_column(),
       parameters_column(),
       metric_column(run),
       {"n", [](Row one) { return number(std::to_string(one.ratio->n)); }},
       {"ratio",
        [](Row one) { return number(one.ratio->median ? full_number(*one.ratio->median) : ""); }},
       {"95 % interval",
        [](Row one) { return number(full_interval(deciding_interval(*one.ratio))); }},
       {"by itself", [](Row one) { return verdict_word(one.ratio->verdict); }}});
  return section;
}

// ---- repetitions ----

Column<Quantity> cell_column() {
  return {"case", [](const Quantity& one) { return plain(one.cell->id); }};
}

Section repetitions_section(const Quantities& run) {
  const Results& results = run.results();
  Section section{.title = "Scatter: where it comes from, and what it takes to see through it",
                  .paragraphs = repetition_advice(results),
                  .part = Part::trust};
  if (std::string flags = flags_sentence(results); !flags.empty()) {
    section.paragraphs.push_back(
        std::move(flags) +
        " A trend is detected by the test of Mann and Kendall, several modes by Hartigan's dip "
        "test, both corrected for the number of series; intervals and verdicts take rounds for "
        "independent values of one distribution, and mean less where that is not so.");
  }
  const auto words = [](const Quantity& one) { return flag_words(*one.metric, one.ratio); };
  const auto rows =
      select(run, [&](const Quantity& one) { return one.set == kTimes && !words(one).empty(); });
  section.detail = rows.size() > 20;
  fill_table(section, rows, {cell_column(), metric_column(run), {"flags", [&](const Quantity& one) {
                                                                   return plain(joined(words(one)));
                                                                 }}});
  return section;
}

// ---- warnings ----

void warn_of_failures(const Results& results, std::vector<std::string>& warnings) {
  using results::CellStatus;
  const auto failed = std::ranges::count_if(results.cells, [](const Cell& cell) {
    return cell.status != CellStatus::ok && cell.status != CellStatus::denied &&
           cell.status != CellStatus::unsupported;
  });
  if (failed == 0) return;
  warnings.push_back(
      fmt::format("{} of {} cases failed; their reasons stand in the table of every case.", failed,
                  results.cells.size()));
}

std::vector<std::string> warnings_of(const Quantities& run) {
  const Results& results = run.results();
  std::vector<std::string> warnings = self_test_alarms(results.context);
  for (std::string& alarm : identical_alarms(results)) warnings.push_back(std::move(alarm));
  if (results.context.emulated) {
    warnings.emplace_back(
        "EMULATED: times mean nothing, and none is shown here: instructions were interpreted or "
        "translated. What this run shows is which cases ran and answered right, what they occupy, "
        "and how many instructions they execute.");
  }
  if (results.run.interrupted) {
    warnings.emplace_back("The run was interrupted: what is missing was not measured.");
  }
  warn_of_failures(results, warnings);
  const Noise noise = noise_of(run);
  if (times_mean_something(results.context) && suspicious(noise)) {
    warnings.push_back("The baseline differs from itself more often than chance explains: " +
                       noise_sentence(results, noise) +
                       " Something disturbed this run; do not build on small differences in it.");
  }
  warnings.insert(warnings.end(), results.context.warnings.begin(), results.context.warnings.end());
  return warnings;
}

// ---- summary ----

struct Fact {
  const char* name;
  std::string value;
};

Section run_section(const Results& results) {
  const auto& run = results.run;
  const results::Context& context = results.context;
  const std::string virtualization = context.virtualization.value_or("none");
  std::vector<Fact> facts = {
      {"run", run.id},
      {"command", run.command},
      {"preset", run.preset},
      {"rounds",
       fmt::format("{}: n of every interval; a round is one fresh process per case", run.rounds)},
      {"ended by", run.ended},
      {"seed", std::to_string(run.seed)},
      {"cases", std::to_string(results.cells.size())},
      {"baseline", results.baseline.empty() ? "none was available" : results.baseline},
      {"started, finished",
       run.started + (run.finished.empty() ? ", not finished" : ", " + run.finished)},
      {"machine",
       context.cpu.model.value_or("unknown processor") + ", " + context.arch +
           (virtualization == "none" ? "" : ", virtual machine (" + virtualization + ")")}};
  std::erase_if(facts, [](const Fact& fact) { return fact.value.empty(); });
  Section section{.title = "What was run", .part = Part::context};
  fill_table(section, facts,
             {{"", [](const Fact& fact) { return plain(fact.name); }},
              {"", [](const Fact& fact) { return plain(fact.value); }}});
  return section;
}

/// In place of the headline, where times mean nothing.
Section status_section(const Quantities& run) {
  Section section{.title = "Status of each case",
                  .paragraphs = {"ok: executed in at least 80 % of the rounds, and checked in each "
                                 "against the oracle."},
                  .part = Part::cases,
                  .filters = {0, 2, 3}};
  fill_table(section, select(run, [](const Quantity& one) { return one.set == kCells; }),
             {workload_column(),
              parameters_column(),
              strategy_column(),
              {"status",
               [](const Quantity& one) { return plain(std::string(to_string(one.cell->status))); }},
              {"reason or notes", [](const Quantity& one) {
                 return faint(is_ok(one.cell) ? joined(one.cell->notes) : one.cell->reason);
               }}});
  return section;
}

// ---- strategies ----

std::string reason_or_choice(const Quantities& run, const std::string& id) {
  const auto* status = run.status(id);
  if (status == nullptr) return "";
  std::string text = status->status == results::Availability::available
                         ? status->detail
                         : why_missing(run, id, nullptr);
  if (!status->call.empty()) {
    text += " [" + status->call + (status->error ? ": " + *status->error : "") + "]";
  }
  return text;
}

Section strategies_section(const Quantities& run, bool controls) {
  Section section{.title = controls ? "Controls" : "Strategies",
                  .paragraphs = {controls ? "No way to change code, but yardsticks: what the "
                                            "ratios of the strategies are held against."
                                          : "What this machine allowed, and what it refused."},
                  .part = Part::mappings};
  std::vector<std::string> ids = run.strategies();
  std::erase_if(ids, [&](const std::string& id) { return run.is_control(id) != controls; });
  using Row = const std::string&;
  fill_table(
      section, ids,
      {{"id", [](Row id) { return plain(id); }},
       {"what it is",
        [&](Row id) {
          const auto* status = run.status(id);
          return plain(status == nullptr ? "" : status->summary.value_or(""));
        }},
       {"status",
        [&](Row id) {
          const auto* status = run.status(id);
          return plain(status == nullptr ? "available" : std::string(to_string(status->status)));
        }},
       {"reason or choice", [&](Row id) { return plain(reason_or_choice(run, id)); }}});
  return section;
}

// ---- workloads ----

/// Of a metric that has a ratio; otherwise nothing.
Column<Quantity> ratio_column(const char* title, std::function<Entry(const Ratio&)> entry) {
  return {title, [entry = std::move(entry)](const Quantity& one) {
            return one.ratio != nullptr && one.ratio->median ? entry(*one.ratio) : Entry{};
          }};
}

std::string notes_of(const Quantity& one) {
  if (one.metric == nullptr) return one.cell->reason;
  std::vector<std::string> notes = flag_words(*one.metric, one.ratio);
  notes.insert(notes.end(), one.cell->notes.begin(), one.cell->notes.end());
  return joined(notes);
}

/// A row for each metric, and one for each case that has none because it failed.
std::vector<Quantity> metrics_of(const Quantities& run) {
  std::vector<Quantity> rows;
  for (const Cell& cell : run.results().cells) {
    for (const Quantity& one : run.of(cell)) {
      if (one.set == (is_ok(&cell) ? kTimes : kCells)) rows.push_back(one);
    }
  }
  return rows;
}

Section cases_section(const Quantities& run) {
  Section section{.title = "Times of every case",
                  .paragraphs = {"A case is one workload with one set of parameters under one "
                                 "strategy. Ratios are to the baseline in the same round."},
                  .part = Part::cases,
                  .filters = {0, 2, 3, 9}};
  using Row = const Quantity&;
  fill_table(
      section, metrics_of(run),
      {workload_column(),
       parameters_column(),
       strategy_column(),
       {"metric",
        [&run](Row one) {
          return one.metric != nullptr ? plain(metric_title(run.results(), one.name))
                                       : faint(std::string(to_string(one.cell->status)));
        }},
       {"n",
        [](Row one) {
          return one.metric == nullptr
                     ? Entry{}
                     : number(std::to_string(present(one.metric->samples).size()));
        }},
       {"median",
        [](Row one) {
          return number(one.value ? full_number(*one.value) + " " + one.metric->unit : "");
        }},
       {"95 % interval",
        [](Row one) {
          return number(one.metric == nullptr ? "" : full_interval(one.metric->ci95));
        }},
       ratio_column("ratio", [](const Ratio& ratio) { return number(full_number(*ratio.median)); }),
       ratio_column(
           "its 95 % interval",
           [](const Ratio& ratio) { return number(full_interval(deciding_interval(ratio))); }),
       ratio_column("verdict", [](const Ratio& ratio) { return verdict_word(ratio.verdict); }),
       {"notes", [](Row one) { return faint(notes_of(one)); }}});
  return section;
}

/// What the controls say of an indirect send.
Section attribution_section(const Quantities& run) {
  Section section{.title = "Where the cost of an indirect send comes from, in words",
                  .detail = true,
                  .part = Part::send};
  using Row = const Attribution&;
  fill_table(section, attributions(run),
             {{"parameters", [](Row one) { return plain(spaced(one.params)); }},
              {"what the controls say", [](Row one) { return plain(one.text); }}});
  return section;
}

std::string counter_title(const results::Counter& counter) {
  std::string title = counter.name + " per " + counter.per;
  if (counter.source != "software") title += ", " + counter.source;
  if (counter.scope == "kernel" || counter.scope == "both") title += ", " + counter.scope;
  return title;
}

/// One of a cell's quantities, with the reason where there is none.
Column<Quantity> quantity_column(const Quantities& run, std::string title, Key like) {
  return {std::move(title), [&run, like = std::move(like)](const Quantity& cell) {
            Key key = like;
            key.workload = cell.workload;
            key.params = cell.params;
            key.strategy = cell.strategy;
            const Quantity one = run.at(std::move(key));
            if (one.value) return number(count_number(*one.value));
            return faint(one.counter == nullptr ? "" : one.counter->reason);
          }};
}

Column<Quantity> memory_column(const Quantities& run, std::string title, std::string member) {
  return quantity_column(run, std::move(title), {.set = kMemory, .name = std::move(member)});
}

std::string process_mappings(const results::Memory& memory) {
  const bool known =
      memory.process_vmas_before && memory.process_vmas_during && memory.process_vmas_after;
  return known ? fmt::format("{}, {}, {}", *memory.process_vmas_before, *memory.process_vmas_during,
                             *memory.process_vmas_after)
               : "";
}

/// The key of a fact, whatever workload it is of.
Key fact_key(const Quantity& one) {
  return {
      .per = one.per, .beside = one.beside, .set = kFacts, .name = one.name, .scope = one.scope};
}

/// One row a case: bytes, counts and memory beside the times. Events have tables of their own.
Section memory_section(const Quantities& run) {
  Section section{.title = "Bytes and memory of every case",
                  .detail = true,
                  .part = Part::mappings,
                  .filters = {0, 2}};
  std::vector<Column<Quantity>> columns = {workload_column(), parameters_column(),
                                           strategy_column()};
  const auto fact = [](const Quantity& one) { return one.set == kFacts; };
  for (auto& [title, key] : distinct(run, fact, [](const Quantity& one) {
         return std::pair(counter_title(*one.counter), fact_key(one));
       })) {
    columns.push_back(quantity_column(run, std::move(title), std::move(key)));
  }
  columns.push_back(memory_column(run, "mappings", "vmas"));
  columns.push_back(memory_column(run, "mappings, a patch open", "vmas_open"));
  columns.push_back(memory_column(run, "mapped KiB", "mapped_kib"));
  columns.push_back(memory_column(run, "resident KiB (Rss of every view)", "rss_kib"));
  columns.push_back(memory_column(run, "resident KiB (Pss)", "pss_kib"));
  columns.push_back(memory_column(run, "of it anonymous KiB", "anon_kib"));
  columns.push_back(memory_column(run, "page KiB", "page_kib"));
  columns.push_back(memory_column(run, "huge pages KiB", "huge_kib"));
  columns.push_back({"process' mappings before, during, after", [](const Quantity& cell) {
                       return number(process_mappings(cell.cell->memory));
                     }});
  fill_table(section,
             select(run, [](const Quantity& one) { return one.set == kCells && is_ok(one.cell); }),
             columns);
  return section;
}

// ---- what went wrong, and what to know ----

struct Lost {
  const Cell* cell;
  std::string what;  // status, line end, reason
  std::vector<std::string> rounds;
};

Section lost_section(const Results& results) {
  std::vector<Lost> rows;
  for (const Cell& cell : results.cells) {
    Grouping rounds;
    for (const auto& lost : cell.lost) {
      rounds.add(std::string(to_string(lost.status)) + '\n' + lost.reason,
                 std::to_string(lost.round));
    }
    for (const auto& [what, members] : rounds.groups()) rows.push_back({&cell, what, members});
  }
  Section section{
      .title = "Lost rounds",
      .paragraphs = {rows.empty() ? "No round was lost."
                                  : "A case counts as measured with at least 80 % of its rounds; a "
                                    "lost round is missing from both sides of a ratio."},
      .detail = rows.size() > 20,
      .part = Part::trust};
  fill_table(section, rows,
             {{"case", [](const Lost& lost) { return plain(lost.cell->id); }},
              {"status",
               [](const Lost& lost) { return plain(lost.what.substr(0, lost.what.find('\n'))); }},
              {"reason",
               [](const Lost& lost) { return plain(lost.what.substr(lost.what.find('\n') + 1)); }},
              {"rounds", [](const Lost& lost) { return plain(joined(lost.rounds)); }}});
  return section;
}

std::string meaning_of_note(std::string_view note) {
  if (note.starts_with(kNoGuarantee)) {
    return "code is written through another address than it executes at, and no serialising "
           "operation stands between: the processor's manual does not promise that the new bytes "
           "are seen, though they were here";
  }
  if (note.starts_with("serialised after each patch: membarrier")) {
    return "what the processor's manual asks of this thread where code is written through another "
           "address than it executes at, and of other threads wherever it is written";
  }
  if (note.starts_with("serialised after each patch")) {
    return "what the processor's manual asks of this thread where code is written through another "
           "address than it executes at; other threads that execute the code are not notified";
  }
  if (note.starts_with("drift over 5 %")) {
    return "the processor's speed changed between the calibrations before and after these "
           "measurements";
  }
  if (note.starts_with("steal time")) {
    return "the hypervisor gave the processor to others meanwhile";
  }
  if (note.starts_with("waited for the processor")) {
    return "something else ran on the processor meanwhile, or a quota of processor time was used "
           "up";
  }
  if (note.starts_with("not pinned")) {
    return "a sandbox refuses sched_setaffinity: the kernel may have moved the process between "
           "processors";
  }
  return "";
}

/// Workload, strategy, and those parameters that are words: what a note may depend on.
std::string name_without_numbers(const Cell& cell) {
  results::Params words;
  for (const auto& param : cell.params) {
    if (std::holds_alternative<std::string>(param.second)) words.push_back(param);
  }
  return results::cell_id(cell.workload, cell.strategy, words);
}

Section notes_section(const Results& results) {
  Section section{.title = "Notes on cases", .part = Part::trust};
  Grouping notes;
  for (const Cell& cell : results.cells) {
    // Which rounds they were stands in the table of every case.
    for (const std::string& note : cell.notes) {
      notes.add(note.substr(0, note.find(" in round")), name_without_numbers(cell));
    }
  }
  section.detail = notes.groups().size() > 4;
  using Row = const std::pair<std::string, std::vector<std::string>>&;
  fill_table(section, notes.groups(),
             {{"note", [](Row note) { return plain(note.first); }},
              {"what it means", [](Row note) { return plain(meaning_of_note(note.first)); }},
              {"cases", [](Row note) { return plain(joined(note.second)); }}});
  if (!section.table) section.paragraphs.emplace_back("None.");
  return section;
}

/// Facts with their sources, where the results have those: one beside the first that it is of.
Section context_section(const results::Context& context) {
  std::map<std::string, std::string, std::less<>> sources(context.sources.begin(),
                                                          context.sources.end());
  std::vector<ContextFact> facts = context_facts(context);
  facts.push_back({"self-test", "selftest", Matters::no, self_test_outcome(context)});
  std::erase_if(facts, [&](const ContextFact& fact) {
    const bool list = fact.name == "cache" || fact.name == "mitigation" || fact.name == "library";
    return list && !sources.contains(fact.field);
  });
  using Row = const ContextFact&;
  std::vector<Column<ContextFact>> columns = {
      {"", [](Row fact) { return plain(fact.name); }},
      {"", [](Row fact) { return fact.value ? plain(*fact.value) : faint("unknown"); }}};
  if (!context.sources.empty()) {
    columns.push_back(
        {"read from", [&](Row fact) { return faint(std::exchange(sources[fact.field], "")); }});
  }
  Section section{.title = "The machine", .part = Part::context};
  fill_table(section, facts, columns);
  return section;
}

Section in(Part part, Section section) {
  section.part = part;
  return section;
}

/// Unless there is nothing in it.
void add(std::vector<Section>& all, Section section) {
  if (section.table || !section.paragraphs.empty()) all.push_back(std::move(section));
}

void add(std::vector<Section>& all, Part part, std::vector<Section> more) {
  for (Section& section : more) all.push_back(in(part, std::move(section)));
}

/// What has no number is said once, with what changes that, and not as a table of each set.
void add_counters(const Quantities& run, std::vector<Section>& all) {
  std::vector<Section> sections = counter_sections(run);
  std::erase_if(sections, [](const Section& section) { return !section.table; });
  add(all, Part::counters, std::move(sections));
  std::string missing = not_counted_sentence(run);
  if (missing.empty()) return;
  add(all, {.title = "What was not counted",
            .paragraphs = {std::move(missing)},
            .part = Part::counters});
}

void add_summary(const Quantities& run, const results::Answer& answer, bool times,
                 std::vector<Section>& all) {
  if (times) add(all, answer_section(run, answer));
  add(all, times ? in(Part::cases, result_section(run)) : status_section(run));
  if (times) add(all, in(Part::patch, publishing_section(run)));
  add(all, run_section(run.results()));
  add_counters(run, all);
  add(all, in(Part::counters, simulated_section(run)));
}

void add_times(const Quantities& run, const results::Answer& answer, std::vector<Section>& all) {
  const Results& results = run.results();
  add(all, in(Part::trust, how_measured_section(run)));
  if (results.context.selftest) {
    add(all, in(Part::trust, self_test_section(*results.context.selftest)));
  }
  add(all, noise_section(run));
  add(all, in(Part::trust, layout_section(run)));
  add(all, repetitions_section(run));
  add(all, claims_section(run));
  add(all, knee_section(run));
  add(all, attribution_section(run));
  add(all, in(Part::patch, publishing_details(run)));
  add(all, in(Part::break_even, profiles_section(answer)));
  if (!answer.break_even.empty()) add(all, in(Part::break_even, break_even_section(run, answer)));
  add(all, in(Part::break_even, rate_pairs_section(answer)));
  add(all, in(Part::break_even, rate_models_section(answer)));
  add(all, break_even_section(run));
  add(all, Part::life, life_sections(run));
  add(all, in(Part::life, replays_section(run)));
  add(all, in(Part::threads, threads_section(run)));
  add(all, Part::new_code, new_code_sections(run));
  add(all, cases_section(run));
}

}  // namespace

Document make_document(const Quantities& run) {
  const Results& results = run.results();
  const bool times = times_mean_something(results.context);
  Document document{.title = "patchbench: " + results.run.id,
                    .emulated = results.context.emulated,
                    .warnings = warnings_of(run)};
  const results::Answer answer = answer_in(run);
  add_summary(run, answer, times, document.summary);
  std::vector<Section>& rest = document.rest;
  if (times) add(rest, in(Part::mappings, islands_section(run)));  // below its figures
  rest.push_back(strategies_section(run, false));
  rest.push_back(strategies_section(run, true));
  if (times) add_times(run, answer, rest);
  if (auto mappings = mappings_section(run)) add(rest, in(Part::mappings, std::move(*mappings)));
  add(rest, memory_section(run));
  add(rest, Part::counters, counter_details(run));
  add(rest, lost_section(results));
  add(rest, notes_section(results));
  add(rest, context_section(results.context));
  return document;
}

}  // namespace patchbench::analysis
