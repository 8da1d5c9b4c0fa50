// The order of the stores of every transition: between any two of them memory holds the old pair, a
// way to the miss trampoline, or the new pair, and a PIC's case is reachable only when it is
// complete. Watched from another process, after every single instruction of real misses.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "workloads/send/send_fixture_test.hpp"
#include "workloads/send/single_step_test.hpp"

namespace patchbench::send {
namespace {

using A = NativeArchitecture;

/// The first strategy of each dispatch: single steps are slow, and strategies of one dispatch store
/// by the same functions.
template <class Kept, class... Rest>
struct OnePerDispatch {
  using Type = Kept;
};
template <class... Kept, class First, class... Rest>
struct OnePerDispatch<std::tuple<Kept...>, First, Rest...> {
  static constexpr bool kSkip =
      !kChecksClasses<First> || ((Kept::kDispatch == First::kDispatch) || ...);
  using Type = typename OnePerDispatch<
      std::conditional_t<kSkip, std::tuple<Kept...>, std::tuple<Kept..., First>>, Rest...>::Type;
};
template <class... Strategies>
typename OnePerDispatch<std::tuple<>, Strategies...>::Type one_per_dispatch(
    std::tuple<Strategies...>);

using WatchedStrategies = decltype(one_per_dispatch(std::declval<EveryStrategy>()));

constexpr std::uint32_t kSite = 2;

std::uintptr_t quadword_of(std::uintptr_t address) { return address & ~std::uintptr_t{7}; }

template <class Word>
Word word_of(std::uint64_t quadword, std::uintptr_t address) {
  return static_cast<Word>(quadword >> (address % 8 * 8));
}

/// Where a site's tag and target are, and what a value read there means.
template <class Strategy>
class SiteWatch {
 public:
  using Machine = MachineOf<Strategy>;
  using TargetWord = typename A::template TargetWord<Strategy::kDispatch>;

  explicit SiteWatch(const Machine& machine)
      : site_(machine.site(kSite).value()),
        tag_in_code_(site_ - A::site_offset(kSite) +
                     A::first_tag_offset(Strategy::kDispatch, SiteOrder::standalone) +
                     A::tag_distance(kSite)),
        cell_(cell_address<Strategy::kDispatch>(machine.plan(), kSite)) {}

  [[nodiscard]] std::vector<std::uintptr_t> words() const {
    return {quadword_of(tag_at()), quadword_of(target_at())};
  }
  /// `values` are those of words(), perhaps followed by others.
  [[nodiscard]] SiteValue value(const std::vector<std::uint64_t>& values) const {
    const std::uintptr_t at = target_at();
    return {.tag = word_of<std::uint32_t>(values[0], tag_at()),
            .target = Machine::Words::kTargetInCell
                          ? ExecAddress{values[1]}
                          : A::template decode_target<Strategy::kDispatch>(
                                ExecAddress{at}, word_of<TargetWord>(values[1], at))};
  }

 private:
  [[nodiscard]] std::uintptr_t tag_at() const {
    return Machine::Words::kTagInCell ? cell_ : tag_in_code_;
  }
  [[nodiscard]] std::uintptr_t target_at() const {
    return Machine::Words::kTargetInCell
               ? cell_ + offsetof(Cell, target)
               : site_ + A::site_target_offset(Strategy::kDispatch, SiteOrder::standalone);
  }

  std::uintptr_t site_;
  std::uintptr_t tag_in_code_;
  std::uintptr_t cell_;
};

using SiteHistory = std::vector<SiteValue>;

std::string text(const SiteHistory& values) {
  std::string all;
  for (const SiteValue& value : values) {
    char line[64];
    std::snprintf(line, sizeof line, "\n  tag %#x, target %#llx", value.tag,
                  static_cast<unsigned long long>(value.target.value()));
    all += line;
  }
  return all;
}

void check_history(const SiteHistory& found, const SiteHistory& expected) {
  INFO("found:" << text(found) << "\nexpected:" << text(expected));
  CHECK(found == expected);
}

/// What a site holds in each state, and the stores that lead from one to the next.
template <class Strategy>
class ExpectedStores {
 public:
  using Machine = MachineOf<Strategy>;

  explicit ExpectedStores(const Machine& machine)
      : machine_(machine),
        selector_(machine.table().selector(machine.plan().selector_of_site[kSite])),
        values_{{selector_, machine.code().miss_trampoline()}} {}

