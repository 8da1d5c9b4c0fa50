#include "failing_calls_test.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstddef>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
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

void* __real_mremap(void* from, std::size_t old_size, std::size_t size, int flags, ...);
void* __wrap_mremap(void* from, std::size_t old_size, std::size_t size, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  void* to = va_arg(arguments, void*);
  va_end(arguments);
  return fails(Call::mremap) ? MAP_FAILED : __real_mremap(from, old_size, size, flags, to);
}

int __real_shm_open(const char* name, int flags, mode_t mode);
int __wrap_shm_open(const char* name, int flags, mode_t mode) {
  return fails(Call::shm_open) ? -1 : __real_shm_open(name, flags, mode);
}

int __real_shm_unlink(const char* name);
int __wrap_shm_unlink(const char* name) {
  return fails(Call::shm_unlink) ? -1 : __real_shm_unlink(name);
}

ssize_t __real_pwrite(int fd, const void* bytes, std::size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void* bytes, std::size_t size, off_t offset) {
  return fails(Call::pwrite) ? -1 : __real_pwrite(fd, bytes, size, offset);
}

int __real_pkey_alloc(unsigned flags, unsigned rights);
int __wrap_pkey_alloc(unsigned flags, unsigned rights) {
  return fails(Call::pkey_alloc) ? -1 : __real_pkey_alloc(flags, rights);
}

int __real_pkey_mprotect(void* at, std::size_t size, int protection, int key);
int __wrap_pkey_mprotect(void* at, std::size_t size, int protection, int key) {
  return fails(Call::pkey_mprotect) ? -1 : __real_pkey_mprotect(at, size, protection, key);
}

int __real_socketpair(int domain, int type, int protocol, int* ends);
int __wrap_socketpair(int domain, int type, int protocol, int* ends) {
  return fails(Call::socketpair) ? -1 : __real_socketpair(domain, type, protocol, ends);
}

pid_t __real_fork();
pid_t __wrap_fork() { return fails(Call::fork) ? -1 : __real_fork(); }

ssize_t __real_process_vm_writev(pid_t process, const iovec* from, unsigned long from_count,
                                 const iovec* to, unsigned long to_count, unsigned long flags);
ssize_t __wrap_process_vm_writev(pid_t process, const iovec* from, unsigned long from_count,
                                 const iovec* to, unsigned long to_count, unsigned long flags) {
  return fails(Call::process_vm_writev)
             ? -1
             : __real_process_vm_writev(process, from, from_count, to, to_count, flags);
}

/// membarrier(2), for which the C library has no function, is made in this way; and AsmJit makes
/// memfd_create(2) so, which is let through. Neither has more arguments.
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
  va_list arguments;
  va_start(arguments, number);
  const long first = va_arg(arguments, long);
  const long second = va_arg(arguments, long);
  const long third = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_membarrier && fails(Call::membarrier)) return -1;
  return __real_syscall(number, first, second, third);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
