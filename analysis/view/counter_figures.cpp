#include "analysis/view/counter_figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/publishing.hpp"
#include "analysis/view/simulated.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Counter;

constexpr std::size_t kUser = 0;
constexpr std::size_t kBoth = 1;
constexpr std::size_t kKernel = 2;
constexpr std::string_view kNanoseconds = "-ns";
constexpr std::string_view kZero = "0 for every strategy that was counted";
/// What is next to nothing would fill a panel of its own scale, and look like a difference.
constexpr double kNextToNothing = 0.005;
constexpr std::string_view kTiny = "below 0.005 for every strategy that was counted";

using Scopes = std::array<bool, kScopes.size()>;

bool has_value(const Counter* counter) { return counter != nullptr && counter->value; }

using EventCounters = std::array<const Counter*, kScopes.size()>;

/// One event in one operation.
struct Subject {
  const EventSet& set;
  const std::string& event;
  const Operation& operation;
  const std::vector<const Cell*>& cells;
  std::vector<EventCounters> counters;  // of the cells
};

/// One a scope, in the order of kScopes; nullptr where there is none.
EventCounters counters_of(const Quantities& run, const EventSet& set, const std::string& event,
                          const Operation& operation, const std::string& strategy) {
  EventCounters found{};
  for (std::size_t i = 0; i < kScopes.size(); ++i) {
    const auto* one = run.find(event_key(operation, strategy, set.id, event, kScopes.at(i)));
    if (one != nullptr) found.at(i) = one->counter;
  }
  return found;
}

Subject subject_of(const Quantities& run, const EventSet& set, const std::string& event,
                   const Operation& operation, const std::vector<const Cell*>& cells) {
  Subject subject{set, event, operation, cells, {}};
  for (const Cell* cell : cells) {
    subject.counters.push_back(counters_of(run, set, event, operation, cell->strategy));
  }
  return subject;
}

/// The largest count of each scope, for the scopes that anybody has.
std::array<std::optional<double>, kScopes.size()> largest(const Subject& subject) {
  std::array<std::optional<double>, kScopes.size()> most{};
  for (const EventCounters& counters : subject.counters) {
    for (std::size_t i = 0; i < most.size(); ++i) {
      if (!has_value(counters[i])) continue;
      most[i] = std::max(most[i].value_or(0), std::abs(*counters[i]->value));
    }
  }
  return most;
}

/// What there is to say instead of a panel: why nobody has the event, or that it is nothing for
/// everybody. A text without characters where there is a panel, none where nobody was to count it.
std::optional<std::string> text_of(const Subject& subject) {
  const auto most = std::ranges::max(largest(subject));
  if (most) return std::string(*most == 0 ? kZero : *most < kNextToNothing ? kTiny : "");
  Grouping reasons;
  for (std::size_t row = 0; row < subject.cells.size(); ++row) {
    for (const Counter* counter : subject.counters[row]) {
      if (counter != nullptr) reasons.add(why_not_counted(*counter), subject.cells[row]->strategy);
    }
  }
  if (reasons.groups().empty()) return std::nullopt;
  return "not available: " + all_reasons(reasons);
}

/// "cycles", "faults (kernel)", "time, ns"
std::string panel_title(const Subject& subject, const Scopes& scopes) {
  std::string title = subject.event;
  if (title.ends_with(kNanoseconds)) {
    title.resize(title.size() - kNanoseconds.size());
    title += ", ns";
  }
  constexpr std::size_t kMostCharacters = 34;
  if (title.size() > kMostCharacters) {
    title.resize(kMostCharacters - 2);
    title += "..";
  }
  const bool several = std::ranges::count(scopes, true) > 1;
  if (subject.set.id == results::kSimulated || several || scopes[kBoth]) return title;
  return title + (scopes[kUser] ? " (user)" : " (kernel)");
}

/// The lowest and the highest of the processes that counted it.
Interval range_of(const Counter& counter) {
  if (counter.samples.empty()) return {*counter.value, *counter.value};
  const auto [low, high] = std::ranges::minmax(counter.samples);
  return {low, high};
}

