// lift_a_code_zone.cpp - a VM's code zone in thirty lines: reserve, write, publish, execute, patch.
//
// The strategy is one line: any zone of <patchbench/strategies/...> can stand in its place.
#include <cstdint>
#include <cstdio>
#include <exception>

#include <patchbench/strategies/memfd_dual.hpp>
#include <patchbench/strategies/publish.hpp>

#include "tiny_function.hpp"

using Zone = patchbench::MemfdDualZone;

static void patch(Zone& zone, std::uint64_t expected, std::uint64_t code) {
  const patchbench::ExecAddress at = zone.exec();
  const patchbench::PatchScope scope{zone, at, sizeof code};
  patchbench::patch_word(zone.writable(at), expected, code);
  patchbench::publish(at, zone.writable(at), sizeof code, Zone::kAlias);
}

int main() try {
  Zone zone{{.size = 4096}};
  const auto function = zone.exec().as_function<int()>();
  patch(zone, 0, function_returning(1));
  std::printf("before: %d\n", function());
  patch(zone, function_returning(1), function_returning(2));
  std::printf("after: %d\n", function());
} catch (const std::exception& denied) {
  std::fprintf(stderr, "%s\n", denied.what());
  return 1;
}
