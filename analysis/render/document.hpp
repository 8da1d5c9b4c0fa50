// analysis/render/document.hpp - what a report says, before it is known what it becomes: HTML,
// Markdown, CSV or text on a terminal.
//
// All texts are plain: whoever renders them escapes them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
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

struct Section {
  std::string title = {};
  std::vector<std::string> paragraphs = {};
  std::optional<TextTable> table = {};
  bool detail = false;                      // for reference: may be folded away
  std::vector<std::string> footnotes = {};  // below the table
};

struct Document {
  std::string title = {};
  bool emulated = false;  // every heading says so
  std::vector<std::string> warnings = {};
  /// The headline (of an emulated run the status of its cells), what was run, counters, simulated
  /// counts.
  std::vector<Section> summary = {};
  /// Strategies, controls, mappings, noise, scatter, workloads, lost rounds, notes, context.
  std::vector<Section> rest = {};
};

}  // namespace patchbench::analysis
