// strategies/mapping.hpp - owning types for what the kernel hands out, and where memory is put.
//
// Everything throws std::system_error whose what() begins with the name of the failing call ("mmap:
// ..."), and leaves nothing behind when it throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "code_zone.hpp"

namespace patchbench {

/// The machine's page size in bytes (4, 16 or 64 KiB), asked for once.
[[nodiscard]] std::size_t page_size() noexcept;
[[nodiscard]] std::size_t round_up_to_pages(std::size_t size);

/// Throws std::system_error with errno's current value; `call` is what failed and may say on what:
/// "mmap (RX view)".
[[noreturn]] void throw_errno(const char* call);
[[noreturn]] void throw_errno(const char* call, int error);

/// To a multiple of `unit`; what is too large for one becomes an address below it.
[[nodiscard]] constexpr std::size_t round_up(std::size_t size, std::size_t unit) noexcept {
  return (size + unit - 1) / unit * unit;
}

/// Bytes of a huge page: 2 MiB on x86-64, and on ARMv8 with pages of 4 KiB.
inline constexpr std::size_t kHugePage = std::size_t{2} << 20U;

/// The request's size in whole pages of the kind that it asks for.
[[nodiscard]] std::size_t zone_size(const ZoneRequest& request);
/// The bytes of it that are used first, in whole pages too: at most zone_size().
[[nodiscard]] std::size_t committed_size(const ZoneRequest& request);

/// A free range of that many bytes that begins at a multiple of kHugePage. Another thread may take
/// it meanwhile: then mapping it is an error.
[[nodiscard]] std::uintptr_t aligned_place(std::size_t size);

/// Throws std::system_error (EOPNOTSUPP) where a request asks for larger pages; `why` names the
/// call that needs the machine's own.
void require_base_pages(const ZoneRequest& request, const char* why);

/// The same where a request asks for MAP_POPULATE, which the call that `why` names does not have.
void require_no_populate(const ZoneRequest& request, const char* why);

/// A file descriptor, closed by its owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Where a mapping goes, and on which pages.
struct Place {
  /// NOLINTNEXTLINE(google-explicit-constructor): most mappings have only an address
  Place(std::uintptr_t address = 0) noexcept : at(address) {}
  Place(std::uintptr_t address, const ZoneRequest& request)
      : at(address),
        pages(request.pages),
        committed(committed_size(request)),
        populate(request.populate) {}

  std::uintptr_t at = 0;  // as in Placement
  Pages pages = Pages::base;
  std::size_t committed = 0;  // bytes of it that become huge pages at once
  bool populate = false;      // with MAP_POPULATE
};
[[nodiscard]] inline Place exec_place(const ZoneRequest& request) {
  return {request.placement.exec_at, request};
}
[[nodiscard]] inline Place writable_place(const ZoneRequest& request) {
  return {request.placement.writable_at, request};
}

/// How large a file is and how much of it is allocated.
struct FileMemory {
  /// NOLINTNEXTLINE(google-explicit-constructor): a size alone is all of it
  FileMemory(std::size_t bytes) noexcept : size(bytes), committed(bytes) {}
  /// NOLINTNEXTLINE(google-explicit-constructor)
  FileMemory(const ZoneRequest& request)
      : size(zone_size(request)), committed(committed_size(request)), pages(request.pages) {}

  std::size_t size = 0;
  std::size_t committed = 0;  // of it, from the beginning
  Pages pages = Pages::base;
};

/// One mmap'ed range, unmapped by its owner.
class Mapping {
 public:
  Mapping() = default;
  /// Private anonymous memory.
  [[nodiscard]] static Mapping anonymous(std::size_t size, int protection, Place place);
  /// A shared view of a file, from its beginning.
  [[nodiscard]] static Mapping shared_view(const Fd& file, std::size_t size, int protection,
                                           Place place);

  /// Anonymous memory that children of fork(2) share, and that alias_of() can map again.
  [[nodiscard]] static Mapping shared_anonymous(std::size_t size, int protection, Place place);
  /// Addresses alone: nothing is behind them, and touching them is SIGSEGV.
  [[nodiscard]] static Mapping reserved(std::size_t size, Place place);
  /// Another view of the pages of a shared mapping, by mremap(2) with an old size of 0.
  [[nodiscard]] static Mapping alias_of(const Mapping& shared, int protection, Place place);

