#include "harness/machine/virtualization.hpp"

#include <array>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/text_parts.hpp"
#include "harness/machine/cpuinfo.hpp"
#include "harness/machine/emulator.hpp"
#include "harness/machine/lookup.hpp"
#include "harness/machine/proc.hpp"

namespace patchbench::harness {
namespace {

struct Name {
  std::string_view text;  // found somewhere in what is searched
  std::string_view kind;
};

// What processors answer (CPUID leaf 0x40000000).
constexpr std::array kSignatures = {
    Name{"KVMKVMKVM", "kvm"},       Name{"TCGTCGTCGTCG", "qemu"}, Name{"Microsoft Hv", "microsoft"},
    Name{"VMwareVMware", "vmware"}, Name{"XenVMMXenVMM", "xen"},  Name{"bhyve bhyve", "bhyve"},
    Name{"QNXQVMBSQG", "qnx"},      Name{"ACRNACRNACRN", "acrn"}, Name{"VBoxVBoxVBox", "oracle"},
};

// What firmware writes into the DMI tables. KVM before QEMU: QEMU's boards name both when KVM runs
// them.
constexpr std::array kDmi = {
    Name{"KVM Virtual Machine", "kvm"},
    Name{"KVM", "kvm"},
    Name{"OpenStack", "kvm"},
    Name{"Google Compute Engine", "kvm"},
    Name{"Amazon EC2", "kvm"},  // Nitro; but see is_metal()
    Name{"QEMU", "qemu"},
    Name{"VMware", "vmware"},
    Name{"VirtualBox", "oracle"},
    Name{"innotek", "oracle"},
    Name{"Xen", "xen"},
    Name{"Virtual Machine", "microsoft"},
    Name{"Parallels", "parallels"},
    Name{"BHYVE", "bhyve"},
    Name{"Apple Virtualization", "apple"},
};

// The implementer code that Arm keeps for software (MIDR_EL1). QEMU's processor "max" has it.
constexpr std::string_view kSoftwareImplementer = "0x00";

template <std::size_t kSize>
std::optional<std::string> search(const std::array<Name, kSize>& names, std::string_view text) {
  for (const Name& name : names) {
    if (text.find(name.text) != std::string_view::npos) return std::string(name.kind);
  }
  return std::nullopt;
}

std::string read_dmi(Lookup& lookup) {
  constexpr std::string_view kDirectory = "/sys/class/dmi/id";
  constexpr std::array<std::string_view, 4> kFiles = {"product_name", "sys_vendor", "board_vendor",
                                                      "bios_vendor"};
  std::string all;
  for (const std::string_view file : kFiles) {
    all += read_trimmed(lookup.below_root(kDirectory) / file).value_or("") + "\n";
  }
  lookup.ask(fmt::format("{}/{{{}}}", kDirectory, fmt::join(kFiles, ",")), !trimmed(all).empty());
  return all;
}

/// Amazon's machines without a hypervisor are named so ("c7g.metal"), by the same firmware.
bool is_metal(std::string_view dmi) {
  return dmi.find("Amazon EC2") != std::string_view::npos &&
         dmi.find(".metal") != std::string_view::npos;
}

std::string read_device_tree(Lookup& lookup) {
  return lookup.text("/proc/device-tree/compatible").value_or("");
}

CpuInfo read_first_cpu(Lookup& lookup) {
  CpuInfo cpuinfo = read_cpuinfo(lookup.root(), 0);
  lookup.ask("/proc/cpuinfo", !cpuinfo.empty());
  return cpuinfo;
}

std::string ask_processor(const EnvironmentSources& sources, Lookup& lookup) {
  const std::string_view how = hypervisor_signature_source();
  if (!how.empty()) lookup.ask(how, !sources.hypervisor.empty());
  return sources.hypervisor;
}

std::optional<std::string> search_files(Lookup& lookup) {
  if (auto type = lookup.text("/sys/hypervisor/type"); type && !type->empty()) return type;
  const std::string dmi = read_dmi(lookup);
  if (auto kind = search(kDmi, dmi); kind && !is_metal(dmi)) return kind;
  // The board that QEMU invents when it boots a kernel without firmware.
  if (read_device_tree(lookup).find("linux,dummy-virt") != std::string::npos) return "qemu";
  return std::nullopt;
}

/// Nothing was found: does that mean that there is nothing?
std::optional<std::string> without_a_trace(Lookup& lookup) {
  const CpuInfo cpuinfo = read_first_cpu(lookup);
  if (cpuinfo.has_flag("hypervisor")) return "unknown hypervisor";
  const bool x86 = cpuinfo.find("flags").has_value();  // where the flag would be
  const bool described = !trimmed(read_dmi(lookup)).empty() || !read_device_tree(lookup).empty();
  return x86 || described ? std::optional<std::string>("none") : std::nullopt;
}

bool runs_under_qemu_user(const EnvironmentSources& sources, Lookup& lookup) {
  if (lookup.ask("/proc/thread-self/exe", in_qemu_user(lookup.root()))) return true;
  return sources.arch == "aarch64" && read_first_cpu(lookup).find("vendor_id").has_value();
}

bool is_emulated(const EnvironmentSources& sources, Lookup& lookup) {
  if (lookup.ask(kEmulatorVariable, !sources.emulator.empty())) return true;
  if (ask_processor(sources, lookup).starts_with("TCG")) return true;
  const CpuInfo cpuinfo = read_first_cpu(lookup);
  const std::string model = cpuinfo.find("model name").value_or("");
  if (model.find("QEMU TCG") != std::string::npos ||
      cpuinfo.find("CPU implementer") == kSoftwareImplementer ||
      read_dmi(lookup).find("QEMU Virtual Machine") != std::string::npos) {
    return true;
  }
  const bool proof = sources.breaks_architecture();
  if (proof) lookup.ask("what its architecture forbids a processor (exclusive stores)", true);
  return proof;
}

/// Who emulates or virtualises.
std::optional<std::string> find_kind(const EnvironmentSources& sources, Lookup& lookup,
                                     bool emulated) {
  if (lookup.ask(kEmulatorVariable, !sources.emulator.empty())) return sources.emulator;
  if (auto kind = search(kSignatures, ask_processor(sources, lookup))) return kind;
  if (auto kind = search_files(lookup)) return kind;
  return emulated ? "unknown emulator" : without_a_trace(lookup);
}

}  // namespace

Virtualization detect_virtualization(const EnvironmentSources& sources) {
  Lookup kind(sources.root);
  Lookup emulated(sources.root);
  Virtualization found;
  if (runs_under_qemu_user(sources, emulated)) {
    found.kind = "qemu-user";
    found.emulated = true;
    found.kind_source = found.emulated_source = emulated.source(true);
    return found;
  }
  found.emulated = is_emulated(sources, emulated);
  found.emulated_source = emulated.source(true);
  found.kind = find_kind(sources, kind, found.emulated);
  found.kind_source = kind.source(found.kind.has_value());
  if (found.kind == "qemu" && !found.emulated) {
    found.warnings.emplace_back(
        "QEMU's board, and nothing says whether a hypervisor or an emulator runs it: if it is an "
        "emulator, no time here means anything, and PATCHBENCH_EMULATED=qemu-system has to say so");
  }
  return found;
}

}  // namespace patchbench::harness
