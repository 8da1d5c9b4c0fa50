#include "analysis/quantity/shootdowns.hpp"

#include <optional>
#include <string>

#include <patchbench_catch.hpp>

namespace patchbench::analysis {
namespace {

void add(results::Cell& cell, const char* name, std::optional<double> value,
         const char* beside = "busy-thread", const char* per = "patch") {
  results::Counter counter;
  counter.name = name;
  counter.source = "tracepoint";
  counter.scope = "both";
  counter.per = per;
  counter.value = value;
  counter.status = value ? "ok" : "unavailable";
  counter.beside = beside;
  cell.counters.push_back(counter);
}

/// A cell with these values a patch; one that was not counted has none.
results::Cell cell_with(std::optional<double> mprotect, std::optional<double> one,
                        std::optional<double> many) {
  results::Cell cell;
  cell.notes = {"twin of rwx"};
  add(cell, "mprotect-calls", 2, "");
  add(cell, "ipis-to-one", 0, "");
  add(cell, "ipis-to-one", 2, "busy-thread", "send");
  add(cell, "mprotect-calls", mprotect);
  add(cell, "ipis-to-one", one);
  add(cell, "ipis-to-many", many);
  return cell;
}

bool noted(results::Cell cell) {
  note_shootdowns(cell);
  note_shootdowns(cell);  // a resumed run is summarised again
  CHECK(cell.notes.front() == "twin of rwx");
  CHECK(cell.notes.size() <= 2);
  return cell.notes.size() == 2 && cell.notes.back().find("no interrupt") != std::string::npos;
}

}  // namespace

TEST_CASE("a machine that sends no interrupts for changed mappings is noted") {
  CHECK(noted(cell_with(2, 0, 0)));
  CHECK(noted(cell_with(2, 0.002, 0)));
}

TEST_CASE("a busy thread that did not get its processor is no reason for a note") {
  results::Cell cell = cell_with(2, 0, 0);
  add(cell, "tlb-flushes:remote-ipi-send", 2);
  CHECK_FALSE(noted(cell));
  cell.counters.back().value = 0;
  CHECK(noted(cell));
}

TEST_CASE("nothing is noted where some were sent, none were needed, or nobody counted") {
  CHECK_FALSE(noted(cell_with(2, 2, 0)));
  CHECK_FALSE(noted(cell_with(2, 0, 1)));
  CHECK_FALSE(noted(cell_with(0, 0, 0)));
  CHECK_FALSE(noted(cell_with(2, 0, std::nullopt)));
  CHECK_FALSE(noted(cell_with(2, std::nullopt, 0)));
  CHECK_FALSE(noted(cell_with(std::nullopt, 0, 0)));
}

}  // namespace patchbench::analysis
