#include "analysis/quantity/context_difference.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace patchbench::analysis {
namespace {

using results::Context;

std::string text_of(bool value) { return value ? "on" : "off"; }
std::string text_of(int value) { return std::to_string(value); }
std::string text_of(double value) { return fmt::format("{}", value); }
std::string text_of(std::int64_t value) { return std::to_string(value); }
std::string text_of(const std::vector<std::int64_t>& sizes) {
  return sizes.empty() ? "none" : fmt::format("{} bytes", fmt::join(sizes, ", "));
}

template <typename T>
std::optional<std::string> text_of(const std::optional<T>& value) {
  return value ? std::optional(text_of(*value)) : std::nullopt;
}

using Facts = std::vector<ContextFact>;

/// Of none there is nothing to say but where they were looked for.
void add(Facts& facts, const char* name, const char* field, Matters matters,
         const std::vector<std::pair<std::string, std::string>>& pairs) {
  for (const auto& [key, value] : pairs) {
    facts.push_back({fmt::format("{} {}", name, key), field, matters, value});
  }
  if (pairs.empty()) facts.push_back({name, field, Matters::no});
}

void add_processor(Facts& facts, const results::Cpu& cpu) {
  using enum Matters;
  facts.insert(
      facts.end(),
      {{"processor", "cpu.model", much, cpu.model, "CPU"},
       {"vendor", "cpu.vendor", much, cpu.vendor, "CPU vendor"},
       {"family", "cpu.family", much, text_of(cpu.family), "CPU family"},
       {"model", "cpu.model_number", much, text_of(cpu.model_number), "CPU model number"},
       {"microcode", "cpu.microcode", much, cpu.microcode},
       {"logical processors", "cpu.online", little, text_of(cpu.online), "online processors"},
       {"cores", "cpu.cores", little, text_of(cpu.cores)},
       {"pinned to", "cpu.pinned", little, cpu.pinned},
       {"kind of core", "cpu.core_type", much, cpu.core_type},
       {"quota, processors", "cpu.quota", much, text_of(cpu.quota)}});
  add(facts, "cache", "cpu.caches", much, cpu.caches);
}

void add_system(Facts& facts, const Context& context) {
  using enum Matters;
  facts.insert(
      facts.end(),
      {{"kernel", "kernel", much, context.kernel},
       {"kernel command line", "kernel_command_line", much, context.kernel_command_line},
       {"virtualisation", "virtualization", much, context.virtualization},
       {"emulated", "emulated", much, context.emulated ? "yes" : "no", "emulation"},
       {"page size", "page_size", much, fmt::format("{} bytes", context.page_size)},
       {"larger pages", "huge_page_sizes", little, text_of(context.huge_page_sizes)},
       {"transparent huge pages", "thp", much, context.thp},
       {"size of those, bytes", "thp_size", little, text_of(context.thp_size),
        "size of transparent huge pages"},
       {"address space randomisation", "aslr", much, text_of(context.aslr),
        "address layout randomisation"},
       {"governor", "governor", much, context.governor},
       {"turbo", "turbo", much, text_of(context.turbo)},
       {"simultaneous multithreading", "smt", much, text_of(context.smt), "SMT"},
       {"policy", "policy", much, context.policy.value_or("none")},
       {"perf_event_paranoid", "perf_event_paranoid", little, text_of(context.perf_event_paranoid)},
       {"load at the start", "load_average", no, text_of(context.load_average)}});
  // Each by itself: without an option a run has the usual, which is not unknown.
  for (const std::string_view option : {"--zone", "--pages", "--alias-offset", "--placement"}) {
    const auto given = std::ranges::find(context.zone_options, option.substr(2),
                                         &std::pair<std::string, std::string>::first);
    facts.push_back({std::string(option), "zone_options", much,
                     given == context.zone_options.end() ? "usual" : given->second});
  }
  add(facts, "mitigation", "mitigations", much, context.mitigations);
}

/// By name; the order in a file means nothing.
std::vector<Difference> differences_of(const Facts& first, const Facts& second, Matters matters) {
  std::vector<std::string> names;
  std::map<std::string, std::pair<std::string, std::string>> values;
  const auto collect = [&](const Facts& facts, auto side) {
    for (const ContextFact& fact : facts) {
      if (fact.matters != matters) continue;
      const std::string& name = fact.differs_as.empty() ? fact.name : fact.differs_as;
      const auto known = values.try_emplace(name, "unknown", "unknown");
      if (known.second) names.push_back(name);
      if (!fact.value) continue;
      known.first->second.*side = fact.value->empty() ? "nothing" : *fact.value;
    }
  };
  collect(first, &std::pair<std::string, std::string>::first);
  collect(second, &std::pair<std::string, std::string>::second);
  std::vector<Difference> differences;
  for (const std::string& name : names) {
    const auto& [one, other] = values[name];
    if (one != other) differences.push_back({name, one, other});
  }
  return differences;
}

}  // namespace

std::vector<ContextFact> context_facts(const Context& context) {
  using enum Matters;
  Facts facts = {{"host", "host", little, context.host},
                 {"architecture", "arch", much, context.arch}};
  add_processor(facts, context.cpu);
  add_system(facts, context);
  facts.insert(facts.end(), {{"compiler", "compiler", much, context.compiler},
                             {"flags", "flags", much, context.flags},
                             {"build type", "build_type", much, context.build_type},
                             {"revision", "git", little, context.git}});
  add(facts, "library", "libraries", little, context.libraries);
  return facts;
}

std::string to_text(const Difference& difference) {
  return fmt::format("{}: {} and {}", difference.what, difference.first, difference.second);
}

ContextDifferences context_differences(const Context& first, const Context& second) {
  const Facts one = context_facts(first);
  const Facts other = context_facts(second);
  return {differences_of(one, other, Matters::much), differences_of(one, other, Matters::little)};
}

}  // namespace patchbench::analysis
