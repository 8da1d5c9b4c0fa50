#include "analysis/render/terminal.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "analysis/render/wrap.hpp"

namespace patchbench::analysis {
namespace {

using results::Verdict;

constexpr std::size_t kGap = 2;
constexpr std::size_t kFootnoteIndent = 2;
/// Titles of columns of numbers are broken where they are longer, and wider than the numbers.
constexpr std::size_t kTitleWidth = 25;
constexpr std::string_view kReset = "\033[0m";

using Columns = std::vector<std::size_t>;
using Lines = std::vector<std::string>;

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

char sign(Verdict verdict) {
  constexpr std::string_view kSigns = "<>=?";  // in the order of Verdict
  return kSigns[static_cast<std::size_t>(verdict)];
}

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::size_t width_of(const Lines& lines) {
  std::size_t width = 0;
  for (const std::string& line : lines) width = std::max(width, line.size());
  return width;
}

/// One table, laid out for one width.
class TableText {
 public:
  TableText(const TextTable& table, const TerminalStyle& style)
      : table_(table),
        width_(static_cast<std::size_t>(std::max(style.width, kNarrowest))),
        colour_(style.colour),
        parts_(table.header.size()),
        signs_(table.header.size()) {
    while (keys_ < table.header.size() && !is_number(keys_)) ++keys_;
    for (std::size_t i = 0; i < table.header.size(); ++i) {
      headers_.push_back(lines_of(table.header[i]));
      widths_.push_back(i < keys_ ? key_width(i) : number_width(i));
    }
  }

  [[nodiscard]] bool is_one_block() const {
    return keys_ == widths_.size() || fitting(keys_) == widths_.size();
  }

