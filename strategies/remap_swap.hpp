// strategies/remap_swap.hpp - fresh pages are written aside, and then mapped over the old ones.
//
// No page of code is writable while it is mapped, and executors see a page change at once, as a
// whole. Each page has two places in a memfd and is mapped from one of them; a page that is mapped
// from another place than its neighbours is a mapping of its own, so patches to many pages cost
// VMAs (vm.max_map_count). No virtual machine is known to use it; one study of MDWE measured it.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "policy.hpp"
#include "staged_zone.hpp"
#include "zone_traits.hpp"

namespace patchbench {

class PageSwapper {
 public:
  static constexpr bool kSharesStaging = false;

  /// The file is twice as large as the zone. Tries a page in the middle, which needs two mappings
  /// more. The file's second half has no memory until it is written to.
  PageSwapper(const ZoneRequest& request, const Mapping& staging)
      : page_(page_size()),
        protection_(protection_to_execute(request)),
        file_(executable_memfd("patchbench-swapped", twice(request))),
        exec_(Mapping::shared_view(file_, staging.size(), protection_, exec_place(request))),
        place_(staging.size() / page_, 0) {
    const std::size_t middle = place_.size() / 2;
    for (int there_and_back = 0; there_and_back < 2; ++there_and_back) {
      const char* failed = swap(middle, middle + 1, staging.bytes() + middle * page_);
      if (failed != nullptr) throw_errno(failed);
    }
  }

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{exec_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return exec_.size(); }

  /// Whole pages, from the staging area: in runs that lie in one half of the file.
  void store(std::size_t offset, const std::byte* staged, std::size_t size) noexcept {
    const std::byte* zone = staged - offset;
    std::size_t first = offset / page_;
    const std::size_t end = (offset + size + page_ - 1) / page_;
    while (first < end) {
      std::size_t last = first + 1;
      while (last < end && place_[last] == place_[first]) ++last;
      const char* failed = swap(first, last, zone + first * page_);
      if (failed != nullptr) patch_failed(failed);
      first = last;
    }
  }

  void isolate_after_fork(const Mapping& staging) {
    Fd copy = executable_memfd("patchbench-swapped", checked_double(size()));
    copy_code(copy, staging.bytes(), size());
    exec_.replace(copy, protection_);
    std::ranges::fill(place_, std::uint8_t{0});
    file_ = std::move(copy);
  }

 private:
  [[nodiscard]] static FileMemory twice(const ZoneRequest& request) {
    FileMemory memory{request};
    memory.size = checked_double(memory.size);
    if (request.committed == 0) memory.committed = memory.size;
    return memory;
  }
  [[nodiscard]] static std::size_t checked_double(std::size_t size) {
    if (size > SIZE_MAX / 4) throw_errno("zone size", EINVAL);
    return 2 * size;
  }

  /// The call that failed, or null.
  [[nodiscard]] const char* swap(std::size_t first, std::size_t end,
                                 const std::byte* bytes) noexcept {
    const auto other = static_cast<std::uint8_t>(1 - place_[first]);
    const std::size_t size = (end - first) * page_;
    const std::size_t at_in_file = other * exec_.size() + first * page_;
    if (!write_all(file_, bytes, size, at_in_file)) return "pwrite (remap-swap: a fresh page)";
    std::byte* at = exec_.bytes() + first * page_;
    if (mmap(at, size, protection_, MAP_SHARED | MAP_FIXED, file_.get(),
             static_cast<off_t>(at_in_file)) == MAP_FAILED) {
      return "mmap (remap-swap: a fresh page)";
    }
    std::fill(place_.begin() + static_cast<std::ptrdiff_t>(first),
              place_.begin() + static_cast<std::ptrdiff_t>(end), other);
    return nullptr;
  }

  std::size_t page_;
  int protection_;
  Fd file_;
  Mapping exec_;
  std::vector<std::uint8_t> place_;  // of each page: the half of the file that is mapped
};

class RemapSwapZone : public StagedZone<PageSwapper> {
 public:
  /// Both processes write to the same two places of a page.
  static constexpr Fork kFork = Fork::shared;
  static constexpr std::array kRefusedBy = kRefuseMemfd;

  explicit RemapSwapZone(const ZoneRequest& request) : StagedZone(by_pages(request)) {}

 private:
  /// Before the staging area is mapped.
  [[nodiscard]] static const ZoneRequest& by_pages(const ZoneRequest& request) {
    require_base_pages(request, "mmap (of one page over a larger one)");
    return request;
  }
};

struct RemapSwap {
  static constexpr std::string_view kId = "remap-swap";
  static constexpr std::string_view kSummary =
      "a fresh page written aside by pwrite, then mapped over the old one";
  using Zone = RemapSwapZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
