#include "harness/run/output_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "harness/base/clock.hpp"
#include "harness/base/usage_error.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {

namespace fs = std::filesystem;

std::string as_file_name(std::string text) {
  std::ranges::replace_if(
      text,
      [](char c) {
        const bool kept = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
        return !kept;
      },
      '-');
  return text;
}

fs::path default_directory(const std::string& host, const std::string& arch) {
  const fs::path base =
      fs::path("results") / fmt::format("{}-{}-{}", as_file_name(host), arch, utc_now_compact());
  fs::path free = base;
  std::error_code ignored;
  for (int number = 2; fs::exists(free, ignored); ++number) {
    free = fmt::format("{}-{}", base.string(), number);
  }
  return free;
}

void make_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error && !fs::is_directory(directory)) {
    throw UsageError(fmt::format("cannot create the directory {}: {}; name another with --out=DIR",
                                 directory.string(), error.message()));
  }
}

void claim_directory(const fs::path& directory) {
  make_directory(directory);
  std::error_code error;
  for (const char* name : {"results.json", "samples.jsonl"}) {
    if (fs::exists(fs::symlink_status(directory / name, error))) {
      throw UsageError(fmt::format(
          "{} already holds results ({}), and results are never overwritten: name another "
          "directory with --out=DIR, or move this one away",
          directory.string(), name));
    }
  }
  if (access(directory.c_str(), W_OK | X_OK) != 0) {
    throw UsageError(fmt::format("cannot write to {}: {}; name another directory with --out=DIR",
                                 directory.string(), std::strerror(errno)));
  }
}

void write_new_file(const fs::path& file, const void* data, std::size_t size) {
  const Fd fd(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd && errno == EEXIST) {
    throw UsageError(
        fmt::format("{} exists and is not overwritten: name another directory with "
                    "--out=DIR, or move it away",
                    file.string()));
  }
  const std::string what = fmt::format("write {}", file.string());
  if (!fd) throw_errno(what.c_str());
  const char* rest = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = write(fd.get(), rest, size);
    if (written < 0 && errno != EINTR) throw_errno(what.c_str());
    if (written > 0) {
      rest += written;
      size -= static_cast<std::size_t>(written);
    }
  }
}

}  // namespace patchbench::harness
