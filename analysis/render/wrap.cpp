#include "analysis/render/wrap.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace patchbench::analysis {

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (used > 0 && used + 1 + word.size() > width) {
      out += '\n' + std::string(indent, ' ');
      used = indent;
    } else if (used > 0) {
      out += ' ';
      ++used;
    }
    for (; used + word.size() > width; word.remove_prefix(width - used), used = indent) {
      out += std::string(word.substr(0, width - used)) + '\n' + std::string(indent, ' ');
    }
    out += word;
    used += word.size();
  }
  return out + '\n';
}

std::string spaced(const results::Params& params) {
  std::string text = results::params_text(params);
  for (std::size_t at = text.find(','); at != std::string::npos; at = text.find(',', at + 2)) {
    text.replace(at, 1, ", ");
  }
  return text;
}

void Grouping::add(const std::string& text, const std::string& member) {
  auto found =
      std::ranges::find_if(groups_, [&](const auto& group) { return group.first == text; });
  if (found == groups_.end()) {
    groups_.emplace_back(text, std::vector<std::string>{});
    found = std::prev(groups_.end());
  }
  auto& members = found->second;
  if (std::ranges::find(members, member) == members.end()) members.push_back(member);
}

std::string joined_some(const std::vector<std::string>& texts, std::size_t most) {
  if (texts.size() <= most + 1) return joined(texts);
  const auto shown = static_cast<std::ptrdiff_t>(most);
  return fmt::format("{} and {} more", fmt::join(texts.begin(), texts.begin() + shown, ", "),
                     texts.size() - most);
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  return fmt::format("{}", fmt::join(texts, separator));
}

}  // namespace patchbench::analysis
