// workloads/send/shown_code.hpp - the code of a send machine's sites, for showing it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strategies/code_zone.hpp"
#include "workloads/send/code_map.hpp"
#include "workloads/workload.hpp"

namespace patchbench::send {

/// "unlinked", "mic", "closed-pic-3", "open-pic".
template <class Machine>
[[nodiscard]] std::string name_of_state(const Machine& machine, std::uint32_t site) {
  switch (machine.state(site)) {
    case SiteState::unlinked:
      return "unlinked";
    case SiteState::mic:
      return "mic";
    case SiteState::closed_pic:
      return "closed-pic-" + std::to_string(machine.pics().count(machine.pic_of(site)));
    case SiteState::open_pic:
      return "open-pic";
  }
  return {};
}

/// The code that a send at this site may execute now, and the data that it reads there.
template <class Machine>
[[nodiscard]] std::vector<CodePiece> pieces_of(const Machine& machine, std::uint32_t site) {
  using A = typename Machine::Arch;
  using Words = typename Machine::Words;
  std::vector<CodePiece> pieces;
  const auto add = [&pieces](const char* name, ExecAddress at, std::size_t size) {
    pieces.push_back({.name = name,
                      .address = at.value(),
                      .bytes = std::vector<std::byte>(at.data(), at.data() + size)});
  };
  const CodeMap<A>& code = machine.code();
  const SiteState state = machine.state(site);
  const ExecAddress target = machine.read_site(site).target;
  const std::uint32_t selector = machine.plan().selector_of_site[site];
  const std::uint32_t method =
      state == SiteState::mic ? code.method_at(target) : machine.table().any_method(selector);
  add("send-site", machine.site(site), A::kSiteStride);
  if constexpr (Machine::kCallsStub)
    add("data-slot-stub", code.stub(site), machine.layout().stub_stride);
  add("checked-entry", code.checked_entry(method), machine.layout().method_stride);
  if (state == SiteState::closed_pic) add("closed-pic", target, A::kPicStride);
  add("open-pic", code.open_pic(selector), A::kOpenPicStride);
  add("miss-trampoline", code.miss_trampoline(), A::kTrampolineStride);
  add("open-miss-trampoline", code.open_miss_trampoline(), A::kTrampolineStride);
  if (Words::tag_is_away(site)) {
    add("class-tag-data", machine.words().tag_word(site), sizeof(ClassTag));
  }
  if constexpr (Words::kHasCells) {
    add("cell-data", ExecAddress{&machine.words().cell(site)}, sizeof(Cell));
  }
  if constexpr (Machine::kCellPics) {
    if (state == SiteState::closed_pic) {
      add("pic-slots-data", ExecAddress{&machine.pics().slots(site)}, sizeof(CellPicSlots));
    }
  }
  return pieces;
}

}  // namespace patchbench::send