  ExpectedStores& mic(std::uint32_t class_index) {
    return pair(machine_.mic_value(kSite, class_index));
  }
  /// The lowest PIC is taken first; cells have one for each site or one for all.
  ExpectedStores& closed_pic() {
    constexpr bool kOneForEach = Machine::kCellPics && !Machine::Pics::kReplacesTag;
    const ExecAddress pic = machine_.pics().at(kOneForEach ? kSite : 0);
    if (Machine::Pics::kReplacesTag) {
      return pair({static_cast<std::uint32_t>(kSite * sizeof(CellPicSlots)), pic});
    }
    return one({values_.back().tag, pic});
  }
  ExpectedStores& open_pic() {
    return pair({selector_, machine_.code().open_pic(machine_.plan().selector_of_site[kSite])});
  }
  ExpectedStores& unlinked() {
    return one({values_.back().tag, machine_.code().miss_trampoline()})
        .one({selector_, machine_.code().miss_trampoline()});
  }
  [[nodiscard]] const SiteHistory& values() const { return values_; }

 private:
  /// Target to the trampoline, then the tag, then the target.
  ExpectedStores& pair(const SiteValue& to) {
    return one({values_.back().tag, machine_.code().miss_trampoline()})
        .one({to.tag, machine_.code().miss_trampoline()})
        .one(to);
  }
  /// A store that changes nothing is not seen.
  ExpectedStores& one(const SiteValue& value) {
    if (values_.back() != value) values_.push_back(value);
    return *this;
  }

  const Machine& machine_;
  Selector selector_;
  SiteHistory values_;
};

/// A machine with one receiver of each class, all made before anything is watched.
template <class Strategy>
class WatchedSends {
 public:
  using Machine = MachineOf<Strategy>;

  explicit WatchedSends(const SmallPlan& small) : sends_(make_plan(small)) {
    for (std::uint32_t c = 0; c <= small.heap_classes; ++c) {
      receivers_.push_back(sends_.receiver(c));
    }
  }

  [[nodiscard]] Machine& machine() { return sends_.machine(); }
  void send(std::uint32_t class_index) {
    machine().call_site()(&receivers_[class_index], machine().site(kSite).value());
  }
  void unlink() { machine().unlink_selector(machine().plan().selector_of_site[kSite]); }
  /// The values of site kSite while `work` runs; `work` has no effect here.
  [[nodiscard]] std::optional<SiteHistory> watch(const std::function<void()>& work) {
    const SiteWatch<Strategy> site{machine()};
    const auto history = testing::watch(site.words(), work);
    if (!history) return std::nullopt;
    SiteHistory values;
    for (const auto& words : *history) values.push_back(site.value(words));
    return values;
  }

 private:
  Sends<Strategy> sends_;
  std::vector<Oop> receivers_;
};

constexpr std::uint32_t kLife[] = {3, 0, 7, 1, 12, 5, 9};  // to the open PIC

/// Bytes of quadwords, from their second word of `words` on: the first two are the site's.
Bytes bytes_behind_site(const std::vector<std::uint64_t>& words) {
  Bytes bytes((words.size() - 2) * sizeof(std::uint64_t));
  std::memcpy(bytes.data(), &words[2], bytes.size());
  return bytes;
}

/// The newest case that the code of a closed PIC reaches.
unsigned newest_case(const Bytes& pic, ExecAddress at) {
  std::uint32_t jump = 0;
  std::memcpy(&jump, &pic[A::kPicJumpOffset], sizeof jump);
  const ExecAddress target = A::decode_jump(at + A::kPicJumpOffset, jump);
  for (unsigned index = 1; index < kMaxPicCases; ++index) {
    if (target == at + A::pic_case_offset(index)) return index;
  }
  return 0;
}

/// Whether everything that is executed between the jump and the end is as in `complete`.
bool has_cases_up_to(unsigned newest, const Bytes& pic, const Bytes& complete) {
  for (unsigned index = 1; index <= newest; ++index) {
    const std::size_t at = A::pic_case_offset(index);
    if (std::memcmp(&pic[at], &complete[at], A::kPicCaseSize) != 0) return false;
  }
  return true;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("order of stores: through all states and back", "", WatchedStrategies) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  WatchedSends<TestType> sends{{.sites = 4}};
  const auto found = sends.watch([&] {
    for (const std::uint32_t class_index : kLife) sends.send(class_index);
    sends.unlink();
    sends.send(4);
    sends.unlink();
    sends.send(6);
    sends.send(8);
    sends.machine().unlink_all();
  });
  if (found) {
    ExpectedStores<TestType> expected{sends.machine()};
    expected.mic(3).closed_pic().open_pic().unlinked();
    expected.mic(4).unlinked();
    expected.mic(6).closed_pic().unlinked();
    check_history(*found, expected.values());
  }
}

TEMPLATE_LIST_TEST_CASE("order of stores: without closed PICs", "", WatchedStrategies) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  WatchedSends<TestType> sends{{.sites = 4, .closed_pics = false}};
  const auto found = sends.watch([&] {
    sends.send(3);
    sends.send(7);
    sends.send(9);
  });
  if (found) {
    check_history(*found, ExpectedStores<TestType>{sends.machine()}.mic(3).open_pic().values());
  }
}

TEMPLATE_LIST_TEST_CASE("order of stores: relinking, by misses and from C++", "",
                        WatchedStrategies) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  WatchedSends<TestType> sends{{.sites = 4, .on_miss = MissPolicy::relink}};
  auto& machine = sends.machine();
  const auto found = sends.watch([&] {
    sends.send(3);
    sends.send(0);
    sends.send(8);
    machine.relink(kSite, machine.mic_value(kSite, 8), machine.mic_value(kSite, 5));
  });
  if (found) {
    ExpectedStores<TestType> expected{machine};
    check_history(*found, expected.mic(3).mic(0).mic(8).mic(5).values());
  }
}

