#include "analysis/view/counter_figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/palette.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/catalogue.hpp"
#include "analysis/view/simulated.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Counter;
using results::Results;

constexpr std::size_t kUser = 0;
constexpr std::size_t kBoth = 1;
constexpr std::size_t kKernel = 2;
constexpr std::string_view kNanoseconds = "-ns";
constexpr std::string_view kZero = "0 for every strategy that was counted";
/// What is next to nothing would fill a panel of its own scale, and look like a difference.
constexpr double kNextToNothing = 0.005;
constexpr std::string_view kTiny = "below 0.005 for every strategy that was counted";

/// One event in one operation, and the cells of the section's rows.
struct Subject {
  const EventSet& set;
  const std::string& event;
  const Operation& operation;
};

/// Which scopes any of the cells has a value of.
std::array<bool, kScopes.size()> scopes_of(const Subject& subject,
                                           const std::vector<const Cell*>& cells) {
  std::array<bool, kScopes.size()> there{};
  for (const Cell* cell : cells) {
    const EventCounters counters = find_event(*cell, subject.set, subject.event, subject.operation);
    for (std::size_t i = 0; i < kScopes.size(); ++i) {
      there[i] = there[i] || (counters[i] != nullptr && counters[i]->value);
    }
  }
  return there;
}

/// Whether anybody was to count the event in the operation.
bool is_asked(const Subject& subject, const std::vector<const Cell*>& cells) {
  return std::any_of(cells.begin(), cells.end(), [&](const Cell* cell) {
    const EventCounters counters = find_event(*cell, subject.set, subject.event, subject.operation);
    return counters != EventCounters{};
  });
}

/// Whether the kernel's part is 0 beside a user's that is not.
bool is_kernel_zero(const Subject& subject, const std::vector<const Cell*>& cells) {
  return std::all_of(cells.begin(), cells.end(), [&](const Cell* cell) {
    const Counter* counter =
        find_event(*cell, subject.set, subject.event, subject.operation)[kKernel];
    return counter == nullptr || (counter->value && *counter->value == 0);
  });
}

/// "cycles", "faults (kernel)", "time, ns"
std::string panel_title(const Subject& subject, const std::array<bool, kScopes.size()>& scopes) {
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
  if (subject.set.id == results::kSimulated || std::count(scopes.begin(), scopes.end(), true) > 1) {
    return title;
  }
  if (scopes[kBoth]) return title;
  return title + (scopes[kUser] ? " (user)" : " (kernel)");
}

/// What some strategies, or some parts of a count, lack, and why.
class Absences {
 public:
  explicit Absences(const Results& results) : results_(results) {}

  /// Of a strategy, in one event or in all of them.
  void add(const Cell& cell, const Subject& subject) {
    const auto counts = [&](const std::string& event) {
      const EventCounters counters = find_event(cell, subject.set, event, subject.operation);
      return std::any_of(counters.begin(), counters.end(), [](const Counter* counter) {
        return counter != nullptr && counter->value;
      });
    };
    const auto& events = subject.set.events;
    const bool any = std::any_of(events.begin(), events.end(), counts);
    strategies_.add(why_not_counted(results_, cell, subject.set, subject.event, subject.operation),
                    any ? cell.strategy + ": " + subject.event : cell.strategy);
  }
  /// Of a scope that no row has, beside one that some have.
  void add_scope(const Counter& counter) {
    scopes_.add(why_not_counted(counter), counter.name + ", " + counter.scope);
  }

  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const Grouping* kind : {&strategies_, &scopes_}) {
      for (const auto& [reason, who] : kind->groups()) {
        lines.push_back(fmt::format("not available: {}: {}", joined(who), reason));
      }
    }
    return lines;
  }

 private:
  const Results& results_;
  Grouping strategies_;
  Grouping scopes_;
};

Bar bar_of(const EventCounters& counters, const std::array<bool, kScopes.size()>& scopes) {
  Bar bar;
  Interval range{0, 0};
  bool ranged = false;
  for (std::size_t i = 0; i < kScopes.size(); ++i) {
    if (!scopes[i]) continue;
    const Counter* counter = counters[i];
    if (counter == nullptr || !counter->value) {
      bar.missing = "n/a";
      continue;
    }
    bar.parts.push_back({i == kKernel ? BarTone::tinted : BarTone::solid, *counter->value});
    bar.scaled = bar.scaled || is_multiplexed(*counter);
    const auto [low, high] = std::minmax_element(counter->samples.begin(), counter->samples.end());
    ranged = ranged || low != high;
    range[0] += counter->samples.empty() ? *counter->value : *low;
    range[1] += counter->samples.empty() ? *counter->value : *high;
  }
  if (bar.parts.empty()) bar.missing = "not available";
  if (ranged && bar.missing.empty()) bar.range = range;
  return bar;
}

