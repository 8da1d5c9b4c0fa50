#include "results/members.hpp"

#include <cmath>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>

#include "results/visitors.hpp"

namespace patchbench::results {
namespace {

/// One value a round; of a list that came later also none at all.
void has_one_a_round(const Field& list, std::size_t size, int rounds, bool may_be_empty) {
  if (size == static_cast<std::size_t>(rounds) || (may_be_empty && size == 0)) return;
  list.fail(std::string(may_be_empty ? "must be empty or have" : "must have") +
            " one value a round (" + std::to_string(rounds) + "), has " + std::to_string(size));
}

}  // namespace

double share_from(const Field& field) {
  const double value = field.positive();
  if (value >= 1) field.fail("must be below 1, is not");
  return value;
}

double probability_from(const Field& field) {
  const double value = field.non_negative();
  if (value > 1) field.fail("must be at most 1, is above");
  return value;
}

Json finite_to_json(double value) {
  if (!std::isfinite(value)) {
    throw std::invalid_argument("a value that is not finite cannot be written as JSON; use none");
  }
  return value;
}

void agrees(const Field& field, const SelfTest& test, int /*rounds*/) {
  const Field all = field.member("passed");
  if (all.boolean() != passed(test)) all.fail("does not agree with what its lines say");
}

void agrees(const Field& field, const Metric& metric, int rounds) {
  has_one_a_round(field.member("samples"), metric.samples.size(), rounds, false);
  if (const auto latency = field.find("latency_ns")) {
    has_one_a_round(*latency, metric.latency_ns.size(), rounds, true);
  }
  if (const auto throughput = field.find("throughput_ns")) {
    has_one_a_round(*throughput, metric.throughput_ns.size(), rounds, true);
  }
}

void agrees(const Field& field, const Ratio& ratio, int /*rounds*/) {
  constexpr int kFewest = 2;  // that have a spread
  if ((ratio.ci95 || ratio.ci_free) && ratio.n < kFewest) {
    field.member("n").fail("must be at least 2 where there is an interval, is " +
                           std::to_string(ratio.n));
  }
}

void agrees(const Field& field, const Cell& cell, int /*rounds*/) {
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

void agrees(const Field& field, const Results& results, int /*rounds*/) {
  std::set<std::string> ids;
  const std::vector<Field> cells = field.member("cells").elements();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!ids.insert(results.cells[i].id).second) {
      cells[i].member("id").fail("\"" + results.cells[i].id + "\" stands here for the second time");
    }
  }
}

}  // namespace patchbench::results
