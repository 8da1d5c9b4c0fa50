#include "harness/counters/kernel_events.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <linux/perf_event.h>

#include "harness/counters/tracefs.hpp"
#include "harness/machine/cpu_list.hpp"

namespace patchbench::harness {
namespace {

constexpr const char* kSet = "vma";
constexpr const char* kBusyThread = "busy-thread";

/// Faults happen in user code or in the kernel's accesses to user memory. The scheduler is the
/// kernel's: with the kernel excluded these two count nothing, whatever happens.
struct SoftwareEvent {
  const char* name;
  std::uint64_t config;
  const char* scope;
};
constexpr std::array kSoftwareEvents = {
    SoftwareEvent{"minor-faults", PERF_COUNT_SW_PAGE_FAULTS_MIN, "user"},
    SoftwareEvent{"minor-faults", PERF_COUNT_SW_PAGE_FAULTS_MIN, "kernel"},
    SoftwareEvent{"major-faults", PERF_COUNT_SW_PAGE_FAULTS_MAJ, "user"},
    SoftwareEvent{"major-faults", PERF_COUNT_SW_PAGE_FAULTS_MAJ, "kernel"},
    SoftwareEvent{"context-switches", PERF_COUNT_SW_CONTEXT_SWITCHES, "kernel"},
    SoftwareEvent{"cpu-migrations", PERF_COUNT_SW_CPU_MIGRATIONS, "kernel"}};

struct TracepointEvent {
  const char* name;
  const char* category;
  const char* tracepoint;
};
constexpr std::array kTracepoints = {
    TracepointEvent{"system-calls", "raw_syscalls", "sys_enter"},
    TracepointEvent{"mprotect-calls", "syscalls", "sys_enter_mprotect"},
    TracepointEvent{"mmap-calls", "syscalls", "sys_enter_mmap"},
    TracepointEvent{"munmap-calls", "syscalls", "sys_enter_munmap"},
    TracepointEvent{"membarrier-calls", "syscalls", "sys_enter_membarrier"},
    TracepointEvent{"user-page-faults", "exceptions", "page_fault_user"},
    TracepointEvent{"ipis-to-one", "ipi", "ipi_send_cpu"},
    TracepointEvent{"ipis-to-many", "ipi", "ipi_send_cpumask"}};
constexpr TracepointEvent kTlbFlush{"tlb-flushes", "tlb", "tlb_flush"};

WantedEvent software(const SoftwareEvent& from) {
  WantedEvent wanted;
  wanted.event.name = from.name;
  wanted.event.set = kSet;
  wanted.event.source = "software";
  wanted.event.scope = from.scope;
  wanted.event.type = PERF_TYPE_SOFTWARE;
  wanted.event.config = from.config;
  wanted.status = "ok";
  return wanted;
}

/// Scope both: where a tracepoint says that it is, user code or the kernel, differs between
/// tracepoints, and what is left out by that would look like none.
WantedEvent tracepoint(std::string name, const TracepointEvent& from, const Tracepoint& found) {
  WantedEvent wanted;
  wanted.event.name = std::move(name);
  wanted.event.encoded_from = fmt::format("{}:{}", from.category, from.tracepoint);
  wanted.event.set = kSet;
  wanted.event.source = "tracepoint";
  wanted.event.scope = "both";
  wanted.event.type = PERF_TYPE_TRACEPOINT;
  wanted.event.config = found.id.value_or(0);
  wanted.status = found.status;
  wanted.reason = found.reason;
  return wanted;
}

/// "remote IPI send" -> "remote-ipi-send"
std::string as_name(std::string_view words) {
  std::string name;
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      name += static_cast<char>(std::tolower(byte));
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  return name;
}

/// All flushes, those of each reason that this kernel names, and those of no such reason.
std::vector<WantedEvent> tlb_flushes(const Tracefs& tracefs) {
  const Tracepoint found = find_tracepoint(tracefs, kTlbFlush.category, kTlbFlush.tracepoint);
  std::vector<WantedEvent> events{tracepoint(kTlbFlush.name, kTlbFlush, found)};
  std::string none_of_them;
  for (const auto& [value, words] : symbols_of(found.format, "reason")) {
    events.push_back(
        tracepoint(fmt::format("{}:{}", kTlbFlush.name, as_name(words)), kTlbFlush, found));
    events.back().event.filter = fmt::format("reason=={}", value);
    none_of_them += fmt::format("{}reason!={}", none_of_them.empty() ? "" : "&&", value);
  }
  if (!none_of_them.empty()) {
    events.push_back(tracepoint(fmt::format("{}:other", kTlbFlush.name), kTlbFlush, found));
    events.back().event.filter = none_of_them;
  }
  return events;
}

std::vector<WantedEvent> alone(const std::filesystem::path& root) {
  std::vector<WantedEvent> events;
  std::ranges::transform(kSoftwareEvents, std::back_inserter(events), software);
  const Tracefs tracefs = find_tracefs(root);
  for (const TracepointEvent& event : kTracepoints) {
    events.push_back(
        tracepoint(event.name, event, find_tracepoint(tracefs, event.category, event.tracepoint)));
  }
  std::ranges::move(tlb_flushes(tracefs), std::back_inserter(events));
  return events;
}

}  // namespace

std::vector<WantedEvent> kernel_events(const std::filesystem::path& root, std::size_t processors) {
  std::vector<WantedEvent> events = alone(root);
  const std::size_t count = events.size();
  for (std::size_t i = 0; i < count; ++i) {
    WantedEvent beside = events[i];
    beside.event.beside = kBusyThread;
    if (processors < 2 && beside.status == "ok") {
      beside.status = "unavailable";
      beside.reason = "a busy thread needs a second processor that this process may run on";
    }
    events.push_back(std::move(beside));
  }
  return events;
}

std::vector<WantedEvent> kernel_events() { return kernel_events("/", allowed_cpus().size()); }

std::vector<WantedEvent> flushes_of_hidden_reason(std::string_view name,
                                                  std::span<const WantedEvent> kernel) {
  const std::string prefix = fmt::format("{}:", kTlbFlush.name);
  const bool known = std::ranges::any_of(
      kernel, [&](const WantedEvent& one) { return one.event.name.starts_with(prefix); });
  std::vector<WantedEvent> events;
  if (known || !name.starts_with(prefix) || name.size() == prefix.size()) return events;
  std::ranges::copy_if(kernel, std::back_inserter(events),
                       [](const WantedEvent& one) { return one.event.name == kTlbFlush.name; });
  for (WantedEvent& one : events) {
    one.event.name = name;
    if (one.status == "ok") {
      one.status = "unavailable";
      one.reason = "this kernel does not say which numbers its reasons have";
    }
  }
  return events;
}

}  // namespace patchbench::harness
