#include "mapping.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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
  return round_up(size, page);
}

std::size_t zone_size(const ZoneRequest& request) {
  const std::size_t pages = round_up_to_pages(request.size);
  return request.pages == Pages::base ? pages : round_up(pages, kHugePage);
}

std::size_t committed_size(const ZoneRequest& request) {
  const std::size_t all = zone_size(request);
  // The pool of huge pages promises them when they are mapped: there is nothing to commit later.
  if (request.committed == 0 || request.committed >= all || request.pages == Pages::hugetlb) {
    return all;
  }
  return zone_size({.size = request.committed, .pages = request.pages});
}

std::uintptr_t aligned_place(std::size_t size) {
  void* range = mmap(nullptr, size + kHugePage, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) throw_errno("mmap (2 MiB alignment)");
  munmap(range, size + kHugePage);
  return round_up(reinterpret_cast<std::uintptr_t>(range), kHugePage);
}

void require_base_pages(const ZoneRequest& request, const char* why) {
  if (request.pages != Pages::base) throw_errno(why, EOPNOTSUPP);
}

void require_no_populate(const ZoneRequest& request, const char* why) {
  if (request.populate) throw_errno(why, EOPNOTSUPP);
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
  static const auto pages = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES));  // reads a file
  return pages * page_size();
}

/// For memory that no file system limits: asking for this much would end with the OOM killer.
void require_machine_memory(std::size_t size, const char* what) {
  if (size > physical_memory()) throw_errno(what, ENOMEM);
}

/// Anonymous memory is given 2 MiB pages where it can be and memfds are not: left alone, that
/// difference would be measured as the strategy's. So the kernel is asked for one or the other. Its
/// refusal to forbid them (a kernel without THP) is what is wanted.
///
/// MADV_COLLAPSE does at once what khugepaged may do some day, for shared memory whatever
/// shmem_enabled says (madvise(2), Linux 6.1). It needs pages that it can begin with.
/// What cannot be written yet has its huge pages from its first touch, or has none.
void set_pages(void* address, const Place& place, std::size_t size, int protection, bool shared) {
  if (place.pages == Pages::hugetlb) return;
  if (place.pages == Pages::base) {
    madvise(address, size, MADV_NOHUGEPAGE);
    return;
  }
  if (madvise(address, size, MADV_HUGEPAGE) != 0) throw_errno("madvise (MADV_HUGEPAGE)");
  if (protection == PROT_NONE || place.committed == 0) return;
  const std::size_t committed = std::min(place.committed, size);
  if (!shared && (protection & PROT_WRITE) == 0) return;
  if (madvise(address, committed, shared ? MADV_POPULATE_READ : MADV_POPULATE_WRITE) != 0) {
    throw_errno("madvise (to populate, before MADV_COLLAPSE)");
  }
  if (madvise(address, committed, MADV_COLLAPSE) != 0) throw_errno("madvise (MADV_COLLAPSE)");
}

/// mmap(2) with MAP_POPULATE touches pages before madvise(2) can say of which size they may be, so
/// that larger ones are forbidden to the process meanwhile (PR_SET_THP_DISABLE, Linux 3.15).
class BasePagesMeanwhile {
 public:
  explicit BasePagesMeanwhile(bool wanted)
      : before_(wanted ? prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) : -1) {
    if (before_ == 0) prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  }
  BasePagesMeanwhile(const BasePagesMeanwhile&) = delete;
  BasePagesMeanwhile& operator=(const BasePagesMeanwhile&) = delete;
  ~BasePagesMeanwhile() {
    if (before_ == 0) prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
  }

 private:
  int before_;  // -1: nothing to do, or a kernel without it
};

