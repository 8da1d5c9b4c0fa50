// results/validator_test.hpp - what a program that is not ours says of a results file.
#pragma once

#include <filesystem>
#include <string>

namespace patchbench::results {

/// What check_schema.py finds wrong with the results file, or a run's directory with one in it, by
/// schema.v2.json. Empty where nothing is, and where there is no validator.
[[nodiscard]] std::string validator_errors(const std::filesystem::path& path);

}  // namespace patchbench::results
