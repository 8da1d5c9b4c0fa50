#include "analysis/view/latex.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/render/latex.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {
namespace {

using results::Params;

bool has_all(const Params& params, const Params& some) {
  return std::ranges::all_of(
      some, [&](const auto& param) { return std::ranges::find(params, param) != params.end(); });
}

/// Of one parameter set, every choice of its parameters that no other set of the workload has.
std::vector<Params> choices_of(const Params& params, const std::vector<Params>& all) {
  std::vector<Params> choices;
  for (std::size_t mask = 0; mask < std::size_t{1} << params.size(); ++mask) {
    Params some;
    for (std::size_t i = 0; i < params.size(); ++i) {
      if ((mask >> i & 1U) != 0) some.push_back(params[i]);
    }
    const auto having =
        std::ranges::count_if(all, [&](const Params& one) { return has_all(one, some); });
    if (having != 1) continue;
    choices.push_back(std::move(some));
  }
  return choices;
}

/// The names of cases; a workload's choices are found once.
class CaseNames {
 public:
  explicit CaseNames(const Quantities& run) : run_(run) {}

  std::vector<std::string> of(const results::Cell& cell) {
    std::vector<std::string> names;
    for (const Params& choice : choices(cell)) {
      names.push_back(results::cell_id(cell.workload, cell.strategy, choice));
    }
    return names;
  }

 private:
  const std::vector<Params>& choices(const results::Cell& cell) {
    const auto [found, is_new] = choices_.try_emplace({cell.workload, cell.params});
    if (is_new) found->second = choices_of(cell.params, param_sets(run_, cell.workload));
    return found->second;
  }

  const Quantities& run_;
  std::map<std::pair<std::string, Params>, std::vector<Params>> choices_;
};

void replace(std::string& text, std::string_view from, std::string_view to) {
  if (const auto at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
}

/// "13.2\,ns", "5.15\,\pbmicro s"
std::string with_unit(double value, const std::string& unit) {
  if (unit != "ns") return latex_text(full_number(value)) + "\\," + latex_text(unit);
  std::string text = duration_text(value);
  replace(text, " us", " \\pbmicro s");
  replace(text, " ", "\\,");
  return text;
}

struct Value {
  std::string what;
  std::string text;
};

std::vector<Value> values_of(const results::Ratio& ratio) {
  std::vector<Value> values = {{"verdict", std::string(to_string(ratio.verdict))},
                               {"rounds", std::to_string(ratio.n)}};
  if (ratio.median) values.push_back({"ratio", ratio_number(*ratio.median)});
  if (const auto interval = deciding_interval(ratio)) {
    const auto [low, high] = *interval;
    values.push_back({"low", ratio_number(low)});
    values.push_back({"high", ratio_number(high)});
    values.push_back({"interval", fmt::format("[{}, {}]", ratio_number(low), ratio_number(high))});
  }
  return values;
}

/// How a count came about, where no processor counted it.
std::string label_of(const Quantities& run, const Quantity& one) {
  if (one.set == results::kSimulated) return "~(simulated)";
  return run.results().context.emulated ? "~(emulated)" : "";
}

std::vector<Value> values_of(const Quantities& run, const Quantity& one) {
  if (!one.value) return {};
  if (one.counter != nullptr && !one.counter->beside.empty()) return {};
  if (one.counter != nullptr) {
    return {{one.scope.empty() ? one.name : one.name + ":" + one.scope,
             count_number(*one.value) + label_of(run, one)}};
  }
  if (one.metric == nullptr || run.results().context.emulated) return {};
  std::vector<Value> values = {{"value", with_unit(*one.value, one.metric->unit)}};
  if (one.ratio != nullptr) {
    for (Value& value : values_of(*one.ratio)) values.push_back(std::move(value));
  }
  return values;
}

void add_cell(const Quantities& run, const results::Cell& cell,
              const std::vector<std::string>& names, std::string& text) {
  for (const Quantity& one : run.of(cell)) {
    const std::string_view metric = one.counter != nullptr ? one.per : one.name;
    for (const Value& value : values_of(run, one)) {
      for (const std::string& name : names) {
        text +=
            fmt::format("\\pbset{{{}}}{{{}}}{{{}}}{{{}}}\n", name, metric, value.what, value.text);
      }
    }
  }
  if (is_ok(&cell) && !run.results().context.emulated) return;
  const std::string reason =
      is_ok(&cell) ? "an emulated run has no times" : why_missing(run, cell.strategy, &cell);
  for (const std::string& name : names) {
    text += fmt::format("\\pblack{{{}}}{{{}}}\n", name, latex_text(reason));
  }
}

std::string facts_of(const results::Results& results) {
  const std::array<std::pair<const char*, std::string>, 5> facts = {{
      {"id", results.run.id},
      {"cpu", results.context.cpu.model.value_or("")},
      {"kernel", results.context.kernel.value_or("")},
      {"rounds", std::to_string(results.run.rounds)},
      {"baseline", results.baseline},
  }};
  std::string text;
  for (const auto& [name, value] : facts) {
    if (value.empty()) continue;
    text += fmt::format("\\pbset{{run}}{{{}}}{{value}}{{{}}}\n", name, latex_text(value));
  }
  return text;
}

}  // namespace

std::string numbers_as_latex(const Quantities& run) {
  std::string text =
      "% Written by bench-report --format=latex; keys are explained in patchbench.sty.\n";
  text += facts_of(run.results());
  CaseNames names(run);
  for (const results::Cell& cell : run.results().cells) add_cell(run, cell, names.of(cell), text);
  return text;
}

}  // namespace patchbench::analysis
