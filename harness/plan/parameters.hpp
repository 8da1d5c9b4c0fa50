// harness/plan/parameters.hpp - the values of a workload's parameters, from text and back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/plan/catalogue.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

/// One --param NAME=VALUE[,VALUE...], not yet compared with any workload.
struct ParamOverride {
  std::string name;
  std::vector<std::string> values;
};

/// Throws UsageError unless `text` is NAME=VALUE[,VALUE...] with nothing empty in it.
[[nodiscard]] ParamOverride parse_override(std::string_view text);

/// `text` as the parameter writes it ("0016" -> "16"). Throws UsageError naming `option`, workload,
/// parameter and what is allowed.
[[nodiscard]] std::string checked_value(std::string_view option, const WorkloadInfo& workload,
                                        const Parameter& parameter, std::string_view text);

/// Which value each parameter takes, for every combination of `values` (one list for each declared
/// parameter, in that order); the last parameter varies fastest.
[[nodiscard]] std::vector<ParamText> combinations(
    const WorkloadInfo& workload, const std::vector<std::vector<std::string>>& values);

/// What stands in the case's id and row: a parameter with in_id = false only where it differs from
/// its default.
[[nodiscard]] results::Params shown_params(const WorkloadInfo& workload, const ParamText& params);

/// The range or the words that a parameter takes: "1 to 65536", "linear|shuffled".
[[nodiscard]] std::string allowed_values(const Parameter& parameter);

/// A case's id taken apart. Parameters that it does not mention take their defaults.
struct ParsedCell {
  const WorkloadInfo* workload = nullptr;
  const StrategyEntry* strategy = nullptr;
  ParamText params;
};

/// Throws UsageError naming the part of `id` that is unknown and what is nearest to it.
[[nodiscard]] ParsedCell parse_cell_id(const Catalogue& catalogue, std::string_view id);

}  // namespace patchbench::harness