  [[nodiscard]] std::string text() {
    const std::size_t all = widths_.size();
    if (keys_ == all) narrow_last();
    for (std::size_t from = keys_; from < all || from == keys_;) {
      const std::size_t to = from == all ? all : fitting(from);
      Columns block(keys_ + to - from);
      std::iota(block.begin(), block.end(), std::size_t{0});
      for (std::size_t i = keys_; i < block.size(); ++i) block[i] += from - keys_;
      add_block(block, from > keys_ || to < all);
      if (to == all) break;
      from = to;
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool is_number(std::size_t column) const {
    return std::ranges::any_of(
        table_.rows, [column](const auto& row) { return row[column].tone == Tone::number; });
  }
  [[nodiscard]] std::size_t key_width(std::size_t column) const {
    std::size_t width = width_of(headers_[column]);
    for (const auto& row : table_.rows) {
      width = std::max(width, width_of(lines_of(row[column].text)));
    }
    return width;
  }
  /// That of the lines of its entries side by side, or of its title.
  std::size_t number_width(std::size_t column) {
    std::size_t words = 0;
    for (const auto& row : table_.rows) signs_[column] = signs_[column] || row[column].verdict;
    for (const auto& row : table_.rows) {
      if (is_word(row[column])) {
        words = std::max(words, row[column].text.size());
        continue;
      }
      const Lines lines = parts_of(column, row[column]);
      parts_[column].resize(std::max(parts_[column].size(), lines.size()));
      for (std::size_t i = 0; i < lines.size(); ++i) {
        parts_[column][i] = std::max(parts_[column][i], lines[i].size());
      }
    }
    const std::size_t body = std::max(words, body_width(column));
    Lines header;
    for (const std::string& line : headers_[column]) {
      for (std::string& part : lines_of(wrap(line, std::max(body, kTitleWidth)))) {
        header.push_back(std::move(part));
      }
    }
    headers_[column] = std::move(header);
    return std::max(body, width_of(headers_[column]));
  }
  [[nodiscard]] std::size_t body_width(std::size_t column) const {
    const auto& parts = parts_[column];
    const std::size_t gaps = parts.empty() ? 0 : parts.size() - 1;
    return std::accumulate(parts.begin(), parts.end(), gaps);
  }
  /// Instead of a number.
  static bool is_word(const TextCell& cell) { return cell.tone == Tone::faint; }

  /// The lines of an entry, with the sign of its verdict behind the last.
  [[nodiscard]] Lines parts_of(std::size_t column, const TextCell& cell) const {
    Lines lines = lines_of(cell.text);
    if (signs_[column] && lines.size() > 1) {
      lines.back() += ' ';
      lines.back() += cell.verdict ? sign(*cell.verdict) : ' ';
    }
    return lines;
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

  void add_block(const Columns& block, bool one_of_several) {
    out_ += '\n';
    add_header(block);
    const std::vector<TextCell>* above = nullptr;
    bool ruled = !table_.rule;
    for (std::size_t i = 0; i < table_.rows.size(); ++i) {
      const auto& row = table_.rows[i];
      const bool empty = std::all_of(block.begin() + static_cast<std::ptrdiff_t>(keys_),
                                     block.end(), [&](auto at) { return row[at].text.empty(); });
      if (one_of_several && empty) continue;
      if (!ruled && i >= *table_.rule) {
        out_ += std::string(used_by(0, keys_) - kGap, '-') + '\n';
        ruled = true;
      }
      add_row(block, row, above);
      above = &row;
    }
  }
  void add_header(const Columns& block) {
    std::vector<Lines> cells;
    for (const std::size_t column : block) {
      Lines& lines = cells.emplace_back();
      for (const std::string& line : headers_[column]) lines.push_back(padded(column, line));
    }
    add_lines(block, cells);
  }
  void add_row(const Columns& block, const std::vector<TextCell>& row,
               const std::vector<TextCell>* above) {
    std::vector<Lines> cells;
    bool repeats = above != nullptr && keys_ < widths_.size();
    for (const std::size_t column : block) {
      const TextCell& cell = row[column];
      repeats = repeats && column < keys_ && cell.text == (*above)[column].text;
      Lines& lines = cells.emplace_back();
      if (repeats) continue;
      if (column >= keys_) {
        lines.push_back(is_word(cell) ? padded(column, cell.text, cell.tone)
                                      : side_by_side(column, cell));
        continue;
      }
      const bool broken = keys_ == widths_.size() && column + 1 == widths_.size();
      for (const std::string& line :
           lines_of(broken ? wrap(cell.text, widths_[column]) : cell.text)) {
        lines.push_back(padded(column, line, cell.tone));
      }
    }
    add_lines(block, cells);
  }
  /// Each line is as wide as its column.
  void add_lines(const Columns& block, const std::vector<Lines>& cells) {
    std::size_t height = 1;
    for (const Lines& lines : cells) height = std::max(height, lines.size());
    for (std::size_t line = 0; line < height; ++line) {
      std::string text;
      for (std::size_t i = 0; i < block.size(); ++i) {
        const std::string blank(widths_[block[i]], ' ');
        text += (line < cells[i].size() ? cells[i][line] : blank) + std::string(kGap, ' ');
      }
      text.erase(text.find_last_not_of(' ') + 1);
      out_ += text + '\n';
    }
  }

  /// Keys begin where their column does, and numbers end where theirs ends.
  [[nodiscard]] std::string padded(std::size_t column, const std::string& text,
                                   Tone tone = Tone::plain) const {
    const std::string blanks(widths_[column] - std::min(widths_[column], text.size()), ' ');
    return column < keys_ ? painted(text, tone) + blanks : blanks + painted(text, tone);
  }
  [[nodiscard]] std::string side_by_side(std::size_t column, const TextCell& cell) const {
    const Lines lines = parts_of(column, cell);
    const auto& parts = parts_[column];
    std::string text(widths_[column] - body_width(column), ' ');
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::string line = i < lines.size() ? lines[i] : "";
      const bool judged = cell.verdict && i > 0;
      text += std::string(parts[i] - line.size() + (i > 0 ? 1 : 0), ' ');
      text += painted(line, judged ? tone_of(*cell.verdict) : cell.tone);
    }
    return text;
  }
  [[nodiscard]] std::string painted(const std::string& text, Tone tone) const {
    const std::string_view colour = colour_of(tone);
    return colour_ && !colour.empty() ? fmt::format("{}{}{}", colour, text, kReset) : text;
  }

  const TextTable& table_;
  std::size_t width_;
  bool colour_;
  std::size_t keys_ = 0;
  std::vector<Lines> headers_;
  std::vector<std::vector<std::size_t>> parts_;  // widths, of the lines of columns of numbers
  std::vector<bool> signs_;                      // whether a column has verdicts
  std::vector<std::size_t> widths_;
  std::string out_;
};

}  // namespace

std::string terminal_text(const Section& section, const TerminalStyle& style) {
  const auto width = static_cast<std::size_t>(std::max(style.width, kNarrowest));
  const bool headed = !section.title.empty() || !section.paragraphs.empty();
  std::string out(headed ? 1 : 0, '\n');
  if (!section.title.empty()) out += wrap(section.title, width);
  for (const std::string& paragraph : section.paragraphs) {
    out += wrap(paragraph, width, section.title.empty() ? kFootnoteIndent : 0);
  }
  if (section.table) out += TableText(*section.table, style).text();
  if (section.table && !section.footnotes.empty()) out += '\n';
  for (const std::string& note : section.footnotes) out += wrap(note, width, kFootnoteIndent);
  return out;
}

bool stands_in_one_block(const TextTable& table, const TerminalStyle& style) {
  return TableText(table, style).is_one_block();
}

std::string terminal_text(const std::vector<Section>& sections, const TerminalStyle& style) {
  std::string out;
  for (const Section& section : sections) out += terminal_text(section, style);
  return out.empty() ? out : out.substr(1);
}

std::string terminal_text(const Document& document, const TerminalStyle& style) {
  std::vector<Section> sections;
  sections.push_back({.title = document.title});
  for (const std::string& warning : document.warnings) sections.push_back({.title = warning});
  sections.insert(sections.end(), document.rest.begin(), document.rest.end());
  sections.insert(sections.end(), document.summary.begin(), document.summary.end());
  return terminal_text(sections, style);
}

}  // namespace patchbench::analysis
