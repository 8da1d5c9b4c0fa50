// strategies/file_dual.hpp - an unlinked temporary file mapped twice.
//
// What libffi falls back to. Needs a directory on a file system that is writable and not mounted
// noexec. On a file system with a disk behind it, write-back write-protects the pages again and
// every page faults once more.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "dual_view_zone.hpp"
#include "mapping.hpp"
#include "policy.hpp"

namespace patchbench {

/// An unlinked file with that memory in the first directory that allows both writing and executing.
struct ExecutableFile {
  Fd file;
  std::string directory;
  std::string filesystem;  // "ext4", "tmpfs", or statfs' magic number in hex
};

/// Tries $PATCHBENCH_EXEC_DIR alone where it is set; otherwise $XDG_RUNTIME_DIR, $TMPDIR, /tmp,
/// /var/tmp, /dev/shm, $HOME and the working directory, in this order. A directory qualifies when a
/// page of a file in it can be mapped executable (mount flags alone do not tell: LSMs refuse too).
/// Throws std::system_error when none qualifies: with call and errno of the first directory that
/// could be opened, or else of the first, and in its text every directory with its own.
[[nodiscard]] ExecutableFile open_executable_file(const FileMemory& memory);

class FileDualZone : public DualViewZone {
 public:
  static constexpr std::array kRefusedBy = kRefuseFile;
  static constexpr bool kInFileSystem = true;

  explicit FileDualZone(const ZoneRequest& request)
      : FileDualZone(open_executable_file(request), request) {}

  void isolate_after_fork() { views().isolate(open_executable_file(views().memory()).file); }
  [[nodiscard]] std::string describe() const { return place_; }

 private:
  FileDualZone(ExecutableFile file, const ZoneRequest& request)
      : DualViewZone({std::move(file.file), request}),
        place_(file.directory + " (" + file.filesystem + ")") {}

  std::string place_;
};

struct FileDual {
  static constexpr std::string_view kId = "file-dual";
  static constexpr std::string_view kSummary =
      "an unlinked file mapped twice, read-execute and read-write";
  using Zone = FileDualZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kPreferredBaseline = true;
};

}  // namespace patchbench