Bar bar_of(const EventCounters& counters, const Scopes& scopes) {
  Bar bar;
  Interval range{0, 0};
  bool scaled = false;
  bool whole = true;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < kScopes.size(); ++i) {
    if (!scopes[i]) continue;
    const bool there = has_value(counters[i]);
    texts.push_back(there ? bar_number(*counters[i]->value) : "n/a");
    whole = whole && there;
    if (!there) continue;
    bar.total = bar.total.value_or(0) + *counters[i]->value;
    bar.solid += i == kKernel ? 0 : *counters[i]->value;
    scaled = scaled || is_multiplexed(*counters[i]);
    range[0] += range_of(*counters[i])[0];
    range[1] += range_of(*counters[i])[1];
  }
  bar.text = fmt::format("{}{}", fmt::join(texts, " + "), scaled ? "*" : "");
  if (whole) bar.range = range;
  if (!bar.total) bar.text = "not available";
  return bar;
}

/// What the lines beside bars are, and are not.
std::string about_lines(const Quantities& run, const EventSet& set) {
  const std::size_t processes = processes_of(run, set);
  if (processes <= 1) return "Each case was counted in 1 process: no spread is known.";
  return fmt::format(
      "Thin lines reach from the lowest to the highest of up to {} processes that counted a case; "
      "a bar without one was counted the same in all of them, or in 1 alone: then no spread is "
      "known.",
      processes);
}

std::string about_twin(const Quantities& run) {
  return fmt::format("The bar of the A/A control again is {} counted a second time.",
                     run.results().baseline.empty() ? "the baseline" : run.results().baseline);
}

/// "minor-faults, mmap-calls: 0 for every strategy that was counted"
void add_lines(const Grouping& grouping, std::vector<std::string>& lines,
               std::string_view before = "") {
  for (const auto& [text, members] : grouping.groups()) {
    lines.push_back(fmt::format("{}{}: {}", before, joined(members), text));
  }
}

/// Builds the chart of one set.
class ChartOfSet {
 public:
  ChartOfSet(const Quantities& run, const EventSet& set)
      : run_(run), set_(set), operations_(chosen_operations(run, set)) {
    for (const Operation& operation : operations_) cells_.push_back(cells_of(operation));
  }

  [[nodiscard]] BarChart chart() {
    chart_.name = fmt::format("counters-{}", set_.id);
    chart_.title = fmt::format("{}{}. {}", run_.results().context.emulated ? "EMULATED. " : "",
                               set_.title, set_.question);
    find_everywhere();
    for (std::size_t index = 0; index < operations_.size(); ++index) {
      BarSection section = section_of(operations_[index], cells_[index]);
      if (section.panels.empty() && section.notes.empty()) continue;
      chart_.sections.push_back(std::move(section));
    }
    if (stacked_) chart_.legend = {"user", "kernel; numbers: user + kernel"};
    add_remarks();
    return std::move(chart_);
  }

 private:
  [[nodiscard]] std::vector<const Cell*> cells_of(const Operation& operation) const {
    std::vector<const Cell*> cells;
    for (const std::string& id : run_.strategies()) {
      // A model counts the baseline's twin as it counts the baseline.
      if (id == results::kAgain && set_.id == results::kSimulated) continue;
      const Cell* cell = run_.cell(operation, id);
      if (cell != nullptr && cell->status != results::CellStatus::unsupported) {
        cells.push_back(cell);
      }
    }
    return cells;
  }

  /// What holds in every operation is said once.
  void find_everywhere() {
    for (const std::string& event : set_.events) {
      std::set<std::string> texts;
      for (std::size_t index = 0; index < operations_.size(); ++index) {
        const auto text = text_of(subject_of(run_, set_, event, operations_[index], cells_[index]));
        // Beside a busy thread less is counted than alone.
        if (text) texts.insert(*text);
      }
      if (texts.size() != 1 || texts.contains("")) continue;
      const bool nothing = !texts.begin()->starts_with("not available");
      everywhere_.add(*texts.begin() + (nothing ? ", in every operation" : ""), event);
    }
  }

  [[nodiscard]] bool is_everywhere(const std::string& event) const {
    return std::ranges::any_of(everywhere_.groups(), [&](const auto& group) {
      return std::ranges::find(group.second, event) != group.second.end();
    });
  }

  BarSection section_of(const Operation& operation, const std::vector<const Cell*>& cells) {
    BarSection section;
    std::string title = operation_title(operation);
    title.front() = 'P';
    section.title = fmt::format("{}: {} ({})", title, operation.workload, spaced(operation.params));
    for (const Cell* cell : cells) section.rows.push_back({cell->strategy, cell->strategy});
    Grouping texts;
    for (const std::string& event : set_.events) {
      if (is_everywhere(event)) continue;
      const Subject subject = subject_of(run_, set_, event, operation, cells);
      const auto text = text_of(subject);
      if (!text) continue;
      if (text->empty()) section.panels.push_back(panel_of(subject));
      if (!text->empty()) texts.add(*text, event);
    }
    add_lines(texts, section.notes);
    return section;
  }

