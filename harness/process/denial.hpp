// harness/process/denial.hpp - what a refused system call means to the person who reads about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace patchbench::harness {

struct Denial {
  std::string call;  // "mmap"; empty when the error does not begin with a call's name
  std::optional<std::string> error;  // "EACCES"; empty for errors that are not errno's
  std::string reason;                // what() and what to do about it
};

[[nodiscard]] Denial explain(const std::system_error& error);

/// One sentence, or empty when there is nothing better to say than what errno says. `what` begins
/// with the call and may say what was asked of it, "mmap (read-write-execute)".
[[nodiscard]] std::string_view what_to_do(std::string_view what, int error_number);

/// Which limit of this process or machine is behind ENOMEM, as far as can be seen in this process
/// now: vm.max_map_count, RLIMIT_AS, RLIMIT_DATA, strict overcommit. Empty where none is.
[[nodiscard]] std::string limit_behind_enomem();

/// Throws std::system_error (ENOMEM) that names vm.max_map_count where a page in the middle of a
/// mapping may not be toggled any more, which takes two mappings: in the patch path that could not
/// be reported.
void require_room_to_toggle();

}  // namespace patchbench::harness
