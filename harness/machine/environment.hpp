// harness/machine/environment.hpp - the machine and the build that a run's numbers belong to.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/machine/machine.hpp"
#include "results/model.hpp"
#include "strategies/publish.hpp"

namespace patchbench::harness {

/// The variable that names the emulator this runs in, set by whoever started that, where nothing
/// inside can tell.
inline constexpr const char* kEmulatorVariable = "PATCHBENCH_EMULATED";

/// What it says. Empty when it is not set.
[[nodiscard]] std::string declared_emulator();

/// Where facts come from. Tests bring their own tree.
struct EnvironmentSources {
  std::filesystem::path root = "/";                 // of /proc, /sys and /etc
  std::string hypervisor = hypervisor_signature();  // what the processor says
  std::string arch = std::string(machine_name());
  std::string emulator = declared_emulator();             // what the environment says
  std::string cache_maintenance = describe_publishing();  // what each patch is followed by
  bool (*breaks_architecture)() = harness::breaks_architecture;
};

/// Reads files and nothing else: no program is started, nothing of the machine is changed. `cpus`
/// are those that children will be pinned to; the facts about the processor are those of the first.
/// Every fact has its source in Context::sources, under its name in results.json.
/// The warnings name what will disturb a run here, before it starts.
[[nodiscard]] results::Context read_environment(const EnvironmentSources& sources,
                                                const std::vector<int>& cpus);

}  // namespace patchbench::harness
