#include "results/file.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace patchbench::results {
namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), std::string(what) + ' ' + path.string());
}

}  // namespace

File::File(std::filesystem::path path, int flags, unsigned mode)
    : path_(std::move(path)), fd_(::open(path_.c_str(), flags | O_CLOEXEC, mode)) {
  if (fd_ < 0) fail("cannot open", path_);
}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

std::size_t File::write_once(std::string_view text) {
  while (true) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written >= 0) return static_cast<std::size_t>(written);
    if (errno != EINTR) fail("cannot write", path_);
  }
}

void File::write_all(std::string_view text) {
  while (!text.empty()) text.remove_prefix(write_once(text));
}

std::uint64_t File::size() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) fail("cannot read the size of", path_);
  return static_cast<std::uint64_t>(status.st_size);
}

void File::truncate(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) fail("cannot truncate", path_);
}

void File::sync() {
  if (::fsync(fd_) != 0) fail("cannot sync", path_);
}

bool File::lock() {
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) fail("cannot lock", path_);
  return false;
}

void File::close() {
  if (::close(std::exchange(fd_, -1)) != 0) fail("cannot close", path_);
}

std::string read_text(const std::filesystem::path& file) {
  // O_RDONLY opens a directory too; read(2) then says EISDIR, which is the message wanted.
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("cannot open", file);
  std::string text;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) {
      const int error = errno;
      ::close(fd);
      errno = error;
      fail("cannot read", file);
    }
  }
  ::close(fd);
  return text;
}

void write_text_atomically(const std::filesystem::path& file, std::string_view text) {
  // The process id keeps two writers apart; a file left by a crashed one with the same id is
  // reused.
  std::string name = ".";
  name += file.filename().string();
  name += ".tmp." + std::to_string(::getpid());
  const std::filesystem::path temporary = file.parent_path() / name;
  try {
    File out(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
    out.write_all(text);
    out.sync();
    out.close();
    if (::rename(temporary.c_str(), file.c_str()) != 0) fail("cannot replace", file);
  } catch (const std::system_error& error) {
    ::unlink(temporary.c_str());
    throw std::system_error(error.code(), "cannot write " + file.string());
  }
  // The rename is durable once the directory is. Some file systems cannot sync one; the file itself
  // is safe.
  const std::filesystem::path directory = file.has_parent_path() ? file.parent_path() : ".";
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    (void)::fsync(fd);
    ::close(fd);
  }
}

}  // namespace patchbench::results
