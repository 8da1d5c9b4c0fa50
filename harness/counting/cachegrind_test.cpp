#include "harness/counting/cachegrind.hpp"

#include <string>

#include <patchbench_catch.hpp>

namespace patchbench::harness {
namespace {

const std::string kFile =
    "desc: I1 cache: 32768 B\ncmd: bench-run\n"
    "events: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw\nfl=summary.c\nfn=main\n"
    "3 9 9 9 9 9 9 9 9 9\nsummary: 1000 20 3 400 50 6 700 80 9\n";

std::string replaced(const std::string& from, const std::string& to) {
  std::string text = kFile;
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("totals are those of the summary, misses of the last level are of code and data") {
  const auto totals = parse_cachegrind(kFile);
  REQUIRE(totals.has_value());
  CHECK(*totals == CachegrindTotals{1000, 400, 700, 20, 3 + 6 + 9});
}

TEST_CASE("events are found by name, not by place") {
  const auto totals = parse_cachegrind(
      "events: DLmw Dw DLmr Dr ILmr I1mr Ir Bc\nsummary: 9 700 6 400 3 20 1000 5\n");
  REQUIRE(totals.has_value());
  CHECK(*totals == CachegrindTotals{1000, 400, 700, 20, 18});
}

TEST_CASE("a file that is not whole has no totals") {
  CHECK_FALSE(parse_cachegrind("").has_value());
  CHECK_FALSE(parse_cachegrind(kFile.substr(0, kFile.find("summary"))).has_value());
  CHECK_FALSE(parse_cachegrind(replaced("summary: 1000 ", "summary: ")).has_value());
  CHECK_FALSE(parse_cachegrind(replaced(" 700 ", " 7oo ")).has_value());
  CHECK_FALSE(parse_cachegrind(replaced("ILmr", "ILxx")).has_value());
}

}  // namespace patchbench::harness
