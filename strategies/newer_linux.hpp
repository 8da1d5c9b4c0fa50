// strategies/newer_linux.hpp - what newer kernels have and this distribution's headers do not.
//
// For implementation files: the names are the kernel's own.
#pragma once

#include <cstdint>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#ifndef MFD_EXEC  // Linux 6.3, as the next two
#  define MFD_EXEC 0x0010U
#endif
#ifndef MADV_COLLAPSE  // Linux 6.1
#  define MADV_COLLAPSE 25
#endif
#ifndef PR_SET_MDWE
#  define PR_SET_MDWE 65
#  define PR_MDWE_REFUSE_EXEC_GAIN (1UL << 0)
#endif
#ifndef PR_GET_MDWE
#  define PR_GET_MDWE 66
#endif

namespace patchbench {

/// MAP_HUGE_2MB, which MFD_HUGE_2MB and SHM_HUGE_2MB are too: the binary logarithm of the size in
/// the upper six bits (mmap(2), Linux 3.8).
inline constexpr int kHugetlbOf2MiB = 21 << 26;

/// struct procmap_query of linux/fs.h, Linux 6.11.
struct MapQuery {
  std::uint64_t size = sizeof(MapQuery);
  std::uint64_t query_flags = 0;
  std::uint64_t query_addr = 0;
  std::uint64_t vma_start = 0;
  std::uint64_t vma_end = 0;
  std::uint64_t vma_flags = 0;
  std::uint64_t vma_page_size = 0;
  std::uint64_t vma_offset = 0;
  std::uint64_t inode = 0;
  std::uint32_t dev_major = 0;
  std::uint32_t dev_minor = 0;
  std::uint32_t vma_name_size = 0;
  std::uint32_t build_id_size = 0;
  std::uint64_t vma_name_addr = 0;
  std::uint64_t build_id_addr = 0;
};
static_assert(sizeof(MapQuery) == 104);
inline constexpr unsigned long kMapQuery = _IOWR('f', 17, MapQuery);  // PROCMAP_QUERY
inline constexpr std::uint64_t kCoveringOrNext = 0x10;

}  // namespace patchbench