/// What the lines beside bars are, and are not.
std::string about_lines(const Results& results, const EventSet& set) {
  const std::size_t processes = processes_of(results, set);
  if (processes <= 1) return "Each cell was counted in 1 process: no spread is known.";
  return fmt::format(
      "Thin lines reach from the lowest to the highest of up to {} processes that counted a cell; "
      "a "
      "bar without one was counted the same in all of them, or in 1 alone: then no spread is "
      "known.",
      processes);
}

std::string about_twin(const Results& results) {
  return fmt::format("The bar again is {} counted a second time.",
                     results.baseline.empty() ? "the baseline" : results.baseline);
}

/// Texts that hold for several events, each once.
std::vector<TextPanel> frames(const Grouping& texts) {
  std::vector<TextPanel> panels;
  for (const auto& [text, events] : texts.groups()) panels.push_back({joined(events), text});
  return panels;
}

/// Builds the chart of one set.
class ChartOfSet {
 public:
  ChartOfSet(const Results& results, const EventSet& set)
      : results_(results), set_(set), absences_(results) {}

  [[nodiscard]] BarChart chart() {
    BarChart chart;
    chart.name = fmt::format("counters-{}", set_.id);
    chart.title = fmt::format("{}{}. {}", results_.context.emulated ? "EMULATED. " : "", set_.title,
                              set_.question);
    const std::vector<Operation> operations = chosen_operations(results_, set_);
    find_everywhere(operations);
    for (const Operation& operation : operations) {
      BarSection section = section_of(operation);
      if (!section.panels.empty() || !section.texts.empty()) {
        chart.sections.push_back(std::move(section));
      }
    }
    chart.texts = frames(everywhere_);
    for (TextPanel& panel : chart.texts) {
      if (panel.text == kZero || panel.text == kTiny) panel.text += ", in every operation";
    }
    if (stacked_) {
      chart.solid_label = "user";
      chart.tinted_label = "kernel; numbers: user + kernel";
    }
    chart.remarks = remarks();
    return chart;
  }

 private:
  [[nodiscard]] std::vector<const Cell*> cells_of(const Operation& operation) const {
    std::vector<const Cell*> cells;
    for (const std::string& id : strategies_in_order(results_)) {
      // A model counts the baseline's twin as it counts the baseline.
      if (id == "again" && set_.id == results::kSimulated) continue;
      const Cell* cell = find_cell(results_, operation.workload, id, operation.params);
      if (cell != nullptr && cell->status != results::CellStatus::unsupported) {
        cells.push_back(cell);
      }
    }
    return cells;
  }

  /// Why nobody has the event; empty where somebody has, or nobody was asked for it.
  [[nodiscard]] std::string why_nobody(const Subject& subject,
                                       const std::vector<const Cell*>& cells) const {
    Grouping reasons;
    for (const Cell* cell : cells) {
      for (const Counter* counter : find_event(*cell, set_, subject.event, subject.operation)) {
        if (counter == nullptr) continue;
        if (counter->value) return "";
        reasons.add(why_not_counted(*counter), cell->strategy);
      }
    }
    return reasons.groups().empty() ? "" : "not available: " + all_reasons(reasons);
  }

  /// What there is to say instead of a panel; empty where there is one, or nothing was asked for.
  [[nodiscard]] std::string text_of(const Subject& subject,
                                    const std::vector<const Cell*>& cells) const {
    bool counted = false;
    double most = 0;
    for (const Cell* cell : cells) {
      for (const Counter* counter : find_event(*cell, set_, subject.event, subject.operation)) {
        if (counter == nullptr || !counter->value) continue;
        counted = true;
        most = std::max(most, std::abs(*counter->value));
      }
    }
    if (!counted) return why_nobody(subject, cells);
    if (most == 0) return std::string(kZero);
    return most < kNextToNothing ? std::string(kTiny) : "";
  }

  /// Takes out of the sections what holds in all of them.
  void find_everywhere(const std::vector<Operation>& operations) {
    for (const std::string& event : set_.events) {
      Grouping texts;
      for (const Operation& operation : operations) {
        const std::vector<const Cell*> cells = cells_of(operation);
        // Beside a busy thread less is counted than alone.
        if (!is_asked({set_, event, operation}, cells)) continue;
        texts.add(text_of({set_, event, operation}, cells), event);
      }
      const bool same = texts.groups().size() == 1 && !texts.groups().front().first.empty();
      if (same) everywhere_.add(texts.groups().front().first, event);
    }
  }

