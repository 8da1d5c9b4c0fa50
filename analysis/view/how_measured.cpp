#include "analysis/view/how_measured.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "analysis/render/numbers.hpp"
#include "analysis/view/table.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Ratio;
using results::Results;

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

bool depends_on_flagged(const Ratio& ratio) {
  return ratio.undisturbed && ratio.undisturbed->verdict != ratio.verdict;
}

int changed_verdicts(const Results& results) {
  int changed = 0;
  for (const Cell& cell : results.cells) {
    for (const Ratio& ratio : cell.ratios) changed += depends_on_flagged(ratio) ? 1 : 0;
  }
  return changed;
}

Entry median_entry(const std::optional<double>& median) {
  return number(median ? short_number(*median) : "-");
}

Entry word(results::Verdict verdict) { return plain(std::string(to_string(verdict))); }

}  // namespace

std::string time_sentence(const results::Run& run) {
  if (!run.time) return "";
  const auto& time = *run.time;
  return fmt::format(
      "Processes of rounds took {:.1f} s from start to answer, {:.0f} % of that timed batches; "
      "between them {:.1f} s went by, {:.1f} % of all, for starting the next, recording and "
      "deciding. While they ran the parent slept: it used {:.3f} s of processor time, {:.2f} % of "
      "theirs.",
      time.children_s, percent(time.batches_s, time.children_s), time.between_s,
      percent(time.between_s, time.children_s + time.between_s), time.parent_cpu_s,
      percent(time.parent_cpu_s, time.children_s));
}

std::string flagged_sentence(const Results& results) {
  if (!results.run.flagged) return "";
  const auto& flagged = *results.run.flagged;
  std::string text = fmt::format(
      "Of {} samples {} drifted (the calibrations before and after differ by more than 5 %), and "
      "in {} the hypervisor gave the processor to others meanwhile (steal time).",
      grouped(flagged.samples), grouped(flagged.drifted), grouped(flagged.stolen));
  if (flagged.starved > 0) {
    text += fmt::format(
        " In {} the process waited for its processor: something else ran there, or a quota of "
        "processor time was used up.",
        grouped(flagged.starved));
  }
  if (flagged.any == 0) return text;
  const int changed = changed_verdicts(results);
  return text + fmt::format(" These {} are flagged and not left out. Without their rounds {}.",
                            grouped(flagged.any),
                            changed == 0 ? std::string("every verdict would be the same")
                                         : fmt::format("{} verdict{} would be another",
                                                       grouped(changed), changed == 1 ? "" : "s"));
}

Section how_measured_section(const Quantities& run) {
  Section section{.title = "How it was measured"};
  for (std::string sentence : {time_sentence(run.results().run), flagged_sentence(run.results())}) {
    if (!sentence.empty()) section.paragraphs.push_back(std::move(sentence));
  }
  if (section.paragraphs.empty()) return {};
  const std::vector<Quantity> rows =
      select(run, [](const Quantity& one) { return one.ratio && depends_on_flagged(*one.ratio); });
  section.detail = rows.size() > 20;
  using Row = const Quantity&;
  fill_table(
      section, rows,
      {{"case", [](Row one) { return name(one.cell->id); }},
       {"metric", [&run](Row one) { return plain(metric_title(run.results(), one.name)); }},
       {"n", [](Row one) { return number(std::to_string(one.ratio->n)); }},
       {"ratio", [](Row one) { return median_entry(one.ratio->median); }},
       {"verdict", [](Row one) { return word(one.ratio->verdict); }},
       {"n without", [](Row one) { return number(std::to_string(one.ratio->undisturbed->n)); }},
       {"ratio without", [](Row one) { return median_entry(one.ratio->undisturbed->median); }},
       {"verdict without", [](Row one) { return word(one.ratio->undisturbed->verdict); }}});
  return section;
}

}  // namespace patchbench::analysis
