#include "mapping.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <unistd.h>

#include "landing_pads.hpp"
#include "newer_linux.hpp"

namespace patchbench {

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

std::size_t round_up_to_pages(std::size_t size) {
  const std::size_t page = page_size();
  if (size == 0 || size > SIZE_MAX / 2) throw_errno("zone size", EINVAL);
  return (size + page - 1) / page * page;
}

void throw_errno(const char* call) { throw_errno(call, errno); }

void throw_errno(const char* call, int error) {
  throw std::system_error(error, std::generic_category(), call);
}

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

namespace {

std::size_t physical_memory() {
  return static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * page_size();
}

/// For memory that no file system limits: asking for this much would end with the OOM killer.
void require_machine_memory(std::size_t size, const char* what) {
  if (size > physical_memory()) throw_errno(what, ENOMEM);
}

void* map_at(std::uintptr_t at, std::size_t size, int protection, int flags, int fd,
             const char* what) {
  if (at != 0) flags |= MAP_FIXED_NOREPLACE;
  void* address = mmap(reinterpret_cast<void*>(at), size, protection, flags, fd, 0);
  if (address == MAP_FAILED) throw_errno(what);
  // Kernels before 4.17 take MAP_FIXED_NOREPLACE for a hint.
  if (at != 0 && reinterpret_cast<std::uintptr_t>(address) != at) {
    munmap(address, size);
    throw_errno(what, EEXIST);
  }
  // Anonymous memory is given 2 MiB pages where it can be and memfds are not: left alone, that
  // difference would be measured as the strategy's. Refusal (a kernel without THP) is what is
  // wanted.
  madvise(address, size, MADV_NOHUGEPAGE);
  return address;
}

const char* name_of_view(int protection) {
  switch (protection & (PROT_READ | PROT_WRITE | PROT_EXEC)) {
    case PROT_READ | PROT_EXEC:
      return "mmap (read-execute view)";
    case PROT_READ | PROT_WRITE:
      return "mmap (read-write view)";
    case PROT_READ | PROT_WRITE | PROT_EXEC:
      return "mmap (read-write-execute)";
    default:
      return "mmap";
  }
}

}  // namespace

Mapping Mapping::anonymous(std::size_t size, int protection, std::uintptr_t at) {
  return {map_at(at, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, name_of_view(protection)),
          size};
}

Mapping Mapping::shared_view(const Fd& file, std::size_t size, int protection, std::uintptr_t at) {
  return {map_at(at, size, protection, MAP_SHARED, file.get(), name_of_view(protection)), size};
}

Mapping Mapping::shared_anonymous(std::size_t size, int protection, std::uintptr_t at) {
  require_machine_memory(size, "mmap (more than this machine's memory)");
  return {map_at(at, size, protection, MAP_SHARED | MAP_ANONYMOUS, -1, name_of_view(protection)),
          size};
}

Mapping Mapping::reserved(std::size_t size, std::uintptr_t at) {
  return {map_at(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                 "mmap (reserved addresses)"),
          size};
}

Mapping Mapping::alias_of(const Mapping& shared, int protection, std::uintptr_t at) {
  // MREMAP_FIXED replaces what is there, so the place is taken first, and only when it is free.
  Mapping place;
  int flags = MREMAP_MAYMOVE;
  if (at != 0) {
    place = reserved(shared.size(), at);
    flags |= MREMAP_FIXED;
  }
  // The fifth argument is always given: glibc 2.36 reads it in any case.
  void* address = mremap(shared.address(), 0, shared.size(), flags, place.address());
  if (address == MAP_FAILED) throw_errno("mremap (second view)");
  static_cast<void>(place.release());
  Mapping alias{address, shared.size()};
  if (mprotect(address, shared.size(), protection) != 0) throw_errno("mprotect (second view)");
  return alias;
}

void Mapping::replace(const Fd& file, int protection) {
  if (mmap(address_, size_, protection, MAP_SHARED | MAP_FIXED, file.get(), 0) == MAP_FAILED) {
    throw_errno(name_of_view(protection));
  }
  madvise(address_, size_, MADV_NOHUGEPAGE);
}

void Mapping::move_to(Mapping& replaced) {
  move_pages(address_, replaced.size(), replaced.address());
  static_cast<void>(release());
}

void Mapping::reset() noexcept {
  if (address_ != nullptr) {
    munmap(address_, size_);
    address_ = nullptr;
    size_ = 0;
  }
}

Mapping::~Mapping() { reset(); }

ShmAttachment::ShmAttachment(int segment, int flags, std::uintptr_t at) {
  // Without SHM_REMAP an occupied address is refused (EINVAL), as MAP_FIXED_NOREPLACE would.
  void* address = shmat(segment, reinterpret_cast<void*>(at), flags);
  // shmat(2) reports failure as (void*)-1.
  if (reinterpret_cast<std::intptr_t>(address) == -1) {
    throw_errno((flags & SHM_EXEC) != 0 ? "shmat (read-execute view)" : "shmat (read-write view)");
  }
  address_ = address;
}

void ShmAttachment::forbid_huge_pages(std::size_t size) noexcept {
  madvise(address_, size, MADV_NOHUGEPAGE);
}

void ShmAttachment::move_to(ShmAttachment& replaced, std::size_t size) {
  move_pages(address_, size, replaced.address_);
  address_ = nullptr;
}

ShmAttachment::~ShmAttachment() {
  if (address_ != nullptr) shmdt(address_);
}

DualView::DualView(const Fd& file, const ZoneRequest& request)
    : exec_(Mapping::shared_view(file, round_up_to_pages(request.size),
                                 protection_to_execute(request), request.placement.exec_at)),
      writable_(Mapping::shared_view(file, round_up_to_pages(request.size), PROT_READ | PROT_WRITE,
                                     request.placement.writable_at)),
      delta_(reinterpret_cast<std::uintptr_t>(writable_.address()) -
             reinterpret_cast<std::uintptr_t>(exec_.address())),
      protection_(protection_to_execute(request)) {}

void DualView::isolate(const Fd& copy) {
  copy_code(copy, exec_.bytes(), size());
  exec_.replace(copy, protection_);
  if (has_writable()) writable_.replace(copy, PROT_READ | PROT_WRITE);
}

int protection_to_execute(const ZoneRequest& request) noexcept {
  return PROT_READ | PROT_EXEC | (request.landing_pads ? landing_pad_protection() : 0);
}

namespace {

/// What is written is allocated; a full file system is an error here, and would be a SIGBUS later.
void allocate_by_writing(const Fd& file, std::size_t size) {
  constexpr std::array<char, 1> kZero{};
  for (std::size_t at = 0; at < size; at += page_size()) {
    ssize_t written = 0;
    do {
      written = pwrite(file.get(), kZero.data(), kZero.size(), static_cast<off_t>(at));
    } while (written < 0 && errno == EINTR);
    if (written < 0) throw_errno("pwrite");
  }
}

}  // namespace

void check_file_size_limit(std::size_t size) {
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      limit.rlim_cur < size) {
    throw_errno("ftruncate (over RLIMIT_FSIZE)", EFBIG);
  }
}

