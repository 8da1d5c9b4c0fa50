// harness/policies/wishes.hpp - what an emulator's author asked of the kernel in 2007, and what
// this kernel answers.
//
// Albert Cahalan, "JIT emulator needs", linux-kernel, June 2007: wishes a to j, and four
// complaints. Each answer is tried in a process of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patchbench::harness {

enum class Granted {
  yes,       // tried here, and it does what was wished for
  instead,   // not what was wished for, but what is done instead works here
  no,        // tried here, and there is nothing
  not_here,  // this kernel or this user has not what it takes
};

struct WishAnswer {
  std::string id;    // "a" to "j", or of a complaint "selinux", "leaks", "addresses", "vmas"
  std::string wish;  // in short
  Granted granted = Granted::not_here;
  std::string answer;             // what does it
  std::string since;              // Linux versions
  std::string seen;               // what was seen when it was tried, or the call and the error
  std::string timed;              // what the cost is of; empty where nothing was timed
  std::optional<double> cost_ns;  // the median of repetitions
};

/// In the mail's order. The caller has one thread. Throws std::system_error where there can be no
/// children.
[[nodiscard]] std::vector<WishAnswer> answer_wishes();

/// What came later and concerns code that is changed: mseal(2) and IPE. The same way.
[[nodiscard]] std::vector<WishAnswer> answer_later_questions();

[[nodiscard]] std::string_view to_string(Granted granted);
[[nodiscard]] std::string wishes_text(const std::vector<WishAnswer>& answers);
[[nodiscard]] std::string wishes_json(const std::vector<WishAnswer>& answers);

}  // namespace patchbench::harness
