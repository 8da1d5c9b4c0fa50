// analysis/quantity/context_difference.hpp - the facts of a run's context, and what two runs were
// not measured under alike.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

/// Whether costs depend on it (ContextDifferences), or a reader should know it, or neither.
enum class Matters { much, little, no };

struct ContextFact {
  std::string name;   // "cache L1d"
  std::string field;  // of results.json: "cpu.caches"
  Matters matters = Matters::no;
  std::optional<std::string> value = {};  // none where it is not known
  std::string differs_as = {};            // its name where runs differ in it, if another
};

/// Everything that is known of where a run was measured, in the order of a report.
[[nodiscard]] std::vector<ContextFact> context_facts(const results::Context& context);

/// One thing that is not the same: "kernel", "6.1", "6.12".
struct Difference {
  std::string what;
  std::string first;
  std::string second;
};

/// "kernel: 6.1 and 6.12"
[[nodiscard]] std::string to_text(const Difference& difference);

/// Load, warnings, sources and what counted are left out: they say how a run was, or was read, and
/// not where.
struct ContextDifferences {
  /// What costs depend on, so that a change could be theirs: processor, virtualisation, kernel and
  /// how it was started, governor, turbo, SMT, mitigations, compiler, flags. Known to one run only
  /// counts as different.
  std::vector<Difference> decisive;
  /// What a reader should know beside: host, revision, libraries, what children were pinned to, and
  /// what the first files of the schema did not say.
  std::vector<Difference> others;
};

[[nodiscard]] ContextDifferences context_differences(const results::Context& first,
                                                     const results::Context& second);

}  // namespace patchbench::analysis
