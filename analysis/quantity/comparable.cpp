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

}  // namespace patchbench::analysis
