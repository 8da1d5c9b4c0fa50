#include "harness/programs/command_line.hpp"

#include <algorithm>
#include <variant>

#include <patchbench_catch.hpp>

#include "harness/base/text_parts.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/machine/cpu_list.hpp"
#include "harness/plan/listing.hpp"
#include "harness/plan/parameters.hpp"
#include "harness/programs/fake_catalogue_test.hpp"
#include "harness/run/zone_options.hpp"

namespace patchbench::harness {
namespace {

std::variant<Options, Answer> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "bench-run");
  std::vector<const char*> arguments(words.size());
  std::ranges::transform(words, arguments.begin(), &std::string::c_str);
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), fake_catalogue());
}

Options options(const std::vector<std::string>& words) { return std::get<Options>(parse(words)); }

std::string refusal(const std::vector<std::string>& words) {
  try {
    static_cast<void>(parse(words));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing was refused";
}

bool says(const std::string& message, std::string_view part) {
  INFO(message);
  return message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("without options everything is measured, quickly") {
  const Options all = options({});
  CHECK(all.selection.preset->name == "quick");
  CHECK(all.selection.strategies.empty());
  CHECK(all.selection.workloads.empty());
  REQUIRE(all.until);
  CHECK(all.until->budget_s == all.selection.preset->until.budget_s);
  CHECK(all.report);
  CHECK_FALSE(all.quiet);
  REQUIRE(all.cpus.size() == 1);
  const std::vector<int> allowed = allowed_cpus();
  CHECK(std::ranges::find(allowed, all.cpus.front()) != allowed.end());
}

TEST_CASE("counters are chosen by name, and by default all sets are") {
  const std::vector<std::string> sets = {"prefetch", "icache", "vma"};
  CHECK(options({}).counters.events == sets);
  CHECK(options({}).counters.sources.empty());
  CHECK(options({"--counters=auto"}).counters.events == sets);
  CHECK(options({"--counters=none"}).counters.events.empty());
  CHECK(options({"--counters=none"}).counters.sources.empty());
  const Options simulated = options({"--counters=simulated"});
  REQUIRE(simulated.counters.sources.size() == 1);
  CHECK(simulated.counters.sources[0]->id == "simulated");
  CHECK(simulated.counters.events.empty());
  CHECK(options({"--counters=simulated,simulated"}).counters.sources.size() == 1);
  const Options mixed = options({"--counters=icache,PERF_COUNT_HW_CPU_CYCLES:u,icache,cycles:k"});
  CHECK(mixed.counters.events ==
        std::vector<std::string>{"icache", "PERF_COUNT_HW_CPU_CYCLES:u", "cycles:k"});
  CHECK(options({"--counters=auto,simulated"}).counters.sources.size() == 1);
  CHECK(says(refusal({"--counters=simulatd"}), "did you mean simulated?"));
  CHECK(says(refusal({"--counters=icahce"}), "did you mean icache?"));
  CHECK(says(refusal({"--counters=BRANCHS:u"}), "BRANCHES"));
  CHECK(says(refusal({"--counters=icache,nothing-like-it-at-all"}), "bench-probe lists"));
  CHECK(says(refusal({"--counters=icache,,vma"}), "empty name"));
  CHECK(says(refusal({"--counters=none,simulated"}), "'none' stands alone"));
  CHECK(says(refusal({"--counters="}), "empty value"));
}

TEST_CASE("options say what they say") {
  const Options some =
      options({"--strategy=rwx,memfd-dual", "--workload", "mic", "--preset=paper", "--rounds=7",
               "--seed=18446744073709551615", "--param", "sites=16,32", "order=shuffled",
               "--baseline=floor", "--out=somewhere", "--no-report", "--quiet"});
  CHECK(some.selection.strategies == std::vector<std::string>{"rwx", "memfd-dual"});
  CHECK(some.selection.workloads == std::vector<std::string>{"mic"});
  CHECK(some.selection.preset->name == "paper");
  CHECK(some.rounds == 7);
  CHECK(some.seed == 18446744073709551615U);
  REQUIRE(some.selection.overrides.size() == 2);
  CHECK(some.selection.overrides[0].values == std::vector<std::string>{"16", "32"});
  CHECK(some.selection.overrides[1].name == "order");
  CHECK(some.baseline == "floor");
  CHECK(some.out == "somewhere");
  CHECK_FALSE(some.report);
  CHECK(some.quiet);
}

TEST_CASE("the command is recorded so that a shell reads it again") {
  CHECK(options({"--filter=it's a|b", "--rounds=1"}).command ==
        R"(bench-run '--filter=it'\''s a|b' --rounds=1)");
}

TEST_CASE("two runs without a seed have different ones") {
  CHECK(options({}).seed != options({}).seed);
}

TEST_CASE("bad options are refused by name") {
  CHECK(says(refusal({"--rounds=0"}), "--rounds: '0' is not a number from 1 to 10000"));
  CHECK(says(refusal({"--rounds=-3"}), "--rounds: '-3'"));
  CHECK(says(refusal({"--rounds=10001"}), "--rounds: '10001'"));
  CHECK(says(refusal({"--rounds=5x"}), "--rounds: '5x'"));
  CHECK(says(refusal({"--seed=-1"}), "--seed: '-1'"));
  CHECK(says(refusal({"--seed=18446744073709551616"}), "--seed: '18446744073709551616'"));
  CHECK(says(refusal({"--seed="}), "--seed= has an empty value"));
  CHECK(options({"--rounds=010"}).rounds == 10);
  CHECK(
      says(refusal({"--preset=quik"}),
           "--preset: unknown value 'quik': did you mean 'quick'? Valid: quick, standard, paper"));
  CHECK(says(refusal({"--baseline=again"}), "unknown baseline 'again'"));
  CHECK(says(refusal({"--filter=["}), "--filter='[' is not a regular expression"));
  CHECK(says(refusal({"--cpus=x"}), "--cpus 'x' is not a list"));
  CHECK(says(refusal({"--cpus=1023"}), "may not use processor 1023"));
  CHECK(says(refusal({"--list=xml"}), "--list: unknown value 'xml'"));
  CHECK(says(refusal({"--strategy=rwx,,floor"}), "empty name"));
  CHECK(says(refusal({"--strategy=all,rwx"}), "'all' stands alone"));
  CHECK(says(refusal({"--param", "sites"}), "NAME=VALUE"));
  CHECK(says(refusal({"--param", "sites=1,,2"}), "empty value"));
  CHECK(says(refusal({"--param"}), "--param"));
  CHECK(says(refusal({"--param", "kib=1000"}),
             "kib=1000: not a power of two; workload 'zone' takes powers of two from 4 to 65536"));
  CHECK(says(refusal({"--strategy=", "--dry-run"}), "--strategy= has an empty value"));
  CHECK(says(refusal({"--out=", "--quiet"}), "--out= has an empty value"));
  CHECK(says(refusal({"--out", ""}), "an argument is empty"));
  CHECK(says(refusal({"--quiet=3"}), "quiet was given"));
}

TEST_CASE("the arguments that decide a plan have one form, and give the same plan again") {
  const Options typed = options({"--workload", "mic", "--param", "sites=32", "order=linear",
                                 "--rounds", "4", "--quiet", "--cpus=0"});
  CHECK(typed.arguments ==
        std::vector<std::string>{"--strategy=all", "--workload=mic", "--preset=quick",
                                 "--seed=" + std::to_string(typed.seed), "--cpus=0", "--rounds=4",
                                 "--delta=3%", "--param=sites=32", "--param=order=linear",
                                 "--counters=auto"});
  CHECK(options(typed.arguments).arguments == typed.arguments);
}

TEST_CASE("precision and budget instead of a number of rounds") {
  const Options both = options({"--precision=0.5%", "--budget=10m"});
  REQUIRE(both.until);
  CHECK(both.until->precision == 0.005);
  CHECK(both.until->budget_s == 600);
  CHECK(both.rounds == kFewestRounds);
  CHECK(options({"--budget=1h"}).until->precision == 0.01);
  CHECK(options({"--budget=90"}).until->budget_s == 90);
  CHECK(options({"--precision=2%"}).until->budget_s == 3600);
  CHECK_FALSE(options({"--rounds=7"}).until);
  // Of a preset, also when its arguments are parsed again to resume a run.
  CHECK(options({}).until->of_distance > 0);
  CHECK(options(options({}).arguments).until->of_distance > 0);
  CHECK(both.until->of_distance == 0);
  CHECK(options(both.arguments).until->precision == 0.005);
  CHECK(options(both.arguments).arguments == both.arguments);
  CHECK(options({"--precision=2"}).until->precision == 0.02);
  CHECK(says(refusal({"--precision=1s"}),
             "--precision: '1s' is not a percentage above 0 and below 100"));
  CHECK(says(refusal({"--precision=0%"}), "--precision: '0%'"));
  CHECK(says(refusal({"--precision=nan%"}), "--precision: 'nan%'"));
  CHECK(says(refusal({"--budget=-1m"}), "--budget: '-1m'"));
  CHECK(says(refusal({"--budget=3d"}),
             "--budget: '3d' is not a time above 0 in seconds, or with s, m or h"));
  CHECK(says(refusal({"--budget=1e999h"}), "--budget: '1e999h'"));
  CHECK(says(refusal({"--rounds=7", "--budget=3m"}), "leave out one or the other"));
}

TEST_CASE("modes of publishing are values of a parameter") {
  const Options both = options({"--workload=mic", "--publish=membarrier,none"});
  REQUIRE(both.selection.overrides.size() == 1);
  CHECK(both.selection.overrides[0].name == "publish");
  CHECK(both.selection.overrides[0].values == std::vector<std::string>{"membarrier", "none"});
  CHECK(options(both.arguments).arguments == both.arguments);
  CHECK(says(refusal({"--publish=membarier"}), "did you mean 'membarrier'?"));
  CHECK(says(refusal({"--publish=lots"}), "Valid: none, "));
  CHECK(says(refusal({"--publish=none,,"}), "unknown value of --publish on"));
  CHECK(says(refusal({"--publish="}), "empty value"));
  CHECK(says(refusal({"--workload=zone", "--publish=none"}),
             "none of the selected workloads patches code while it is measured; those that do: "
             "mic"));
}

/// Which one is idle changes from moment to moment.
std::string one_cpu() { return "--cpus=" + std::to_string(allowed_cpus().front()); }

TEST_CASE("a policy is part of the plan, and none is nothing") {
  const Options mdwe = options({"--policy=mdwe"});
  CHECK(mdwe.policy == Policy::mdwe);
  CHECK(options(mdwe.arguments).policy == Policy::mdwe);
  CHECK_FALSE(options({"--policy=none"}).policy);
  CHECK(options({"--policy=none", "--seed=1", one_cpu()}).arguments ==
        options({"--seed=1", one_cpu()}).arguments);
  CHECK(says(refusal({"--policy=memfd_noexec"}), "did you mean 'memfd-noexec'?"));
  CHECK(says(refusal({"--policy=lots"}), "Valid: none, mdwe, seccomp, "));
}

TEST_CASE("what is asked of zones is part of the plan, and nothing is nothing") {
  const Options asked = options({"--zone=64M", "--pages=thp", "--alias-offset=0x200000000",
                                 "--placement=window:0x200000000000"});
  CHECK(asked.zone.reserve == std::size_t{64} << 20U);
  CHECK(asked.zone.pages == Pages::transparent_huge);
  CHECK(asked.zone.alias_offset == std::uintptr_t{1} << 33U);
  CHECK(asked.zone.window == CodeWindow::named);
  CHECK(asked.zone.window_at == 0x200000000000);
  CHECK(options(asked.arguments).arguments == asked.arguments);
  CHECK(texts_of(options(asked.arguments).zone) == texts_of(asked.zone));
  CHECK(texts_of(asked.zone).size() == 4);
  CHECK(options({"--zone=1G"}).zone.reserve == std::size_t{1} << 30U);
  CHECK(options({"--zone=4096"}).zone.reserve == 4096);
  CHECK(options({"--alias-offset=2^40"}).zone.alias_offset == std::uintptr_t{1} << 40U);
  CHECK(options({"--placement=near"}).zone.window == CodeWindow::near);
  CHECK(texts_of(options({"--pages=4k"}).zone).empty());
}

TEST_CASE("what zones cannot be asked is refused with what they can be") {
  CHECK(says(refusal({"--pages=tph"}), "--pages=tph: unknown value 'tph': did you mean 'thp'?"));
  CHECK(says(refusal({"--placement=nera"}), "did you mean 'near'?"));
  CHECK(says(refusal({"--placement=far-away-from-here"}), "Valid: near, low2g, window:ADDRESS"));
  CHECK(says(refusal({"--placement=window:here"}), "not an address"));
  CHECK(says(refusal({"--placement=window:0xffffffffffffffff"}), "not an address"));
  for (const char* offset : {"3", "2^64", "2^47", "2^2", "0", "-1", "2^", "0x", "4097", "1e9"}) {
    INFO(offset);
    CHECK(says(refusal({std::string("--alias-offset=") + offset}), "not a power of two from"));
  }
  for (const char* size :
       {"0", "-1", "M", "64X", "1.5G", "99999999999999999999", "9999999999999T"}) {
    INFO(size);
    CHECK(says(refusal({std::string("--zone=") + size}), "not a number of bytes above 0"));
  }
}

TEST_CASE("a self-test alone is nothing but that, beside a choice it comes first") {
  CHECK(options({}).self_test == SelfTestWanted::no);
  CHECK(options({"--selftest"}).self_test == SelfTestWanted::alone);
  CHECK(options({"--selftest", "--quiet", "--cpus", "0", "--seed=7"}).self_test ==
        SelfTestWanted::alone);
  for (const char* choice : {"--strategy=all", "--workload=mic", "--preset=quick", "--rounds=3",
                             "--out=somewhere", "--budget=1m", "--delta=3%", "--dry-run"}) {
    INFO(choice);
    CHECK(options({choice, "--selftest"}).self_test == SelfTestWanted::before_the_run);
  }
  const Options both = options({"--strategy=rwx", "--selftest"});
  CHECK(both.arguments.back() == "--selftest");
  CHECK(options(both.arguments).self_test == SelfTestWanted::before_the_run);
  CHECK(says(refusal({"--workload=selftest"}), "unknown workload 'selftest'"));
}

TEST_CASE("what is called the same has a width, written in one form") {
  CHECK(options({}).delta == 0.03);
  CHECK(options({"--delta=5%"}).delta == 0.05);
  CHECK(options({"--delta=0.5"}).delta == 0.005);
  CHECK(options({"--delta=5", "--seed=1", one_cpu()}).arguments ==
        options({"--delta=5.0%", "--seed=1", one_cpu()}).arguments);
  // 0.07 * 100 is not 7 in binary: a run must not be refused for that when it is resumed.
  for (const char* odd : {"--delta=7%", "--delta=0.7%", "--precision=0.7%"}) {
    const Options once = options({odd, "--seed=1"});
    CHECK(options(once.arguments).arguments == once.arguments);
    CHECK(std::ranges::find(once.arguments, odd) != once.arguments.end());
  }
  CHECK(says(refusal({"--delta=0%"}),
             "--delta: '0%' is not a percentage above 0 and below 100, such as 3%"));
  CHECK(says(refusal({"--delta=100%"}), "--delta: '100%'"));
}

TEST_CASE("options that do not exist are refused, with the nearest one") {
  CHECK(refusal({"--stratgey=rwx"}) ==
        "unknown option '--stratgey': did you mean --strategy? --help lists the options");
  CHECK(says(refusal({"mic"}), "unexpected argument 'mic'"));
}

TEST_CASE("what is recommended may be asked for a profile of one's own") {
  const Options asked = options({"--advise=1/1000,4096,2;0.5,16,1", "--verbose"});
  REQUIRE(asked.profiles.size() == 2);
  CHECK(asked.profiles[0].sites == 4096);
  CHECK(asked.profiles[0].threads == 2);
  CHECK(asked.profiles[1].rate == 0.5);
  CHECK(asked.verbose);
  CHECK(options({}).profiles.empty());
  CHECK(says(refusal({"--advise=often"}), "--advise: 'often' is not RATE,SITES,THREADS"));
}

TEST_CASE("help shows examples and exit codes, and fits a terminal") {
  const std::string help = std::get<Answer>(parse({"--help"})).text;
  CHECK(says(help, "Examples:"));
  CHECK(says(help, "Exit codes:"));
  CHECK(says(help, "--preset=quick|standard|paper"));
  for (const std::string& line : split(help, '\n')) CHECK(line.size() <= 100);
}

TEST_CASE("version names the program and the revision") {
  CHECK(std::get<Answer>(parse({"--version"})).text.starts_with("bench-run 0."));
}

TEST_CASE("lists of processors") {
  CHECK(parse_cpu_list("0,2-4,3") == std::vector<int>{0, 2, 3, 4});
  CHECK(parse_cpu_list("7") == std::vector<int>{7});
  for (const char* bad : {"", ",", "1-", "-1", "3-2", "1,,2", "a", "0x1", "99999999999"}) {
    INFO(bad);
    CHECK_FALSE(parse_cpu_list(bad).has_value());
  }
}

TEST_CASE("an edit distance of one third is a slip, more is another word") {
  const std::vector<std::string> words = {"indirect-cell", "rwx", "floor"};
  CHECK(nearest("indirect-call", words) == "indirect-cell");
  CHECK(nearest("indrect_cel", words) == "indirect-cell");
  CHECK(nearest("rw", words) == "rwx");
  CHECK(nearest("rxw", words) == "rwx");
  CHECK(nearest("folor", words) == "floor");
  CHECK_FALSE(nearest("mprotect", words).has_value());
  CHECK_FALSE(nearest("abc", words).has_value());
}

TEST_CASE("cell ids are taken apart, with defaults for what they do not mention") {
  const ParsedCell cell = parse_cell_id(fake_catalogue(), "mic/memfd-dual/order=shuffled");
  CHECK(cell.workload->id == "mic");
  CHECK(cell.strategy->info.id == "memfd-dual");
  CHECK(cell.params ==
        ParamText{{"sites", "1024"}, {"order", "shuffled"}, {"work", "4"}, {"publish", "none"}});
  CHECK(parse_cell_id(fake_catalogue(), "zone/rwx").params == ParamText{{"kib", "64"}});
}

TEST_CASE("ids of no cell are refused") {
  const auto [id, said] = GENERATE(
      std::pair<std::string, std::string>{"mic", "is not a case"},
      std::pair{"mic/rwx/sites=1/x", "is not a case"}, std::pair{"mik/rwx", "did you mean 'mic'"},
      std::pair{"mic/rwy", "did you mean 'rwx'"},
      std::pair{"mic/rwx/site=1", "did you mean 'sites'"},
      std::pair{"mic/rwx/sites=0", "1 to 1048576"}, std::pair{"mic/rwx/sites", "NAME=VALUE"},
      std::pair{"mic/again", "baseline"});
  try {
    static_cast<void>(parse_cell_id(fake_catalogue(), id));
    FAIL(id << " was taken for a cell");
  } catch (const UsageError& error) {
    CHECK(says(error.what(), said));
  }
}

TEST_CASE("the list for people has every name in it") {
  const std::string text = list_text(fake_catalogue());
  for (const char* name : {"memfd-dual", "tag-cell", "(mic only)", "again", "zone",
                           "sites=1..1048576", "order=linear|shuffled", "quick", "paper"}) {
    CHECK(says(text, name));
  }
}

}  // namespace patchbench::harness
