#include "workloads/publish.hpp"

#include <algorithm>
#include <utility>

namespace patchbench {
namespace {

using A = send::NativeArchitecture;

/// In one version all addends are one larger than in the other: calls that execute some bytes of
/// the wrong one cannot make up for each other.
std::vector<std::uint16_t> addends(std::size_t count, bool second) {
  constexpr std::size_t kValues = 2000;
  std::vector<std::uint16_t> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<std::uint16_t>(1 + i % kValues + (second ? 1 : 0));
  }
  return values;
}

/// Whether the part that a patch replaces holds the word on which the addend depends.
bool is_patched(const PublishedFunctions& functions, std::size_t addend) {
  const std::size_t word = (addend + 1) * A::kSumUnit + A::kSumWord;
  return word >= functions.patched_at && word < functions.patched_at + functions.patched_size;
}

}  // namespace

PublishedFunctions published_functions(std::size_t bytes) {
  constexpr std::size_t kCacheLine = 64;
  constexpr std::size_t kTogether = std::size_t{1} << 20U;
  PublishedFunctions functions;
  functions.stride = std::max(bytes, kCacheLine);
  functions.count = std::clamp<std::size_t>(kTogether / bytes, 4, 1024);
  functions.patched_size = bytes;
  if (bytes < kCacheLine) {  // the first addends, or the word of the first one
    functions.patched_at = A::kSumUnit + (bytes < A::kSumUnit ? A::kSumWord : 0);
  }
  const std::size_t count = functions.stride / A::kSumUnit - 2;
  std::array<std::vector<std::uint16_t>, 2> values = {addends(count, false), addends(count, true)};
  for (std::size_t i = 0; i < count; ++i) {
    values[1][i] = is_patched(functions, i) ? values[1][i] : values[0][i];
  }
  for (const std::size_t version : {std::size_t{0}, std::size_t{1}}) {
    functions.code[version] = A::emit_sum(values[version]);
    functions.result[version] = 0;
    for (const std::uint16_t value : values[version]) functions.result[version] += value;
  }
  return functions;
}

PublishedWalks walks_of(const PublishedFunctions& functions) {
  PublishedWalks walks;
  walks.all = round_up_to_pages(functions.count * functions.stride);
  walks.patching =
      round_up_to_pages(walks.all + A::walk_size(send::Called::functions, functions.count, 0));
  walks.size = walks.patching + A::walk_size(send::Called::functions, functions.count, 1);
  return walks;
}

bool publishing_does_something(PublishMode mode) {
  return mode != PublishMode::none || describe_publishing() != "none";
}

WorkloadInfo Publish::info() {
  return {.id = std::string{kId},
          .summary = "code of 4 bytes to 1 MiB stored, published and executed",
          .parameters = {{.name = "bytes",
                          .summary = "of code that one patch stores and publishes",
                          .default_value = "64",
                          .standard_grid = {"4", "64", "4096", "65536", "1048576"},
                          .quick_grid = {"64", "65536"},
                          .min = 4,
                          .max = 1 << 24,
                          .power_of_two = true,
                          .choices = {}},
                         publish_parameter()},
          .metrics = {"publish", "patch", "patch_execute", "execute"},
          .headline = std::vector<Headline>{}};
}

}  // namespace patchbench
