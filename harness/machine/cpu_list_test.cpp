#include "harness/machine/cpu_list.hpp"

#include <array>

#include <patchbench_catch.hpp>

#include "harness/base/usage_error.hpp"
#include "harness/programs/temporary_directory_test.hpp"

namespace patchbench::harness {

TEST_CASE("of processors that are alike the last idle one is chosen") {
  const std::array cpus = {0, 1, 2, 3};
  const BusyTicks before = {{0, 100}, {1, 100}, {2, 100}, {3, 100}};
  CHECK(least_busy(cpus, before, before) == 3);
  CHECK(least_busy(cpus, before, {{0, 100}, {1, 100}, {2, 101}, {3, 110}}) == 2);
  CHECK(least_busy(cpus, before, {{0, 110}, {1, 108}, {2, 110}, {3, 110}}) == 1);
  CHECK(least_busy(cpus, {}, {}) == 3);  // /proc/stat does not say
}

TEST_CASE("hybrid processors: the kind of core is known, and the fastest kind is chosen") {
  const TemporaryDirectory tree;
  tree.write("sys/devices/system/cpu/online", "0-5\n");
  tree.write("sys/devices/cpu_core/cpus", "0-3\n");
  tree.write("sys/devices/cpu_atom/cpus", "4-5\n");
  tree.write("proc/loadavg", "0.00 0.00 0.00 1/100 4242\n");
  CHECK(core_type(tree.path(), 0) == "cpu_core");
  CHECK(core_type(tree.path(), 5) == "cpu_atom");
  CHECK(choose_processor(tree.path(), std::array{0, 1, 2, 3, 4, 5}) == 3);
  CHECK(choose_processor(tree.path(), std::array{4, 5}) == 5);
  CHECK_NOTHROW(require_alike(tree.path(), std::array{0, 3}));
  CHECK_THROWS_AS(require_alike(tree.path(), std::array{3, 4}), UsageError);
}

TEST_CASE("cores of several capacities have different kinds, and equal ones have none") {
  const TemporaryDirectory tree;
  tree.write("sys/devices/system/cpu/online", "0-2\n");
  tree.write("proc/loadavg", "0.00 0.00 0.00 1/100 4242\n");
  for (const char* cpu : {"0", "1", "2"}) {
    tree.write(std::string("sys/devices/system/cpu/cpu") + cpu + "/cpu_capacity", "1024\n");
  }
  CHECK_FALSE(core_type(tree.path(), 0).has_value());
  tree.write("sys/devices/system/cpu/cpu2/cpu_capacity", "446\n");
  CHECK(core_type(tree.path(), 0) == "capacity 1024");
  CHECK(core_type(tree.path(), 2) == "capacity 446");
  CHECK(choose_processor(tree.path(), std::array{0, 1, 2}) == 1);
}

}  // namespace patchbench::harness
