#include "harness/policies/leaks.hpp"

#include <algorithm>
#include <filesystem>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "harness/process/leftovers.hpp"
#include "strategies/emulator_test.hpp"

namespace patchbench::harness {
namespace {

const LeaksOfStrategy& row(const Leaks& leaks, std::string_view id, std::string_view condition) {
  const auto found = std::ranges::find_if(leaks.strategies, [&](const LeaksOfStrategy& strategy) {
    return strategy.id == id && strategy.condition == condition;
  });
  REQUIRE(found != leaks.strategies.end());
  return *found;
}

std::size_t count(const LeaksOfStrategy& strategy, std::string_view what) {
  return static_cast<std::size_t>(std::ranges::count(strategy.leaks, what, &Leak::what));
}

StrategyInfo called(std::string_view id) {
  StrategyInfo info;
  info.id = id;
  return info;
}

TEST_CASE("leaks: killed after each call, a strategy leaves what its header says and no more") {
  if (testing::in_qemu_user()) {
    WARN("skipped: an emulator's children cannot be traced");
    return;
  }
  const Leaks leaks = find_leaks(strategies());
  for (const LeaksOfStrategy& strategy : leaks.strategies) {
    INFO(strategy.id << " " << strategy.condition);
    if (!strategy.unavailable.empty()) {
      WARN("skipped: " << strategy.id << ", because " << strategy.unavailable);
      continue;
    }
    CHECK(strategy.calls > 0);
    if (strategy.id == "sysv-shm") {
      // From shmget to IPC_RMID, with the attachment in between.
      CHECK(count(strategy, "a System V segment") == (leaks.segments_go_with_last_user ? 0 : 2));
    } else if (strategy.id == "posix-shm-dual") {
      CHECK(count(strategy, "a file in /dev/shm") == strategy.leaks.size());
      CHECK_FALSE(strategy.leaks.empty());
    } else if (strategy.condition.empty()) {
      CHECK(leaks_text({.strategies = {strategy}}).find("nothing") != std::string::npos);
      CHECK(strategy.leaks.empty());
    }
  }
  const LeaksOfStrategy& named = row(leaks, "file-dual", "without O_TMPFILE");
  CHECK(count(named, "a file in its directory") == 1);
  CHECK(named.leaks.front().after == "openat");
}

TEST_CASE("leaks: a strategy that is refused says so and is not tried", "[everywhere]") {
  const StrategyEntry refused{.info = called("none"),
                              .probe = []() -> std::string { throw std::runtime_error("no"); }};
  if (testing::in_qemu_user()) return;
  const Leaks leaks = find_leaks(std::array{refused});
  REQUIRE(leaks.strategies.size() == 1);
  CHECK(leaks.strategies.front().unavailable == "refused on this machine");
  CHECK(leaks.strategies.front().calls == 0);
}

TEST_CASE("leaks: a process that outlives its parent is found and killed", "[everywhere]") {
  const StrategyEntry forgetful{.info = called("forgetful"), .probe = []() -> std::string {
                                  if (fork() == 0) {
                                    pause();
                                    _exit(0);
                                  }
                                  return {};
                                }};
  if (testing::in_qemu_user()) return;
  const Leaks leaks = find_leaks(std::array{forgetful}, std::chrono::milliseconds(20));
  REQUIRE(leaks.strategies.size() == 1);
  CHECK(count(leaks.strategies.front(), "a process") > 0);
}

TEST_CASE("leftovers: what a process made and nobody removed is found and removed",
          "[everywhere]") {
  const std::string name = "/patchbench-" + std::to_string(getpid()) + "-left";
  const int file = shm_open(name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  REQUIRE(file >= 0);
  close(file);
  REQUIRE(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) >= 0);
  CHECK(find_leftovers(getpid()).size() == 2);
  CHECK(remove_leftovers(getpid()).size() == 2);
  CHECK(find_leftovers(getpid()).empty());
  CHECK_FALSE(std::filesystem::exists("/dev/shm" + name));
}

TEST_CASE("leaks: the same in words and for programs", "[everywhere]") {
  const Leaks leaks{.segments_go_with_last_user = false,
                    .strategies = {{.id = "one",
                                    .condition = {},
                                    .unavailable = {},
                                    .calls = 12,
                                    .leaks = {{.after = "shmget", .what = "a System V segment"},
                                              {.after = "shmat", .what = "a System V segment"}}}}};
  CHECK(leaks_text(leaks).find("a System V segment after shmget, shmat") != std::string::npos);
  const auto json = nlohmann::json::parse(leaks_json(leaks));
  CHECK(json.at("leaks").at(0).at("calls") == 12);
  CHECK(json.at("leaks").at(0).at("left").size() == 2);
}

}  // namespace
}  // namespace patchbench::harness
