#include "analysis/quantity/context_difference.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace patchbench::analysis {
namespace {

using results::Context;

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

std::string text_of(const std::string& value) { return value.empty() ? "nothing" : value; }
std::string text_of(bool value) { return value ? "on" : "off"; }
std::string text_of(std::int64_t value) { return std::to_string(value); }
std::string text_of(int value) { return std::to_string(value); }
std::string text_of(const std::vector<std::int64_t>& values) {
  return values.empty() ? "none" : fmt::format("{}", fmt::join(values, ", "));
}

template <typename T>
std::string text_of(const std::optional<T>& value) {
  return value ? text_of(*value) : "unknown";
}

/// Collects what differs into one list.
class List {
 public:
  explicit List(std::vector<Difference>& differences) : differences_(differences) {}

  template <typename T>
  void check(std::string_view what, const T& first, const T& second) {
    if (first == second) return;
    differences_.push_back({std::string(what), text_of(first), text_of(second)});
  }

  /// By name; the order in a file means nothing.
  void check(std::string_view what, const NamedTexts& first, const NamedTexts& second) {
    NamedTexts names = first;
    names.insert(names.end(), second.begin(), second.end());
    std::vector<std::string> seen;
    for (const auto& [name, value] : names) {
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
      seen.push_back(name);
      check(fmt::format("{} {}", what, name), find(first, name), find(second, name));
    }
  }

 private:
  static std::optional<std::string> find(const NamedTexts& texts, const std::string& name) {
    for (const auto& [key, value] : texts) {
      if (key == name) return value;
    }
    return std::nullopt;
  }

  std::vector<Difference>& differences_;
};

void check_machine(List& list, const Context& first, const Context& second) {
  list.check("architecture", first.arch, second.arch);
  list.check("CPU", first.cpu.model, second.cpu.model);
  list.check("CPU vendor", first.cpu.vendor, second.cpu.vendor);
  list.check("CPU family", first.cpu.family, second.cpu.family);
  list.check("CPU model number", first.cpu.model_number, second.cpu.model_number);
  list.check("microcode", first.cpu.microcode, second.cpu.microcode);
  list.check("cache", first.cpu.caches, second.cpu.caches);
  list.check("virtualisation", first.virtualization, second.virtualization);
  list.check("emulation", first.emulated, second.emulated);
  list.check("page size", first.page_size, second.page_size);
}

void check_system(List& list, const Context& first, const Context& second) {
  list.check("kernel", first.kernel, second.kernel);
  list.check("kernel command line", first.kernel_command_line, second.kernel_command_line);
  list.check("mitigation", first.mitigations, second.mitigations);
  list.check("governor", first.governor, second.governor);
  list.check("turbo", first.turbo, second.turbo);
  list.check("SMT", first.smt, second.smt);
  list.check("address layout randomisation", first.aslr, second.aslr);
  list.check("transparent huge pages", first.thp, second.thp);
}

}  // namespace

std::string to_text(const Difference& difference) {
  return fmt::format("{}: {} and {}", difference.what, difference.first, difference.second);
}

ContextDifferences context_differences(const Context& first, const Context& second) {
  ContextDifferences differences;
  List decisive(differences.decisive);
  check_machine(decisive, first, second);
  check_system(decisive, first, second);
  decisive.check("compiler", first.compiler, second.compiler);
  decisive.check("flags", first.flags, second.flags);
  decisive.check("build type", first.build_type, second.build_type);
  List others(differences.others);
  others.check("host", first.host, second.host);
  others.check("revision", first.git, second.git);
  others.check("library", first.libraries, second.libraries);
  others.check("online processors", first.cpu.online, second.cpu.online);
  others.check("cores", first.cpu.cores, second.cpu.cores);
  others.check("perf_event_paranoid", first.perf_event_paranoid, second.perf_event_paranoid);
  others.check("larger pages", first.huge_page_sizes, second.huge_page_sizes);
  others.check("size of transparent huge pages", first.thp_size, second.thp_size);
  others.check("pinned to", first.cpu.pinned, second.cpu.pinned);
  return differences;
}

}  // namespace patchbench::analysis