void move_pages(void* from, std::size_t size, void* to) {
  if (mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
    throw_errno("mremap");
  }
}

void allocate_file(const Fd& file, std::size_t size) {
  check_file_size_limit(size);
  if (ftruncate(file.get(), static_cast<off_t>(size)) != 0) throw_errno("ftruncate");
  // Some file systems cannot allocate ahead.
  if (fallocate(file.get(), 0, 0, static_cast<off_t>(size)) == 0) return;
  // ENOSYS: a sandbox hides the call (qemu-user, gVisor, old seccomp profiles).
  if (errno != EOPNOTSUPP && errno != ENOSYS) throw_errno("fallocate");
  allocate_by_writing(file, size);
}

Fd posix_shm(std::size_t size) {
  require_machine_memory(size, "fallocate (more than this machine's memory)");
  // The name is this process's own, and lives for two calls: a crash between them leaves the file.
  static std::atomic<unsigned> number{0};
  const std::string name =
      "/patchbench-" + std::to_string(getpid()) + "-" + std::to_string(number++);
  Fd file{shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0700)};
  if (!file) throw_errno("shm_open");
  if (shm_unlink(name.c_str()) != 0) throw_errno("shm_unlink");
  allocate_file(file, size);
  return file;
}

bool write_all(const Fd& file, const std::byte* bytes, std::size_t size,
               std::uintptr_t offset) noexcept {
  while (size > 0) {
    const ssize_t written = pwrite(file.get(), bytes, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    offset += static_cast<std::size_t>(written);
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

void copy_code(const Fd& to, const std::byte* code, std::size_t size) {
  if (!write_all(to, code, size, 0)) throw_errno("pwrite (copy of the code)");
}

Fd executable_memfd(const char* name, std::size_t size) {
  require_machine_memory(size, "fallocate (more than this machine's memory)");
  Fd file{memfd_create(name, MFD_CLOEXEC | MFD_EXEC)};
  if (!file && errno != ENOMEM && errno != EMFILE && errno != ENFILE) {
    // EINVAL: a kernel before 6.3. EACCES: vm.memfd_noexec=2 refuses the flag, yet a memfd without
    // it may still be mapped executable.
    file = Fd{memfd_create(name, MFD_CLOEXEC)};
  }
  if (!file) throw_errno("memfd_create");
  allocate_file(file, size);
  return file;
}

}  // namespace patchbench