  BarPanel panel_of(const Subject& subject) {
    const Operation& operation = subject.operation;
    const auto most = largest(subject);
    Scopes scopes{most[kUser].has_value(), most[kBoth].has_value(), most[kKernel].has_value()};
    BarPanel panel{panel_title(subject, scopes),
                   fmt::format("{} {} {}", spaced(without_mode(operation.params)), operation.per,
                               subject.event),
                   {}};
    if (scopes[kUser] && most[kKernel] == 0.0) {
      panel.title += " (kernel: 0)";
      scopes[kKernel] = false;
    }
    for (std::size_t row = 0; row < subject.cells.size(); ++row) {
      panel.bars.push_back(bar_of(subject.counters[row], scopes));
      note(panel.bars.back(), *subject.cells[row], subject, subject.counters[row], scopes);
    }
    return panel;
  }

  /// What the bar needs in the legend, and what it lacks and why.
  void note(const Bar& bar, const Cell& cell, const Subject& subject, const EventCounters& counters,
            const Scopes& scopes) {
    stacked_ = stacked_ || bar.text.find(" + ") != std::string::npos;
    scaled_ = scaled_ || bar.text.ends_with('*');
    if (!bar.range) {
      const bool has_others = std::ranges::any_of(set_.events, [&](const std::string& event) {
        const EventCounters others =
            counters_of(run_, set_, event, subject.operation, cell.strategy);
        return std::ranges::any_of(others, has_value);
      });
      absent_.add(why(run_, run_.at(event_key(subject.operation, cell.strategy, set_.id,
                                              subject.event, kScopes.front()))),
                  has_others ? cell.strategy + ": " + subject.event : cell.strategy);
    }
    for (std::size_t i = 0; i < kScopes.size(); ++i) {
      if (counters[i] == nullptr || counters[i]->value || scopes[i]) continue;
      absent_.add(why_not_counted(*counters[i]), counters[i]->name + ", " + counters[i]->scope);
    }
  }

  void add_remarks() {
    std::vector<std::string>& lines = chart_.remarks;
    if (set_.id == results::kSimulated) {
      lines.push_back("simulated by " + run_.results().context.simulator.value_or("nothing"));
    }
    if (run_.results().context.emulated) {
      lines.emplace_back("emulated: counted by an emulator's model of a processor");
    }
    add_lines(everywhere_, lines);
    if (scaled_) {
      lines.emplace_back("*: multiplexed, that is, counted only for a part of the time and scaled");
    }
    if (set_.id != results::kSimulated && processes_of(run_, set_) > 0) {
      lines.push_back(about_lines(run_, set_));
      lines.push_back(about_twin(run_));
    }
    add_lines(absent_, lines, "not available: ");
  }

  const Quantities& run_;
  const EventSet& set_;
  std::vector<Operation> operations_;
  std::vector<std::vector<const Cell*>> cells_;  // of the operations
  BarChart chart_;
  Grouping everywhere_;
  Grouping absent_;  // strategies, and scopes that no row has beside one that some have
  bool stacked_ = false;
  bool scaled_ = false;
};

std::string caption(const Quantities& run, const EventSet& set) {
  std::string text =
      "Each panel is one counter with a scale of its own that begins at zero and is the same alone "
      "and beside a busy thread; each bar is one strategy, and the number beside it the count of "
      "one operation, as the heading above the panels says. What has no count has a reason, never "
      "a bar.";
  if (set.id == results::kSimulated) {
    return text +
           " Counts are of a model with caches of a fixed size and without any prediction: they "
           "tell what is executed, not what it costs. " +
           how_simulated_counts_repeat(run.results());
  }
  return fmt::format("{} {} {} What these two differ by, bars of the same code differ by.", text,
                     about_lines(run, set), about_twin(run));
}

}  // namespace

BarChart counter_chart(const Quantities& run, const EventSet& set) {
  return ChartOfSet(run, set).chart();
}

std::vector<Figure> counter_figures(const Quantities& run) {
  std::vector<Figure> figures;
  for (const EventSet& set : event_sets(run)) {
    if (!has_counts(run, set)) continue;
    const BarChart chart = counter_chart(run, set);
    figures.push_back({chart.name, chart.title, caption(run, set), chart_script(chart),
                       drawn_chart(chart), Part::counters});
  }
  return figures;
}

}  // namespace patchbench::analysis
