// workloads/send/send_plan.hpp - what a send machine is built from, and where its code lies.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "strategies/mapping.hpp"
#include "strategies/publish.hpp"
#include "workloads/arena_map.hpp"
#include "workloads/send/codegen.hpp"
#include "workloads/send/object_model.hpp"

namespace patchbench::send {

/// What a miss at a linked site does.
enum class MissPolicy {
  grow,     // as Cog: MIC -> closed PIC -> open PIC
  relink,   // Deutsch and Schiffman: the MIC is rewritten for the new class
  look_up,  // nothing is linked; the only one that several threads may execute at once
};

/// When a piece of code comes into the zone.
enum class Emission {
  installed,  // before anything runs
  on_demand,  // by AsmJit inside the miss that needs it first
};

/// A walk over standalone sites. As many stretches as make a pass; no hook where stretch is 0.
struct SiteWalk {
  std::vector<std::uint32_t> sites;  // in the order in which they are called
  std::uint32_t stretch = 0;
};

struct SendPlan {
  std::uint32_t heap_classes = 64;
  std::uint32_t selectors = 1;
  std::vector<UnderstoodSelector> understood;  // what has a method; empty: every pair (MethodTable)
  std::uint32_t work = 8;                      // operations of a method body
  std::uint32_t cache_entries = 1024;
  SiteOrder order = SiteOrder::linear;
  std::size_t site_shift = 0;  // bytes before the first site (draw_site_shift)
  /// Room for one closed PIC a site; without it a MIC turns into an open PIC.
  bool closed_pics = false;
  bool tag_stubs = false;  // one for each method (TagStubPlan)
  Emission methods = Emission::installed;
  Emission open_pics = Emission::installed;  // on demand: when the first PIC of a selector is full
  bool spare_methods = false;                // room to move all methods to
  /// All selectors share one lookup, which finds selector and hash in registers, where otherwise
  /// each has an open PIC of its own, in which both are constants.
  bool generic_lookup = false;
  MissPolicy on_miss = MissPolicy::grow;
  PublishMode publish = PublishMode::none;  // of every patch; the process is prepared for it
  std::uint32_t first_site = 0;
  std::vector<SitePlan> sites;
  std::vector<std::uint32_t> selector_of_site;  // index of the selector
  std::vector<SiteWalk> walks;                  // only where sites are standalone
  ArenaMap arena;
};

/// Offsets from the beginning of the zone. The same for every dispatch, but that stubs, where sites
/// call them, stand behind everything else.
struct CodeLayout {
  std::size_t miss_trampoline = 0;
  std::size_t open_miss_trampoline = 0;
  std::size_t call_site = 0;
  std::size_t open_pics = 0;
  std::size_t open_pic_stride = 0;  // 0: they are one
  std::size_t methods = 0;
  std::size_t spare_methods = 0;  // 0: there is no such room
  std::size_t driver = 0;
  std::size_t sites = 0;  // of the first one, in the driver
  std::size_t pics = 0;
  std::vector<std::size_t> walks;
  std::size_t stubs = 0;
  std::size_t stub_stride = 0;  // 0: there are none
  std::size_t tag_stubs = 0;    // 0: there are none
  std::size_t size = 0;
  std::size_t method_stride = 0;
};

/// Methods, sites, PICs and walks begin on pages of their own, so that opening a site's page for
/// writing never takes the method that is being sent to out of the executable memory.
template <Architecture A>
[[nodiscard]] CodeLayout lay_out(const SendPlan& plan, std::uint32_t methods, Dispatch dispatch) {
  static_assert(A::kPicStride == A::kCellPicStride, "the PIC area is the same for both dispatches");
  CodeLayout layout;
  layout.miss_trampoline = 0;
  layout.open_miss_trampoline = A::kTrampolineStride;
  layout.call_site = 2 * A::kTrampolineStride;
  layout.open_pics = 3 * A::kTrampolineStride;
  layout.open_pic_stride = plan.generic_lookup ? 0 : A::kOpenPicStride;
  layout.methods = round_up_to_pages(layout.open_pics + plan.selectors * A::kOpenPicStride);
  layout.method_stride = A::method_stride(plan.work);
  layout.driver = round_up_to_pages(layout.methods + methods * layout.method_stride);
  if (plan.spare_methods) {
    layout.spare_methods = layout.driver;
    layout.driver = round_up_to_pages(layout.spare_methods + methods * layout.method_stride);
  }
  layout.sites = layout.driver + A::driver_sites_offset() + plan.site_shift;
  layout.pics = round_up_to_pages(layout.driver + A::driver_size(plan.sites.size()));
  const std::size_t pics = plan.closed_pics ? plan.sites.size() : 0;
  layout.size = layout.pics + pics * A::kPicStride;
  for (const SiteWalk& walk : plan.walks) {
    layout.walks.push_back(round_up_to_pages(layout.size));
    layout.size =
        layout.walks.back() + A::walk_size(Called::sites, walk.sites.size(), walk.stretch);
  }
  if (calls_stub(dispatch)) {
    layout.stubs = round_up_to_pages(layout.size);
    layout.stub_stride = A::stub_stride(dispatch);
    layout.size = layout.stubs + plan.sites.size() * layout.stub_stride;
  }
  if (plan.tag_stubs) {
    layout.tag_stubs = round_up_to_pages(layout.size);
    layout.size = layout.tag_stubs + methods * A::kTagStubStride;
  }
  return layout;
}

/// Throws std::invalid_argument where a direct call would not reach from one end to the other.
template <Architecture A>
[[nodiscard]] CodeLayout checked_layout(const SendPlan& plan, std::uint32_t methods,
                                        Dispatch dispatch) {
  CodeLayout layout = lay_out<A>(plan, methods, dispatch);
  constexpr std::size_t kReach = std::min(A::kMaxZoneSize, kCodeRoom);
  if (layout.size > kReach) {
    constexpr std::size_t kMiB = std::size_t{1} << 20U;
    throw std::invalid_argument("the code of these sites and methods takes " +
                                std::to_string((layout.size + kMiB - 1) / kMiB) +
                                " MiB, and a direct call reaches no further than " +
                                std::to_string(kReach / kMiB) +
                                ": ask for fewer sites, classes or operations");
  }
  return layout;
}

/// The place of a round's sites within cache lines: the same for all strategies, another for
/// another seed.
[[nodiscard]] std::size_t draw_site_shift(std::uint64_t seed);

/// The numbers below `count`, each once.
[[nodiscard]] std::vector<std::uint32_t> random_order(std::size_t count, std::uint64_t seed);

/// Links the sites into one random cycle-free chain: sets `next` of each and answers the first.
/// Runs of `cluster` sites stay together, in layout order.
[[nodiscard]] std::uint32_t chain_in_random_order(std::vector<SitePlan>& sites, std::uint64_t seed,
                                                  std::uint32_t cluster = 1);

}  // namespace patchbench::send