void* map_at(const Place& place, std::size_t size, int protection, int flags, int fd,
             const char* what) {
  std::uintptr_t at = place.at;
  if (place.pages != Pages::base) {
    if (at % kHugePage != 0) throw_errno("mmap (huge pages at no multiple of 2 MiB)", EINVAL);
    if (at == 0 && place.pages == Pages::transparent_huge) at = aligned_place(size);
    if (place.pages == Pages::hugetlb && fd == -1) flags |= MAP_HUGETLB | kHugetlbOf2MiB;
  }
  if (at != 0) flags |= MAP_FIXED_NOREPLACE;
  if (place.populate && protection != PROT_NONE) flags |= MAP_POPULATE;
  const BasePagesMeanwhile forbidden{place.populate && place.pages == Pages::base};
  void* address = mmap(reinterpret_cast<void*>(at), size, protection, flags, fd, 0);
  if (address == MAP_FAILED) {
    throw_errno(place.pages == Pages::hugetlb ? "mmap (pages of the hugetlb pool)" : what);
  }
  // Kernels before 4.17 take MAP_FIXED_NOREPLACE for a hint.
  if (at != 0 && reinterpret_cast<std::uintptr_t>(address) != at) {
    munmap(address, size);
    throw_errno(what, EEXIST);
  }
  try {
    set_pages(address, place, size, protection, (flags & MAP_SHARED) != 0);
  } catch (...) {
    munmap(address, size);
    throw;
  }
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

Mapping Mapping::anonymous(std::size_t size, int protection, Place place) {
  return {
      map_at(place, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, name_of_view(protection)),
      size};
}

Mapping Mapping::shared_view(const Fd& file, std::size_t size, int protection, Place place) {
  return {map_at(place, size, protection, MAP_SHARED, file.get(), name_of_view(protection)), size};
}

Mapping Mapping::shared_anonymous(std::size_t size, int protection, Place place) {
  require_machine_memory(size, "mmap (more than this machine's memory)");
  return {map_at(place, size, protection, MAP_SHARED | MAP_ANONYMOUS, -1, name_of_view(protection)),
          size};
}

Mapping Mapping::reserved(std::size_t size, Place place) {
  if (place.pages == Pages::hugetlb) throw_errno("mmap (reserved addresses)", EOPNOTSUPP);
  return {map_at(place, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                 "mmap (reserved addresses)"),
          size};
}

Mapping Mapping::alias_of(const Mapping& shared, int protection, Place place) {
  // MREMAP_FIXED replaces what is there, so the place is taken first, and only when it is free.
  Mapping taken;
  int flags = MREMAP_MAYMOVE;
  if (place.at != 0 || place.pages != Pages::base) {
    taken = reserved(shared.size(), place);
    flags |= MREMAP_FIXED;
  }
  // The fifth argument is always given: glibc 2.36 reads it in any case.
  void* address = mremap(shared.address(), 0, shared.size(), flags, taken.address());
  if (address == MAP_FAILED) throw_errno("mremap (second view)");
  static_cast<void>(taken.release());
  Mapping alias{address, shared.size()};
  if (mprotect(address, shared.size(), protection) != 0) throw_errno("mprotect (second view)");
  set_pages(address, place, shared.size(), protection, true);
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

void ShmAttachment::set_pages(std::size_t size, const Place& place) {
  patchbench::set_pages(address_, place, size, PROT_READ, true);
}

void ShmAttachment::move_to(ShmAttachment& replaced, std::size_t size) {
  move_pages(address_, size, replaced.address_);
  address_ = nullptr;
}

ShmAttachment::~ShmAttachment() {
  if (address_ != nullptr) shmdt(address_);
}

DualView::DualView(Fd file, const ZoneRequest& request)
    : exec_(Mapping::shared_view(file, zone_size(request), protection_to_execute(request),
                                 exec_place(request))),
      writable_(Mapping::shared_view(file, zone_size(request), PROT_READ | PROT_WRITE,
                                     writable_place(request))),
      delta_(reinterpret_cast<std::uintptr_t>(writable_.address()) -
             reinterpret_cast<std::uintptr_t>(exec_.address())),
      protection_(protection_to_execute(request)),
      pages_(request.pages),
      committed_(committed_size(request)) {
  if (committed_ < size()) file_ = std::move(file);
}

void DualView::commit(std::size_t bytes) {
  const std::size_t wanted = std::min(round_up_to_pages(bytes), size());
  if (wanted <= committed_) return;
  allocate_range(file_, committed_, wanted);
  committed_ = wanted;
}

FileMemory DualView::memory() const noexcept {
  FileMemory memory{size()};
  memory.committed = committed_;
  memory.pages = pages_;
  return memory;
}

void DualView::isolate(Fd copy) {
  copy_code(copy, exec_.bytes(), committed_);
  exec_.replace(copy, protection_);
  if (has_writable()) writable_.replace(copy, PROT_READ | PROT_WRITE);
  if (file_) file_ = std::move(copy);
}

int protection_to_execute(const ZoneRequest& request) noexcept {
  return PROT_READ | PROT_EXEC | (request.landing_pads ? landing_pad_protection() : 0);
}

namespace {

/// What is written is allocated; a full file system is an error here, and would be a SIGBUS later.
void allocate_by_writing(const Fd& file, std::size_t begin, std::size_t end) {
  constexpr std::array<char, 1> kZero{};
  for (std::size_t at = begin; at < end; at += page_size()) {
    ssize_t written = 0;
    do {
      written = pwrite(file.get(), kZero.data(), kZero.size(), static_cast<off_t>(at));
    } while (written < 0 && errno == EINTR);
    if (written < 0) throw_errno("pwrite");
  }
}

}  // namespace

void allocate_range(const Fd& file, std::size_t begin, std::size_t end) {
  // Some file systems cannot allocate ahead.
  if (fallocate(file.get(), 0, static_cast<off_t>(begin), static_cast<off_t>(end - begin)) == 0) {
    return;
  }
  // ENOSYS: a sandbox hides the call (qemu-user, gVisor, old seccomp profiles).
  if (errno != EOPNOTSUPP && errno != ENOSYS) throw_errno("fallocate");
  allocate_by_writing(file, begin, end);
}

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

void allocate_file(const Fd& file, const FileMemory& memory) {
  check_file_size_limit(memory.size);
  if (ftruncate(file.get(), static_cast<off_t>(memory.size)) != 0) throw_errno("ftruncate");
  if (memory.pages == Pages::hugetlb) {
    // The pool is what can be exhausted, and no file system.
    if (fallocate(file.get(), 0, 0, static_cast<off_t>(memory.committed)) != 0) {
      throw_errno("fallocate (pages of the hugetlb pool)");
    }
    return;
  }
  allocate_range(file, 0, memory.committed);
}

Fd posix_shm(const FileMemory& memory) {
  if (memory.pages == Pages::hugetlb) {
    throw_errno("shm_open (a file in /dev/shm has that file system's pages)", EOPNOTSUPP);
  }
  require_machine_memory(memory.size, "fallocate (more than this machine's memory)");
  // The name is this process's own, and lives for two calls: a crash between them leaves the file.
  static std::atomic<unsigned> number{0};
  const std::string name =
      "/patchbench-" + std::to_string(getpid()) + "-" + std::to_string(number++);
  Fd file{shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0700)};
  if (!file) throw_errno("shm_open");
  if (shm_unlink(name.c_str()) != 0) throw_errno("shm_unlink");
  allocate_file(file, memory);
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

Fd executable_memfd(const char* name, const FileMemory& memory) {
  require_machine_memory(memory.size, "fallocate (more than this machine's memory)");
  const unsigned int flags =
      MFD_CLOEXEC | (memory.pages == Pages::hugetlb ? MFD_HUGETLB | unsigned{kHugetlbOf2MiB} : 0U);
  Fd file{memfd_create(name, flags | MFD_EXEC)};
  if (!file && errno != ENOMEM && errno != EMFILE && errno != ENFILE) {
    // EINVAL: a kernel before 6.3. EACCES: vm.memfd_noexec=2 refuses the flag, yet a memfd without
    // it may still be mapped executable.
    file = Fd{memfd_create(name, flags)};
  }
  if (!file) throw_errno("memfd_create");
  allocate_file(file, memory);
  return file;
}

}  // namespace patchbench
