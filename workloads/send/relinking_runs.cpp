#include "workloads/send/relinking_runs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace patchbench::send {
namespace {

/// A run has as many sends, or as many misses, whichever are fewer: the clock around it then costs
/// less than 0.01 ns a send, or little beside the misses.
constexpr double kSendsOfRun = 8192;
constexpr double kMissesOfRun = 1024;
/// Receivers of all rows, 128 KiB.
constexpr std::size_t kReceiversOfRows = 16'384;

std::size_t rows_of(std::size_t sites, const RunSize& size) {
  const std::size_t room = std::max<std::size_t>(1, kReceiversOfRows / sites);
  // A row has one miss at each site at most.
  const std::size_t needed = (size.misses + sites - 1) / sites;
  if (size.passes <= room) return size.passes;
  return std::max<std::size_t>(needed, std::min<std::size_t>(room, size.misses));
}

std::vector<std::uint32_t> numbers_below(std::size_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  return numbers;
}

}  // namespace

RunSize size_of_run(std::size_t sites, double share) {
  if (!(share >= kSmallestShare && share <= 1)) {
    throw std::invalid_argument("a share of " + std::to_string(share) +
                                " is not between 1e-6 and 1");
  }
  const double misses_a_pass = share * static_cast<double>(sites);
  const double wanted = std::min(kSendsOfRun, kMissesOfRun / share) / static_cast<double>(sites);
  double passes = std::ceil(std::max(wanted, 1 / (1 + kShareTolerance) / misses_a_pass));
  // Ends: 1 / (2 * kShareTolerance) misses are near enough to any number.
  double misses = std::round(passes * misses_a_pass);
  while (misses < 1 || std::abs(misses / (passes * misses_a_pass) - 1) > kShareTolerance) {
    passes += 1;
    misses = std::round(passes * misses_a_pass);
  }
  return {.passes = static_cast<std::uint64_t>(passes),
          .misses = static_cast<std::uint64_t>(misses)};
}

RelinkingRuns::RelinkingRuns(const TwoClassSites& sites, const MethodTable& table, double share)
    : sites_(sites.plan.sites.size()),
      size_(size_of_run(sites_, share)),
      rows_(rows_of(sites_, size_)),
      random_(sites.seed),
      receivers_(table, sites.plan.arena, random_),
      oops_{one_receiver_each(receivers_, sites.first, random_),
            one_receiver_each(receivers_, sites.second, random_)},
      stream_(std::vector<Oop>((1 + rows_) * sites_), sites.plan.arena),
      sides_(sites_),
      drawn_sides_(sites_),
      places_(numbers_below(rows_ * sites_)),
      flips_(places_.size()) {
  if (rows_ < size_.passes) passes_ = numbers_below(size_.passes);
  segments_.reserve(1 + rows_);
}

void RelinkingRuns::draw_flips() {
  std::ranges::fill(flips_, std::uint8_t{0});
  random_.draw_to_front(places_, size_.misses);
  for (std::size_t i = 0; i < size_.misses; ++i) flips_[places_[i]] = 1;
}

void RelinkingRuns::write_row(std::size_t number) {
  const std::span<Oop> receivers = row(number);
  for (std::size_t site = 0; site < sites_; ++site) {
    receivers[site] = oops_[drawn_sides_[site]][site];
  }
}

void RelinkingRuns::draw() {
  drawn_sides_ = sides_;
  write_row(0);
  draw_flips();
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t site = 0; site < sites_; ++site) {
      drawn_sides_[site] ^= flips_[i * sites_ + site];
    }
    write_row(1 + i);
  }
  segments_.clear();
  if (rows_ == size_.passes) {
    segments_.push_back({.receivers = row(1).data(),
                         .passes = size_.passes,
                         .stride = static_cast<std::int64_t>(sites_ * sizeof(Oop))});
    return;
  }
  // The passes with which the rows begin.
  random_.draw_to_front(passes_, rows_);
  std::sort(passes_.begin(), passes_.begin() + static_cast<std::ptrdiff_t>(rows_));
  if (passes_[0] > 0) segments_.push_back({.receivers = row(0).data(), .passes = passes_[0]});
  for (std::size_t i = 0; i < rows_; ++i) {
    const std::uint64_t end = i + 1 < rows_ ? passes_[i + 1] : size_.passes;
    segments_.push_back({.receivers = row(1 + i).data(), .passes = end - passes_[i]});
  }
}

void RelinkingRuns::set_pass(bool all_miss) {
  const std::uint8_t flip = all_miss ? 1 : 0;
  drawn_sides_ = sides_;
  for (std::uint8_t& side : drawn_sides_) side ^= flip;
  write_row(0);
  segments_.assign(1, {.receivers = row(0).data(), .passes = 1});
}

}  // namespace patchbench::send
