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

/// One mmap'ed range, unmapped by its owner.
class Mapping {
 public:
  Mapping() = default;
  /// Private anonymous memory. `at` as in Placement.
  [[nodiscard]] static Mapping anonymous(std::size_t size, int protection, std::uintptr_t at);
  /// A shared view of a file, from its beginning.
  [[nodiscard]] static Mapping shared_view(const Fd& file, std::size_t size, int protection,
                                           std::uintptr_t at);

  /// Anonymous memory that children of fork(2) share, and that alias_of() can map again.
  [[nodiscard]] static Mapping shared_anonymous(std::size_t size, int protection,
                                                std::uintptr_t at);
  /// Addresses alone: nothing is behind them, and touching them is SIGSEGV.
  [[nodiscard]] static Mapping reserved(std::size_t size, std::uintptr_t at);
  /// Another view of the pages of a shared mapping, by mremap(2) with an old size of 0.
  [[nodiscard]] static Mapping alias_of(const Mapping& shared, int protection, std::uintptr_t at);

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
  void forbid_huge_pages(std::size_t size) noexcept;
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
  /// The file must already have the request's size, in whole pages.
  DualView(const Fd& file, const ZoneRequest& request);

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{exec_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return exec_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value() + delta_};
  }
  void drop_writable() noexcept { writable_.reset(); }
  /// Copies the bytes to another file and maps that at the same addresses, so that whoever shared
  /// them (a parent, after fork(2)) is not seen and does not see any more. The file must have the
  /// views' size. Throws std::system_error; what is mapped then is the old or the new.
  void isolate(const Fd& copy);
  [[nodiscard]] bool has_writable() const noexcept { return writable_.address() != nullptr; }

 private:
  Mapping exec_;
  Mapping writable_;
  std::uintptr_t delta_ = 0;  // writable - exec, modulo 2^64
  int protection_ = 0;        // of the executable view
};

/// A file in /dev/shm by shm_open(3), without a name once it is open.
[[nodiscard]] Fd posix_shm(std::size_t size);

/// Bytes at one place of a file or of a memory, all of them; false with errno where that fails.
[[nodiscard]] bool write_all(const Fd& file, const std::byte* bytes, std::size_t size,
                             std::uintptr_t offset) noexcept;

/// The same from the file's beginning, for a copy of code. Throws std::system_error.
void copy_code(const Fd& to, const std::byte* code, std::size_t size);

/// Throws (EFBIG) where a file of that size would raise SIGXFSZ.
void check_file_size_limit(std::size_t size);

/// Moves what is mapped at `from` over what is mapped at `to`, which it replaces: of the same size.
void move_pages(void* from, std::size_t size, void* to);

/// Gives a file `size` bytes with its memory or disk blocks allocated, so that a full file system
/// is an error here and not SIGBUS at the first touch. Checks RLIMIT_FSIZE first, because exceeding
/// it raises SIGXFSZ.
void allocate_file(const Fd& file, std::size_t size);

/// A memfd that may be mapped executable: MFD_EXEC where the kernel knows it (6.3), without it
/// before.
[[nodiscard]] Fd executable_memfd(const char* name, std::size_t size);

}  // namespace patchbench
