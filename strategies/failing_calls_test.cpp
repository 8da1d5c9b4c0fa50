#include "failing_calls_test.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdlib>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace patchbench::testing {
namespace {

struct Failure {
  int nth = 0;  // zero: none
  int error = 0;
  bool lasting = false;
};

// Plain arrays: a sanitizer's runtime calls through here before it is ready for the checks in the
// standard library's (CMakeLists.txt takes this file's own away).
constinit int counts[kCallNames.size()] = {};
constinit Failure failures[kCallNames.size()] = {};

constexpr std::size_t index_of(Call call) { return static_cast<std::size_t>(call); }

// Counts the call; sets errno if it is to fail.
bool fails(Call call) noexcept {
  const int now = ++counts[index_of(call)];
  const Failure& failure = failures[index_of(call)];
  if (failure.nth == 0 || now < failure.nth || (now > failure.nth && !failure.lasting)) {
    return false;
  }
  errno = failure.error;
  return true;
}

}  // namespace

void count_calls() { std::ranges::fill(counts, 0); }

CallCounts calls_made() { return std::to_array(counts); }

void let_fail(Call call, int nth, int error, bool lasting) {
  failures[index_of(call)] = {
      .nth = counts[index_of(call)] + nth, .error = error, .lasting = lasting};
}

void let_nothing_fail() { std::ranges::fill(failures, Failure{}); }

}  // namespace patchbench::testing

// The names are the linker's.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
using patchbench::testing::Call;
using patchbench::testing::fails;

extern "C" {

void* __real_mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset);
void* __wrap_mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) {
  return fails(Call::mmap) ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}

int __real_mprotect(void* at, std::size_t size, int protection);
int __wrap_mprotect(void* at, std::size_t size, int protection) {
  return fails(Call::mprotect) ? -1 : __real_mprotect(at, size, protection);
}

int __real_madvise(void* at, std::size_t size, int advice);
int __wrap_madvise(void* at, std::size_t size, int advice) {
  return fails(Call::madvise) ? -1 : __real_madvise(at, size, advice);
}

int __real_shmget(key_t key, std::size_t size, int flags);
int __wrap_shmget(key_t key, std::size_t size, int flags) {
  return fails(Call::shmget) ? -1 : __real_shmget(key, size, flags);
}

void* __real_shmat(int segment, const void* at, int flags);
void* __wrap_shmat(int segment, const void* at, int flags) {
  return fails(Call::shmat) ? MAP_FAILED : __real_shmat(segment, at, flags);
}

int __real_shmctl(int segment, int command, shmid_ds* data);
int __wrap_shmctl(int segment, int command, shmid_ds* data) {
  return fails(Call::shmctl) ? -1 : __real_shmctl(segment, command, data);
}

int __real_memfd_create(const char* name, unsigned flags);
int __wrap_memfd_create(const char* name, unsigned flags) {
  return fails(Call::memfd_create) ? -1 : __real_memfd_create(name, flags);
}

int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size) {
  return fails(Call::ftruncate) ? -1 : __real_ftruncate(fd, size);
}

int __real_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size) {
  return fails(Call::fallocate) ? -1 : __real_fallocate(fd, mode, offset, size);
}

int __real_open(const char* path, int flags, ...);
int __wrap_open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return fails(Call::open) ? -1 : __real_open(path, flags, mode);
}

int __real_mkostemp(char* name, int flags);
int __wrap_mkostemp(char* name, int flags) {
  return fails(Call::mkostemp) ? -1 : __real_mkostemp(name, flags);
}

int __real_unlink(const char* path);
int __wrap_unlink(const char* path) { return fails(Call::unlink) ? -1 : __real_unlink(path); }

int __real_fstatfs(int fd, struct statfs* information);
int __wrap_fstatfs(int fd, struct statfs* information) {
  return fails(Call::fstatfs) ? -1 : __real_fstatfs(fd, information);
}

int __real_getrlimit(decltype(RLIMIT_AS) resource, rlimit* limit);
int __wrap_getrlimit(decltype(RLIMIT_AS) resource, rlimit* limit) {
  return fails(Call::getrlimit) ? -1 : __real_getrlimit(resource, limit);
}

/// membarrier(2), for which the C library has no function, is the only one made in this way.
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
  va_list arguments;
  va_start(arguments, number);
  const int command = va_arg(arguments, int);
  const unsigned flags = va_arg(arguments, unsigned);
  const int cpu = va_arg(arguments, int);
  va_end(arguments);
  if (number != SYS_membarrier) std::abort();
  return fails(Call::membarrier) ? -1 : __real_syscall(number, command, flags, cpu);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