TEMPLATE_LIST_TEST_CASE("order of stores: a case of a closed PIC is reached when it is complete",
                        "", WatchedStrategies) {
  INFO(TestType::kId);
  if (MachineOf<TestType>::kCellPics || !is_allowed<TestType>()) return;
  WatchedSends<TestType> sends{{.sites = 4}};
  const SiteWatch<TestType> site{sends.machine()};
  const ExecAddress pic = sends.machine().pics().at(0);
  std::vector<std::uintptr_t> words = site.words();
  for (std::size_t offset = 0; offset < A::kPicStride; offset += 8) {
    words.push_back(pic.value() + offset);
  }
  sends.send(kLife[0]);
  const auto history = testing::watch(words, [&] {
    for (std::size_t k = 1; k < kMaxPicCases; ++k) sends.send(kLife[k]);
  });
  if (!history) return;
  const Bytes complete = bytes_behind_site(history->back());
  std::vector<unsigned> newest_cases;
  for (const auto& values : *history) {
    if (site.value(values).target == pic) {
      const Bytes found = bytes_behind_site(values);
      const unsigned newest = newest_case(found, pic);
      CHECK(has_cases_up_to(newest, found, complete));
      // The check of the first case, in front of the jump, is as it will stay.
      CHECK(std::memcmp(found.data(), complete.data(), A::kPicJumpOffset / 4 * 4) == 0);
      if (newest_cases.empty() || newest_cases.back() != newest) newest_cases.push_back(newest);
    }
  }
  CHECK(newest_cases == std::vector<unsigned>{1, 2, 3, 4, 5});
}

TEMPLATE_LIST_TEST_CASE("order of stores: a slot of a cell PIC has its target before its tag", "",
                        WatchedStrategies) {
  INFO(TestType::kId);
  if (!MachineOf<TestType>::kCellPics || !is_allowed<TestType>()) return;
  WatchedSends<TestType> sends{{.sites = 4}};
  auto& machine = sends.machine();
  const SiteWatch<TestType> site{machine};
  std::vector<std::uintptr_t> words = site.words();
  for (std::size_t offset = 0; offset < sizeof(CellPicSlots); offset += 8) {
    words.push_back(slots_address<TestType::kDispatch>(machine.plan(), kSite) + offset);
  }
  const ExecAddress stub = machine.pics().at(MachineOf<TestType>::Pics::kReplacesTag ? 0 : kSite);
  // Twice, because the second life finds the first one's targets in its slots.
  const auto history = testing::watch(words, [&] {
    for (const std::uint32_t first : {1U, 7U}) {
      for (std::uint32_t k = 0; k < kMaxPicCases; ++k) sends.send(first + k);
      sends.unlink();
    }
  });
  if (!history) return;
  const std::uint32_t selector = machine.plan().selector_of_site[kSite];
  unsigned complete_slots = 0;
  std::set<ClassTag> known;  // since the site was linked to its PIC
  for (const auto& values : *history) {
    unsigned used = 0;
    std::set<ClassTag> found;
    for (std::size_t slot = 0; slot < kMaxPicCases; ++slot) {
      const auto tag = static_cast<ClassTag>(values[2 + 2 * slot]);
      if (tag != kNoClass) {
        ++used;
        found.insert(tag);
        const std::uint32_t method =
            machine.table().method(machine.table().class_of_tag(tag), selector);
        CHECK(values[2 + 2 * slot + 1] == machine.code().unchecked_entry(method).value());
      }
    }
    complete_slots += used == kMaxPicCases ? 1 : 0;
    if (site.value(values).target == stub) {
      CHECK(used >= 2);
      // No growth takes a class away, not for a moment.
      CHECK(std::includes(found.begin(), found.end(), known.begin(), known.end()));
      known = found;
    } else {
      known.clear();
    }
  }
  CHECK(complete_slots > 0);
}

}  // namespace patchbench::send
