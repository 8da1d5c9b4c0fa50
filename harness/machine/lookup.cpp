#include "harness/machine/lookup.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/text_parts.hpp"
#include "harness/machine/proc.hpp"

namespace patchbench::harness {
namespace {

void add_once(std::vector<std::string>& names, std::string_view name) {
  if (std::ranges::find(names, name) == names.end()) names.emplace_back(name);
}

}  // namespace

std::filesystem::path Lookup::below_root(std::string_view file) const {
  return root_ / std::filesystem::path(file).relative_path();
}

std::optional<std::string> Lookup::text(std::string_view file) {
  std::optional<std::string> found = read_trimmed(below_root(file));
  ask(file, found.has_value());
  return found;
}

std::optional<int> Lookup::integer(std::string_view file) {
  const auto number = leading_number<int>(read_trimmed(below_root(file)).value_or(""));
  ask(file, number.has_value());
  return number;
}

bool Lookup::ask(std::string_view what, bool answered) {
  add_once(asked_, what);
  if (answered) add_once(answered_, what);
  return answered;
}

std::string Lookup::source(bool known) const {
  return fmt::format("{}", fmt::join(known && !answered_.empty() ? answered_ : asked_, ", "));
}

}  // namespace patchbench::harness
