#include "harness/process/layouts.hpp"

#include <fstream>

#include <patchbench_catch.hpp>

#include "harness/programs/temporary_directory_test.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMarker = "patchbench-layout:0:0123abcd";

void write_layout(const fs::path& directory, int layout, const std::string& marker) {
  fs::create_directories(directory);
  std::ofstream(directory / ("bench-run-layout-" + std::to_string(layout)))
      << "code before" << '\0' << marker << '\0' << "and behind";
}

void write_layouts(const fs::path& directory, const std::string& hash) {
  for (int layout = 1; layout < kLayouts; ++layout) {
    write_layout(directory, layout, "patchbench-layout:" + std::to_string(layout) + ":" + hash);
  }
}

}  // namespace

TEST_CASE("layouts of this build are found where a build and an installation have them") {
  for (const char* place : {"bin/layouts", "libexec/patchbench"}) {
    const TemporaryDirectory scratch;
    fs::create_directories(scratch.path() / "bin");
    write_layouts(scratch.path() / place, "0123abcd");
    const Layouts found = find_layouts(kMarker, scratch.path() / "bin");
    CHECK(found.warning.empty());
    REQUIRE(found.programs.size() == kLayouts);
    CHECK(found.programs[0].empty());
    CHECK(found.programs[2].filename() == "bench-run-layout-2");
  }
}

TEST_CASE(
    "a layout that is missing or of another build leaves this executable alone, and a warning") {
  const TemporaryDirectory scratch;
  const fs::path layouts = scratch.path() / "layouts";
  const auto check = [&](std::string_view reason) {
    const Layouts found = find_layouts(kMarker, scratch.path());
    CHECK(found.programs == std::vector<fs::path>{{}});
    CHECK(found.warning.find(reason) != std::string::npos);
  };
  check("bench-run-layout-1 is missing");
  write_layouts(layouts, "0123abcd");
  write_layout(layouts, 3, "patchbench-layout:3:0123abce");
  check("bench-run-layout-3 is of another build");
  write_layout(layouts, 3, "patchbench-layout:2:0123abcd");
  check("bench-run-layout-3 is of another build");
}

TEST_CASE("a program without a marker has one layout and nothing to warn of") {
  const Layouts found = find_layouts({}, "/");
  CHECK(found.programs.size() == 1);
  CHECK(found.warning.empty());
}

TEST_CASE("rounds take one layout after the other, and the twin another one in each") {
  Layouts layouts;
  CHECK(layout_of_round(layouts, 3, false) == 0);
  CHECK(layout_of_round(layouts, 3, true) == 0);
  layouts.programs.resize(kLayouts);
  for (int round = 0; round < 9; ++round) {
    CHECK(layout_of_round(layouts, round, false) == round % kLayouts);
    CHECK(layout_of_round(layouts, round, true) == (round + 1) % kLayouts);
  }
}

TEST_CASE("a marker has the number of its layout") {
  CHECK(layout_number(kMarker) == 0);
  CHECK(layout_number("patchbench-layout:12:aa") == 12);
  CHECK_FALSE(layout_number("").has_value());
  CHECK_FALSE(layout_number("patchbench-layout:").has_value());
  CHECK_FALSE(layout_number("patchbench-layout:1").has_value());
  CHECK_FALSE(layout_number("something else").has_value());
}

}  // namespace patchbench::harness
