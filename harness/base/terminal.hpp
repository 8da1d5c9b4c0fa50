// harness/base/terminal.hpp - what is said to the person at the terminal.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace patchbench::harness {

/// As fmt::print, but a reader that went away or a full disk behind `stream` is no error: a run is
/// not lost for want of someone to tell.
template <typename... Arguments>
void say(std::FILE* stream, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  const std::string text = fmt::format(format, std::forward<Arguments>(arguments)...);
  std::fwrite(text.data(), 1, text.size(), stream);
}

/// "1 round", "5 rounds"
[[nodiscard]] inline std::string counted(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace patchbench::harness
