#include "file_dual.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mapping.hpp"

namespace patchbench {
namespace {

// From the statfs(2) manual page and linux/magic.h; XFS and ZFS are not in the latter.
struct FilesystemName {
  long magic;
  const char* name;
};
constexpr std::array kFilesystems{
    FilesystemName{EXT4_SUPER_MAGIC, "ext4"},
    FilesystemName{TMPFS_MAGIC, "tmpfs"},
    FilesystemName{BTRFS_SUPER_MAGIC, "btrfs"},
    FilesystemName{0x58465342, "xfs"},
    FilesystemName{OVERLAYFS_SUPER_MAGIC, "overlayfs"},
    FilesystemName{NFS_SUPER_MAGIC, "nfs"},
    FilesystemName{RAMFS_MAGIC, "ramfs"},
    FilesystemName{F2FS_SUPER_MAGIC, "f2fs"},
    FilesystemName{0x2fc12fc1, "zfs"},
    FilesystemName{V9FS_MAGIC, "9p"},
};

std::string filesystem_of(const Fd& file) {
  struct statfs info {};
  if (fstatfs(file.get(), &info) != 0) return "unknown";
  for (const FilesystemName& known : kFilesystems) {
    if (known.magic == static_cast<long>(info.f_type)) return known.name;
  }
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%lx", static_cast<unsigned long>(info.f_type));
  return text.data();
}

std::vector<std::string> candidate_directories() {
  if (const char* only = std::getenv("PATCHBENCH_EXEC_DIR")) return {only};
  std::vector<std::string> directories;
  for (const char* variable : {"XDG_RUNTIME_DIR", "TMPDIR"}) {
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') {
      directories.emplace_back(value);
    }
  }
  directories.insert(directories.end(), {"/tmp", "/var/tmp", "/dev/shm"});
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    directories.emplace_back(home);
  }
  directories.emplace_back(".");
  return directories;
}

void append(std::string& text, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) text += part;
}

// O_TMPFILE (Linux 3.11) never has a name; where the file system lacks it, the name goes at once.
Fd open_unlinked(const std::string& directory) {
  Fd file{open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0700)};
  if (file) return file;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) throw_errno("open");
  std::string name;
  append(name, {directory, "/patchbench-XXXXXX"});
  file = Fd{mkostemp(name.data(), O_CLOEXEC)};
  if (!file) throw_errno("mkostemp");
  if (unlink(name.c_str()) != 0) throw_errno("unlink");
  return file;
}

// "mmap" of "mmap (read-execute view): Operation not permitted".
std::string name_of_call(const std::system_error& error) {
  const std::string_view what = error.what();
  return std::string(what.substr(0, what.find_first_of(" :")));
}

}  // namespace

ExecutableFile open_executable_file(const FileMemory& memory) {
  if (memory.pages == Pages::hugetlb) {
    throw_errno("open (a file has the pages of its file system)", EOPNOTSUPP);
  }
  std::string tried;
  std::string call;
  std::error_code reason;
  for (const std::string& directory : candidate_directories()) {
    try {
      Fd file = open_unlinked(directory);
      allocate_file(file, memory);
      const Mapping page = Mapping::shared_view(file, page_size(), PROT_READ | PROT_EXEC, 0);
      std::string filesystem = filesystem_of(file);
      return {std::move(file), directory, std::move(filesystem)};
    } catch (const std::system_error& refused) {
      const std::string failed = name_of_call(refused);
      // That a directory cannot be opened tells less than what one that can be opened refuses.
      if (call.empty() || (call == "open" && failed != "open")) {
        call = failed;
        reason = refused.code();
      }
      append(tried, {tried.empty() ? "" : "; ", directory, ": ", refused.what()});
    }
  }
  append(call, {" (no directory allows a file that is written and executed: ", tried,
                "; set PATCHBENCH_EXEC_DIR)"});
  throw std::system_error(reason, call);
}

}  // namespace patchbench
