#include "harness/base/progress.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <vector>

#include <patchbench_catch.hpp>

namespace patchbench::harness {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// What stands before each " %" in the file.
std::vector<int> shares_in(std::FILE* file) {
  std::rewind(file);
  std::vector<int> shares;
  std::array<char, 200> line{};
  while (std::fgets(line.data(), line.size(), file) != nullptr) {
    int share = 0;
    if (std::sscanf(line.data(), "%d %%", &share) == 1) shares.push_back(share);
  }
  return shares;
}

}  // namespace

TEST_CASE("a run's parts are one progress, which never goes back") {
  const std::unique_ptr<std::FILE, Close> file(std::tmpfile());
  REQUIRE(file);
  Progress progress(file.get(), false, {.all = 10, .expected_s = 60}, 30);
  for (int done = 0; done < 10; ++done) progress.show(done, "round", "case");
  const int timed = shares_in(file.get()).back();
  CHECK(timed > 50);
  CHECK(timed <= 67);  // 60 of 90 s
  progress.next({.all = 4, .expected_s = 30});
  for (int done = 0; done <= 4; ++done) progress.show(done, "counting", "case");
  const std::vector<int> shares = shares_in(file.get());
  CHECK(std::ranges::is_sorted(shares));
  CHECK(shares.back() == 100);
}

}  // namespace patchbench::harness
