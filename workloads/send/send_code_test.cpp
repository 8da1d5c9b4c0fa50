// Generated code by itself: no machine, a trampoline whose C++ end only notes what it was given.
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "strategies/publish.hpp"
#include "workloads/send/send_fixture_test.hpp"

namespace patchbench::send {
namespace {

using A = NativeArchitecture;

constexpr std::uint32_t kWork = 4;
constexpr Selector kSelector = kFirstSelector + 9;

/// What the last miss was given.
struct Miss {
  Oop receiver = 0;
  std::uint64_t tag_word = 0;
  std::uintptr_t return_address = 0;
  int count = 0;
  std::uintptr_t answer = 0;

  static std::uintptr_t note(void* self, Oop receiver, std::uint64_t tag_word,
                             std::uintptr_t return_address) noexcept {
    auto& miss = *static_cast<Miss*>(self);
    miss.receiver = receiver;
    miss.tag_word = tag_word;
    miss.return_address = return_address;
    ++miss.count;
    return miss.answer;
  }
};

/// Method 0 of SmallIntegers, two of heap classes, a trampoline for either kind of miss, an open
/// PIC, and one standalone site of the dispatch.
template <class Strategy>
class OneSite {
 public:
  using Zone = typename Strategy::Zone;

  OneSite()
      : arena_(map_arena(Arena{})),
        zone_(ZoneRequest{.size = 8 * page_size(), .placement = arena_.placement()}),
        cells_(Mapping::anonymous(page_size(), PROT_READ | PROT_WRITE, arena_.cells)),
        cache_memory_(Mapping::anonymous(page_size(), PROT_READ | PROT_WRITE, arena_.method_cache)),
        words_(zone_, driver() + A::driver_sites_offset(), 1, SiteOrder::standalone,
               static_cast<std::byte*>(cells_.address()), PublishMode::none) {
    const PatchScope scope{zone_};
    write(miss_trampoline(),
          A::emit_trampoline({.at = miss_trampoline(), .function = &Miss::note, .machine = &miss}));
    write(open_miss_trampoline(),
          A::emit_trampoline(
              {.at = open_miss_trampoline(), .function = &Miss::note, .machine = &open_miss}));
    for (const std::uint32_t m : {0U, 1U, 2U}) {
      write(checked_entry(m), A::emit_method({.at = checked_entry(m),
                                              .miss_trampoline = miss_trampoline(),
                                              .method = m,
                                              .work = kWork,
                                              .immediate_receiver = m == 0}));
    }
    write(open_pic(), A::emit_open_pic({.at = open_pic(),
                                        .selector = kSelector,
                                        .method_cache = ExecAddress{cache_memory_.address()},
                                        .mask = 63,
                                        .open_miss_trampoline = open_miss_trampoline()}));
    write(call_site(), A::emit_call_site());
    write_site();
    publish(zone_.exec(), zone_.writable(zone_.exec()), zone_.size(), Zone::kAlias);
    miss.answer = unchecked_entry(1).value();
    open_miss.answer = unchecked_entry(2).value();
  }

  [[nodiscard]] ExecAddress miss_trampoline() const { return zone_.exec(); }
  [[nodiscard]] ExecAddress open_miss_trampoline() const { return zone_.exec() + 256; }
  [[nodiscard]] ExecAddress call_site() const { return zone_.exec() + 512; }
  [[nodiscard]] ExecAddress open_pic() const { return zone_.exec() + page_size(); }
  [[nodiscard]] ExecAddress checked_entry(std::uint32_t method) const {
    return zone_.exec() + 2 * page_size() + method * A::method_stride(kWork);
  }
  [[nodiscard]] ExecAddress unchecked_entry(std::uint32_t method) const {
    return checked_entry(method) + A::unchecked_entry_offset();
  }
  [[nodiscard]] ExecAddress driver() const { return zone_.exec() + 3 * page_size(); }
  /// Behind the driver of one site.
  [[nodiscard]] ExecAddress stub() const { return zone_.exec() + 7 * page_size(); }
  [[nodiscard]] MethodCache cache() const {
    return MethodCache{std::span(static_cast<MethodCacheEntry*>(cache_memory_.address()), 64)};
  }

  void link(const SiteValue& to) {
    const PatchScope scope{zone_};
    words_.store_pair(0, words_.read(0), to, miss_trampoline());
    words_.publish_site(0);
  }
  std::uint64_t send(Oop receiver) {
    return call_site().template as_function<CallSiteFunction>()(&receiver, words_.site(0).value());
  }
  /// The last miss was this site's.
  void check_miss(const Miss& found, Oop receiver, std::uint64_t tag_word, int count) const {
    CHECK(found.receiver == receiver);
    CHECK(found.tag_word == tag_word);
    CHECK(found.return_address ==
          words_.site(0).value() +
              A::site_return_offset(Strategy::kDispatch, SiteOrder::standalone));
    CHECK(words_.site_of_return(found.return_address) == 0);
    CHECK(found.count == count);
  }

