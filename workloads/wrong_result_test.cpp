// A cell whose code is wrong is found out by its check, whatever is wrong with it.
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <patchbench_catch.hpp>

#include "strategies/rwx.hpp"
#include "workloads/cell_fixture_test.hpp"
#include "workloads/registry.hpp"
#include "workloads/send/send_plan.hpp"

namespace patchbench {
namespace {

using A = send::NativeArchitecture;

/// Something happens to the code when installation is over.
class TamperedZone : public RwxZone {
 public:
  using Tamper = void (*)(const TamperedZone&);
  static inline Tamper tamper = nullptr;
  static inline send::CodeLayout layout;
  static inline send::SiteOrder order = send::SiteOrder::linear;
  static inline std::uint32_t classes = 1;
  static inline std::uint32_t methods = 0;

  explicit TamperedZone(const ZoneRequest& request) : RwxZone(request) {}

  void seal() noexcept {
    if (tamper != nullptr) tamper(*this);
    publish(exec(), writable(exec()), size(), kAlias);
  }
  [[nodiscard]] std::byte* at(std::size_t offset) const { return writable(exec() + offset).data(); }
  /// `offset` from the first site.
  [[nodiscard]] std::byte* in_sites(std::size_t offset) const { return at(layout.sites + offset); }
};

template <Dispatch kDispatch_>
struct Tampered {
  static constexpr std::string_view kId = "tampered";
  using Zone = TamperedZone;
  static constexpr Dispatch kDispatch = kDispatch_;
};
using TamperedCode = Tampered<Dispatch::inline_cache>;
using TamperedCells = Tampered<Dispatch::cell_cache>;

/// Class c runs the body of class c + 1: bodies do not depend on where they are.
void swap_methods(const TamperedZone& zone) {
  const std::size_t stride = TamperedZone::layout.method_stride;
  for (std::size_t m = 0; m + 1 < TamperedZone::methods; ++m) {
    if (m % TamperedZone::classes == 0) {
      continue;  // a SmallInteger must not be taken for an object
    }
    const std::size_t body =
        TamperedZone::layout.methods + m * stride + A::unchecked_entry_offset();
    std::memcpy(zone.at(body), zone.at(body + stride), stride - A::unchecked_entry_offset());
  }
}

/// One site is linked for a class that it is never sent: right results, by way of a miss.
void change_tag(const TamperedZone& zone) {
  constexpr send::ClassTag kWrong = 0xfff'ffff;
  const std::size_t tag = A::first_tag_offset(Dispatch::inline_cache, TamperedZone::order);
  std::memcpy(zone.in_sites(tag), &kWrong, sizeof kWrong);
}

template <class Workload, class Strategy>
void check_tampered(TamperedZone::Tamper tamper, ParamText changes = {}) {
  TamperedZone::tamper = tamper;
  const auto cell =
      Workload::template make<Strategy>(small_request(Workload::kId, std::move(changes)));
  TamperedZone::tamper = nullptr;
  cell->check();
}

void set_layout_of(const send::SendPlan& plan) {
  const send::MethodTable table{plan.heap_classes, plan.selectors};
  TamperedZone::classes = table.classes();
  TamperedZone::methods = table.methods();
  TamperedZone::layout = send::lay_out<A>(plan, table.methods(), Dispatch::inline_cache);
  TamperedZone::order = plan.order;
}

template <class Workload>
void set_layout() {
  const CellRequest request = small_request(Workload::kId);
  if constexpr (requires { Workload::describe(request); }) {
    set_layout_of(Workload::describe(request).plan);
  } else {
    send::SendPlan plan = send::describe_two_class_sites(request).plan;
    // Others execute their sites one at a time; link in linear order.
    plan.order = std::is_same_v<Workload, Link> ? plan.order : send::SiteOrder::standalone;
    set_layout_of(plan);
  }
}

/// A zone of which one page cannot be written: it keeps a function that is not the one asked for.
class LostWriteZone : public RwxZone {
 public:
  explicit LostWriteZone(const ZoneRequest& request)
      : RwxZone(request), scratch_(std::make_unique<std::byte[]>(page_size())) {
    const send::CodeBytes method =
        A::emit_method({.at = last_page(), .miss_trampoline = exec(), .immediate_receiver = true});
    const std::size_t entry = A::unchecked_entry_offset();
    std::memcpy(RwxZone::writable(last_page()).data(), &method[entry], method.size() - entry);
  }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return at < last_page() ? RwxZone::writable(at) : WritableAddress{scratch_.get()};
  }

