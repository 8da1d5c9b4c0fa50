// workloads/measured_cell.hpp - an instance whose measurements are steps of its own.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

#include "workloads/workload.hpp"

namespace patchbench {

/// Does nothing: what needs no preparation is given this.
inline constexpr auto kUnprepared = nullptr;

/// A step is a lambda without captures that takes Cell&. It becomes a plain function, which the
/// timed loop calls.
template <class Cell>
class MeasuredCell : public Instance {
 public:
  [[nodiscard]] std::span<const Measurement> measurements() const final { return measurements_; }

 protected:
  /// Of what generated code hands to a hook.
  [[nodiscard]] static Cell& cell(void* self) noexcept { return *static_cast<Cell*>(self); }

  /// `operations` are performed by one call of `run`.
  template <class Prepare, class Run>
  Measurement& measure(const char* metric, double operations, Prepare /*prepare*/, Run /*run*/) {
    measurements_.push_back({.metric = metric,
                             .operations = operations,
                             .self = static_cast<Cell*>(this),
                             .prepare = step<Prepare>(),
                             .run = timed_step<Run>()});
    return measurements_.back();
  }

  /// What `run` takes beyond `without`; `operations` are those that only `run` performs.
  template <class Prepare, class Run, class PrepareWithout, class Without>
  void measure_difference(const char* metric, double operations, Prepare prepare, Run run,
                          PrepareWithout /*prepare*/, Without /*run*/) {
    Measurement& measurement = measure(metric, operations, prepare, run);
    measurement.prepare_without = step<PrepareWithout>();
    measurement.without = timed_step<Without>();
  }

 private:
  template <class Step>
  static auto step() -> void (*)(void*) {
    if constexpr (std::same_as<Step, std::nullptr_t>) {
      return nullptr;
    } else {
      return [](void* self) { Step{}(cell(self)); };
    }
  }
  template <class Step>
  static auto timed_step() -> void (*)(void*) noexcept {
    return [](void* self) noexcept { Step{}(cell(self)); };
  }

  std::vector<Measurement> measurements_;
};

}  // namespace patchbench
