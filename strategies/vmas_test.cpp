#include "strategies/vmas.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <patchbench_catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "strategies/emulator_test.hpp"
#include "strategies/mapping.hpp"

namespace patchbench {
namespace {

/// A file without the ioctl: what /proc/self/maps says now, or another text.
class MapsFile {
 public:
  explicit MapsFile(const std::string& text) {
    const Fd fd(mkstemp(name_));
    REQUIRE(fd);
    std::ofstream(name_) << text;
  }
  MapsFile(const MapsFile&) = delete;
  MapsFile& operator=(const MapsFile&) = delete;
  ~MapsFile() { unlink(name_); }

  [[nodiscard]] const char* name() const { return name_; }

 private:
  char name_[64] = "/tmp/patchbench-maps-XXXXXX";
};

std::string text_of_maps() {
  std::ifstream maps("/proc/self/maps");
  return {std::istreambuf_iterator<char>(maps), {}};
}

}  // namespace

TEST_CASE("mappings: opening a page in the middle makes three of one, closing it one of three") {
  if (testing::in_qemu_user()) {
    WARN("skipped: qemu-user lists its own mappings, and does not merge them again");
    return;
  }
  constexpr std::uintptr_t kAt = 0x2000'0000'0000;
  const std::size_t page = page_size();
  const Mapping mapping = Mapping::anonymous(3 * page, PROT_READ, kAt);
  const std::uint64_t end = kAt + 3 * page;
  auto* middle = static_cast<std::byte*>(mapping.address()) + page;
  const auto expect = [&](std::int64_t count) {
    CHECK(count_vmas(kAt, end) == count);
    CHECK(count_vmas(kAt, end, MapsFile(text_of_maps()).name()) == count);
  };
  expect(1);
  REQUIRE(mprotect(middle, page, PROT_READ | PROT_WRITE) == 0);
  expect(3);
  CHECK(count_vmas(kAt, kAt + 2 * page) == 2);
  CHECK(count_vmas(kAt + 1, kAt + page) == 0);
  REQUIRE(mprotect(middle, page, PROT_READ) == 0);
  expect(1);
}

TEST_CASE("mappings: those of the whole process are counted, the vsyscall page is not") {
  CHECK(count_vmas(0, kEndOfAddresses).value() > 5);
  const MapsFile maps(
      "1000-2000 r-xp 00000000 00:00 0 /bin/true\n3000-4000 rw-p 00000000 00:00 0\n"
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n");
  CHECK(count_vmas(0, kEndOfAddresses, maps.name()) == 2);
}

TEST_CASE("mappings: what cannot be read is unknown, never none") {
  CHECK_FALSE(count_vmas(0, kEndOfAddresses, "/nonexistent/maps").has_value());
  CHECK_FALSE(count_vmas(0, kEndOfAddresses, MapsFile("").name()).has_value());
  CHECK_FALSE(count_vmas(0, kEndOfAddresses, MapsFile("1000-2000 r\nspoilt\n").name()).has_value());
}

}  // namespace patchbench
