// results/json.hpp - results.json: writing version 2 of its schema, and reading versions 1 and 2
// strictly.
//
// Reading is strict because a results file is evidence: whatever is missing, of the wrong type, out
// of range or contradictory is an error that names the file and the place inside it
// ("cells[3].metrics[0].samples[1]"), never a default. Unknown members are accepted, so that a
// later minor addition to the schema stays readable.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "results/model.hpp"

namespace patchbench::results {

/// A file that is not what it claims to be. what() reads "FILE: PLACE: what is wrong".
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Of version 2, also where `results` were read from a file of version 1. Numbers are written so
/// that reading them gives the same bits. Throws std::invalid_argument for a NaN or an infinity:
/// neither exists in JSON, and an unknown value is an empty optional.
[[nodiscard]] std::string to_json_text(const Results& results);

/// `source` names the text in errors. Throws FormatError.
[[nodiscard]] Results from_json_text(std::string_view text, std::string_view source);

/// `path` is a results file, or a run's directory with a results.json in it. Throws FormatError, or
/// std::system_error when it cannot be read.
[[nodiscard]] Results read_results(const std::filesystem::path& path);

/// Replaces `file` atomically: a reader sees the old file or the new one, also after a crash,
/// because the text goes to a temporary file in the same directory, is synced, and is renamed.
/// Throws std::system_error naming the file; then the old file is as it was and no temporary file
/// is left.
void write_results(const Results& results, const std::filesystem::path& file);

}  // namespace patchbench::results
