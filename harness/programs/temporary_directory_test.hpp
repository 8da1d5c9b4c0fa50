// harness/programs/temporary_directory_test.hpp - a place for a test's files, removed with
// everything in it.
#pragma once

#include <filesystem>
#include <string_view>

namespace patchbench::harness {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Writes `text` to `name` below the directory, creating what is above it.
  void write(const std::filesystem::path& name, std::string_view text) const;
  [[nodiscard]] std::filesystem::path operator/(const std::filesystem::path& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace patchbench::harness
