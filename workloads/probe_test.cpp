// A zone whose patches are not executed, as under a translator that keeps what it has translated.
#include "workloads/probe.hpp"

#include <cstring>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "strategies/rwx.hpp"

namespace patchbench {
namespace {

/// What is stored first goes to the code, all that follows to memory that nobody executes.
template <AliasKind kKind>
class DeafZone {
 public:
  static constexpr AliasKind kAlias = kKind;

  explicit DeafZone(const ZoneRequest& request) : zone_(request), elsewhere_(zone_.size()) {}
  [[nodiscard]] ExecAddress exec() const noexcept { return zone_.exec(); }
  [[nodiscard]] std::size_t size() const noexcept { return zone_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) noexcept {
    if (patches_ < 2) return zone_.writable(at);
    return WritableAddress{elsewhere_.data() + (at - exec())};
  }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept { ++patches_; }
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  [[nodiscard]] std::string describe() const { return "deaf"; }

 private:
  RwxZone zone_;
  std::vector<std::byte> elsewhere_;
  int patches_ = 0;
};

template <class Zone>
std::string refusal_of() {
  try {
    return probe_zone<Zone>();
  } catch (const Unsupported& refused) {
    return refused.what();
  }
}

}  // namespace

TEST_CASE("a probe says in words that patches through the other view are not executed") {
  const std::string said = refusal_of<DeafZone<AliasKind::second_view>>();
  CHECK(said.starts_with("what executes does not see patches that are written through the other"));
  CHECK(refusal_of<DeafZone<AliasKind::same_address>>().starts_with(
      "what executes does not see patches: an emulator"));
}

TEST_CASE("a probe of a zone whose patches are executed says what the zone chose") {
  CHECK(probe_zone<RwxZone>().empty());
}

}  // namespace patchbench
