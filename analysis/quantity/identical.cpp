#include "analysis/quantity/identical.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string_view>
#include <utility>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/quantities.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::IdenticalCount;
using results::Ratio;
using results::Results;

/// A ratio whose truth is 1.
struct One {
  const Cell* cell;
  const Ratio* ratio;
  Interval interval;
};

bool misses_one(const Interval& interval) { return interval[0] > 1 || interval[1] < 1; }

double log_distance(const Interval& interval) {
  return std::max({0.0, std::log(interval[0]), -std::log(interval[1])});
}

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

template <typename Belongs>
std::vector<One> ratios_of_one(const Quantities& run, Belongs belongs) {
  std::vector<One> ones;
  for (const Quantity& one : run.all()) {
    if (one.ratio == nullptr || !one.ratio->median || !belongs(one)) continue;
    const auto interval = deciding_interval(*one.ratio);
    if (interval && (*interval)[0] > 0) ones.push_back({one.cell, one.ratio, *interval});
  }
  return ones;
}

std::vector<One> code_identical(const Quantities& run) {
  const auto* baseline = run.status(run.results().baseline);
  if (baseline == nullptr || !baseline->code) return {};
  return ratios_of_one(run, [&](const Quantity& one) {
    const auto* status = run.status(one.strategy);
    return contains(run.results().run.execute_only, one.name) && status != nullptr &&
           status->code == baseline->code;
  });
}

std::string place(const One& one) { return fmt::format("{}, {}", one.cell->id, one.ratio->metric); }

std::string described(const One& one) {
  return fmt::format("{}: {:.3f} [{:.3f}, {:.3f}]", place(one), *one.ratio->median, one.interval[0],
                     one.interval[1]);
}

/// What shares a baseline's samples.
std::vector<int> groups_of(const std::vector<One>& ones) {
  std::map<std::string, int> sizes;
  for (const One& one : ones) {
    ++sizes[fmt::format("{}/{}/{}", one.cell->workload, results::params_text(one.cell->params),
                        one.ratio->metric)];
  }
  std::vector<int> groups;
  groups.reserve(sizes.size());
  for (const auto& [key, size] : sizes) groups.push_back(size);
  return groups;
}

IdenticalCount count_of(const std::vector<One>& ones) {
  IdenticalCount count;
  if (ones.empty()) return count;
  count.intervals = static_cast<int>(ones.size());
  count.expected = (1 - kConfidence) * count.intervals;
  double squares = 0;
  for (const One& one : ones) {
    count.missing += misses_one(one.interval) ? 1 : 0;
    squares += std::pow(std::log(*one.ratio->median), 2);
  }
  count.scatter = std::sqrt(squares / static_cast<double>(ones.size()));
  count.chance = chance_of_missing(groups_of(ones), count.missing);
  const auto worst = std::ranges::max_element(ones, [](const One& left, const One& right) {
    const auto key = [](const One& one) {
      return std::pair(log_distance(one.interval), std::abs(std::log(*one.ratio->median)));
    };
    return key(left) < key(right);
  });
  count.worst = described(*worst);
  return count;
}

/// As wide as it has to be for all `intervals` to hold together.
Interval corrected_interval(const One& one, int intervals) {
  const int degrees = std::max(1, one.ratio->n - 1);
  const double factor =
      t_quantile(1 - (1 - kConfidence) / intervals, degrees) / t_quantile(kConfidence, degrees);
  const double low = std::log(one.interval[0]);
  const double high = std::log(one.interval[1]);
  const double middle = (low + high) / 2;
  const double reach = factor * (high - low) / 2;
  return {std::exp(middle - reach), std::exp(middle + reach)};
}

/// Empty where both sides lie on pages of one size, or that is not known.
std::string other_pages(const Quantities& run, const One& one) {
  const std::string& baseline = run.results().baseline;
  const Cell* base = run.cell({one.cell->workload, one.cell->params}, baseline);
  if (base == nullptr || !base->memory.page_kib || !one.cell->memory.page_kib) return "";
  if (*base->memory.page_kib == *one.cell->memory.page_kib) return "";
  return fmt::format("; the probable cause: its pages are {} KiB, those of {} are {} KiB",
                     *one.cell->memory.page_kib, baseline, *base->memory.page_kib);
}

