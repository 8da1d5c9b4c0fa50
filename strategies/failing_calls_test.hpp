// strategies/failing_calls_test.hpp - for tests: makes chosen calls of the C library fail.
//
// The linker puts these in the place of the C library's (ld(1), --wrap); see CMakeLists.txt, which
// has the same list. Nothing here is for more than one thread.
#pragma once

#include <array>
#include <string_view>

namespace patchbench::testing {

enum class Call {
  mmap,
  mprotect,
  madvise,
  shmget,
  shmat,
  shmctl,
  memfd_create,
  ftruncate,
  fallocate,
  open,
  mkostemp,
  unlink,
  fstatfs,
  getrlimit,
  membarrier,
  mremap,
  shm_open,
  shm_unlink,
  pwrite,
  pkey_alloc,
  pkey_mprotect,
  socketpair,
  fork,
  process_vm_writev,
};

inline constexpr std::array<std::string_view, 24> kCallNames{
    "mmap",         "mprotect",   "madvise",       "shmget",     "shmat",    "shmctl",
    "memfd_create", "ftruncate",  "fallocate",     "open",       "mkostemp", "unlink",
    "fstatfs",      "getrlimit",  "membarrier",    "mremap",     "shm_open", "shm_unlink",
    "pwrite",       "pkey_alloc", "pkey_mprotect", "socketpair", "fork",     "process_vm_writev"};

[[nodiscard]] constexpr std::string_view name_of(Call call) {
  return kCallNames.at(static_cast<std::size_t>(call));
}

/// How often each call was made, in the order of Call.
using CallCounts = std::array<int, kCallNames.size()>;

/// From now on counts from zero.
void count_calls();
[[nodiscard]] CallCounts calls_made();

/// Lets the n-th call from now on (from 1), and with `lasting` every later one, fail with `error`.
/// More than one call may be set to fail.
void let_fail(Call call, int nth, int error, bool lasting);
void let_nothing_fail();

}  // namespace patchbench::testing
