#include "analysis/render/terminal.hpp"

#include <string>

#include <patchbench_catch.hpp>

namespace patchbench::analysis {
namespace {

TextCell number(const char* text, Tone tone = Tone::number) { return {text, tone}; }

Section with_table(TextTable table) {
  Section section;
  section.title = "Counts";
  section.table = std::move(table);
  return section;
}

const TextTable kCounts{
    {"workload", "strategy", "instructions", "reads"},
    {{{"mic", Tone::plain}, {"rwx", Tone::name}, number("22.44"), number("4.00")},
     {{"mic", Tone::plain}, {"indirect-cell", Tone::name}, number("1,235"), number("6.00")},
     {{"pic", Tone::plain}, {"indirect-cell", Tone::name}, number("-"), number("")}}};

}  // namespace

TEST_CASE("terminal: keys to the left, numbers to the right, repeated keys left out") {
  CHECK(terminal_text(with_table(kCounts), {.width = 80}) ==
        "\nCounts\n"
        "\n"
        "workload  strategy       instructions  reads\n"
        "mic       rwx                   22.44   4.00\n"
        "          indirect-cell         1,235   6.00\n"
        "pic       indirect-cell             -\n");
}

TEST_CASE("terminal: columns that do not fit stand below, beside the keys") {
  CHECK(terminal_text(with_table(kCounts), {.width = 40}) ==
        "\nCounts\n"
        "\n"
        "workload  strategy       instructions\n"
        "mic       rwx                   22.44\n"
        "          indirect-cell         1,235\n"
        "pic       indirect-cell             -\n"
        "\n"
        "workload  strategy       reads\n"
        "mic       rwx             4.00\n"
        "          indirect-cell   6.00\n");
}

TEST_CASE("terminal: without numbers the last column is broken into lines") {
  const TextTable table{
      {"id", "reason"},
      {{{"sysv-shm", Tone::name}, {"shmat failed with EPERM: a filter refuses it", Tone::plain}},
       {{"sysv-shm", Tone::name}, {"once more", Tone::plain}}}};
  CHECK(terminal_text(with_table(table), {.width = 40}) ==
        "\nCounts\n"
        "\n"
        "id        reason\n"
        "sysv-shm  shmat failed with EPERM: a\n"
        "          filter refuses it\n"
        "sysv-shm  once more\n");
}

TEST_CASE("terminal: numbers side by side, signs of verdicts, a rule, paragraphs and footnotes") {
  TextCell slower = number("13.10\n1.10 [1.08,1.12]");
  slower.verdict = results::Verdict::slower;
  Section section = with_table({{"strategy", "mic: send of a linked site, ns (sites=16)"},
                                {{{"rwx", Tone::name}, number("2.05\nbaseline")},
                                 {{"cell", Tone::name}, slower},
                                 {{"sysv", Tone::name}, {"denied", Tone::faint}},
                                 {{"again", Tone::name}, number("2.06\n1.00 [0.99,1.01]")}},
                                3});
  section.paragraphs = {"A paragraph that is longer than the forty columns that there are."};
  section.footnotes = {"* A footnote that is longer than the forty columns that there are."};
  CHECK(terminal_text(section, {.width = 40, .colour = true}) ==
        "\nCounts\n"
        "A paragraph that is longer than the\n"
        "forty columns that there are.\n"
        "\n"
        "strategy     mic: send of a linked\n"
        "               site, ns (sites=16)\n"
        "rwx        2.05         baseline\n"
        "cell      13.10 \033[31m1.10 [1.08,1.12] >\033[0m\n"
        "sysv                        \033[2mdenied\033[0m\n"
        "--------\n"
        "again      2.06 1.00 [0.99,1.01]\n"
        "\n"
        "* A footnote that is longer than the\n"
        "  forty columns that there are.\n");
}

}  // namespace patchbench::analysis
