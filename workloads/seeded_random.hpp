// workloads/seeded_random.hpp - random numbers that are the same on every machine and standard
// library.
#pragma once

#include <cstdint>
#include <random>
#include <utility>

namespace patchbench {

/// std::mt19937_64 is fixed by the standard, its distributions are not: hence these.
class SeededRandom {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}

  /// In [0, bound). Lemire's multiplication; the bias of at most bound / 2^64 is of no consequence
  /// here.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(engine_()) * bound) >> 64U);
  }

  template <class Sequence>
  void shuffle(Sequence& sequence) {
    for (std::size_t i = sequence.size(); i > 1; --i) {
      using std::swap;
      swap(sequence[i - 1], sequence[below(i)]);
    }
  }

  /// Brings `count` of them, drawn at random and in random order, to the front.
  template <class Sequence>
  void draw_to_front(Sequence& sequence, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      using std::swap;
      swap(sequence[i], sequence[i + below(sequence.size() - i)]);
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace patchbench
