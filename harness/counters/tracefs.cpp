#include "harness/counters/tracefs.hpp"

#include <algorithm>
#include <array>
#include <regex>
#include <system_error>

#include <fmt/format.h>

#include "harness/machine/proc.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTracing = "/sys/kernel/tracing";
constexpr std::array kPlaces = {kTracing, "/sys/kernel/debug/tracing"};

enum class Presence { there, absent, hidden };

Presence presence_of(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path, error)) return Presence::there;
  return error == std::errc::permission_denied ? Presence::hidden : Presence::absent;
}

fs::path below(const fs::path& root, const char* absolute) {
  return root / fs::path(absolute).relative_path();
}

}  // namespace

Tracefs find_tracefs(const fs::path& root) {
  std::string hidden;
  for (const char* place : kPlaces) {
    const fs::path events = below(root, place) / "events";
    const Presence presence = presence_of(events);
    if (presence == Presence::there) return {.events = events, .reason = {}};
    if (presence == Presence::hidden && hidden.empty()) hidden = place;
  }
  if (!hidden.empty()) {
    return {.events = {},
            .reason = fmt::format("{} may not be read (EACCES): run as root, or, as root, let a "
                                  "group read it: mount -o remount,gid=GROUP,mode=750 {}",
                                  hidden, hidden)};
  }
  if (presence_of(below(root, kTracing)) == Presence::there) {
    return {.events = {},
            .reason = fmt::format("tracefs is not mounted; as root: mount -t tracefs nodev {}",
                                  kTracing)};
  }
  return {.events = {},
          .reason = fmt::format("this kernel has no tracepoints: there is no {} (CONFIG_TRACING)",
                                kTracing)};
}

Tracepoint find_tracepoint(const Tracefs& tracefs, std::string_view category,
                           std::string_view name) {
  Tracepoint found;
  if (!tracefs.reason.empty()) {
    found.status = "unavailable";
    found.reason = tracefs.reason;
    return found;
  }
  const fs::path folder = tracefs.events / category / name;
  switch (presence_of(folder)) {
    case Presence::absent:
      found.status = "unsupported";
      found.reason =
          fmt::format("this kernel, or its architecture, has no tracepoint {}:{}", category, name);
      return found;
    case Presence::hidden:
    case Presence::there:
      break;
  }
  const auto id = read_integer(folder / "id");
  if (!id || *id < 0) {
    found.status = "unavailable";
    found.reason = fmt::format("{} cannot be read: tracefs is for root and its group",
                               (folder / "id").string());
    return found;
  }
  found.id = static_cast<std::uint64_t>(*id);
  found.format = read_trimmed(folder / "format").value_or("");
  found.status = "ok";
  return found;
}

std::vector<Symbol> symbols_of(std::string_view format, std::string_view field) {
  const std::string opening = fmt::format("__print_symbolic(REC->{},", field);
  const std::size_t at = format.find(opening);
  if (at == std::string_view::npos) return {};
  std::string list(format.substr(at + opening.size()));
  list.resize(std::min(list.size(), list.find("})") + 1));
  // Kernels that do not resolve an enumeration show its names here instead of numbers.
  static const std::regex entry(R"re(\{ *(0x[0-9A-Fa-f]+|[0-9]+)U?L* *, *"([^"]*)" *\})re");
  std::vector<Symbol> symbols;
  for (std::sregex_iterator symbol(list.begin(), list.end(), entry), end; symbol != end; ++symbol) {
    constexpr int kAnyBase = 0;
    symbols.emplace_back(std::stoull((*symbol)[1].str(), nullptr, kAnyBase), (*symbol)[2].str());
  }
  return symbols;
}

}  // namespace patchbench::harness