  Mapping(Mapping&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  [[nodiscard]] void* address() const noexcept { return address_; }
  [[nodiscard]] std::byte* bytes() const noexcept { return static_cast<std::byte*>(address_); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Puts a shared view of a file, from its beginning, in the place of what is mapped.
  void replace(const Fd& file, int protection);
  /// Unmaps now.
  void reset() noexcept;
  /// Moves it over another of the same size, which it replaces and whose owner owns it from then
  /// on.
  void move_to(Mapping& replaced);
  /// Gives up owning it: it stays mapped.
  [[nodiscard]] void* release() noexcept { return std::exchange(address_, nullptr); }

 private:
  Mapping(void* address, std::size_t size) noexcept : address_(address), size_(size) {}

  void* address_ = nullptr;
  std::size_t size_ = 0;
};

/// One attachment of a System V shared memory segment, detached by its owner.
class ShmAttachment {
 public:
  ShmAttachment() = default;
  /// `flags` as shmat(2): 0 for read-write, SHM_RDONLY | SHM_EXEC for a view to execute.
  ShmAttachment(int segment, int flags, std::uintptr_t at);
  ShmAttachment(ShmAttachment&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)) {}
  ShmAttachment& operator=(ShmAttachment&& other) noexcept {
    std::swap(address_, other.address_);
    return *this;
  }
  ShmAttachment(const ShmAttachment&) = delete;
  ShmAttachment& operator=(const ShmAttachment&) = delete;
  ~ShmAttachment();

  [[nodiscard]] void* address() const noexcept { return address_; }
  /// Says to the kernel which pages it may have, as every Mapping does when it is made.
  void set_pages(std::size_t size, const Place& place);
  /// Moves it over another, as Mapping::move_to().
  void move_to(ShmAttachment& replaced, std::size_t size);

 private:
  void* address_ = nullptr;
};

/// A shared file mapped twice: RX at one address, RW at another. What memfd-dual and file-dual have
/// in common.
class DualView {
 public:
  DualView() = default;
  /// The file must already have the request's zone_size(). It is kept open only while some of it is
  /// not allocated.
  DualView(Fd file, const ZoneRequest& request);

  /// Allocates the file's first `bytes` (more than before: less does nothing). Nothing may be
  /// stored behind them. Throws std::system_error (ENOSPC where the file system is full).
  void commit(std::size_t bytes);
  /// What another file of the same size must have, to hold the same bytes.
  [[nodiscard]] FileMemory memory() const noexcept;

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{exec_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return exec_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value() + delta_};
  }
  void drop_writable() noexcept { writable_.reset(); }
  /// Copies the bytes to another file and maps that at the same addresses, so that whoever shared
  /// them (a parent, after fork(2)) is not seen and does not see any more. The file must have the
  /// views' size. Throws std::system_error; what is mapped then is the old or the new.
  void isolate(Fd copy);
  [[nodiscard]] bool has_writable() const noexcept { return writable_.address() != nullptr; }

 private:
  Mapping exec_;
  Mapping writable_;
  std::uintptr_t delta_ = 0;  // writable - exec, modulo 2^64
  int protection_ = 0;        // of the executable view
  Pages pages_ = Pages::base;
  std::size_t committed_ = 0;
  Fd file_;  // while not all of it is allocated
};

/// A file in /dev/shm by shm_open(3), without a name once it is open.
[[nodiscard]] Fd posix_shm(const FileMemory& memory);

/// Bytes at one place of a file or of a memory, all of them; false with errno where that fails.
[[nodiscard]] bool write_all(const Fd& file, const std::byte* bytes, std::size_t size,
                             std::uintptr_t offset) noexcept;

/// The same from the file's beginning, for a copy of code. Throws std::system_error.
void copy_code(const Fd& to, const std::byte* code, std::size_t size);

/// Throws (EFBIG) where a file of that size would raise SIGXFSZ.
void check_file_size_limit(std::size_t size);

/// Moves what is mapped at `from` over what is mapped at `to`, which it replaces: of the same size.
void move_pages(void* from, std::size_t size, void* to);

/// Gives a file its size, with memory or disk blocks for what is committed, so that a full file
/// system is an error here and not SIGBUS at the first touch. Checks RLIMIT_FSIZE first, because
/// exceeding it raises SIGXFSZ.
void allocate_file(const Fd& file, const FileMemory& memory);

/// Allocates a part of a file that has the size for it already.
void allocate_range(const Fd& file, std::size_t begin, std::size_t end);

/// A memfd that may be mapped executable: MFD_EXEC where the kernel knows it (6.3), without it
/// before.
[[nodiscard]] Fd executable_memfd(const char* name, const FileMemory& memory);

}  // namespace patchbench
