#include "analysis/render/document.hpp"

#include <algorithm>

namespace patchbench::analysis {

using results::Verdict;

Tone tone_of(Verdict verdict) {
  if (verdict == Verdict::faster) return Tone::faster;
  if (verdict == Verdict::slower) return Tone::slower;
  return verdict == Verdict::inconclusive ? Tone::faint : Tone::plain;
}

std::string text_with_verdict(const TextCell& cell) {
  return cell.verdict ? cell.text + '\n' + std::string(to_string(*cell.verdict)) : cell.text;
}

std::string_view title_of(Part part) {
  switch (part) {
    case Part::answer:
      return "";
    case Part::trust:
      return "How far to trust it";
    case Part::send:
      return "What a send costs";
    case Part::patch:
      return "What a patch costs";
    case Part::break_even:
      return "Break-even";
    case Part::life:
      return "The life of a send site";
    case Part::threads:
      return "Threads";
    case Part::new_code:
      return "What new code costs";
    case Part::counters:
      return "Counters";
    case Part::mappings:
      return "Mappings and policies";
    case Part::cases:
      return "Every case";
    case Part::context:
      return "Context";
  }
  return "";
}

std::vector<const Section*> in_reading_order(const Document& document) {
  std::vector<const Section*> sections;
  for (const auto* some : {&document.summary, &document.rest}) {
    for (const Section& section : *some) sections.push_back(&section);
  }
  std::ranges::stable_sort(sections, {}, [](const Section* section) { return section->part; });
  return sections;
}

}  // namespace patchbench::analysis
