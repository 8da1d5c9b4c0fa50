#include "cgroup.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include <patchbench_catch.hpp>

namespace patchbench {
namespace {

namespace fs = std::filesystem;

/// A root of files as the kernel shows them.
class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "patchbench-cgroup-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    root = name;
    write("proc/meminfo",
          "MemTotal: 1000000 kB\nMemAvailable: 800000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() { fs::remove_all(root); }

  void write(const fs::path& file, std::string_view text) const {
    fs::create_directories((root / file).parent_path());
    std::ofstream(root / file) << text;
  }
  fs::path root;
};

constexpr std::int64_t kKib = 1024;
constexpr std::int64_t kMib = kKib * kKib;

}  // namespace

TEST_CASE("without a control group the machine's memory is the limit") {
  const Tree tree;
  const auto limit = memory_limit(tree.root);
  REQUIRE(limit);
  CHECK(limit->limit == 1'000'000 * kKib);
  CHECK(limit->available == 800'000 * kKib);
  CHECK(limit->name.find("MemAvailable") != std::string::npos);
  CHECK_FALSE(cpu_quota(tree.root));
}

TEST_CASE("of version 2 the tightest group on the way to the root counts") {
  const Tree tree;
  tree.write("proc/self/cgroup", "0::/pod/app\n");
  tree.write("sys/fs/cgroup/pod/memory.max", "67108864\n");
  tree.write("sys/fs/cgroup/pod/memory.stat", "anon 1048576\nfile 4194304\nshmem 1048576\n");
  tree.write("sys/fs/cgroup/pod/app/memory.max", "max\n");
  tree.write("sys/fs/cgroup/pod/app/cpu.max", "20000 100000\n");
  tree.write("sys/fs/cgroup/pod/app/cpu.stat", "nr_periods 80\nnr_throttled 78\n");
  tree.write("sys/fs/cgroup/pod/cpu.max", "max 100000\n");
  const auto limit = memory_limit(tree.root);
  REQUIRE(limit);
  CHECK(limit->limit == 64 * kMib);
  CHECK(limit->available == 62 * kMib);  // page cache goes when memory is wanted
  CHECK(limit->name == "memory.max of /sys/fs/cgroup/pod");
  const auto quota = cpu_quota(tree.root);
  REQUIRE(quota);
  CHECK(quota->processors == 0.2);
  CHECK(quota->source == "/sys/fs/cgroup/pod/app/cpu.max");
  CHECK(throttled_periods(quota->stat) == 78);
}

TEST_CASE("of version 1 each controller has a tree, and a container's paths may be the host's") {
  const Tree tree;
  tree.write("proc/self/cgroup", "4:memory:/docker/1a2b\n2:cpu,cpuacct:/docker/1a2b\n0::/\n");
  tree.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "33554432\n");
  tree.write("sys/fs/cgroup/memory/memory.stat", "cache 99\ntotal_rss 8388608\ntotal_shmem 0\n");
  tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n");
  tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  const auto limit = memory_limit(tree.root);
  REQUIRE(limit);
  CHECK(limit->limit == 32 * kMib);
  CHECK(limit->available == 24 * kMib);
  const auto quota = cpu_quota(tree.root);
  REQUIRE(quota);
  CHECK(quota->processors == 1.5);
}

TEST_CASE("no limit is no limit: version 1 writes the largest number, or a quota of -1") {
  const Tree tree;
  tree.write("proc/self/cgroup", "4:memory:/\n2:cpu:/\n");
  tree.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  tree.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  tree.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CHECK(memory_limit(tree.root)->limit == 1'000'000 * kKib);
  CHECK_FALSE(cpu_quota(tree.root));
}

TEST_CASE("more memory than there is is refused before it is reserved, and the limit is named") {
  CHECK(require_memory(4096) == 4096);
  const std::size_t far_too_much = std::size_t{1} << 60U;
  try {
    static_cast<void>(require_memory(far_too_much));
    FAIL("granted");
  } catch (const std::system_error& refused) {
    CHECK(refused.code().value() == ENOMEM);
    const std::string what = refused.what();
    CHECK(what.starts_with("mmap (not tried: a code zone of 1125899906842624 KiB"));
    CHECK(what.find(memory_limit()->name) != std::string::npos);
  }
}

}  // namespace patchbench