  [[nodiscard]] bool is_everywhere(const std::string& event) const {
    const auto& groups = everywhere_.groups();
    return std::any_of(groups.begin(), groups.end(), [&](const auto& group) {
      return std::find(group.second.begin(), group.second.end(), event) != group.second.end();
    });
  }

  BarSection section_of(const Operation& operation) {
    BarSection section;
    std::string title = operation_title(operation);
    title.front() = 'P';
    section.title = fmt::format("{}: {} ({})", title, operation.workload, spaced(operation.params));
    const std::vector<const Cell*> cells = cells_of(operation);
    for (const Cell* cell : cells) {
      section.rows.push_back({cell->strategy, appearance(cell->strategy)});
    }
    Grouping texts;
    for (const std::string& event : set_.events) {
      if (!is_everywhere(event)) add_event({set_, event, operation}, cells, section, texts);
    }
    section.texts = frames(texts);
    return section;
  }

  void add_event(const Subject& subject, const std::vector<const Cell*>& cells, BarSection& section,
                 Grouping& texts) {
    const std::string text = text_of(subject, cells);
    if (!text.empty()) texts.add(text, subject.event);
    auto scopes = scopes_of(subject, cells);
    if (!text.empty() || std::count(scopes.begin(), scopes.end(), true) == 0) return;
    BarPanel panel{panel_title(subject, scopes), {}};
    if (scopes[kUser] && scopes[kKernel] && is_kernel_zero(subject, cells)) {
      panel.title += " (kernel: 0)";
      scopes[kKernel] = false;
    }
    for (const Cell* cell : cells) {
      const EventCounters counters = find_event(*cell, set_, subject.event, subject.operation);
      panel.bars.push_back(bar_of(counters, scopes));
      note(panel.bars.back(), *cell, subject, counters, scopes);
    }
    section.panels.push_back(std::move(panel));
  }

  void note(const Bar& bar, const Cell& cell, const Subject& subject, const EventCounters& counters,
            const std::array<bool, kScopes.size()>& scopes) {
    stacked_ = stacked_ || bar.parts.size() > 1;
    scaled_ = scaled_ || bar.scaled;
    if (!bar.missing.empty()) absences_.add(cell, subject);
    for (std::size_t i = 0; i < kScopes.size(); ++i) {
      if (counters[i] == nullptr || counters[i]->value || scopes[i]) continue;
      absences_.add_scope(*counters[i]);
    }
  }

  [[nodiscard]] std::vector<std::string> remarks() const {
    std::vector<std::string> lines;
    if (set_.id == results::kSimulated) {
      lines.push_back("simulated by " + results_.context.simulator.value_or("nothing"));
    }
    if (results_.context.emulated) {
      lines.emplace_back("emulated: counted by an emulator's model of a processor");
    }
    if (scaled_) {
      lines.emplace_back(
          "* and an empty bar with a dashed border: multiplexed, that is, counted only for a part "
          "of "
          "the time and scaled");
    }
    if (set_.id != results::kSimulated && processes_of(results_, set_) > 0) {
      lines.push_back(about_lines(results_, set_));
      lines.push_back(about_twin(results_));
    }
    const std::vector<std::string> absent = absences_.lines();
    lines.insert(lines.end(), absent.begin(), absent.end());
    return lines;
  }

  const Results& results_;
  const EventSet& set_;
  Absences absences_;
  Grouping everywhere_;
  bool stacked_ = false;
  bool scaled_ = false;
};

std::string caption(const Results& results, const EventSet& set) {
  std::string text =
      "Each panel is one counter with a scale of its own that begins at zero; each bar is one "
      "strategy, and the number beside it the count of one operation, as the heading above the "
      "panels says. What has no count has a reason, never a bar.";
  if (set.id == results::kSimulated) {
    return text +
           " Counts are of a model with caches of a fixed size and without any prediction: they "
           "tell what is executed, not what it costs. " +
           how_simulated_counts_repeat(results);
  }
  return fmt::format("{} {} {} What these two differ by, bars of the same code differ by.", text,
                     about_lines(results, set), about_twin(results));
}

}  // namespace

BarChart counter_chart(const Results& results, const EventSet& set) {
  return ChartOfSet(results, set).chart();
}

std::vector<Figure> counter_figures(const Results& results) {
  std::vector<Figure> figures;
  for (const EventSet& set : event_sets(results)) {
    const BarChart chart = counter_chart(results, set);
    figures.push_back({chart.name, chart.title, caption(results, set), bar_chart_script(chart)});
  }
  return figures;
}

}  // namespace patchbench::analysis
