#include <atomic>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <thread>

#include "harness/machine/machine.hpp"

namespace patchbench::harness {
namespace {

// No two of them in one granule of the exclusive monitors, which is at most 2 KiB.
constexpr std::size_t kExclusiveGranule = 2048;

struct alignas(kExclusiveGranule) Word {
  std::atomic<std::uint32_t> value{0};
};

/// Two threads: one loads a word exclusively, waits until the other has stored to it what it held
/// before, and stores exclusively. No processor may let that store succeed: another write stands
/// between the two halves of the pair, whatever its value (Arm's memory model, aarch64.cat: "empty
/// rmw & (fre; coe) as atomic"). QEMU's translator compares values, and does.
class ExclusivePair {
 public:
  ExclusivePair() : other_([this] { store_when_asked(); }) {}
  ExclusivePair(const ExclusivePair&) = delete;
  ExclusivePair& operator=(const ExclusivePair&) = delete;
  ~ExclusivePair() {
    stop_ = true;
    other_.join();
  }

  bool survives_a_store() {
    std::uint32_t value = 0;
    std::uint32_t seen = 0;
    std::uint32_t failed = 1;
    std::uint32_t patience = 100'000;
    ++round_;
    // In one piece, because a compiler may put stores of its own between intrinsics. A translator
    // that runs one processor at a time turns to the next one at a yield.
    asm volatile(
        "ldxr %w[value], [%[word]]\n"
        "stlr %w[round], [%[asked]]\n"
        "0: ldar %w[seen], [%[stored]]\n"
        "cmp %w[seen], %w[round]\n"
        "b.eq 1f\n"
        "yield\n"
        "subs %w[patience], %w[patience], #1\n"
        "b.ne 0b\n"
        "clrex\n"
        "1: stxr %w[failed], %w[value], [%[word]]\n"
        :
        [value] "=&r"(value), [seen] "=&r"(seen), [failed] "=&r"(failed), [patience] "+&r"(patience)
        : [word] "r"(&word_.value), [asked] "r"(&asked_.value), [stored] "r"(&stored_.value),
          [round] "r"(round_)
        : "memory", "cc");
    return failed == 0;
  }

 private:
  void store_when_asked() {
    for (std::uint32_t answered = 0; !stop_;) {
      const std::uint32_t round = asked_.value.load(std::memory_order_acquire);
      if (round == answered) {
        asm volatile("yield");
        continue;
      }
      word_.value.store(0, std::memory_order_relaxed);
      stored_.value.store(round, std::memory_order_release);
      answered = round;
    }
  }

  Word word_;
  Word asked_;
  Word stored_;
  std::uint32_t round_ = 0;
  std::atomic<bool> stop_{false};
  std::thread other_;  // last, it uses the others
};

}  // namespace

std::string_view machine_name() { return "aarch64"; }

std::string_view objdump_machine() { return "aarch64"; }

std::string hypervisor_signature() { return {}; }

std::string_view hypervisor_signature_source() { return {}; }

bool breaks_architecture() {
  // An interrupt in between makes any exclusive store fail, so once is not enough.
  constexpr int kAttempts = 16;
  if (std::thread::hardware_concurrency() < 2) return false;
  try {
    ExclusivePair pair;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (pair.survives_a_store()) return true;
    }
  } catch (const std::system_error&) {
    // No second thread may be had here: nothing is proved.
  }
  return false;
}

}  // namespace patchbench::harness
