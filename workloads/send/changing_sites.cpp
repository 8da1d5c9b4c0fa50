#include "workloads/send/changing_sites.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace patchbench::send {
namespace {

/// Sends of a drawn run, about; fewer where there are more sites than that.
constexpr std::uint64_t kSendsPerDrawnRun = 8192;

/// The receivers of both classes, and room for `passes` passes behind them.
std::vector<Oop> in_a_row(const std::vector<Oop> (&oops)[2], std::uint64_t passes) {
  std::vector<Oop> row = oops[0];
  row.insert(row.end(), oops[1].begin(), oops[1].end());
  row.resize(row.size() + passes * oops[0].size());
  return row;
}

std::uint64_t passes_for(std::size_t sites) {
  return std::max<std::uint64_t>(1, kSendsPerDrawnRun / sites);
}

std::vector<std::uint32_t> without(std::span<const std::uint32_t> order,
                                   std::span<const std::uint32_t> left_out) {
  std::vector<bool> is_left_out(order.size());
  for (const std::uint32_t site : left_out) is_left_out[site] = true;
  std::vector<std::uint32_t> rest;
  std::ranges::copy_if(order, std::back_inserter(rest),
                       [&](std::uint32_t site) { return !is_left_out[site]; });
  return rest;
}

}  // namespace

std::vector<std::uint32_t> walked_half(std::span<const std::uint32_t> order) {
  // Neighbours in the code, a line or two of it. With few sites each is a group of its own.
  constexpr std::size_t kNeighbours = 4;
  const std::size_t together = order.size() < 2 * kNeighbours ? 1 : kNeighbours;
  const std::size_t groups = (order.size() + together - 1) / together;
  // Groups by turns, as the order meets them.
  enum class Side : std::uint8_t { unknown, patched, walked };
  std::vector<Side> side_of(groups, Side::unknown);
  Side next = Side::patched;
  std::vector<std::uint32_t> walked;
  for (const std::uint32_t site : order) {
    Side& side = side_of[site / together];
    if (side == Side::unknown) {
      side = next;
      next = next == Side::patched ? Side::walked : Side::patched;
    }
    if (side == Side::walked) walked.push_back(site);
  }
  return walked;
}

void patch_nothing(void* /*self*/, std::uint32_t /*index*/) noexcept {}

ChangingSites::ChangingSites(const TwoClassSites& sites, const MethodTable& table,
                             std::vector<std::uint32_t> order, bool draws_runs)
    : order_(std::move(order)),
      half_(walked_half(order_)),
      random_(sites.seed),
      receivers_(table, sites.plan.arena, random_),
      oops_{one_receiver_each(receivers_, sites.first, random_),
            one_receiver_each(receivers_, sites.second, random_)},
      stream_(in_a_row(oops_, draws_runs ? passes_for(order_.size()) : 0), sites.plan.arena),
      sides_(order_.size()),
      drawn_sides_(order_.size()),
      any_(order_),
      behind_(without(order_, half_)) {}

std::uint64_t ChangingSites::passes() const noexcept { return passes_for(order_.size()); }

std::uint64_t ChangingSites::passes_behind() const noexcept {
  const std::size_t patches_a_pass = stretches(half_.size(), kSendsBetweenPatches);
  return patches_a_pass == 0 ? 0 : behind_.size() / patches_a_pass;
}

std::size_t ChangingSites::misses_in_run() const noexcept {
  return passes() * std::max<std::size_t>(1, order_.size() / kSitesPerMiss);
}

std::size_t ChangingSites::patches_ahead_in_run() const noexcept {
  return passes() * stretches(order_.size(), kSendsBetweenPatches);
}

std::size_t ChangingSites::patches_behind_in_run() const noexcept {
  return passes_behind() * stretches(half_.size(), kSendsBetweenPatches);
}

void ChangingSites::begin_draw() {
  if (is_uniform_) sides_.assign(sides_.size(), static_cast<std::uint8_t>(linked_));
  drawn_sides_ = sides_;
  run_.list.clear();
  run_.changes = 0;
}

void ChangingSites::write_pass(std::uint64_t pass) {
  const std::span<Oop> row = stream_.receivers().subspan((2 + pass) * order_.size());
  for (std::size_t site = 0; site < drawn_sides_.size(); ++site) {
    row[site] = oops_[drawn_sides_[site]][site];
  }
}

void ChangingSites::draw_misses(Changes changes) {
  begin_draw();
  const std::uint8_t flip = changes == Changes::made ? 1 : 0;
  run_.passes = passes();
  const std::size_t misses_a_pass = misses_in_run() / run_.passes;
  for (std::uint64_t pass = 0; pass < run_.passes; ++pass) {
    random_.draw_to_front(any_, misses_a_pass);
    for (std::size_t i = 0; i < misses_a_pass; ++i) drawn_sides_[any_[i]] ^= flip;
    run_.changes += flip * misses_a_pass;
    write_pass(pass);
  }
}

void ChangingSites::draw_patches_ahead(Changes changes) {
  begin_draw();
  const std::uint8_t flip = changes == Changes::made ? 1 : 0;
  run_.passes = passes();
  for (std::uint64_t pass = 0; pass < run_.passes; ++pass) {
    for (std::size_t begin = 0; begin < order_.size(); begin += kSendsBetweenPatches) {
      const std::size_t room = std::min<std::size_t>(kSendsBetweenPatches, order_.size() - begin);
      const std::uint32_t site = order_[begin + random_.below(room)];
      drawn_sides_[site] ^= flip;
      run_.list.push_back(SitePatch{.site = site, .side = drawn_sides_[site]}.packed());
      run_.changes += flip;
    }
    write_pass(pass);
  }
}

void ChangingSites::draw_patches_behind(Changes changes) {
  begin_draw();
  write_pass(0);
  const std::uint8_t flip = changes == Changes::made ? 1 : 0;
  run_.passes = passes_behind();
  const std::size_t patches = patches_behind_in_run();
  random_.draw_to_front(behind_, patches);
  for (std::size_t i = 0; i < patches; ++i) {
    drawn_sides_[behind_[i]] ^= flip;
    run_.list.push_back(SitePatch{.site = behind_[i], .side = drawn_sides_[behind_[i]]}.packed());
  }
  run_.changes = flip * patches;
}

}  // namespace patchbench::send
