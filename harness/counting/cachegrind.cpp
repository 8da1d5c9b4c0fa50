#include "harness/counting/cachegrind.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <regex>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "harness/base/text_parts.hpp"
#include "harness/counters/simulated_counter.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/sandbox.hpp"
#include "harness/process/launch.hpp"
#include "results/file.hpp"
#include "strategies/newer_linux.hpp"

namespace patchbench::harness {
namespace {

using results::CellStatus;
using results::Counter;

// Sizes of a first level that many cores have had since 2008, and of a second that holds every
// workload but the largest. The same everywhere: a count must not depend on who counts.
constexpr std::string_view kCaches = "I1 and D1 32 KiB 8-way, LL 8 MiB 16-way, lines of 64 bytes";
constexpr std::string_view kFirstLevel = "32768,8,64";
constexpr std::string_view kLastLevel = "8388608,16,64";

/// How much slower than without valgrind a child may be; cachegrind's manual speaks of 20 to 100.
constexpr int kSlowdown = 20;

/// How a command ended, as a shell says it, and its first line.
struct Said {
  int code = -1;  // 127: there is no such program; -1: a signal ended it, or there is no shell
  std::string line;
};

Said run_command(const char* command) {
  Said said;
  std::FILE* pipe = popen(command, "r");
  if (pipe == nullptr) return said;
  bool first = true;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    first = first && c != '\n';
    if (first) said.line += static_cast<char>(c);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) said.code = WEXITSTATUS(status);
  return said;
}

/// That valgrind is not there is one thing, that it does not run another.
std::string why_no_valgrind(const Said& said) {
  constexpr int kNotFound = 127;
  if (said.code == kNotFound) {
    return "valgrind was not found: install the package valgrind (scripts/setup does)";
  }
  const bool refuses_execution = prctl(PR_GET_MDWE, 0, 0, 0, 0) > 0;
  return fmt::format(
      "valgrind is there and does not run here ({}{}){}",
      said.code < 0 ? std::string("a signal ended it") : fmt::format("exit code {}", said.code),
      said.line.empty() ? std::string() : ": " + said.line,
      refuses_execution
          ? ": it translates code, which memory that was writable must become executable for, and "
            "PR_SET_MDWE refuses that"
          : ": a sandbox may refuse it memory that is writable and executable");
}

/// A file without a name, for a child to write and for us to read.
Fd make_report_file() {
  Fd fd(memfd_create("cachegrind-report", MFD_CLOEXEC));
  if (!fd) throw_errno("memfd_create");
  return fd;
}

std::vector<std::string> command_of_valgrind() {
  return {"valgrind", "--tool=cachegrind",
          "--command-line-only=yes",  // whoever measures may have options of his own in ~
          "--quiet",
          "--num-callers=1",  // its words on a crash have to fit what is kept of them
          // All code, also that of file-backed mappings, which a memfd is one of.
          "--smc-check=all", "--cache-sim=yes", "--branch-sim=no",
          fmt::format("--I1={}", kFirstLevel), fmt::format("--D1={}", kFirstLevel),
          fmt::format("--LL={}", kLastLevel),
          fmt::format("--cachegrind-out-file=/proc/self/fd/{}", kReportFd)};
}

/// What valgrind said of a child's end, in lines that begin with its process id ("==17== ", "--17--
/// "): without that, without remarks about this machine's caches, and without addresses, so that
/// the same end has the same words. Empty where it said nothing.
std::string said_by_valgrind(const std::string& reason) {
  static const std::regex prefixed("(?:==|--)[0-9]+(?:==|--) +([^|]*[^| ])");
  static const std::regex its_address(" at address 0x[0-9A-Fa-f]+");
  std::string said;
  for (std::sregex_iterator line(reason.begin(), reason.end(), prefixed), end; line != end;
       ++line) {
    const std::string words = std::regex_replace((*line)[1].str(), its_address, "");
    if (!words.starts_with("warning:") && !words.starts_with("at 0x") &&
        !words.starts_with("by 0x") && !words.empty()) {
      said += (said.empty() ? "" : "; ") + words;
    }
  }
  return said;
}

/// Totals of a process, and how many operations the larger of two executes more.
struct Counted {
  CachegrindTotals totals{};
  double operations = 0;
};

struct Failure {
  std::string_view status;
  std::string reason;
};

class Cachegrind : public SimulatedSource {
 public:
  Cachegrind(std::string version, std::chrono::milliseconds timeout)
      : version_(std::move(version)), timeout_(timeout) {}

  [[nodiscard]] std::string description() const override {
    return fmt::format("cachegrind of {}; {}", version_, kCaches);
  }

