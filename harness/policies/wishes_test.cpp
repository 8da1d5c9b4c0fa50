#include "harness/policies/wishes.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "harness/machine/emulator.hpp"

namespace patchbench::harness {
namespace {

std::vector<std::string> ids_of(const std::vector<WishAnswer>& answers) {
  std::vector<std::string> ids(answers.size());
  std::ranges::transform(answers, ids.begin(), &WishAnswer::id);
  return ids;
}

TEST_CASE("each wish and each complaint has an answer, and says what was seen") {
  const std::vector<WishAnswer> answers = answer_wishes();
  CHECK(ids_of(answers) == std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "i",
                                                    "j", "selinux", "leaks", "addresses", "vmas"});
  for (const WishAnswer& one : answers) {
    INFO(one.id << ": " << one.seen);
    CHECK_FALSE(one.seen.empty());
    CHECK(one.cost_ns.has_value() == !one.timed.empty());
    CHECK(one.cost_ns.value_or(1) > 0);
  }
}

// What needs no right and no recent kernel.
TEST_CASE("aliases, the idiom of SysV and chosen addresses work on every kernel") {
  if (in_qemu_user()) {
    WARN("not tested: qemu-user has mappings of its own");
    return;
  }
  for (const WishAnswer& one : answer_wishes()) {
    INFO(one.id << ": " << one.seen);
    if (one.id == "e" || one.id == "f" || one.id == "b") CHECK(one.granted == Granted::instead);
    if (one.id == "leaks") CHECK(one.granted == Granted::yes);
    // A sanitizer has its own shadow where the writable view would be.
    if (one.id == "addresses" && !PATCHBENCH_SANITIZED) CHECK(one.granted == Granted::yes);
  }
}

TEST_CASE("an answer that does not hold is not here, with no cost") {
  for (const WishAnswer& one : answer_later_questions()) {
    INFO(one.id << ": " << one.seen);
    CHECK_FALSE(one.seen.empty());
    if (one.granted == Granted::not_here) CHECK_FALSE(one.cost_ns);
  }
}

TEST_CASE("answers as text and for programs") {
  const std::vector<WishAnswer> answers = {{.id = "z",
                                            .wish = "a wish",
                                            .granted = Granted::instead,
                                            .answer = "a call",
                                            .since = "2.4",
                                            .seen = "it works",
                                            .timed = "the call",
                                            .cost_ns = 1500.0}};
  CHECK(wishes_text(answers) ==
        "z          a wish\n"
        "  instead  a call (Linux 2.4)\n"
        "           seen: it works\n"
        "           cost: 1.5 us, the call\n");
  const auto json = nlohmann::json::parse(wishes_json(answers));
  CHECK(json.at("wishes").at(0).at("granted") == "instead");
  CHECK(json.at("wishes").at(0).at("cost_ns") == 1500.0);
}

}  // namespace
}  // namespace patchbench::harness
