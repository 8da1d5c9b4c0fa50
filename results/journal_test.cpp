#include "results/journal.hpp"

#include <string>
#include <system_error>

#include <patchbench_catch.hpp>

#include "results/fields.hpp"
#include "results/file.hpp"
#include "results/matchers_test.hpp"
#include "results/sample_test.hpp"
#include "results/scratch_test.hpp"

namespace patchbench::results {
namespace {

TEST_CASE("a journal holds what was appended") {
  const ScratchDirectory scratch;
  const auto file = scratch.path() / "samples.jsonl";
  {
    JournalWriter journal(file);
    CHECK(journal.path() == file);
    for (int round = 0; round < 3; ++round) journal.append(sample_entry(round));
  }
  JournalWriter(file).append(sample_entry(3));
  const auto entries = read_journal(file);
  REQUIRE(entries.size() == 4);
  for (int round = 0; round < 4; ++round) {
    CHECK(journal_line(entries[static_cast<std::size_t>(round)]) ==
          journal_line(sample_entry(round)));
  }
  CHECK(entries[0].metrics[0].batches[1] == 0.1 + 0.2);
  CHECK(entries[0].calibration_after_ns == 1.01);
}

TEST_CASE("a journal has one writer at a time") {
  const ScratchDirectory scratch;
  const auto file = scratch.path() / "samples.jsonl";
  {
    const JournalWriter first(file);
    CHECK_THROWS_WITH(JournalWriter(file), contains("is being written by another process"));
  }
  CHECK_NOTHROW(JournalWriter(file));
}

TEST_CASE("a line of counters is distinguished from a round, and a round has nothing of it") {
  JournalEntry entry = sample_entry();
  CHECK_THAT(journal_line(entry), !contains("counted"));
  entry.counted = "simulated";
  CHECK(parse_journal_line(journal_line(entry), "line").counted == "simulated");
  const std::string line = journal_line(entry);
  std::string unnamed = line;
  unnamed.replace(unnamed.rfind("simulated"), std::string("simulated").size(), "");
  CHECK_THROWS_WITH(parse_journal_line(unnamed, "line"), contains("counted: must not be empty"));
}

TEST_CASE("a line keeps the layout and what was seen around each metric") {
  const JournalEntry read = parse_journal_line(journal_line(sample_entry()), "line");
  CHECK(read.layout == 2);
  CHECK(read.metrics[0].latency_ns == 0.75);
  CHECK(read.metrics[0].throughput_ns == 0.0625);
  CHECK(read.metrics[0].low == 1.125);
}

TEST_CASE("a line of an older journal has no layout and no calibration of a metric") {
  auto line = Json::parse(journal_line(sample_entry()));
  line.erase("layout");
  for (const char* later : {"latency_ns", "throughput_ns", "low"}) line["metrics"][0].erase(later);
  const JournalEntry read = parse_journal_line(line.dump(), "line");
  CHECK_FALSE(read.layout.has_value());
  CHECK_FALSE(read.metrics[0].latency_ns.has_value());
  CHECK_FALSE(read.metrics[0].throughput_ns.has_value());
  CHECK_FALSE(read.metrics[0].low.has_value());
  CHECK(read.metrics[0].median == 1.25);
}

TEST_CASE("batches of a difference may be anything finite, its sample must not be negative") {
  JournalEntry entry = sample_entry();
  entry.metrics[0].batches = {0.5, 0, -0.25};
  CHECK(parse_journal_line(journal_line(entry), "line").metrics[0].batches ==
        std::vector{0.5, 0.0, -0.25});
  entry.metrics[0].median = 0;  // it was not above that
  CHECK(parse_journal_line(journal_line(entry), "line").metrics[0].median == 0);
  entry.metrics[0].median = -0.5;
  CHECK_THROWS_WITH(parse_journal_line(journal_line(entry), "line"),
                    contains("metrics[0].median: must not be negative"));
}

TEST_CASE("a line whose writing was cut off is dropped by readers and by the next writer") {
  const ScratchDirectory scratch;
  const std::string good = journal_line(sample_entry(0)) + "\n";
  const std::string torn = journal_line(sample_entry(1));
  for (const std::size_t size : {std::size_t{1}, torn.size() / 2, torn.size()}) {
    const auto file = scratch.file("samples.jsonl", good + torn.substr(0, size));
    CHECK(read_journal(file).size() == 1);
    JournalWriter(file).append(sample_entry(2));
    const auto entries = read_journal(file);
    REQUIRE(entries.size() == 2);
    CHECK(entries[1].round == 2);
  }
  const auto only_torn = scratch.file("torn.jsonl", torn);
  CHECK(read_journal(only_torn).empty());
  JournalWriter(only_torn).append(sample_entry(5));
  CHECK(read_journal(only_torn).size() == 1);
}

TEST_CASE("any other damage names its line") {
  const ScratchDirectory scratch;
  const std::string good = journal_line(sample_entry(0)) + "\n";
  const auto check = [&](const std::string& bad, const std::string& what) {
    const auto file = scratch.file("samples.jsonl", good + bad + "\n" + good);
    CHECK_THROWS_AS(read_journal(file), FormatError);
    CHECK_THROWS_WITH(read_journal(file), contains("samples.jsonl:2: ") && contains(what));
  };
  check("{\"round\": 0", "ends in the middle");
  check("nonsense", "not JSON");
  check("", "ends in the middle");
  check("{}", "has no member \"round\"");
  JournalEntry negative = sample_entry(1);
  negative.metrics[0].median = -1;
  check(journal_line(negative), "metrics[0].median: must not be negative");
  JournalEntry uncalibrated = sample_entry(1);
  uncalibrated.metrics[0].throughput_ns = 0;
  check(journal_line(uncalibrated), "metrics[0].throughput_ns: must be above 0");
  JournalEntry nowhere = sample_entry(1);
  nowhere.layout = -1;
  check(journal_line(nowhere), "layout: ");
  JournalEntry nameless = sample_entry(1);
  nameless.cell.clear();
  check(journal_line(nameless), "cell: must not be empty");
}

TEST_CASE("a full disk costs the line that did not fit and nothing else") {
  const ScratchDirectory scratch;
  const auto file = scratch.path() / "samples.jsonl";
  JournalWriter journal(file);
  journal.append(sample_entry(0));
  const std::string before = read_text(file);
  {
    const FileSizeLimit limit(before.size() + 10);
    CHECK_THROWS_AS(journal.append(sample_entry(1)), std::system_error);
    CHECK(read_text(file) == before);
    CHECK_THROWS_WITH(journal.append(sample_entry(1)), contains("samples.jsonl"));
  }
  CHECK(read_text(file) == before);
  journal.append(sample_entry(2));
  CHECK(read_journal(file).size() == 2);
}

TEST_CASE("a device that is full says so") {
  JournalWriter journal("/dev/full");
  try {
    journal.append(sample_entry());
    FAIL("a write to /dev/full succeeded");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::no_space_on_device);
    CHECK_THAT(error.what(), contains("/dev/full"));
  }
}

TEST_CASE("a journal that cannot be opened names its file") {
  CHECK_THROWS_WITH(JournalWriter("/no/such/directory/samples.jsonl"),
                    contains("/no/such/directory"));
  CHECK_THROWS_AS(read_journal("/no/such/directory/samples.jsonl"), std::system_error);
}

TEST_CASE("a value that is not finite never reaches the journal") {
  const ScratchDirectory scratch;
  const auto file = scratch.path() / "samples.jsonl";
  JournalWriter journal(file);
  JournalEntry entry = sample_entry();
  entry.metrics[0].median = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(journal.append(entry), std::invalid_argument);
  CHECK(read_text(file).empty());
}

}  // namespace
}  // namespace patchbench::results
