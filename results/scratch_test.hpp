// results/scratch_test.hpp - a directory of its own for a test, and a disk that is suddenly full.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace patchbench::results {

/// Removed, with all that is in it, at the end.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Writes `text` to the file and returns its path.
  [[nodiscard]] std::filesystem::path file(const std::string& name, std::string_view text) const;
  [[nodiscard]] std::size_t entries() const;

 private:
  std::filesystem::path path_;
};

/// While it lives, no file of this process can grow beyond `bytes`: writes end short, then fail
/// with EFBIG.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::size_t bytes);
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit();

 private:
  unsigned long long soft_ = 0;
  unsigned long long hard_ = 0;
  void (*handler_)(int) = nullptr;
};

}  // namespace patchbench::results
