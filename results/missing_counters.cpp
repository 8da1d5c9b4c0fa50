#include "results/missing_counters.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace patchbench::results {
namespace {

/// What a counter is, apart from the cell and the metric.
using Key = std::tuple<std::string, std::string, std::string, std::string>;

template <typename C>
Key key_of(const C& counter) {
  return {counter.name, counter.source, counter.scope, counter.beside};
}

bool is_same(const MissingCounter& known, const Counter& counter) {
  return key_of(known) == key_of(counter) && known.set == counter.set &&
         known.status == counter.status && known.reason == counter.reason;
}

/// Nothing that a MissingCounter could not hold.
bool is_missing(const Counter& counter) {
  return !counter.value && !counter.time_enabled && !counter.time_running &&
         counter.samples.empty();
}

MissingCounter missing_of(const Counter& counter) {
  return {.name = counter.name,
          .source = counter.source,
          .scope = counter.scope,
          .per = {},
          .beside = counter.beside,
          .set = counter.set,
          .status = counter.status,
          .reason = counter.reason};
}

Counter counter_of(const MissingCounter& missing, const std::string& per) {
  Counter counter;
  counter.name = missing.name;
  counter.source = missing.source;
  counter.scope = missing.scope;
  counter.per = per;
  counter.beside = missing.beside;
  counter.set = missing.set;
  counter.status = missing.status;
  counter.reason = missing.reason;
  return counter;
}

/// A counter that is missing, of one metric, and in which cells.
struct Lack {
  MissingCounter counter;
  std::vector<std::size_t> cells;
};
using Lacks = std::map<std::string, std::vector<Lack>>;  // by metric, in order of appearance

void note(std::vector<Lack>& lacks, const Counter& counter, std::size_t cell) {
  const auto found =
      std::ranges::find_if(lacks, [&](const Lack& lack) { return is_same(lack.counter, counter); });
  if (found == lacks.end()) {
    lacks.push_back({.counter = missing_of(counter), .cells = {cell}});
  } else if (found->cells.back() != cell) {
    found->cells.push_back(cell);
  }
}

/// What no cell has a value of, by metric: a counter can be known of one and not of another.
Lacks lacks_of(const Results& results) {
  std::set<std::pair<std::string, Key>> counted;
  for (const Cell& cell : results.cells) {
    for (const Counter& counter : cell.counters) {
      if (!is_missing(counter)) counted.emplace(counter.per, key_of(counter));
    }
  }
  Lacks lacks;
  for (std::size_t i = 0; i < results.cells.size(); ++i) {
    for (const Counter& counter : results.cells[i].counters) {
      if (is_missing(counter) && !counted.contains({counter.per, key_of(counter)})) {
        note(lacks[counter.per], counter, i);
      }
    }
  }
  return lacks;
}

/// The cells that most of them have in common.
std::vector<std::size_t> common_cells(const std::vector<Lack>& lacks) {
  std::map<std::vector<std::size_t>, std::size_t> saved;  // counters in cells
  for (const Lack& lack : lacks) saved[lack.cells] += lack.cells.size();
  return std::ranges::max_element(saved, {}, [](const auto& one) { return one.second; })->first;
}

void add(std::vector<MissingCounter>& all, const MissingCounter& counter, const std::string& per) {
  const auto found = std::ranges::find_if(
      all, [&](const MissingCounter& known) { return is_same(known, counter_of(counter, per)); });
  MissingCounter& one = found == all.end() ? all.emplace_back(counter) : *found;
  one.per.push_back(per);
}

}  // namespace

void fold_missing_counters(Results& results) {
  for (const auto& [per, lacks] : lacks_of(results)) {
    const std::vector<std::size_t> cells = common_cells(lacks);
    std::vector<MissingCounter> folded;
    for (const Lack& lack : lacks) {
      if (lack.cells == cells) folded.push_back(lack.counter);
    }
    for (const MissingCounter& counter : folded) {
      add(results.context.missing_counters, counter, per);
    }
    for (const std::size_t i : cells) {
      results.cells[i].uncounted.push_back(per);
      std::erase_if(results.cells[i].counters, [&, &of = per](const Counter& counter) {
        return counter.per == of && is_missing(counter) &&
               std::ranges::any_of(
                   folded, [&](const MissingCounter& one) { return is_same(one, counter); });
      });
    }
  }
}

void spread_missing_counters(Results& results) {
  for (Cell& cell : results.cells) {
    for (const std::string& per : std::exchange(cell.uncounted, {})) {
      for (const MissingCounter& missing : results.context.missing_counters) {
        if (std::ranges::find(missing.per, per) == missing.per.end()) continue;
        cell.counters.push_back(counter_of(missing, per));
      }
    }
  }
  results.context.missing_counters.clear();
}

}  // namespace patchbench::results
