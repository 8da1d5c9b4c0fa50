#include "process_memory_test.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <sstream>

#include <sys/mman.h>
#include <unistd.h>

#include "child_process_test.hpp"
#include "mapping.hpp"

namespace patchbench::testing {
namespace {

constexpr std::size_t kPlaceAlignment = std::size_t{2} << 20U;
constexpr unsigned kShmDest = 01000;  // linux/shm.h, SHM_DEST

// "7f00-7f10 r-xs 00000000 00:01 42  /memfd:patchbench-code (deleted)"
bool parse_range(const std::string& line, MappedRange& range) {
  std::istringstream in(line);
  char dash = 0;
  std::string offset;
  std::string device;
  std::string inode;
  in >> std::hex >> range.begin >> dash >> range.end >> range.protection;
  if (!in || dash != '-') return false;
  in >> offset >> device >> inode >> std::ws;
  std::getline(in, range.name);
  return true;
}

bool contains(const MappedRange& range, std::uintptr_t address) {
  return range.begin <= address && address < range.end;
}

void add_descriptors(Holdings& held) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the descriptor that lists the directory is in the list
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    if (!gone && !target.native().starts_with("/proc/")) {
      held.push_back(
          text_of({"descriptor ", entry.path().filename().native(), " -> ", target.native()}));
    }
  }
}

void add_mappings(Holdings& held) {
  for (const MappedRange& range : mapped_ranges()) {
    if (range.is_shared() || range.is_executable()) {
      std::ostringstream line;
      line << "mapping " << std::hex << range.begin << "-" << range.end << " " << range.protection
           << " " << range.name;
      held.push_back(line.str());
    }
  }
}

std::vector<Segment> all_segments() {
  std::vector<Segment> found;
  std::ifstream in("/proc/sysvipc/shm");
  in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  for (std::string line; std::getline(in, line);) {
    std::istringstream columns(line);
    long key = 0;
    Segment segment;
    unsigned mode = 0;
    std::size_t size = 0;
    columns >> key >> segment.id >> std::oct >> mode >> std::dec >> size >> segment.creator;
    segment.goes_with_last_user = (mode & kShmDest) != 0;
    if (columns) found.push_back(segment);
  }
  return found;
}

/// Left by processes that ended without removing them, before this program began. The system gives
/// their numbers to others, perhaps to this one.
const std::set<int> kOlderSegments = [] {
  std::set<int> ids;
  for (const Segment& segment : all_segments()) ids.insert(segment.id);
  return ids;
}();

void add_segments(Holdings& held) {
  for (const Segment& segment : segments_created_by(getpid())) {
    held.push_back("SysV segment " + std::to_string(segment.id));
  }
}

}  // namespace

std::vector<MappedRange> mapped_ranges() {
  std::vector<MappedRange> ranges;
  std::ifstream in("/proc/self/maps");
  for (std::string line; std::getline(in, line);) {
    MappedRange range;
    if (parse_range(line, range)) ranges.push_back(std::move(range));
  }
  return ranges;
}

std::string protection_at(std::uintptr_t address) {
  for (const MappedRange& range : mapped_ranges()) {
    if (contains(range, address)) return range.protection;
  }
  return "unmapped";
}

bool has_vm_flag(std::uintptr_t address, const std::string& flag) {
  std::ifstream in("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(in, line);) {
    MappedRange range;
    if (parse_range(line, range)) {
      here = contains(range, address);
    } else if (here && line.starts_with("VmFlags:")) {
      return (line + " ").find(" " + flag + " ") != std::string::npos;
    }
  }
  return false;
}

std::size_t address_space_in_use() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * page_size();
}

std::uintptr_t free_place(std::size_t size) {
  const std::size_t searched = size + 3 * kPlaceAlignment;
  void* found =
      mmap(nullptr, searched, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED) throw_errno("mmap");
  munmap(found, searched);
  const auto start = reinterpret_cast<std::uintptr_t>(found) + kPlaceAlignment;
  return (start + kPlaceAlignment - 1) / kPlaceAlignment * kPlaceAlignment;
}

std::vector<Segment> segments_created_by(pid_t creator) {
  std::vector<Segment> found = all_segments();
  std::erase_if(found, [creator](const Segment& segment) {
    return segment.creator != creator || kOlderSegments.contains(segment.id);
  });
  return found;
}

Holdings holdings() {
  Holdings held;
  add_descriptors(held);
  add_mappings(held);
  add_segments(held);
  std::ranges::sort(held);
  return held;
}

Holdings gained_since(const Holdings& before) {
  Holdings gained;
  std::ranges::set_difference(holdings(), before, std::back_inserter(gained));
  return gained;
}

}  // namespace patchbench::testing
