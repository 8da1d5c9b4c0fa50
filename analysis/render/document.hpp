// analysis/render/document.hpp - what a report says, before it is known whether it becomes HTML or
// Markdown.
//
// All texts are plain: whoever renders them escapes them.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace patchbench::analysis {

/// name and number are not broken into lines.
enum class Tone { plain, name, number, faster, slower, faint };

struct TextCell {
  std::string text;  // line ends are kept where the output has lines in a table
  Tone tone = Tone::plain;
};

struct TextTable {
  std::vector<std::string> header;
  std::vector<std::vector<TextCell>> rows;  // each as long as the header
};

struct Section {
  std::string title;
  std::vector<std::string> paragraphs;
  std::optional<TextTable> table;
  bool detail = false;                 // for reference: may be folded away
  std::vector<std::string> footnotes;  // below the table
};

struct Document {
  std::string title;
  bool emulated = false;  // every heading says so
  std::vector<std::string> warnings;
  /// The headline (of an emulated run the status of its cells), what was run, counters,
  /// simulated counts.
  std::vector<Section> summary;
  /// Strategies, controls, mappings, noise, scatter, workloads, lost rounds, notes, context.
  std::vector<Section> rest;
};

}  // namespace patchbench::analysis
