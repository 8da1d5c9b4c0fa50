#include "asmjit_dual.hpp"

#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <asmjit/core.h>
#include <sys/mman.h>

#include "landing_pads.hpp"
#include "mapping.hpp"

namespace patchbench {
namespace {

// AsmJit's errors do not keep errno; these are the ones that its sources make of it.
int errno_of(asmjit::Error error) {
  switch (error) {
    case asmjit::kErrorOutOfMemory:
    case asmjit::kErrorTooLarge:
      return ENOMEM;
    case asmjit::kErrorTooManyHandles:
      return EMFILE;
    case asmjit::kErrorInvalidArgument:
      return EINVAL;
    default:
      return EACCES;
  }
}

/// Taken before AsmJit maps anything, which might choose that very place.
Mapping taken_place(std::size_t size, std::uintptr_t at) {
  return at == 0 ? Mapping{} : Mapping::reserved(size, at);
}

void move_to(Mapping place, void*& view, std::size_t size) {
  if (place.address() != nullptr) {
    move_pages(view, size, place.address());
    view = place.release();
  }
  madvise(view, size, MADV_NOHUGEPAGE);  // as every zone (mapping.cpp)
}

}  // namespace

AsmjitMapping::AsmjitMapping(const ZoneRequest& request)
    : size_(zone_size(request)), landing_pads_(request.landing_pads) {
  require_base_pages(request, "mmap (AsmJit's VirtMem chooses the pages)");
  require_no_populate(request, "mmap (AsmJit's VirtMem chooses its flags)");
  check_file_size_limit(size_);
  Mapping exec_place = taken_place(size_, request.placement.exec_at);
  Mapping writable_place = taken_place(size_, request.placement.writable_at);
  asmjit::VirtMem::DualMapping made{};
  const asmjit::Error error =
      asmjit::VirtMem::allocDualMapping(&made, size_, asmjit::VirtMem::MemoryFlags::kAccessRWX);
  if (error != asmjit::kErrorOk) {
    const std::string what = std::string{"mmap (AsmJit's VirtMem::allocDualMapping: "} +
                             asmjit::DebugUtils::errorAsString(error) + ")";
    throw std::system_error(errno_of(error), std::generic_category(), what);
  }
  exec_ = made.rx;
  writable_ = made.rw;
  try {
    move_to(std::move(exec_place), exec_, size_);
    move_to(std::move(writable_place), writable_, size_);
    const int protection = protection_to_execute(request);
    if (request.landing_pads && landing_pad_protection() != 0 &&
        mprotect(exec_, size_, protection) != 0) {
      throw_errno("mprotect (landing pads)");
    }
  } catch (...) {
    munmap(exec_, size_);
    munmap(writable_, size_);
    throw;
  }
}

void AsmjitMapping::isolate() {
  AsmjitMapping copy{ZoneRequest{.size = size_, .landing_pads = landing_pads_}};
  std::memcpy(copy.writable_, exec_, size_);
  move_pages(copy.exec_, size_, exec_);
  move_pages(copy.writable_, size_, writable_);
  copy.exec_ = nullptr;  // what it had is here now
}

AsmjitMapping::~AsmjitMapping() {
  if (exec_ == nullptr) return;
  asmjit::VirtMem::DualMapping mine{.rx = exec_, .rw = writable_};
  asmjit::VirtMem::releaseDualMapping(&mine, size_);
}

}  // namespace patchbench
