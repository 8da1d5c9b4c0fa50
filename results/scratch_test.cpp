#include "results/scratch_test.hpp"

#include <cerrno>
#include <iterator>
#include <system_error>

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "results/file.hpp"

namespace patchbench::results {

namespace fs = std::filesystem;

ScratchDirectory::ScratchDirectory() {
  std::string pattern = (fs::temp_directory_path() / "patchbench-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path ScratchDirectory::file(const std::string& name, std::string_view text) const {
  write_text_atomically(path_ / name, text);
  return path_ / name;
}

std::size_t ScratchDirectory::entries() const {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
}

FileSizeLimit::FileSizeLimit(std::size_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  soft_ = limit.rlim_cur;
  hard_ = limit.rlim_max;
  limit.rlim_cur = bytes;
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

FileSizeLimit::~FileSizeLimit() {
  const rlimit limit{soft_, hard_};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  (void)::signal(SIGXFSZ, handler_);
}

}  // namespace patchbench::results