std::string alarm_of(const Quantities& run, const std::vector<One>& ones,
                     const IdenticalCount& count) {
  if (ones.empty()) return "";
  const double delta = delta_of(run.results());
  std::string causes;
  int beyond = 0;
  for (const One& one : ones) {
    const Interval wide = corrected_interval(one, count.intervals);
    if (wide[0] <= 1 + delta && wide[1] >= 1 - delta) continue;
    if (++beyond == 1) causes = "; " + described(one) + other_pages(run, one);
  }
  const bool too_many = count.chance && *count.chance < kNotByChance;
  if (!too_many && beyond == 0) return "";
  if (beyond == 0) {
    causes = "; the worst: " + count.worst;
    const auto missed = std::ranges::find_if(ones, [&](const One& one) {
      return misses_one(one.interval) && !other_pages(run, one).empty();
    });
    if (missed != ones.end()) causes += "; " + place(*missed) + other_pages(run, *missed);
  }
  return fmt::format(
      "CODE-IDENTICAL COSTS DIFFER: {} of {} intervals miss 1 where {:.1f} are expected (by chance "
      "with probability {:.2g}), {} by more than {:.3g} % beyond doubt{}. The run measures "
      "something "
      "else than the strategies (layout, pages, state); do not cite it.",
      count.missing, count.intervals, count.expected, count.chance.value_or(1), beyond, 100 * delta,
      causes);
}

std::string line_of(std::string_view name, const IdenticalCount& count) {
  std::string text = fmt::format("{}: {} of {} interval{} {} 1, {:.1f} expected", name,
                                 count.missing, count.intervals, count.intervals == 1 ? "" : "s",
                                 count.missing == 1 ? "misses" : "miss", count.expected);
  if (count.chance) text += fmt::format(" (by chance with probability {:.2g})", *count.chance);
  if (count.scatter) text += fmt::format("; pooled scatter {:.1f} %", 100 * *count.scatter);
  return text + "; the furthest off: " + count.worst;
}

/// Convolution: how many of both.
std::vector<double> sum_of(const std::vector<double>& left, const std::vector<double>& right) {
  std::vector<double> sum(left.size() + right.size() - 1, 0.0);
  for (std::size_t i = 0; i < left.size(); ++i) {
    for (std::size_t j = 0; j < right.size(); ++j) sum[i + j] += left[i] * right[j];
  }
  return sum;
}

/// How many of `size` intervals miss. Given the shared baseline's error x in units of its standard
/// deviation, strategies miss independently of each other: those whose own error is further than
/// sqrt(2) z from x.
std::vector<double> distribution_of(int size) {
  constexpr double kReach = 8;
  constexpr int kSteps = 800;  // the trapezoidal rule converges geometrically here
  const double missed = 1 - kConfidence;
  const boost::math::normal_distribution<double> normal;
  std::vector<double> probabilities(static_cast<std::size_t>(size) + 1, 0.0);
  const auto add = [&](double p, double weight) {
    const boost::math::binomial_distribution<double> binomial(size, p);
    for (int k = 0; k <= size; ++k) {
      probabilities[static_cast<std::size_t>(k)] += weight * boost::math::pdf(binomial, k);
    }
  };
  if (size == 1) {
    add(missed, 1);
    return probabilities;
  }
  const double z = std::sqrt(2.0) * boost::math::quantile(normal, 1 - missed / 2);
  const double step = 2 * kReach / kSteps;
  for (int i = 0; i <= kSteps; ++i) {
    const double x = -kReach + i * step;
    const double p =
        boost::math::cdf(normal, x - z) + boost::math::cdf(boost::math::complement(normal, x + z));
    add(p, step * boost::math::pdf(normal, x));
  }
  return probabilities;
}

}  // namespace

double chance_of_missing(std::span<const int> groups, int missing) {
  std::vector<double> all{1.0};
  std::map<int, std::vector<double>> known;
  for (const int size : groups) {
    auto found = known.find(size);
    if (found == known.end()) found = known.emplace(size, distribution_of(size)).first;
    all = sum_of(all, found->second);
  }
  double tail = 0;
  for (std::size_t k = all.size(); k-- > static_cast<std::size_t>(std::max(0, missing));) {
    tail += all[k];
  }
  return std::min(1.0, tail);
}

std::optional<results::Identical> identical_costs(const Results& results) {
  if (!times_mean_something(results.context)) return std::nullopt;
  const Quantities run(results);
  const std::vector<One> code = code_identical(run);
  const std::vector<One> again =
      ratios_of_one(run, [](const Quantity& one) { return one.strategy == results::kAgain; });
  if (code.empty() && again.empty()) return std::nullopt;
  results::Identical identical;
  identical.code = count_of(code);
  identical.again = count_of(again);
  identical.alarm = alarm_of(run, code, identical.code);
  return identical;
}

std::vector<std::string> identical_alarms(const Results& results) {
  if (!results.run.identical || results.run.identical->alarm.empty()) return {};
  return {results.run.identical->alarm};
}

std::vector<std::string> identical_lines(const Results& results) {
  std::vector<std::string> lines;
  if (!results.run.identical) return lines;
  const results::Identical& identical = *results.run.identical;
  if (identical.code.intervals > 0) lines.push_back(line_of("code-identical", identical.code));
  if (identical.again.intervals > 0) lines.push_back(line_of("A/A", identical.again));
  return lines;
}

}  // namespace patchbench::analysis
