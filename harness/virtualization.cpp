#include "harness/virtualization.hpp"

#include <array>
#include <string_view>

#include "harness/cpuinfo.hpp"
#include "harness/emulator.hpp"
#include "harness/proc.hpp"
#include "harness/words.hpp"

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
    if (text.find(name.text) != std::string_view::npos) {
      return std::string(name.kind);
    }
  }
  return std::nullopt;
}

std::string read_dmi(const std::filesystem::path& root) {
  std::string all;
  for (const char* file : {"product_name", "sys_vendor", "board_vendor", "bios_vendor"}) {
    all += read_trimmed(root / "sys/class/dmi/id" / file).value_or("") + "\n";
  }
  return all;
}

/// Amazon's machines without a hypervisor are named so ("c7g.metal"), by the same firmware.
bool is_metal(std::string_view dmi) {
  return dmi.find("Amazon EC2") != std::string_view::npos &&
         dmi.find(".metal") != std::string_view::npos;
}

std::string read_device_tree(const std::filesystem::path& root) {
  return read_trimmed(root / "proc/device-tree/compatible").value_or("");
}

std::optional<std::string> search_files(const std::filesystem::path& root) {
  if (auto type = read_trimmed(root / "sys/hypervisor/type"); type && !type->empty()) {
    return type;
  }
  const std::string dmi = read_dmi(root);
  if (auto kind = search(kDmi, dmi); kind && !is_metal(dmi)) {
    return kind;
  }
  // The board that QEMU invents when it boots a kernel without firmware.
  if (read_device_tree(root).find("linux,dummy-virt") != std::string::npos) {
    return "qemu";
  }
  return std::nullopt;
}

/// Nothing was found: does that mean that there is nothing?
std::optional<std::string> without_a_trace(const EnvironmentSources& sources,
                                           const CpuInfo& cpuinfo) {
  if (cpuinfo.has_flag("hypervisor")) {
    return "unknown hypervisor";
  }
  const bool x86 = cpuinfo.find("flags").has_value();  // where the flag would be
  const bool described =
      !trimmed(read_dmi(sources.root)).empty() || !read_device_tree(sources.root).empty();
  return x86 || described ? std::optional<std::string>("none") : std::nullopt;
}

bool runs_under_qemu_user(const EnvironmentSources& sources, const CpuInfo& cpuinfo) {
  const bool foreign = sources.arch == "aarch64" && cpuinfo.find("vendor_id").has_value();
  return in_qemu_user(sources.root) || foreign;
}

bool is_emulated(const EnvironmentSources& sources, const CpuInfo& cpuinfo) {
  const std::string model = cpuinfo.find("model name").value_or("");
  return !sources.emulator.empty() || sources.hypervisor.starts_with("TCG") ||
         model.find("QEMU TCG") != std::string::npos ||
         cpuinfo.find("CPU implementer") == kSoftwareImplementer ||
         read_dmi(sources.root).find("QEMU Virtual Machine") != std::string::npos ||
         sources.breaks_architecture();
}

/// Who emulates or virtualises.
std::optional<std::string> find_kind(const EnvironmentSources& sources, const CpuInfo& cpuinfo,
                                     bool emulated) {
  if (!sources.emulator.empty()) {
    return sources.emulator;
  }
  if (auto kind = search(kSignatures, sources.hypervisor)) {
    return kind;
  }
  if (auto kind = search_files(sources.root)) {
    return kind;
  }
  return emulated ? "unknown emulator" : without_a_trace(sources, cpuinfo);
}

}  // namespace

Virtualization detect_virtualization(const EnvironmentSources& sources) {
  const CpuInfo cpuinfo = read_cpuinfo(sources.root, 0);
  Virtualization found;
  if (runs_under_qemu_user(sources, cpuinfo)) {
    found.kind = "qemu-user";
    found.emulated = true;
    return found;
  }
  found.emulated = is_emulated(sources, cpuinfo);
  found.kind = find_kind(sources, cpuinfo, found.emulated);
  if (found.kind == "qemu" && !found.emulated) {
    found.warnings.emplace_back(
        "QEMU's board, and nothing says whether a hypervisor or an emulator runs it: if it is an "
        "emulator, no time here means anything, and PATCHBENCH_EMULATED=qemu-system has to say so");
  }
  return found;
}

}  // namespace patchbench::harness
