// analysis/render/document.hpp - what a report says, before it is known what it becomes: HTML,
// Markdown, CSV or text on a terminal.
//
// All texts are plain: whoever renders them escapes them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

/// name and number are not broken into lines.
enum class Tone { plain, name, number, faster, slower, faint };

/// How a word says it: what is decided stands out, and what is not stands back.
[[nodiscard]] Tone tone_of(results::Verdict verdict);

struct TextCell {
  std::string text = {};  // its lines stand side by side where that is shorter
  Tone tone = Tone::plain;
  /// A word or a sign behind the text.
  std::optional<results::Verdict> verdict = {};
};

/// The text, and the verdict as a word on a line of its own.
[[nodiscard]] std::string text_with_verdict(const TextCell& cell);

struct TextTable {
  std::vector<std::string> header = {};
  std::vector<std::vector<TextCell>> rows = {};  // each as long as the header
  std::optional<std::size_t> rule = {};          // the row above which a line is drawn
};

/// The chapters of a report, in the order in which they are read. What belongs to none stands
/// first.
enum class Part {
  answer,
  trust,
  send,
  patch,
  break_even,
  life,
  threads,
  new_code,
  counters,
  mappings,
  cases,
  context
};

/// The chapter's heading; empty of the first, whose sections have headings of their own.
[[nodiscard]] std::string_view title_of(Part part);

struct Section {
  std::string title = {};
  std::vector<std::string> paragraphs = {};
  std::optional<TextTable> table = {};
  bool detail = false;                      // for reference: may be folded away
  std::vector<std::string> footnotes = {};  // below the table
  Part part = Part::answer;
  /// Columns by whose values a reader filters and groups the rows; of most tables none.
  std::vector<std::size_t> filters = {};
};

struct Document {
  std::string title = {};
  bool emulated = false;  // every heading says so
  std::vector<std::string> warnings = {};
  /// The headline (of an emulated run the status of its cells), what was run, counters, simulated
  /// counts.
  std::vector<Section> summary = {};
  /// Strategies, controls, mappings, noise, scatter, every case, lost rounds, notes, context.
  std::vector<Section> rest = {};
};

/// In the order of their chapters, and within each as they stand in the document.
[[nodiscard]] std::vector<const Section*> in_reading_order(const Document& document);

}  // namespace patchbench::analysis
