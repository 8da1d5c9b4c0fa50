#include "analysis/quantity/comparable.hpp"

#include <patchbench_catch.hpp>

#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;

results::Context context(bool emulated, const char* arch = "x86_64") {
  results::Context context;
  context.emulated = emulated;
  context.arch = arch;
  return context;
}

TEST_CASE("times of two real machines may be compared, whatever they are") {
  CHECK_FALSE(why_times_do_not_compare(context(false), context(false)).has_value());
  CHECK_FALSE(why_times_do_not_compare(context(false), context(false, "aarch64")).has_value());
}

TEST_CASE("processors of two kinds are known by architecture, name or number") {
  results::Context first = context(false);
  results::Context second = first;
  CHECK_FALSE(why_processors_differ(first, second).has_value());
  first.cpu.model = "One";
  CHECK_FALSE(why_processors_differ(first, second).has_value());
  second.cpu.model = "Other";
  CHECK(why_processors_differ(first, second) == "One and Other");
  second.cpu.model = "One";
  first.cpu.model_number = 1;
  CHECK_FALSE(why_processors_differ(first, second).has_value());
  second.cpu.model_number = 17;
  CHECK(why_processors_differ(first, second) == "processors of models 1 and 17");
  CHECK(why_processors_differ(first, context(false, "aarch64")) == "x86_64 and aarch64");
}

TEST_CASE("an emulator's times are compared with nothing, not even with themselves") {
  const auto first = why_times_do_not_compare(context(true), context(false));
  REQUIRE(first.has_value());
  CHECK_THAT(*first, contains("the first is emulated"));
  const auto second = why_times_do_not_compare(context(false), context(true));
  REQUIRE(second.has_value());
  CHECK_THAT(*second, contains("the second is emulated"));
  const auto both = why_times_do_not_compare(context(true), context(true));
  REQUIRE(both.has_value());
  CHECK_THAT(*both, contains("both are emulated"));
  CHECK(times_mean_something(context(false)));
  CHECK_FALSE(times_mean_something(context(true)));
}

}  // namespace
}  // namespace patchbench::analysis
