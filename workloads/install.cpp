#include "workloads/install.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace patchbench {
namespace {

struct MemoryWord {
  std::string_view word;
  MethodMemory memory;
};
constexpr std::array kMemoryWords = {MemoryWord{"fresh", MethodMemory::fresh},
                                     MemoryWord{"populated", MethodMemory::populated},
                                     MemoryWord{"map-populated", MethodMemory::map_populated},
                                     MemoryWord{"recycled", MethodMemory::recycled}};

std::string why_no_memory(std::string_view word) {
  return word == "populated" ? why_no_prefaulting() : std::string{};
}

Parameter memory_parameter() {
  Parameter parameter{
      .name = "memory",
      .summary =
          "pages that nobody touched yet, such pages after madvise (MADV_POPULATE_...), "
          "mapped with MAP_POPULATE, or with other methods in them",
      .default_value = "fresh",
      .standard_grid = {"fresh", "populated", "recycled"},
      .quick_grid = {"fresh", "recycled"},
      .choices = {},
      .why_unavailable = &why_no_memory};
  for (const MemoryWord& known : kMemoryWords) parameter.choices.emplace_back(known.word);
  return parameter;
}

}  // namespace

MethodMemory method_memory_of(const CellRequest& request) {
  const std::string& word = word_parameter(request, "memory");
  const auto* const found = std::ranges::find(kMemoryWords, word, &MemoryWord::word);
  if (found == kMemoryWords.end()) throw std::invalid_argument("memory= is none of its words");
  if (std::string reason = why_no_memory(word); !reason.empty()) throw Unsupported(reason);
  return found->memory;
}

WorkloadInfo Install::info() {
  return {.id = std::string{kId},
          .summary =
              "new methods stored in fresh or recycled pages, published and executed for "
              "the first time",
          .parameters = {{.name = "size",
                          .summary = "of a method, in bytes",
                          .default_value = "1024",
                          .standard_grid = {"64", "1024", "16384"},
                          .quick_grid = {"1024"},
                          .min = 64,
                          .max = 16384,
                          .power_of_two = true,
                          .choices = {}},
                         {.name = "batch",
                          .summary = "methods stored under one scope before any is called",
                          .default_value = "1",
                          .standard_grid = {"1", "64"},
                          .quick_grid = {"1"},
                          .min = 1,
                          .max = 1 << 20,
                          .choices = {}},
                         memory_parameter(),
                         {.name = "kib",
                          .summary = "of methods that one run installs, in KiB",
                          .default_value = "1024",
                          .standard_grid = {"1024"},
                          .quick_grid = {"1024"},
                          .min = 64,
                          .max = 1 << 19,
                          .choices = {},
                          .in_id = false,
                          .growth = {.ms = 6, .toggling_ms = 60}},
                         publish_parameter()},
          .metrics = {"install", "install_total", "prefault", "execute"},
          .headline = std::vector<Headline>{},
          .small_grid = {{"size", "1024"}, {"batch", "1"}, {"memory", "fresh"}}};
}

}  // namespace patchbench