  [[nodiscard]] std::optional<std::vector<Counter>> count(const CountedCell& cell,
                                                          SignalWatch& signals) override {
    std::vector<Counter> counters;
    for (const std::string& metric : cell.metrics) {
      std::array<Counted, 2> counted;
      std::optional<Failure> failure;
      for (const Extent extent : {Extent::fewer, Extent::more}) {
        const auto outcome = run(cell.task, metric, extent, signals);
        if (!outcome) return std::nullopt;
        if (const auto* failed = std::get_if<Failure>(&*outcome)) {
          failure = *failed;
          break;
        }
        counted[static_cast<std::size_t>(extent)] = std::get<Counted>(*outcome);
      }
      std::ranges::move(failure ? not_counted({&metric, 1}, failure->status, failure->reason)
                                : difference(metric, counted[0], counted[1]),
                        std::back_inserter(counters));
    }
    return counters;
  }

 private:
  static std::vector<Counter> difference(const std::string& metric, const Counted& fewer,
                                         const Counted& more) {
    std::vector<Counter> counters;
    for (std::size_t i = 0; i < more.totals.size(); ++i) {
      Counter counter = simulated_counter(results::kSimulatedCounters[i], metric);
      counter.value = static_cast<double>(more.totals[i] - fewer.totals[i]) / more.operations;
      counters.push_back(std::move(counter));
    }
    return counters;
  }

  std::optional<std::variant<Counted, Failure>> run(const ChildTask& cell,
                                                    const std::string& metric, Extent extent,
                                                    SignalWatch& signals) {
    ChildTask task = cell;
    task.purpose = ChildPurpose::execute;
    // valgrind translates code into memory that is writable and executable, which policies refuse.
    // What is counted are instructions, which do not depend on it.
    task.policy.clear();
    task.metric = metric;
    task.extent = extent;
    const Fd report = make_report_file();
    const Wrapper wrapper{.command = command_of_valgrind(), .report = &report};
    const auto entry = run_child(task, timeout_ * kSlowdown, signals, &wrapper);
    if (!entry) return std::nullopt;
    if (entry->status != CellStatus::ok) return explain(*entry);
    const auto totals =
        parse_cachegrind(results::read_text(fmt::format("/proc/self/fd/{}", report.get())));
    if (!totals || entry->counters.empty() || !entry->counters.front().value) {
      return Failure{"unavailable", fmt::format("{} left no summary of its counts", version_)};
    }
    return Counted{.totals = *totals, .operations = *entry->counters.front().value};
  }

  /// The same case ran without valgrind before: what kills it under valgrind is valgrind.
  [[nodiscard]] Failure explain(const results::JournalEntry& entry) const {
    const std::string said = said_by_valgrind(entry.reason);
    const std::string reason = said.empty() ? entry.reason : said;
    if (entry.status != CellStatus::crashed) {
      return {"unavailable",
              fmt::format("under {}: {}: {}", version_, to_string(entry.status), reason)};
    }
    const bool not_executable = said.find("Bad permissions for mapped region") != std::string::npos;
    return {"unsupported",
            fmt::format("{} crashes on this case, which runs without it: {}{}", version_, reason,
                        not_executable ? " (it takes the code's memory for not executable: seen "
                                         "with System V segments attached with SHM_EXEC)"
                                       : "")};
  }

  std::string version_;
  std::chrono::milliseconds timeout_;
};

/// The rest of the line that begins with `key`.
std::optional<std::vector<std::string>> words_after(std::string_view text, std::string_view key) {
  const std::size_t begin = text.starts_with(key) ? 0 : text.find(fmt::format("\n{}", key));
  if (begin == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(text.find(key, begin) + key.size());
  line = line.substr(0, line.find('\n'));
  std::vector<std::string> words = split(trimmed(line), ' ');
  std::erase(words, "");
  return words;
}

}  // namespace

std::optional<CachegrindTotals> parse_cachegrind(std::string_view text) {
  const auto events = words_after(text, "events:");
  const auto summary = words_after(text, "summary:");
  if (!events || !summary || events->size() != summary->size()) return std::nullopt;
  std::map<std::string, std::int64_t, std::less<>> counts;
  for (std::size_t i = 0; i < events->size(); ++i) {
    const auto value = to_number<std::int64_t>((*summary)[i]);
    if (!value) return std::nullopt;
    counts[(*events)[i]] = *value;
  }
  for (const char* event : {"Ir", "I1mr", "ILmr", "Dr", "DLmr", "Dw", "DLmw"}) {
    if (!counts.contains(event)) return std::nullopt;
  }
  return CachegrindTotals{counts["Ir"], counts["Dr"], counts["Dw"], counts["I1mr"],
                          counts["ILmr"] + counts["DLmr"] + counts["DLmw"]};
}

FoundSource find_cachegrind(std::chrono::milliseconds timeout) {
  if (kSanitized) {
    return {.source = nullptr,
            .reason = "this build has sanitizers, whose programs valgrind does not run"};
  }
  if (is_killed("memfd_create")) return {.source = nullptr, .reason = why_killed("memfd_create")};
  Said said = run_command("valgrind --version 2>&1");
  if (!said.line.starts_with("valgrind-")) {
    return {.source = nullptr, .reason = why_no_valgrind(said)};
  }
  return {.source = std::make_unique<Cachegrind>(std::move(said.line), timeout), .reason = {}};
}

}  // namespace patchbench::harness
