// harness/run/output_directory.hpp - where a run leaves its results, without ever touching those of
// another.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace patchbench::harness {

/// "results/<host>-<arch>-<time>" below the current directory, with a number behind it where that
/// one exists.
[[nodiscard]] std::filesystem::path default_directory(const std::string& host,
                                                      const std::string& arch);

/// Creates `directory` and its parents where they are missing. Throws UsageError.
void make_directory(const std::filesystem::path& directory);

/// As above; throws UsageError, too, when it holds results and when nothing can be written there.
void claim_directory(const std::filesystem::path& directory);

/// `text` with everything but letters, digits, dots, dashes and underscores replaced by dashes.
[[nodiscard]] std::string as_file_name(std::string text);

/// Replaces nothing: throws UsageError when `file` exists, std::system_error when it cannot be
/// written.
void write_new_file(const std::filesystem::path& file, const void* data, std::size_t size);

}  // namespace patchbench::harness
