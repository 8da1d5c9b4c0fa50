// harness/machine/virtualization.hpp - whether this is a real machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/machine/environment.hpp"

namespace patchbench::harness {

struct Virtualization {
  std::optional<std::string> kind;  // "none", "kvm", "qemu", "xen", ...; empty: unknown
  std::string kind_source;          // what said so, or was asked
  bool emulated = false;            // instructions are interpreted or translated
  std::string emulated_source;
  std::vector<std::string> warnings;
};

/// From what the processor, the firmware's tables, the device tree and an emulator's traces in
/// /proc say.
[[nodiscard]] Virtualization detect_virtualization(const EnvironmentSources& sources);

}  // namespace patchbench::harness
