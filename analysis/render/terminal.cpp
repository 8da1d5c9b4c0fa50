#include "analysis/render/terminal.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/render/wrap.hpp"

namespace patchbench::analysis {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kFootnoteIndent = 2;
constexpr std::string_view kReset = "\033[0m";

using Columns = std::vector<std::size_t>;

std::string_view colour_of(Tone tone) {
  switch (tone) {
    case Tone::faster:
      return "\033[32m";
    case Tone::slower:
      return "\033[31m";
    case Tone::faint:
      return "\033[2m";
    default:
      return "";
  }
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (const std::string& line : lines_of(text)) width = std::max(width, line.size());
  return width;
}

/// One table, laid out for one width.
class TableText {
 public:
  TableText(const TextTable& table, const TerminalStyle& style)
      : table_(table), width_(std::max(style.width, kNarrowest)), colour_(style.colour) {
    for (std::size_t i = 0; i < table.header.size(); ++i) {
      widths_.push_back(width_of(table.header[i]));
      for (const auto& row : table.rows) {
        widths_.back() = std::max(widths_.back(), width_of(row[i].text));
      }
    }
    while (keys_ < widths_.size() && !is_number(keys_)) ++keys_;
  }

  [[nodiscard]] std::string text() {
    if (keys_ == widths_.size()) {
      narrow_last();
      add_block(columns(0, widths_.size()));
      return std::move(out_);
    }
    for (std::size_t from = keys_; from < widths_.size();) {
      const std::size_t to = fitting(from);
      Columns block = columns(0, keys_);
      const Columns values = columns(from, to);
      block.insert(block.end(), values.begin(), values.end());
      add_block(block);
      from = to;
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool is_number(std::size_t column) const {
    return std::ranges::any_of(table_.rows, [column](const std::vector<TextCell>& row) {
      return row[column].tone == Tone::number;
    });
  }
  static Columns columns(std::size_t from, std::size_t to) {
    Columns some(to - from);
    std::iota(some.begin(), some.end(), from);
    return some;
  }
  [[nodiscard]] std::size_t used_by(std::size_t from, std::size_t to) const {
    std::size_t used = 0;
    for (std::size_t i = from; i < to; ++i) used += widths_[i] + kGap;
    return used;
  }
  /// The end of the columns from `from` on that fit beside the keys, at least one.
  [[nodiscard]] std::size_t fitting(std::size_t from) const {
    std::size_t to = from + 1;
    while (to < widths_.size() && used_by(0, keys_) + used_by(from, to + 1) <= width_ + kGap) ++to;
    return to;
  }
  void narrow_last() {
    if (widths_.empty() || used_by(0, widths_.size()) <= width_ + kGap) return;
    const std::size_t others = used_by(0, widths_.size() - 1);
    constexpr std::size_t kLeast = 20;
    widths_.back() = std::max(kLeast, width_ - std::min(width_, others));
  }

  void add_block(const Columns& block) {
    out_ += '\n';
    std::vector<TextCell> header;
    header.reserve(table_.header.size());
    for (const std::string& title : table_.header) header.push_back({title, Tone::plain});
    add_row(block, header);
    const std::vector<TextCell>* above = nullptr;
    for (const auto& row : table_.rows) {
      add_row(block, without_repeated_keys(row, above));
      above = &row;
    }
  }
  [[nodiscard]] std::vector<TextCell> without_repeated_keys(
      std::vector<TextCell> row, const std::vector<TextCell>* above) const {
    for (std::size_t i = 0; above != nullptr && keys_ < widths_.size() && i < keys_; ++i) {
      if (row[i].text != (*above)[i].text) break;
      row[i].text.clear();
    }
    return row;
  }

  void add_row(const Columns& block, const std::vector<TextCell>& row) {
    std::vector<std::vector<std::string>> cells;
    std::size_t height = 1;
    for (const std::size_t column : block) {
      const bool broken = keys_ == widths_.size() && column + 1 == widths_.size();
      const std::string& text = row[column].text;
      cells.push_back(lines_of(broken ? wrap(text, widths_[column]) : text));
      height = std::max(height, cells.back().size());
    }
    for (std::size_t line = 0; line < height; ++line) add_line(block, row, cells, line);
  }
  void add_line(const Columns& block, const std::vector<TextCell>& row,
                const std::vector<std::vector<std::string>>& cells, std::size_t line) {
    std::string text;
    std::size_t blanks = 0;  // before the next text
    for (std::size_t i = 0; i < block.size(); ++i) {
      const std::string& part = line < cells[i].size() ? cells[i][line] : "";
      const std::size_t room = widths_[block[i]] - std::min(widths_[block[i]], part.size());
      const bool right = block[i] >= keys_;
      blanks += right ? room : 0;
      if (!part.empty()) {
        text += std::string(blanks, ' ') + painted(part, row[block[i]].tone);
        blanks = 0;
      } else {
        blanks += widths_[block[i]] - room;
      }
      blanks += (right ? 0 : room) + kGap;
    }
    out_ += text + '\n';
  }
  [[nodiscard]] std::string painted(const std::string& text, Tone tone) const {
    const std::string_view colour = colour_of(tone);
    return colour_ && !colour.empty() ? fmt::format("{}{}{}", colour, text, kReset) : text;
  }

  const TextTable& table_;
  std::size_t width_;
  bool colour_;
  Columns widths_;
  std::size_t keys_ = 0;
  std::string out_;
};

}  // namespace

std::string terminal_text(const Section& section, const TerminalStyle& style) {
  const std::size_t width = std::max(style.width, kNarrowest);
  std::string out(1, '\n');
  out += wrap(section.title, width);
  for (const std::string& paragraph : section.paragraphs) out += wrap(paragraph, width);
  if (section.table) out += TableText(*section.table, style).text();
  if (!section.footnotes.empty()) out += '\n';
  for (const std::string& note : section.footnotes) out += wrap(note, width, kFootnoteIndent);
  return out;
}

std::string terminal_text(const Document& document, const TerminalStyle& style) {
  const std::size_t width = std::max(style.width, kNarrowest);
  std::string out = wrap(document.title, width);
  for (const std::string& warning : document.warnings) {
    out += '\n';
    out += wrap(warning, width);
  }
  for (const Section& section : document.rest) out += terminal_text(section, style);
  for (const Section& section : document.summary) out += terminal_text(section, style);
  return out;
}

}  // namespace patchbench::analysis