  Miss miss;
  Miss open_miss;

 private:
  void write(ExecAddress where, const CodeBytes& bytes) {
    store_code(zone_.writable(where).data(), bytes.data(), bytes.size());
  }
  void write_site() {
    const SitePlan sites[1] = {};
    const Selector selectors[1] = {kSelector};
    write(driver(), A::emit_driver({.dispatch = Strategy::kDispatch,
                                    .order = SiteOrder::standalone,
                                    .at = driver(),
                                    .cells = ExecAddress{cells_.address()},
                                    .stubs = stub(),
                                    .sites = sites,
                                    .selectors = selectors,
                                    .miss_trampoline = miss_trampoline()}));
    if (calls_stub(Strategy::kDispatch)) {
      write(stub(), A::emit_stubs({.dispatch = Strategy::kDispatch,
                                   .at = stub(),
                                   .cells = ExecAddress{cells_.address()},
                                   .sites = 1}));
    }
    words_.cell(0) = {.tag = kSelector, .target = miss_trampoline().value()};
  }

  ArenaMap arena_;
  Zone zone_;
  Mapping cells_;
  Mapping cache_memory_;
  SiteWords<Zone, Strategy::kDispatch, A> words_;
};

constexpr ClassTag kTagA = kFirstHeapTag + 1;
constexpr ClassTag kTagB = kFirstHeapTag + 2;
const Object kObjectA{.class_tag = kTagA, .unused = 0, .value = 4711};
const Object kObjectB{.class_tag = kTagB, .unused = 0, .value = 1234};

}  // namespace

TEMPLATE_LIST_TEST_CASE("send code: the tag register on every way to a miss", "", EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  OneSite<TestType> site;
  const Oop a = oop_of(kObjectA);
  const Oop b = oop_of(kObjectB);
  const Oop small = small_integer(815);

  // Unlinked: the selector.
  CHECK(site.send(a) == evaluate_method(1, kWork, a));
  site.check_miss(site.miss, a, kSelector, 1);
  site.miss.answer = site.unchecked_entry(0).value();
  CHECK(site.send(small) == evaluate_method(0, kWork, small));
  site.check_miss(site.miss, small, kSelector, 2);

  // A MIC that misses: its class tag.
  site.link({.tag = kTagB, .target = site.checked_entry(2)});
  CHECK(site.send(b) == evaluate_method(2, kWork, b));
  CHECK(site.miss.count == 2);
  CHECK(site.send(small) == evaluate_method(0, kWork, small));
  site.check_miss(site.miss, small, kTagB, 3);
  site.miss.answer = site.unchecked_entry(1).value();
  CHECK(site.send(a) == evaluate_method(1, kWork, a));
  site.check_miss(site.miss, a, kTagB, 4);

  // Behind the check nothing looks at the tag.
  site.link({.tag = kTagB, .target = site.unchecked_entry(2)});
  CHECK(site.send(a) == evaluate_method(2, kWork, a));
  CHECK(site.miss.count == 4);

  // An open PIC that misses: the selector, whatever the site had loaded.
  site.link({.tag = kTagB, .target = site.open_pic()});
  CHECK(site.send(b) == evaluate_method(2, kWork, b));
  site.check_miss(site.open_miss, b, kSelector, 1);
  CHECK(site.miss.count == 4);
}

TEMPLATE_LIST_TEST_CASE("send code: an open PIC finds what the method cache holds, at each probe",
                        "", EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  OneSite<TestType> site;
  site.link({.tag = kSelector, .target = site.open_pic()});
  const Oop a = oop_of(kObjectA);
  int open_misses = 0;
  for (unsigned probe = 0; probe < kMethodCacheProbes; ++probe) {
    INFO("probe " << probe);
    auto entries = site.cache();
    entries.clear();
    // Another selector, another class, nothing: all of them miss.
    for (const std::uint64_t wrong : {method_cache_key(kTagA, kSelector + 1),
                                      method_cache_key(kTagB, kSelector), std::uint64_t{0}}) {
      auto* table = const_cast<MethodCacheEntry*>(entries.base());
      const std::uint32_t place = method_cache_index(kTagA, kSelector, probe, entries.mask());
      table[place] = {.key = wrong, .target = site.unchecked_entry(1).value()};
      site.send(a);
      CHECK(site.open_miss.count == ++open_misses);
      table[place] = {.key = method_cache_key(kTagA, kSelector),
                      .target = site.unchecked_entry(1).value()};
      CHECK(site.send(a) == evaluate_method(1, kWork, a));
      CHECK(site.open_miss.count == open_misses);
    }
  }
}

}  // namespace patchbench::send
