// harness/machine/lookup.hpp - looking up one fact about the machine, and remembering where that
// was done.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patchbench::harness {

inline constexpr std::string_view kCpus = "/sys/devices/system/cpu";

/// Whoever reads a fact asks through one of these, so that its source is what was read and cannot
/// be anything else. What cannot be read is an empty optional.
class Lookup {
 public:
  /// `root` is "/" except in tests, which bring their own tree.
  explicit Lookup(std::filesystem::path root) : root_(std::move(root)) {}

  /// As read_trimmed. `file` is named as on the machine ("/proc/loadavg"), and so is the source.
  std::optional<std::string> text(std::string_view file);
  std::optional<int> integer(std::string_view file);

  /// Asks what is no file, or is many: `what` is its name in the source. Returns `answered`.
  bool ask(std::string_view what, bool answered);

  /// `file` of the machine below the root, for what is neither a text nor a number.
  [[nodiscard]] std::filesystem::path below_root(std::string_view file) const;
  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

  /// What answered, in the order asked. Where the fact is unknown for all that, or nothing
  /// answered: everything that was asked.
  [[nodiscard]] std::string source(bool known) const;

 private:
  std::filesystem::path root_;
  std::vector<std::string> asked_;
  std::vector<std::string> answered_;
};

}  // namespace patchbench::harness
