// Recorded traces: their format and what is wrong with damaged ones, what their sends do to inline
// caches, and that the machine replays them so.
#include "workloads/trace.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <patchbench_catch.hpp>
#include <unistd.h>

#include "strategies/rwx.hpp"
#include "workloads/cell_fixture_test.hpp"
#include "workloads/seeded_random.hpp"
#include "workloads/trace/shipped_traces.hpp"

namespace patchbench {
namespace {

using trace::Trace;
using trace::TraceError;
using trace::TraceLines;

constexpr std::string_view kSmallTrace =
    "patchbench-trace 1\n"
    "program a test, by hand\n"
    "# two classes and an immediate one\n"
    "class Point\n"
    "immediate Integer\n"
    "class Array\n"
    "selector size\n"
    "selector x\n"
    "site 0 Test>>run:1\n"
    "site 1 Test>>run 2\n"
    "0:2 0 1:0 0:1\n"
    "0 0:2 1\n"
    "end 7\n";

Trace read_text(std::string_view text) { return read_trace(TraceLines("t", text)); }

std::string error_of_text(std::string_view text) {
  try {
    static_cast<void>(read_text(text));
  } catch (const TraceError& error) {
    return error.what();
  }
  return "no error";
}

/// With the line of that number replaced, or left out where it is empty.
std::string with_line(std::size_t number, std::string_view line) {
  std::string text;
  std::size_t at = 1;
  for (std::string_view rest = kSmallTrace; !rest.empty(); ++at) {
    const std::size_t end = rest.find('\n') + 1;
    if (at != number) text += rest.substr(0, end);
    if (at == number && !line.empty()) text += std::string(line) + "\n";
    rest.remove_prefix(end);
  }
  return text;
}

/// A trace of one selector, whose sites see as many classes as `degrees` says, one after the other,
/// `times` times.
std::string trace_of_degrees(const std::vector<std::uint32_t>& degrees, int times) {
  std::string text = "patchbench-trace 1\nselector s\nimmediate I\n";
  const std::uint32_t most = *std::ranges::max_element(degrees);
  for (std::uint32_t c = 1; c < most; ++c) text += "class c" + std::to_string(c) + "\n";
  for (std::size_t site = 0; site < degrees.size(); ++site) text += "site 0 here\n";
  std::uint64_t sends = 0;
  for (int time = 0; time < times; ++time) {
    for (std::uint32_t c = 0; c < most; ++c) {
      for (std::size_t site = 0; site < degrees.size(); ++site) {
        if (c >= degrees[site]) continue;
        text += std::to_string(site) + ":" + std::to_string(c) + "\n";
        ++sends;
      }
    }
  }
  return text + "end " + std::to_string(sends) + "\n";
}

/// A file that is removed again.
class TraceFile {
 public:
  explicit TraceFile(std::string_view text) {
    std::string pattern = (std::filesystem::temp_directory_path() / "patchbench-XXXXXX").string();
    const int fd = mkstemp(pattern.data());
    REQUIRE(fd >= 0);
    close(fd);
    path_ = pattern;
    std::ofstream(path_, std::ios::binary) << text;
  }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  ~TraceFile() { std::remove(path_.c_str()); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

CellRequest replay_request(const std::string& word, ParamText changes = {}) {
  changes.emplace_back("trace", word);
  changes.emplace_back("sends", "0");
  return small_request("trace", std::move(changes));
}

double trace_counter(const Instance& cell, std::string_view name) {
  const std::vector<SiteCounter> counters = cell.counters();
  const auto found = std::ranges::find(counters, name, &SiteCounter::name);
  REQUIRE(found != counters.end());
  return found->value;
}

}  // namespace

TEST_CASE("trace: declarations and sends are read as they stand there") {
  const Trace read = read_text(kSmallTrace);
  CHECK(read.name == "t");
  CHECK(read.names.program == "a test, by hand");
  CHECK(read.names.classes == std::vector<std::string>{"Point", "Integer", "Array"});
  CHECK(read.names.immediate == 1U);
  CHECK(read.names.selectors == std::vector<std::string>{"size", "x"});
  REQUIRE(read.names.sites.size() == 2);
  CHECK(read.names.sites[1].selector == 1);
  CHECK(read.names.sites[1].name == "Test>>run 2");
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sends;
  for (const std::uint32_t call : read.sends) {
    sends.emplace_back(read.calls[call].site, read.calls[call].class_index);
  }
  CHECK(sends == std::vector<std::pair<std::uint32_t, std::uint32_t>>{
                     {0, 2}, {0, 2}, {1, 0}, {0, 1}, {0, 1}, {0, 2}, {1, 0}});
  CHECK(read.calls.size() == 3);  // each pair once
}

TEST_CASE("trace: a file is read as its text is, however it falls into blocks") {
  std::string long_trace(kSmallTrace.substr(0, kSmallTrace.find("0:2 0")));
  constexpr std::size_t kSends = 200'000;
  long_trace += "0:2 1:0\n";
  for (std::size_t i = 2; i < kSends; ++i) long_trace += i % 7 == 0 ? "1:2\n" : "0\n";
  long_trace += "end " + std::to_string(kSends) + "\n";
  const TraceFile file(long_trace);
  const Trace from_file = load_trace(file.path());
  CHECK(from_file.sends == read_text(long_trace).sends);
  CHECK(from_file.sends.size() == kSends);
  CHECK(from_file.name == file.path());
  CHECK(why_no_trace(file.path()).empty());
  // The last line may lack its end.
  long_trace.pop_back();
  CHECK(read_text(long_trace).sends.size() == kSends);
}

TEST_CASE("trace: what is wrong is said with its line, and what to do") {
  using Damage = std::pair<std::string, std::string>;
  const std::vector<Damage> damages = {
      {"", "t:1: the trace is empty"},
      {with_line(1, "{\"trace\": 1}"), "t:1: begins with '{\"trace\": 1}'"},
      {with_line(1, "patchbench-trace 2"), "t:1: the trace is of version '2'"},
      {with_line(1, "patchbench-trace "), "t:1: the trace is of version ''"},
      {"\x1f\x8b\x08 and so on\n", "t:1: the trace is compressed: unpack it first"},
      {with_line(2, "programme x"), "t:2: 'programme x' is no line of a trace"},
      {with_line(3, "program again"), "t:3: names the program a second time"},
      {with_line(3, "\n"), "t:3: '' is no line of a trace"},
      {with_line(4, "class"), "t:4: a class has no name"},
      {with_line(4, "class a\tb"), "t:4: the name of a class has a control character"},
      {with_line(4, "class " + std::string(1001, 'x')), "t:4: the name of a class is longer"},
      {with_line(4, "# " + std::string(5000, 'x')), "t:4: a line is longer than 4096 bytes"},
      {with_line(6, "immediate Float"), "t:6: declares a second immediate class"},
      {with_line(10, "site 2 here"), "t:10: selector 2 was not declared before this line"},
      {with_line(10, "site x here"), "t:10: 'x' is no number of a selector"},
      {with_line(10, "site 1"), "t:10: a site has no name"},
      {with_line(10, ""), "t:10: site 1 was not declared before this line, which 1 sites were"},
      {with_line(11, "0:3"), "t:11: class 3 was not declared before this line, which 3 classes"},
      {with_line(11, "0 1:0"), "t:11: the first send of site 0 names no class"},
      {with_line(11, "0:2 00"), "t:11: '00' is no number of a site"},
      {with_line(11, "0:2  1:0"), "t:11: '' is no number of a site"},
      {with_line(11, "0:2 "), "t:11: ends in a blank"},
      {with_line(11, "0:2:1"), "t:11: '2:1' is no number of a class"},
      {with_line(11, "0:2 -1"), "t:11: '-1' is no number of a site"},
      {with_line(11, "0:2\r"), "t:11: '2?' is no number of a class"},
      {with_line(11, "99999999999999999999"), "t:11: '99999999999999999999' is no number"},
      {with_line(12, ""), "t:12: says that there were 7 sends, and there were 4"},
      {with_line(13, "end 8"), "t:13: says that there were 8 sends, and there were 7"},
      {with_line(13, "end"), "t:13: 'end' is followed by the number of sends"},
      {with_line(13, ""), "t:12: the trace ends here without 'end 7': it was cut short"},
      {std::string(kSmallTrace) + "0\n", "t:14: something stands behind 'end'"},
      {"patchbench-trace 1\nend 0\n", "t:2: there is no send before 'end'"},
  };
  for (const auto& [text, expected] : damages) {
    INFO(text.substr(0, 100));
    const std::string error = error_of_text(text);
    INFO(error);
    CHECK(error.starts_with(expected));
  }
  CHECK(error_of_text(kSmallTrace) == "no error");
}

TEST_CASE("trace: whatever is changed in a trace, it is read or refused with one of its lines") {
  SeededRandom random{20071129};
  std::map<bool, int> outcomes;
  for (int turn = 0; turn < 3000; ++turn) {
    std::string text(kSmallTrace);
    for (std::uint64_t change = random.below(3) + 1; change > 0; --change) {
      const auto at = static_cast<std::size_t>(random.below(text.size()));
      switch (random.below(4)) {
        case 0:
          text[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          text.erase(at, static_cast<std::size_t>(random.below(8)) + 1);
          break;
        case 2:
          text.insert(at, text.substr(static_cast<std::size_t>(random.below(text.size())), 8));
          break;
        default:
          text.resize(at + 1);
      }
    }
    const std::string error = error_of_text(text);
    const bool is_read = error == "no error";
    ++outcomes[is_read];
    if (is_read) continue;
    INFO(text);
    INFO(error);
    REQUIRE(error.starts_with("t:"));
    const long line = std::strtol(error.c_str() + 2, nullptr, 10);
    REQUIRE(line >= 1);
    REQUIRE(line <= 1 + std::ranges::count(text, '\n'));
  }
  CHECK(outcomes[true] > 30);  // a letter of a name, for example
  CHECK(outcomes[false] > 1000);
}

TEST_CASE("trace: a file that cannot be read is named") {
  CHECK(why_no_trace("./no-such.trace") ==
        "./no-such.trace: cannot be opened: No such file or directory");
  const std::string folder = std::filesystem::temp_directory_path().string() + "/";
  CHECK(why_no_trace(folder) == folder + ": cannot be opened: Is a directory");
  CHECK(why_no_trace("/dev/null").starts_with("/dev/null: is no regular file"));
  const TraceFile damaged(with_line(11, "0:7"));
  CHECK(why_no_trace(damaged.path()).starts_with(damaged.path() + ":11: class 7 was not declared"));
  CHECK_THROWS_AS(load_trace(damaged.path()), TraceError);
  CHECK_THROWS_WITH(load_trace("no-such"), Catch::Matchers::Contains("no shipped trace"));
}

TEST_CASE("trace: statistics are those of sends that were counted by hand") {
  const trace::TraceStatistics small = statistics_of(read_text(kSmallTrace));
  CHECK(small.all.sends == 7);
  CHECK(small.all.first == 2);
  CHECK(small.all.grows == 1);    // Integer at site 0
  CHECK(small.all.relinks == 2);  // and Array again
  CHECK(small.monomorphic.sites == 1);
  CHECK(small.monomorphic.sends == 2);
  CHECK(small.polymorphic.sites == 1);
  CHECK(small.polymorphic.sends == 5);
  CHECK(small.megamorphic.sites == 0);
  CHECK(small.most_classes == 2);
  CHECK(small.methods == 3);
  // Six classes fill a closed PIC, the seventh opens it, and then nothing misses.
  const Trace wide = read_text(trace_of_degrees({1, 6, 7, 20}, 2));
  const trace::TraceStatistics degrees = statistics_of(wide);
  CHECK(degrees.all.sends == 2 * 34);
  CHECK(degrees.all.first == 4);
  CHECK(degrees.all.grows == 5 + 6 + 6);
  CHECK(degrees.all.relinks == 2 * (6 + 7 + 20) - 3);
  CHECK(degrees.polymorphic.sites == 1);
  CHECK(degrees.megamorphic.sites == 2);
  CHECK(degrees.most_classes == 20);
  std::uint64_t sends = 0;
  for (const trace::SendCounts& window : degrees.windows) {
    CHECK(window.sends >= 6);
    CHECK(window.sends <= 7);
    sends += window.sends;
  }
  CHECK(sends == 2 * 34);
  CHECK(misses_of(wide, false).cold == 4 + 17);
  CHECK(misses_of(wide, false).again == 0);
  CHECK(misses_of(wide, true).cold == 4 + 63);
  CHECK(misses_of(wide, true).again == 66);  // the first of each site misses too, but of one
}

TEST_CASE("trace: a machine replays sites of every degree as they were counted") {
  const TraceFile file(trace_of_degrees({1, 2, 5, 6, 7, 8, 20}, 3));
  for_each_cell([&](const CellFactory& factory) {
    if (factory.workload != "trace") return;
    const auto cell = factory.make(replay_request(file.path()));
    CHECK_NOTHROW(cell->check());
    CHECK(trace_counter(*cell, "misses") == Approx((1 + 2 + 5 + 6 + 7 + 7 + 7) / (3 * 49.0)));
    CHECK(trace_counter(*cell, "linked-to-mic") == Approx(1 / 7.0));
    CHECK(trace_counter(*cell, "linked-to-closed-pic") == Approx(3 / 7.0));
    CHECK(trace_counter(*cell, "linked-to-open-pic") == Approx(3 / 7.0));
    const auto relinking = factory.make(replay_request(file.path(), {{"on_miss", "relink"}}));
    CHECK_NOTHROW(relinking->check());
    CHECK(trace_counter(*relinking, "linked-to-mic") == 1);
    CHECK(relinking->measurements().size() == 1);
  });
}

TEST_CASE("trace: what a timed replay answered is compared before the next") {
  const auto cell = find_cell("rwx", "trace")->make(replay_request("python-minidom"));
  cell->check();
  const Measurement& cold = cell->measurements().front();
  cold.prepare(cold.self);
  cold.run(cold.self);
  CHECK_NOTHROW(cold.prepare(cold.self));
  CHECK(cold.operations == 17459);
}

TEST_CASE("trace: code that is larger than a direct call reaches is refused with its sizes") {
  // A method for each class at one site: with the longest bodies a KiB and more each.
  const TraceFile file(trace_of_degrees({60'000}, 1));
  const auto* factory = find_cell("rwx", "trace");
  TraceSends sends = describe_trace(replay_request(file.path(), {{"work", "256"}}));
  CHECK(sends.plan.understood.size() == 60'000);
  const Dispatch dispatch = Rwx::kDispatch;
  CHECK_NOTHROW(
      require_room_for(describe_trace(replay_request(file.path(), {{"work", "0"}})), dispatch));
  sends.plan.work = 1 << 16U;  // as 250 times as many methods
  try {
    require_room_for(sends, dispatch);
    FAIL("gigabytes of code are within reach");
  } catch (const std::invalid_argument& refused) {
    const std::string text = refused.what();
    CHECK(text.find("has 1 sites, 1 selectors and 60000 methods") != std::string::npos);
    CHECK(text.find("MiB, and a direct call reaches no further") != std::string::npos);
  }
  CellRequest request = replay_request(file.path());
  request.zone.reserve = std::size_t{1} << 20U;
  CHECK_THROWS_WITH(factory->make(request), Catch::Matchers::Contains("the zone has 1024 KiB"));
}

TEST_CASE("trace: every shipped trace is whole, small, and names no folder of its machine") {
  std::size_t bytes = 0;
  std::set<std::string> languages;
  for (const trace::ShippedTrace& one : trace::shipped_traces()) {
    INFO(one.name);
    const Trace read = load_trace(std::string(one.name));
    CHECK(read.sends.size() > 10'000);
    CHECK_FALSE(read.names.program.empty());
    languages.insert(std::string(one.name.substr(0, one.name.find('-'))));
    bytes += one.text.size();
    CHECK(std::ranges::none_of(read.names.sites, [](const trace::TraceSite& site) {
      return site.name.starts_with('/') || site.name.find("..") != std::string::npos;
    }));
  }
  CHECK(bytes < 600 * 1024);
  CHECK(languages.size() >= 2);
}

TEST_CASE("trace: its first sends alone are replayed where fewer are asked for") {
  CHECK(read_trace(TraceLines("t", kSmallTrace), 4).sends.size() == 4);
  CHECK(read_trace(TraceLines("t", kSmallTrace), 7).sends.size() == 7);
  CHECK(read_trace(TraceLines("t", kSmallTrace), 8).sends.size() == 7);
  const auto cell = find_cell("rwx", "trace")
                        ->make(small_request("trace", {{"trace", "ruby-pp"}, {"sends", "100"}}));
  cell->check();
  CHECK(cell->measurements().front().operations == 100);
}

TEST_CASE("trace: its code is shown from the site that sees most classes") {
  const TraceFile file(trace_of_degrees({1, 9}, 1));
  const auto shown = find_cell("rwx", "trace")->dump(replay_request(file.path()));
  std::vector<std::string> moments;
  for (const CodeSnapshot& snapshot : shown) moments.push_back(snapshot.moment);
  CHECK(moments == std::vector<std::string>{"unlinked", "mic", "closed-pic-2", "closed-pic-3",
                                            "closed-pic-4", "closed-pic-5", "closed-pic-6",
                                            "open-pic"});
}

// By hand, as a hundred million sends take half a minute: workload_test "[large-trace]".
TEST_CASE("trace: a hundred million sends are replayed within 4 GiB", "[.][large-trace]") {
  constexpr std::uint64_t kSends = 100'000'000;
  {
    const std::string head(kSmallTrace.substr(0, kSmallTrace.find("0:2 0")));
    const TraceFile file(head);
    std::ofstream more(file.path(), std::ios::app | std::ios::binary);
    more << "0:2 1:0\n";
    for (std::uint64_t i = 2; i < kSends; i += 2) more << "0:" << i % 3 << " 1\n";
    more << "end " << kSends << "\n";
    more.close();
    const auto cell = find_cell("rwx", "trace")->make(replay_request(file.path()));
    cell->check();
    CHECK(cell->measurements().front().operations == static_cast<double>(kSends));
  }
  std::ifstream status("/proc/self/status");
  long peak_kib = 0;
  for (std::string line; std::getline(status, line);) {
    std::sscanf(line.c_str(), "VmHWM: %ld", &peak_kib);
  }
  WARN("peak " << peak_kib / 1024 << " MiB");
  CHECK(peak_kib < long{4} << 20U);
}

}  // namespace patchbench
