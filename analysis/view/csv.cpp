#include "analysis/view/csv.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/csv.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

/// One value of a quantity: of a round, or of a process.
struct Sample : Quantity {
  std::optional<std::size_t> index = {};
  std::optional<double> sample = {};
};

template <typename T>
std::string or_nothing(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : "";
}

std::string text_of(const results::ParamValue* value) {
  if (value == nullptr) return "";
  if (const auto* number = std::get_if<std::int64_t>(value)) return std::to_string(*number);
  return std::get<std::string>(*value);
}

Column<Sample> text_column(const char* title, std::function<std::string(const Sample&)> text) {
  return {title, [text = std::move(text)](const Sample& one) { return plain(text(one)); }};
}

std::string text_of(const std::vector<Sample>& rows, const std::vector<Column<Sample>>& columns) {
  Footnotes none;
  return csv_text(table_of(rows, columns, none));
}

/// What every row begins with: the run, then `more`, workload, strategy and parameters.
std::vector<Column<Sample>> first_columns(const Quantities& run, std::vector<Column<Sample>> more) {
  more.insert(more.begin(),
              text_column("run", [&run](const Sample&) { return run.results().run.id; }));
  more.push_back(workload_column());
  more.push_back(strategy_column());
  std::vector<std::string> names;
  for (const results::Cell& cell : run.results().cells) {
    for (const auto& [name, value] : cell.params) add_once(names, name);
  }
  for (const std::string& name : names) {
    more.push_back(
        {name, [name](const Sample& one) { return plain(text_of(find_param(one.params, name))); }});
  }
  return more;
}

/// Every process' value, or where there are none the one that is known, if any.
void add_samples(const Quantity& one, std::vector<Sample>& rows) {
  const std::vector<double>& samples = one.counter->samples;
  for (std::size_t process = 0; process < samples.size(); ++process) {
    rows.push_back({one, process, samples[process]});
  }
  if (samples.empty()) rows.push_back({one, std::nullopt, one.value});
}

std::string counted_as_csv(const Quantities& run, bool simulated) {
  std::vector<Sample> rows;
  for (const Quantity& one : run.all()) {
    const bool wanted = one.counter != nullptr && (one.set == results::kSimulated) == simulated;
    if (wanted) add_samples(one, rows);
  }
  using Row = const Sample&;
  std::vector<Column<Sample>> columns =
      first_columns(run, {text_column("emulated", [&run](Row) {
                      return run.results().context.emulated ? "true" : "false";
                    })});
  for (Column<Sample>& column : std::vector<Column<Sample>>{
           text_column("per", [](Row one) { return one.per; }),
           text_column("beside", [](Row one) { return one.beside; }),
           text_column("counter", [](Row one) { return one.name; }),
           text_column("set", [](Row one) { return one.counter->set; }),
           text_column("source", [](Row one) { return one.counter->source; }),
           text_column("scope", [](Row one) { return one.scope; }),
           text_column("process", [](Row one) { return or_nothing(one.index); }),
           text_column("value", [](Row one) { return or_nothing(one.sample); }),
           text_column("status", [](Row one) { return one.counter->status; }),
           text_column("time_enabled",
                       [](Row one) { return or_nothing(one.counter->time_enabled); }),
           text_column("time_running",
                       [](Row one) { return or_nothing(one.counter->time_running); }),
           text_column("reason", [](Row one) { return one.counter->reason; })}) {
    columns.push_back(std::move(column));
  }
  return text_of(rows, columns);
}

}  // namespace

std::string counters_as_csv(const Quantities& run) { return counted_as_csv(run, false); }

std::string simulated_as_csv(const Quantities& run) { return counted_as_csv(run, true); }

std::string samples_as_csv(const Quantities& run) {
  std::vector<Sample> rows;
  for (const Quantity& one : run.all()) {
    if (one.metric == nullptr) continue;
    const auto& samples = one.metric->samples;
    for (std::size_t round = 0; round < samples.size(); ++round) {
      rows.push_back({one, round, samples[round]});
    }
  }
  using Row = const Sample&;
  std::vector<Column<Sample>> columns = first_columns(run, {});
  columns.push_back(text_column("metric", [](Row one) { return one.name; }));
  columns.push_back(text_column("unit", [](Row one) { return one.metric->unit; }));
  columns.push_back(text_column("round", [](Row one) { return or_nothing(one.index); }));
  columns.push_back(text_column("value", [](Row one) { return or_nothing(one.sample); }));
  return text_of(rows, columns);
}

}  // namespace patchbench::analysis
