#include "analysis/quantity/comparable.hpp"

namespace patchbench::analysis {

bool times_mean_something(const results::Context& context) { return !context.emulated; }

std::optional<std::string> why_times_do_not_compare(const results::Context& first,
                                                    const results::Context& second) {
  const bool means_first = times_mean_something(first);
  const bool means_second = times_mean_something(second);
  if (means_first && means_second) return std::nullopt;
  const std::string who = means_first    ? "the second is emulated"
                          : means_second ? "the first is emulated"
                                         : "both are emulated";
  return who + ": an emulator's times mean nothing";
}

std::optional<std::string> why_processors_differ(const results::Context& first,
                                                 const results::Context& second) {
  if (first.arch != second.arch) return first.arch + " and " + second.arch;
  const auto& one = first.cpu.model;
  const auto& other = second.cpu.model;
  if (one && other && *one != *other) return *one + " and " + *other;
  const auto& number = first.cpu.model_number;
  const auto& other_number = second.cpu.model_number;
  if (first.cpu.family == second.cpu.family && number == other_number) return std::nullopt;
  if (!number || !other_number) return std::nullopt;
  return "processors of models " + std::to_string(*number) + " and " +
         std::to_string(*other_number);
}

}  // namespace patchbench::analysis
