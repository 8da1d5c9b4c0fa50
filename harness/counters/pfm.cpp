#include "harness/counters/pfm.hpp"

#include <functional>
#include <utility>

#include <dlfcn.h>
#include <fmt/format.h>
#include <perfmon/pfmlib.h>
#include <perfmon/pfmlib_perf_event.h>

namespace patchbench::harness {
namespace {

/// Loaded when an event is first asked for: its tables have 44,000 relocations, which would cost
/// every child that is timed some milliseconds before its main().
class Library {
 public:
  Library() : handle_(dlopen(kName, RTLD_NOW | RTLD_LOCAL)) {
    const bool whole =
        handle_ != nullptr && find(initialize, "pfm_initialize") && find(explain, "pfm_strerror") &&
        find(get_pmu, "pfm_get_pmu_info") && find(next_event, "pfm_get_event_next") &&
        find(get_event, "pfm_get_event_info") && find(get_attribute, "pfm_get_event_attr_info") &&
        find(encode, "pfm_get_os_event_encoding");
    if (!whole) {
      const char* why = dlerror();
      error_ = fmt::format("{} cannot be loaded ({}): install libpfm4", kName,
                           why != nullptr ? why : "it lacks a function");
    } else if (const pfm_err_t error = initialize(); error != PFM_SUCCESS) {
      error_ = fmt::format("libpfm4 does not start: {}", explain(error));
    }
  }

  /// Why nothing can be asked; empty when everything can.
  [[nodiscard]] const std::string& error() const { return error_; }

  decltype(&pfm_initialize) initialize = nullptr;
  decltype(&pfm_strerror) explain = nullptr;
  decltype(&pfm_get_pmu_info) get_pmu = nullptr;
  decltype(&pfm_get_event_next) next_event = nullptr;
  decltype(&pfm_get_event_info) get_event = nullptr;
  decltype(&pfm_get_event_attr_info) get_attribute = nullptr;
  decltype(&pfm_get_os_event_encoding) encode = nullptr;

 private:
  static constexpr const char* kName = "libpfm.so.4";

  template <typename Function>
  bool find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    return function != nullptr;
  }

  void* handle_;  // for as long as the process lives
  std::string error_;
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

std::optional<pfm_pmu_info_t> info_of(pfm_pmu_t pmu) {
  pfm_pmu_info_t info{};
  info.size = sizeof info;
  if (library().get_pmu(pmu, &info) != PFM_SUCCESS) return std::nullopt;
  return info;
}

bool is_here(const pfm_pmu_info_t& info) { return info.is_present != 0; }

/// `visit` gets the names of a PMU's events, alone and with each unit mask.
void visit_events(const pfm_pmu_info_t& pmu, const std::function<void(std::string)>& visit) {
  for (int at = pmu.first_event; at != -1; at = library().next_event(at)) {
    pfm_event_info_t event{};
    event.size = sizeof event;
    if (library().get_event(at, PFM_OS_PERF_EVENT, &event) != PFM_SUCCESS) return;
    visit(event.name);
    for (int i = 0; i < event.nattrs; ++i) {
      pfm_event_attr_info_t attribute{};
      attribute.size = sizeof attribute;
      if (library().get_attribute(at, i, PFM_OS_PERF_EVENT, &attribute) == PFM_SUCCESS &&
          attribute.type == PFM_ATTR_UMASK) {
        visit(fmt::format("{}:{}", event.name, attribute.name));
      }
    }
  }
}

template <typename Visit>
void visit_pmus(Visit visit) {
  for (int i = PFM_PMU_NONE; library().error().empty() && i < PFM_PMU_MAX; ++i) {
    if (const auto info = info_of(static_cast<pfm_pmu_t>(i))) visit(*info);
  }
}

/// Takes every `modifier` out that stands for itself. True where there was one.
bool take_out(std::string& text, std::string_view modifier) {
  bool found = false;
  for (std::size_t at = text.find(modifier); at != std::string::npos;) {
    const std::size_t end = at + modifier.size();
    const bool whole = end == text.size() || text[end] == ':';
    found = found || whole;
    if (whole) text.erase(at, modifier.size());
    at = text.find(modifier, whole ? at : end);
  }
  return found;
}

std::string source_of(std::uint32_t type) {
  if (type == PERF_TYPE_SOFTWARE) return "software";
  return type == PERF_TYPE_TRACEPOINT ? "tracepoint" : "hardware";
}

}  // namespace

std::optional<std::string> pfm_pmu() {
  std::optional<std::string> found;
  visit_pmus([&found](const pfm_pmu_info_t& info) {
    if (!found && is_here(info) && info.type == PFM_PMU_TYPE_CORE) found = info.name;
  });
  return found;
}

ScopedName split_scope(std::string text) {
  const bool user = take_out(text, ":u");
  const bool kernel = take_out(text, ":k");
  return {.name = std::move(text),
          .scope = user && kernel ? "both"
                   : user         ? "user"
                   : kernel       ? "kernel"
                                  : ""};
}

EncodedEvent pfm_encode(const std::string& text) {
  if (!library().error().empty()) return {.event = std::nullopt, .error = library().error()};
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  pfm_perf_encode_arg_t request{};
  request.size = sizeof request;
  request.attr = &attributes;
  const pfm_err_t error =
      library().encode(text.c_str(), PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &request);
  if (error != PFM_SUCCESS) return {.event = std::nullopt, .error = library().explain(error)};
  Event event;
  event.name = split_scope(text).name;
  event.encoded_from = event.name;
  event.source = source_of(attributes.type);
  event.scope = attributes.exclude_kernel != 0 ? "user"
                : attributes.exclude_user != 0 ? "kernel"
                                               : "both";
  event.type = attributes.type;
  event.config = attributes.config;
  event.config1 = attributes.config1;
  event.config2 = attributes.config2;
  return {.event = std::move(event), .error = {}};
}

std::vector<std::string> pfm_event_names() {
  std::vector<std::string> names;
  visit_pmus([&names](const pfm_pmu_info_t& info) {
    if (is_here(info)) {
      visit_events(info, [&names](std::string name) { names.push_back(std::move(name)); });
    }
  });
  return names;
}

}  // namespace patchbench::harness