 private:
  [[nodiscard]] ExecAddress last_page() const noexcept { return exec() + (size() - page_size()); }

  std::unique_ptr<std::byte[]> scratch_;
};

struct LostWrite {
  using Zone = LostWriteZone;
};

/// A zone whose first page can no longer be written, from some moment on: its code stays as it is.
class FrozenPageZone : public RwxZone {
 public:
  static inline bool frozen = false;

  using RwxZone::RwxZone;

  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    if (!frozen || at >= exec() + page_size()) return RwxZone::writable(at);
    if (copy_.empty()) copy_.assign(exec().data(), exec().data() + page_size());
    return WritableAddress{copy_.data() + (at - exec())};
  }

 private:
  mutable std::vector<std::byte> copy_;
};

struct FrozenPage {
  using Zone = FrozenPageZone;
};

using SendWorkloads = std::tuple<Mic, Pic, OpenPic, Mixed, Link, Relink, RelinkRate>;
using LinkedWorkloads = std::tuple<Mic, Pic, Relink, RelinkRate>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("wrong results: methods that answer for others are noticed", "",
                        SendWorkloads) {
  INFO(TestType::kId);
  set_layout<TestType>();
  CHECK_NOTHROW(check_tampered<TestType, TamperedCode>(nullptr));
  CHECK_THROWS_AS((check_tampered<TestType, TamperedCode>(&swap_methods)), WrongResult);
  CHECK_NOTHROW(check_tampered<TestType, TamperedCells>(nullptr));
  CHECK_THROWS_AS((check_tampered<TestType, TamperedCells>(&swap_methods)), WrongResult);
}

TEST_CASE("wrong results: methods that answer for others are noticed in a recorded program") {
  const ParamText changes = {{"trace", "python-minidom"}};  // it has no SmallIntegers
  const TraceSends sends = describe_trace(small_request("trace", changes));
  TamperedZone::methods = static_cast<std::uint32_t>(sends.plan.understood.size());
  TamperedZone::classes = TamperedZone::methods;
  TamperedZone::layout =
      send::lay_out<A>(sends.plan, TamperedZone::methods, Dispatch::inline_cache);
  TamperedZone::order = sends.plan.order;
  CHECK_NOTHROW(check_tampered<TraceReplay, TamperedCode>(nullptr, changes));
  CHECK_THROWS_AS((check_tampered<TraceReplay, TamperedCode>(&swap_methods, changes)), WrongResult);
  CHECK_THROWS_AS((check_tampered<TraceReplay, TamperedCells>(&swap_methods, changes)),
                  WrongResult);
}

TEMPLATE_LIST_TEST_CASE("wrong results: a linked site that misses is noticed, although it answers",
                        "", LinkedWorkloads) {
  INFO(TestType::kId);
  set_layout<TestType>();
  CHECK_THROWS_AS((check_tampered<TestType, TamperedCode>(&change_tag)), WrongResult);
}

TEST_CASE("wrong results: code that is executed as it was before its patch is noticed") {
  for (const char* bytes : {"4", "32", "64", "4096"}) {
    INFO(bytes << " bytes");
    const auto cell = Publish::make<FrozenPage>(small_request("publish", {{"bytes", bytes}}));
    CHECK_NOTHROW(cell->check());
    FrozenPageZone::frozen = true;
    CHECK_THROWS_AS(cell->check(), WrongResult);
    FrozenPageZone::frozen = false;
  }
}

TEST_CASE("wrong results: a method that is executed as the one before it was is noticed") {
  for (const char* size : {"64", "4096"}) {
    INFO(size << " bytes");
    const auto cell = Install::make<FrozenPage>(
        small_request("install", {{"size", size}, {"memory", "recycled"}}));
    CHECK_NOTHROW(cell->check());
    FrozenPageZone::frozen = true;
    CHECK_THROWS_AS(cell->check(), WrongResult);
    // Without a check too: what a timed run answered is compared before the next.
    const Measurement& install = cell->measurements().front();
    install.run(install.self);  // of the version that the frozen page holds
    CHECK_NOTHROW(install.prepare(install.self));
    install.run(install.self);
    CHECK_THROWS_AS(install.prepare(install.self), WrongResult);
    FrozenPageZone::frozen = false;
  }
}

TEST_CASE("wrong results: a page that does not hold what was written is noticed") {
  CHECK_THROWS_AS(ZoneLife::make<LostWrite>(small_request("zone"))->check(), WrongResult);
  CHECK_NOTHROW(ZoneLife::make<Rwx>(small_request("zone"))->check());
}

}  // namespace patchbench
