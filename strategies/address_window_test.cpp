#include "address_window.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>
#include <system_error>

#include <patchbench_catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "mapping.hpp"
#include "process_memory_test.hpp"

namespace patchbench::testing {
namespace {

/// A window of that size in which nothing is.
AddressWindow empty_window(std::size_t size) {
  const std::uintptr_t first = free_place(size);
  return {.first = first, .end = first + size};
}

TEST_CASE("the lowest free range of a window is found, and can be mapped") {
  const AddressWindow window = empty_window(8 * kMiB);
  const auto first = free_in(window, kMiB, page_size());
  REQUIRE(first == window.first);
  const Mapping taken = Mapping::anonymous(kMiB, PROT_READ, *first);
  const auto second = free_in(window, kMiB, page_size());
  REQUIRE(second == window.first + kMiB);
  CHECK(Mapping::anonymous(kMiB, PROT_READ, *second).address() != nullptr);
  CHECK(free_in(window, kMiB, 2 * kMiB) == window.first + 2 * kMiB);
}

TEST_CASE("a hole that is too small is passed over") {
  const AddressWindow window = empty_window(8 * kMiB);
  const Mapping one = Mapping::anonymous(kMiB, PROT_READ, window.first);
  const Mapping other = Mapping::anonymous(kMiB, PROT_READ, window.first + 2 * kMiB);
  CHECK(free_in(window, kMiB, page_size()) == window.first + kMiB);
  CHECK(free_in(window, kMiB + page_size(), page_size()) == window.first + 3 * kMiB);
}

TEST_CASE("a full window is refused by its name") {
  const AddressWindow window = empty_window(4 * kMiB);
  CHECK(free_in(window, 4 * kMiB, page_size()).has_value());
  CHECK_FALSE(free_in(window, 4 * kMiB + page_size(), page_size()).has_value());
  const Mapping full = Mapping::reserved(4 * kMiB, window.first);
  CHECK_FALSE(free_in(window, page_size(), page_size()).has_value());
  try {
    static_cast<void>(require_free_in(window, kMiB, page_size()));
    FAIL("a full window has room");
  } catch (const std::system_error& refused) {
    CHECK(refused.code().value() == ENOMEM);
    std::array<char, 32> name{};
    std::snprintf(name.data(), name.size(), "%#lx-%#lx", window.first, window.end);
    INFO(refused.what());
    CHECK(std::string(refused.what()).find(name.data()) != std::string::npos);
  }
}

TEST_CASE("where the kernel has no PROCMAP_QUERY the file is read") {
  const std::string maps = "/dev/shm/patchbench-maps-" + std::to_string(getpid());
  std::ofstream(maps) << "100000-200000 r-xp 00000000 00:00 0\n"
                         "300000-400000 rw-p 00000000 00:00 0 [heap]\n";
  const AddressWindow window{.first = 0x100000, .end = 0x800000};
  CHECK(free_in(window, 0x100000, 0x1000, maps) == 0x200000);
  CHECK(free_in(window, 0x100001, 0x1000, maps) == 0x400000);
  CHECK_FALSE(free_in(window, 0x400001, 0x1000, maps).has_value());
  std::ofstream(maps) << "nonsense\n";
  CHECK_FALSE(free_in(window, 0x1000, 0x1000, maps).has_value());
  unlink(maps.c_str());
  CHECK_FALSE(free_in(window, 0x1000, 0x1000, maps).has_value());
}

TEST_CASE("windows at the ends of the address space do not wrap") {
  CHECK(low_2g().end == std::uintptr_t{1} << 31U);
  CHECK(window_around(0x5000, kMiB).first == kMiB);
  CHECK(window_around(UINTPTR_MAX - 5, kMiB).end == UINTPTR_MAX);
  const AddressWindow last{.first = UINTPTR_MAX - 0x100, .end = UINTPTR_MAX};
  CHECK_FALSE(free_in(last, 0x1000, 0x1000).has_value());
  const AddressWindow reversed{.first = 4 * kMiB, .end = 2 * kMiB};
  CHECK_FALSE(free_in(reversed, 0x1000, 0x1000).has_value());
}

}  // namespace
}  // namespace patchbench::testing
