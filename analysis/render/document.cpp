#include "analysis/render/document.hpp"

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

}  // namespace patchbench::analysis
