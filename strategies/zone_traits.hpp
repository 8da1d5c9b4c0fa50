// strategies/zone_traits.hpp - what a zone may say of itself beside the contract of CodeZone, and
// what holds where it says nothing.
//
//   kStaged = true                 stores go to a staging area and reach the code when the scope
//                                  ends, which also makes them visible to instruction fetch
//   kWritableOnlyInScope = true    between scopes writable() may lead nowhere
//   kOpensWholeZone = true         a scope makes all of the zone unexecutable
//   kWritableAndExecutableInScope  inside a scope what is open is both at once
//   kMadeByLibrary = true          its system calls are made by a library that is not ours
//   kInFileSystem = true           its memory is that of a file on whatever file system there is
//   kHasProtectionKey = true       what is mapped over it by mmap(2) alone would not be guarded
//   kFork                          what a child of fork(2) has (Fork)
//
// policy.hpp has what policies refuse, and what a machine may lack.
#pragma once

#include <cstddef>
#include <string_view>

namespace patchbench {

/// What happens to the parent's code when a child of fork(2) patches the zone that it inherited.
/// An author's own answer to PCRE2 issue 162 and the like: state it, because nothing else does.
enum class Fork {
  isolated,  // nothing: its memory is private
  shared,    // it changes too
};

[[nodiscard]] constexpr std::string_view to_string(Fork fork) noexcept {
  return fork == Fork::shared ? "shared" : "isolated";
}

template <class Zone>
[[nodiscard]] constexpr Fork fork_of() noexcept {
  if constexpr (requires { Zone::kFork; }) {
    return Zone::kFork;
  } else {
    return Fork::isolated;
  }
}

/// For a child of fork(2), before it patches or its parent does: it gets a copy of the code, at the
/// same addresses, that no other process changes. The parent must not patch meanwhile, or the copy
/// may be torn. Throws std::system_error as the zone's constructor does.
template <class Zone>
void isolate_after_fork(Zone& zone) {
  if constexpr (fork_of<Zone>() == Fork::shared) zone.isolate_after_fork();
}

/// Before code is stored in the first `bytes` of a zone of which less was committed
/// (ZoneRequest::committed): allocates them, so that a full file system is an error here and not
/// SIGBUS at the store. Zones whose memory no file system limits do nothing. Throws
/// std::system_error (ENOSPC).
template <class Zone>
void commit(Zone& zone, std::size_t bytes) {
  if constexpr (requires { zone.commit(bytes); }) zone.commit(bytes);
}

template <class Zone>
[[nodiscard]] constexpr bool is_staged() noexcept {
  return requires { Zone::kStaged; };
}

template <class Zone>
[[nodiscard]] constexpr bool is_writable_only_in_scope() noexcept {
  return requires { Zone::kWritableOnlyInScope; };
}

template <class Zone>
[[nodiscard]] constexpr bool opens_whole_zone() noexcept {
  return requires { Zone::kOpensWholeZone; };
}

template <class Zone>
[[nodiscard]] constexpr bool is_writable_and_executable_in_scope() noexcept {
  return requires { Zone::kWritableAndExecutableInScope; };
}

template <class Zone>
[[nodiscard]] constexpr bool is_made_by_library() noexcept {
  return requires { Zone::kMadeByLibrary; };
}

template <class Zone>
[[nodiscard]] constexpr bool is_in_file_system() noexcept {
  return requires { Zone::kInFileSystem; };
}

template <class Zone>
[[nodiscard]] constexpr bool has_protection_key() noexcept {
  return requires { Zone::kHasProtectionKey; };
}

}  // namespace patchbench
