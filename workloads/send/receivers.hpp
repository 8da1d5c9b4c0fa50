// workloads/send/receivers.hpp - the objects that are sent to, and the streams of them that a
// driver reads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "strategies/mapping.hpp"
#include "workloads/arena_map.hpp"
#include "workloads/seeded_random.hpp"
#include "workloads/send/object_model.hpp"

namespace patchbench::send {

/// A few objects of each heap class, at the arena's place for receivers.
class Receivers {
 public:
  static constexpr std::uint32_t kObjectsPerClass = 4;

  Receivers(const MethodTable& table, const ArenaMap& arena, SeededRandom& random);

  /// Some receiver of the class: an object, or for class 0 a SmallInteger.
  [[nodiscard]] Oop any_of(std::uint32_t class_index, SeededRandom& random) const;
  /// The same receiver every time.
  [[nodiscard]] Oop first_of(std::uint32_t class_index) const;

 private:
  [[nodiscard]] std::span<const Object> objects() const {
    return {static_cast<const Object*>(memory_.address()), count_};
  }

  Mapping memory_;
  std::size_t count_;
};

/// Receivers in the order in which a driver reads them, at the arena's place for streams.
class ReceiverStream {
 public:
  ReceiverStream(const std::vector<Oop>& receivers, const ArenaMap& arena);

  [[nodiscard]] const Oop* data() const noexcept {
    return static_cast<const Oop*>(memory_.address());
  }
  /// To change them.
  [[nodiscard]] std::span<Oop> receivers() noexcept {
    return {static_cast<Oop*>(memory_.address()), count_};
  }

 private:
  Mapping memory_;
  std::size_t count_;
};

}  // namespace patchbench::send
