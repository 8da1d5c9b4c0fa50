#include "harness/process/forked.hpp"

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <patchbench_catch.hpp>
#include <unistd.h>

namespace patchbench::harness {
namespace {

TEST_CASE("what a forked function returns comes back, however long it is") {
  const std::string long_text(1'000'000, 'x');
  const Forked forked = run_forked([&] { return long_text; });
  CHECK(forked.returned());
  CHECK(forked.text == long_text);
  CHECK(run_forked([] { return std::string(); }).returned());
}

TEST_CASE("how a forked function ended otherwise is named") {
  const Forked killed = run_forked([]() -> std::string {
    std::raise(SIGILL);
    return "alive";
  });
  CHECK(killed.ending == "SIGILL");
  CHECK(killed.text.empty());
  CHECK(run_forked([]() -> std::string { _exit(3); }).ending == "exit code 3");
  CHECK(run_forked([]() -> std::string { throw std::runtime_error("because"); }).ending ==
        "because");
}

}  // namespace
}  // namespace patchbench::harness
