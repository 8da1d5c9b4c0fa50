// strategies/publish.hpp - making stored bytes visible to instruction fetch.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "code_zone.hpp"
#include "fetch_aarch64.hpp"
#include "fetch_x86_64.hpp"

namespace patchbench {

/// What publish() does beside the maintenance without which the processor would execute old bytes.
/// Serialising means: whatever the thread has fetched before is fetched again.
enum class PublishMode : std::uint8_t {
  none,        // nothing more, as virtual machines do
  serialize,   // x86-64: SERIALIZE; serialises the calling thread
  cpuid,       // x86-64: CPUID; serialises the calling thread
  membarrier,  // membarrier(2) SYNC_CORE; serialises every thread of the process (membarrier.hpp)
};

struct PublishModeInfo {
  PublishMode mode = PublishMode::none;
  std::string_view id;  // "membarrier"
  std::string_view summary;
};

/// The modes of this architecture, `none` first.
[[nodiscard]] std::span<const PublishModeInfo> publish_modes() noexcept;
/// nullptr when this architecture has none of that name.
[[nodiscard]] const PublishModeInfo* find_publish_mode(std::string_view id) noexcept;

/// Why this processor or this kernel cannot do it; empty when they can.
[[nodiscard]] std::string why_unavailable(PublishMode mode);

/// Once in a process before it publishes in this mode, which is available; again does no harm.
/// Throws std::system_error where the kernel refuses.
void prepare_publishing(PublishMode mode);

/// The instructions of publish(), which calls it where there are any to execute.
void execute_publishing(ExecAddress exec, WritableAddress writable, std::size_t size,
                        AliasKind alias, PublishMode mode) noexcept;

/// Call after the stores of a patch and before anything executes them, once per contiguous range.
///
/// `exec` and `writable` name the same `size` bytes through the two views. What it costs and what
/// it guarantees depends on the architecture; the rule and its source stand in
/// publish_<architecture>.cpp. In every mode but `membarrier` it serves the calling thread alone.
/// Other threads that may execute the range need more (Intel's manual calls it cross-modifying
/// code): patches that rely on one mutator and one executor say so where they are made.
///
/// Inline, so that patches which have nothing to execute here pay for no call.
inline void publish(ExecAddress exec, WritableAddress writable, std::size_t size, AliasKind alias,
                    PublishMode mode = PublishMode::none) noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);  // the compiler's stores are made by now
  if constexpr (kFetchIsCoherent) {
    if (mode == PublishMode::none) [[likely]] {
      return;
    }
  }
  execute_publishing(exec, writable, size, alias, mode);
}

/// Whether a patch through this kind of alias, published so, is guaranteed by the architecture to
/// be seen by the thread that made it, or only by the behaviour of the processors that exist.
[[nodiscard]] bool publish_is_architectural(AliasKind alias, PublishMode mode) noexcept;

/// What has to stand beside a result that was patched so: that nothing is guaranteed, or what the
/// mode does and for whom. Empty where the default is as the architecture asks.
[[nodiscard]] std::string publish_note(AliasKind alias, PublishMode mode);

/// What publishing does on this processor in every mode, for the record: "DC CVAU every 64 bytes,
/// IC IVAU every 64 bytes".
[[nodiscard]] std::string describe_publishing();

}  // namespace patchbench
