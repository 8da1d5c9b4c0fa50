// workloads/zone.hpp - the code zone itself: reserving it, touching it for the first time, giving
// it back.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "strategies/cgroup.hpp"
#include "strategies/code_zone.hpp"
#include "strategies/mapping.hpp"
#include "strategies/publish.hpp"
#include "workloads/arena_map.hpp"
#include "workloads/measured_cell.hpp"
#include "workloads/parameters.hpp"
#include "workloads/send/architecture.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// - `reserve`: constructing the zone; ns a zone. Zones over a memfd or a file allocate their pages
///   here, so that a full file system is an error and not a signal; anonymous and System V memory
///   is allocated at first touch. Only the two metrics together compare.
/// - `first_touch`: writing a function into every page under one scope, publishing, sealing, and
///   calling each; ns a page.
/// - `teardown`: giving back a zone of which every page was touched; ns a zone.
template <class Strategy>
class ZoneCell : public MeasuredCell<ZoneCell<Strategy>> {
 public:
  using Zone = typename Strategy::Zone;

  explicit ZoneCell(const CellRequest& request)
      : arena_(map_arena(request.arena, request.zone)),
        request_(arena_.zone_request(count_parameter(request, "kib") * std::size_t{1024})),
        pages_(round_up_to_pages(request_.committed) / page_size()),
        function_(send::NativeArchitecture::emit_return()) {
    request_.landing_pads = false;  // what is called is a return alone
    zone_.emplace(request_);        // refused memory is reported here, where it can be
    this->measure(
        "reserve", 1, [](ZoneCell& cell) { cell.zone_.reset(); },
        [](ZoneCell& cell) { cell.reserve(); });
    this->measure(
        "first_touch", static_cast<double>(pages_), [](ZoneCell& cell) { cell.renew(); },
        [](ZoneCell& cell) { cell.touch(); });
    this->measure(
        "teardown", 1,
        [](ZoneCell& cell) {
          cell.renew();
          cell.touch();
        },
        [](ZoneCell& cell) { cell.zone_.reset(); });
  }

  /// Every page must answer the bytes that were written, through the view that executes.
  void check() override {
    renew();
    touch();
    for (std::size_t page = 0; page < pages_; ++page) {
      if (std::memcmp((zone_->exec() + page * page_size()).data(), function_.data(),
                      function_.size()) != 0) {
        throw WrongResult("page " + std::to_string(page) + " does not hold what was written");
      }
    }
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override { return {}; }
  /// Of a zone whose every page was touched, both views counted.
  [[nodiscard]] MemoryUse memory() const override { return memory_touched_; }

 private:
  void reserve() noexcept {
    try {
      zone_.emplace(request_);
    } catch (const std::exception& refused) {
      patch_failed(refused.what());  // what could be reserved before cannot be any more
    }
  }

  void renew() noexcept {
    zone_.reset();
    reserve();
  }

  void touch() noexcept {
    {
      const PatchScope scope{*zone_, zone_->exec(), pages_ * page_size()};
      for (std::size_t page = 0; page < pages_; ++page) {
        const ExecAddress at = zone_->exec() + page * page_size();
        store_code(zone_->writable(at).data(), function_.data(), function_.size());
        publish(at, zone_->writable(at), function_.size(), Zone::kAlias);
      }
    }
    if (memory_touched_.vmas == 0) memory_touched_ = memory_in_arena(arena_);
    zone_->seal();
    for (std::size_t page = 0; page < pages_; ++page) {
      (zone_->exec() + page * page_size()).template as_function<void()>()();
    }
  }

  ArenaMap arena_;
  ZoneRequest request_;
  std::size_t pages_;
  send::CodeBytes function_;
  std::optional<Zone> zone_;
  MemoryUse memory_touched_;
};

struct ZoneLife {
  static constexpr std::string_view kId = "zone";

  static WorkloadInfo info() {
    return {.id = std::string{kId},
            .summary = "reserving a code zone, touching each of its pages first, giving it back",
            .parameters = {{.name = "kib",
                            .summary = "size of the zone in KiB",
                            .default_value = "1024",
                            .standard_grid = {"64", "256", "1024", "4096", "16384", "65536"},
                            .quick_grid = {"1024"},
                            .min = 4,
                            .max = 1 << 20,
                            .choices = {},
                            .growth = {.ms = 6, .toggling_ms = 6}}},
            .metrics = {"reserve", "first_touch", "teardown"},
            .headline = std::vector<Headline>{},
            .small_grid = {{"kib", "1024"}}};
  }
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return is_patched<Strategy>()
               ? std::string_view{}
               : std::string_view{"its zone is measured under the strategy that has it"};
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<ZoneCell<Strategy>>(request);
  }
};

}  // namespace patchbench
