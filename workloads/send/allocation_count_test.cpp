#include "workloads/send/allocation_count_test.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <patchbench_catch.hpp>

namespace {

std::atomic<std::uint64_t> count{0};

void* count_and_allocate(std::size_t size, std::align_val_t alignment = std::align_val_t{
                                               alignof(std::max_align_t)}) noexcept {
  ++count;
  // aligned_alloc wants a multiple of the alignment, and at least one.
  const auto unit = static_cast<std::size_t>(alignment);
  return std::aligned_alloc(unit, (size + unit) / unit * unit);
}

void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// All forms, although those of the standard library call one another: a sanitizer's do not.
using Size = std::size_t;
using Align = std::align_val_t;
using NoThrow = std::nothrow_t;
void* operator new(Size size) { return or_throw(count_and_allocate(size)); }
void* operator new[](Size size) { return or_throw(count_and_allocate(size)); }
void* operator new(Size size, Align align) { return or_throw(count_and_allocate(size, align)); }
void* operator new[](Size size, Align align) { return or_throw(count_and_allocate(size, align)); }
void* operator new(Size size, const NoThrow&) noexcept { return count_and_allocate(size); }
void* operator new[](Size size, const NoThrow&) noexcept { return count_and_allocate(size); }
void* operator new(Size size, Align align, const NoThrow&) noexcept {
  return count_and_allocate(size, align);
}
void* operator new[](Size size, Align align, const NoThrow&) noexcept {
  return count_and_allocate(size, align);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, Size) noexcept { std::free(memory); }
void operator delete[](void* memory, Size) noexcept { std::free(memory); }
void operator delete(void* memory, Align) noexcept { std::free(memory); }
void operator delete[](void* memory, Align) noexcept { std::free(memory); }
void operator delete(void* memory, Size, Align) noexcept { std::free(memory); }
void operator delete[](void* memory, Size, Align) noexcept { std::free(memory); }
void operator delete(void* memory, const NoThrow&) noexcept { std::free(memory); }
void operator delete[](void* memory, const NoThrow&) noexcept { std::free(memory); }

namespace patchbench::testing {

std::uint64_t allocations() noexcept { return count.load(); }

TEST_CASE("allocations are counted") {
  // Called by name: a new-expression whose result nobody uses may be optimised away. Read before
  // anything is asserted: that may allocate too.
  const std::uint64_t before = allocations();
  ::operator delete(::operator new(8));
  const std::uint64_t after_one = allocations();
  ::operator delete[](::operator new[](8));
  ::operator delete(::operator new(8, std::nothrow));
  ::operator delete (::operator new (64, Align{64}), Align{64});
  const std::uint64_t after_four = allocations();
  CHECK(after_one == before + 1);
  CHECK(after_four == before + 4);
}

}  // namespace patchbench::testing
