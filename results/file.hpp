// results/file.hpp - files whose errors are not lost.
//
// iostreams report a full disk at best as "failed"; a run's results deserve the errno. Every
// function here throws std::system_error whose what() names the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace patchbench::results {

/// Owns a file descriptor.
class File {
 public:
  File() = default;
  /// open(2) with O_CLOEXEC added; `flags` and `mode` are open's.
  File(std::filesystem::path path, int flags, unsigned mode = 0666);
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  /// One write(2), repeated only when a signal interrupted it before anything was written. Returns
  /// the bytes written, which may be fewer than asked for.
  [[nodiscard]] std::size_t write_once(std::string_view text);
  void write_all(std::string_view text);
  [[nodiscard]] std::uint64_t size() const;
  void truncate(std::uint64_t size);
  void sync();
  /// flock(2), exclusive, until the descriptor is closed. False when another process has it.
  [[nodiscard]] bool lock();
  /// Where some file systems (NFS) report what a write could not. Also done, unchecked, by the
  /// destructor.
  void close();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

/// The whole file.
[[nodiscard]] std::string read_text(const std::filesystem::path& file);

/// Replaces `file` so that a reader, also one after a crash, finds the old text or the new one. On
/// error the old file is as it was and nothing else is left in its directory.
void write_text_atomically(const std::filesystem::path& file, std::string_view text);

}  // namespace patchbench::results
