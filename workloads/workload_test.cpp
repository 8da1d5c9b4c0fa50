// Every cell of the registry: made, checked, measured, and checked again.
#include "workloads/workload.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "strategies/emulator_test.hpp"
#include "strategies/membarrier.hpp"
#include "strategies/prefault.hpp"
#include "workloads/cell_fixture_test.hpp"
#include "workloads/metrics.hpp"
#include "workloads/parameters.hpp"
#include "workloads/publish.hpp"
#include "workloads/send/architecture.hpp"
#include "workloads/threads.hpp"

namespace patchbench {
namespace {

const SiteCounter* find_counter(const std::vector<SiteCounter>& counters, std::string_view name) {
  const auto found = std::ranges::find_if(
      counters, [&](const SiteCounter& counter) { return counter.name == name; });
  return found == counters.end() ? nullptr : &*found;
}

void run(const Measurement& measurement) {
  if (measurement.prepare != nullptr) measurement.prepare(measurement.self);
  measurement.run(measurement.self);
}

/// Both runs of a difference can be made in any order.
void run_without(const Measurement& measurement) {
  if (measurement.without != nullptr) {
    measurement.prepare_without(measurement.self);
    measurement.without(measurement.self);
  }
}

/// Those of the workload, without what has no meaning with these parameters.
std::vector<std::string> expected_metrics(const CellFactory& cell, const CellRequest& request) {
  std::vector<std::string> metrics = workload_info(cell.workload).metrics;
  const auto leave_out = [&](const std::string& metric) { std::erase(metrics, metric); };
  if (cell.workload == "relink") {
    const bool in_batches = count_parameter(request, "batch") != 1;
    if (in_batches || count_parameter(request, "sites") == 1) leave_out("patch_isolated");
    if (in_batches) {
      leave_out("patch_execute_among_hits");
      leave_out("miss_among_hits");
    }
  }
  if (cell.workload == "threads" && word_parameter(request, kExecutorsParameter) == "0") {
    for (const char* metric : {"visible", "send_undisturbed", "send_beside_patches"}) {
      leave_out(metric);
    }
  }
  if (cell.workload == "trace" && word_parameter(request, "on_miss") == "relink") {
    leave_out("replay_warm");
  }
  if (cell.workload == "install") {
    const std::string& memory = word_parameter(request, "memory");
    if (memory == "recycled") leave_out("install_total");
    if (memory != "populated") leave_out("prefault");
  }
  if (cell.workload == "vma") {
    const StrategyInfo& strategy = strategy_info(cell.strategy);
    const auto is_one_of = [&](std::initializer_list<std::string_view> ids) {
      return std::ranges::find(ids, strategy.id) != ids.end();
    };
    const bool is_private =
        strategy.fork == "isolated" && !strategy.staged && !is_one_of({"pkey-toggle"});
    const bool is_dual_file = is_one_of({"memfd-dual", "file-dual", "posix-shm-dual"});
    if (word_parameter(request, "islands") == "0") {
      for (const char* metric : {"vma_split", "vma_rollback_copy", "vma_punch"}) leave_out(metric);
    }
    if (strategy.staged || strategy.toggles_protection || is_one_of({"ondemand-view"})) {
      leave_out("vma_rollback_mprotect");
    }
    if (!is_private) leave_out("vma_rollback_dontneed");
    if (!is_private && !is_dual_file) {
      for (const char* metric : {"vma_snapshot", "vma_rollback_remap"}) leave_out(metric);
    }
    if (strategy.staged) leave_out("vma_punch");
  }
  if (cell.workload == "publish" && !publishing_does_something(publish_mode_of(request.params))) {
    leave_out("publish");
  }
  return metrics;
}

void check_and_measure(const CellFactory& cell, const CellRequest& request) {
  std::unique_ptr<Instance> instance;
  try {
    instance = cell.make(request);
  } catch (const Unsupported& lacking) {
    if (cell.workload == "threads" && lacking.what() == why_no_core_barrier()) return;
    if (lacking.what() == why_no_prefaulting()) return;
    const std::string reason = why_unavailable(publish_mode_of(request.params));
    CHECK((!reason.empty() || strategy_info(cell.strategy).staged));
    CHECK(lacking.what() == (reason.empty() ? kStagedPublishing : reason));
    return;
  } catch (const std::system_error& refused) {
    // A call that has no flag for it (memory=map-populated).
    CHECK(std::ranges::count(request.params,
                             std::pair<std::string, std::string>{"memory", "map-populated"}) == 1);
    CHECK(refused.code() == std::errc::operation_not_supported);
    return;
  }
  instance->check();
  std::vector<std::string> metrics;
  for (const Measurement& measurement : instance->measurements()) {
    INFO(measurement.metric);
    metrics.push_back(measurement.metric);
    REQUIRE(measurement.run != nullptr);
    CHECK(measurement.unit == "ns");
    CHECK(measurement.operations >= 1);
    CHECK((measurement.without == nullptr) == (measurement.prepare_without == nullptr));
    for (int i = 0; i < 3; ++i) {
      run(measurement);
      run_without(measurement);
    }
  }
  std::vector<std::string> expected = expected_metrics(cell, request);
  // An emulator may give no page back.
  for (const char* metric : {"vma_punch", "vma_rollback_dontneed"}) {
    if (!testing::in_qemu_user() || std::ranges::count(metrics, metric) > 0) continue;
    std::erase(expected, metric);
  }
  CHECK(metrics == expected);
  instance->check();
  CHECK(instance->memory().vmas >= 1);
  CHECK(instance->memory().mapped_kib >= 4);
  CHECK(instance->memory().rss_kib >= 0);
}

void publish_sizes(std::initializer_list<const char*> sizes) {
  for_each_cell([sizes](const CellFactory& cell) {
    if (cell.workload == "publish") {
      for (const char* bytes : sizes) {
        INFO(bytes << " bytes");
        check_and_measure(cell, small_request("publish", {{"bytes", bytes}}));
      }
    }
  });
}

/// A test that takes seconds for each strategy takes minutes with sanitizers or on an emulator.
/// There it has the strategies that presets measure over whole grids; Release has all of them.
bool is_left_to_release(const CellFactory& cell) {
  return PATCHBENCH_WHOLE_SUITES != 0 && strategy_info(cell.strategy).small_grid;
}

double hit_rate(std::string_view strategy, ParamText params) {
  const CellFactory* cell = find_cell(strategy, "open-pic");
  REQUIRE(cell != nullptr);
  const auto instance = cell->make(small_request("open-pic", std::move(params)));
  instance->check();
  for (int i = 0; i < 3; ++i) run(instance->measurements().front());
  const std::vector<SiteCounter> counters = instance->counters();
  const SiteCounter* rate = find_counter(counters, "method-cache-hit-rate");
  REQUIRE(rate != nullptr);
  CHECK(rate->per == "send");
  return rate->value;
}

}  // namespace

TEST_CASE("cells: each is right before and after it is measured") {
  for_each_cell([](const CellFactory& cell) {
    check_and_measure(cell, small_request(cell.workload));
    check_and_measure(cell, small_request(cell.workload, {}, 99));
  });
}

TEST_CASE("cells: an open patch splits the code's mapping only where protection is toggled") {
  std::set<std::string_view> patching;
  for_each_cell([&patching](const CellFactory& cell) {
    const auto instance = cell.make(small_request(cell.workload));
    instance->check();
    const std::int64_t closed = instance->memory().vmas;
    const auto open = instance->vmas_while_open();
    if (!open) return;
    patching.insert(cell.workload);
    const StrategyInfo& strategy = strategy_info(cell.strategy);
    if (!strategy.toggles_protection || strategy.opens_whole_zone) {
      CHECK(*open == closed);
    } else if (testing::in_qemu_user()) {
      CHECK(*open >= closed);  // what was split once it lists as split for good
    } else {
      CHECK((*open == closed + 1 || *open == closed + 2));
    }
    // A page that was swapped is a mapping of its own from then on.
    if (!strategy.staged) CHECK(instance->memory().vmas == closed);
    instance->check();
  });
  CHECK(patching.contains("link"));
  CHECK(patching.contains("relink"));
  CHECK_FALSE(patching.contains("mic"));
}

namespace {

/// Or else the case says why not.
bool has_meaning(const CellFactory& cell, const CellRequest& request, const Parameter& parameter,
                 const std::string& value) {
  const bool unavailable =
      parameter.why_unavailable != nullptr && !parameter.why_unavailable(value).empty();
  const bool unsupported =
      cell.unsupported_at != nullptr && !cell.unsupported_at(request.params).empty();
  if (unavailable || unsupported) CHECK_THROWS_AS(cell.make(request), Unsupported);
  return !unavailable && !unsupported;
}

}  // namespace

TEST_CASE("cells: at the edges of their parameters") {
  for_each_cell([](const CellFactory& cell) {
    if (is_left_to_release(cell)) return;
    const WorkloadInfo& info = workload_info(cell.workload);
    for (const Parameter& parameter : info.parameters) {
      if (parameter.name == kPublishParameter) {
        continue;  // a test of its own
      }
      std::vector<std::string> values = parameter.choices;
      if (parameter.smallest_share > 0) {
        values = {"1e-4", "1"};  // a million sends are seconds on an emulator
      } else if (values.empty()) {
        // The largest ones take a minute and gigabytes. A power of two, for where one is needed.
        // Threads that share a processor wait for each other: a test of its own.
        const std::int64_t largest = parameter.name == kExecutorsParameter ? 1 : 256;
        values = {std::to_string(parameter.min), std::to_string(std::min(parameter.max, largest))};
      }
      for (const std::string& value : values) {
        INFO(parameter.name << "=" << value);
        const CellRequest request = small_request(cell.workload, {{parameter.name, value}});
        if (has_meaning(cell, request, parameter, value)) check_and_measure(cell, request);
      }
    }
  });
}

TEST_CASE("cells: mic shuffled and with a method for each site") {
  for_each_cell([](const CellFactory& cell) {
    if (cell.workload == "mic") {
      check_and_measure(
          cell,
          small_request("mic", {{"order", "shuffled"}, {"targets", "sites"}, {"sites", "1000"}}));
    }
  });
}

TEST_CASE("cells: relink in batches that do not divide the sites") {
  for_each_cell([](const CellFactory& cell) {
    if (cell.workload == "relink") {
      check_and_measure(cell, small_request("relink", {{"batch", "16"}}));
      check_and_measure(cell, small_request("relink", {{"batch", "1000"}}));
      check_and_measure(cell, small_request("relink", {{"batch", "16"}, {"publish_per", "scope"}}));
    }
  });
}

TEST_CASE("cells: every size that publish takes", "[any-page-size]") {
  publish_sizes({"8", "16", "32", "128", "4096", "1048576"});
}

TEST_CASE("cells: publish of several pages") { publish_sizes({"65536"}); }

TEST_CASE("cells: patched code under every mode of publishing, and never in silence another",
          "[any-page-size]") {
  for_each_cell([](const CellFactory& cell) {
    const auto& parameters = workload_info(cell.workload).parameters;
    const auto mode = std::ranges::find_if(
        parameters, [](const Parameter& one) { return one.name == kPublishParameter; });
    if (mode == parameters.end() || is_left_to_release(cell)) return;
    CHECK(mode->default_value == "none");
    CHECK_FALSE(mode->in_id);  // cells of runs without it keep their names
    for (const std::string& choice : mode->choices) {
      INFO(choice);
      CHECK(mode->why_unavailable(choice) == why_unavailable(find_publish_mode(choice)->mode));
      check_and_measure(cell, small_request(cell.workload, {{"publish", choice}}));
    }
    CHECK_THROWS_AS(cell.make(small_request(cell.workload, {{"publish", "no-such-mode"}})),
                    std::invalid_argument);
  });
}

TEST_CASE("cells: what cannot be had is refused with its reason") {
  const CellFactory* open_pic = find_cell("floor", "open-pic");
  REQUIRE(open_pic != nullptr);
  const auto make = [&](ParamText changes) {
    return open_pic->make(small_request("open-pic", std::move(changes)));
  };
  CHECK_THROWS_AS(make({{"cache_entries", "1000"}}), std::invalid_argument);
  CHECK_THROWS_AS(make({{"sites", "many"}}), std::invalid_argument);
  CHECK_THROWS_AS(make({{"sites", "12x"}}), std::invalid_argument);
  CHECK_THROWS_AS(make({{"sites", "-1"}}), std::invalid_argument);
  CHECK_THROWS_AS(make({{"sites", "99999999999"}}), std::invalid_argument);
  CHECK_THROWS_AS(open_pic->make(CellRequest{}), std::invalid_argument);
}

TEST_CASE("cells: every pair is made or says why not") {
  for (const StrategyEntry& strategy : strategies()) {
    for (const WorkloadInfo& workload : workloads()) {
      INFO(workload.id << "/" << strategy.info.id);
      const CellFactory* cell = find_cell(strategy.info.id, workload.id);
      const bool belongs =
          strategy.info.only_workload.empty() || strategy.info.only_workload == workload.id;
      REQUIRE((cell != nullptr) == belongs);
      if (cell != nullptr) {
        CHECK(cell->strategy == strategy.info.id);
        CHECK(cell->workload == workload.id);
        CHECK((cell->make == nullptr) == !cell->unsupported.empty());
        CHECK((cell->make != nullptr || cell->dump == nullptr));
        // Only what patches no code may lack workloads, those that patch code; and where patches
        // publish by themselves, there is no publishing to measure alone.
        CHECK((cell->make != nullptr || !strategy.info.patches_code ||
               (strategy.info.staged && workload.id == "publish")));
      }
    }
  }
  CHECK(find_cell("indirect-cell", "publish")->make == nullptr);
  CHECK(find_cell("indirect-cell", "relink")->make != nullptr);
  CHECK(find_cell("data-slot-stub", "publish")->make == nullptr);
  CHECK(find_cell("data-slot-stub", "relink")->make != nullptr);
  CHECK(find_cell("rwx", "relink")->dump != nullptr);
  CHECK(find_cell("rwx", "zone")->dump == nullptr);
  CHECK(find_cell("floor", "mic")->make != nullptr);
  CHECK(find_cell("floor", "relink")->make == nullptr);
  CHECK(find_cell("floor", "link")->make == nullptr);
  CHECK(find_cell("unchecked", "mic")->make != nullptr);
  CHECK(find_cell("unchecked", "pic")->make == nullptr);
  CHECK(find_cell("no-such-strategy", "mic") == nullptr);
  CHECK(find_cell("rwx", "no-such-workload") == nullptr);
}

TEST_CASE("cells: metrics have the traits that their workloads give them") {
  for (const char* metric : {"send", "execute"}) CHECK(traits_of(metric).executes_only);
  for (const char* metric : {"patch", "patch_execute", "miss", "link", "publish", "teardown"}) {
    CHECK_FALSE(traits_of(metric).executes_only);
  }
  for (const char* metric : {"send", "patch_execute", "publish"}) {
    CHECK(traits_of(metric).is_countable);
  }
  for (const MetricTraits& metric : kMetrics) {
    INFO(metric.id);
    CHECK_FALSE(metric.meaning.empty());
    CHECK_FALSE((metric.executes_only && (metric.patches || metric.publishes)));
    CHECK((metric.among_hits.empty() || traits_of(metric.among_hits).patches));
  }
  for (const char* metric : {"install", "install_total", "prefault"}) {
    CHECK(traits_of(metric).installs);
    CHECK_FALSE(traits_of(metric).is_countable);
  }
  CHECK_FALSE(traits_of("execute").installs);
  CHECK(title_of(traits_of("send")) == "send");
  CHECK(title_of(traits_of("patch")) == "patch (burst)");
  // What happens in the kernel, a difference, and what is not known.
  for (const char* metric : {"reserve", "first_touch", "miss_among_hits", "no-such-metric"}) {
    CHECK_FALSE(traits_of(metric).is_countable);
  }
}

TEST_CASE("cells: strategies are as they are declared") {
  std::map<std::string_view, StrategyInfo> infos;
  for (const StrategyEntry& strategy : strategies()) {
    CHECK(infos.try_emplace(strategy.info.id, strategy.info).second);
    CHECK_FALSE(strategy.info.summary.empty());
    REQUIRE(strategy.probe != nullptr);
    if (!strategy.info.only_workload.empty()) {
      CHECK(strategy.info.role == StrategyRole::control);
      CHECK(workload_info(strategy.info.only_workload).id == strategy.info.only_workload);
    }
  }
  for (const std::string_view id : {"memfd-dual", "sysv-shm", "file-dual"}) {
    CHECK(infos.at(id).second_view);
  }
  for (const std::string_view id : {"rwx", "memfd-dual", "mprotect-toggle", "rwx-translated"}) {
    CHECK(infos.at(id).patches_code);
  }
  for (const std::string_view id :
       {"indirect-cell", "data-slot-stub", "floor", "unchecked", "target-register"}) {
    CHECK_FALSE(infos.at(id).patches_code);
  }
  // Code that is written where it executes, code that is never patched, and controls.
  for (const std::string_view id : {"rwx", "mprotect-toggle", "indirect-cell", "floor"}) {
    CHECK_FALSE(infos.at(id).second_view);
  }
  // What executes the same bytes has the same word, and nothing else has it.
  for (const auto& [id, info] : infos) {
    INFO(id);
    CHECK_FALSE(info.code.empty());
    CHECK((!info.patches_code || info.code == infos.at("rwx").code));
  }
  CHECK(infos.at("floor").code == infos.at("rwx").code);
  CHECK(infos.at("indirect-cell").code == infos.at("indirect-cell-rwx").code);
  CHECK(infos.at("indirect-cell").code != infos.at("rwx").code);
  CHECK(infos.at("data-slot-stub").code != infos.at("indirect-cell").code);
  CHECK(infos.at("unchecked").code != infos.at("rwx").code);
  CHECK(infos.at("tag-cell").code != infos.at("target-cell").code);
  CHECK(infos.at("rwx").role == StrategyRole::strategy);
  CHECK(infos.at("floor").role == StrategyRole::control);
  CHECK(std::ranges::count(strategies(), true,
                           [](const StrategyEntry& entry) { return entry.info.floor; }) == 1);
  CHECK(infos.at("floor").floor);
  CHECK(infos.at("mprotect-toggle").toggles_protection);
  CHECK_FALSE(infos.at("rwx").toggles_protection);
  CHECK(infos.at("memfd-dual").preferred_baseline);
  CHECK_FALSE(infos.at("sysv-shm").preferred_baseline);
}

TEST_CASE("cells: bytes of a site, of code and of data") {
  std::map<std::string_view, std::pair<double, double>> bytes;  // code, cell
  for_each_cell([&](const CellFactory& cell) {
    if (cell.workload == "mic") {
      const auto counters = cell.make(small_request("mic"))->counters();
      REQUIRE(find_counter(counters, "send-code-bytes") != nullptr);
      REQUIRE(find_counter(counters, "site-stride-bytes") != nullptr);
      REQUIRE(find_counter(counters, "cell-bytes") != nullptr);
      CHECK(find_counter(counters, "send-code-bytes")->value <=
            find_counter(counters, "site-stride-bytes")->value);
      CHECK(find_counter(counters, "cell-bytes")->per == "site");
      bytes[cell.strategy] = {find_counter(counters, "send-code-bytes")->value,
                              find_counter(counters, "cell-bytes")->value};
    }
  });
  CHECK(bytes.at("floor").second == 0);
  CHECK(bytes.at("indirect-cell").second == 16);
  CHECK(bytes.at("scattered-cells").second == 64);
  // As a site with its tag alone in a cell, and the stub behind the call.
  CHECK(bytes.at("data-slot-stub") ==
        std::pair{
            bytes.at("tag-cell").first + send::NativeArchitecture::stub_size(Dispatch::stub_cell),
            16.0});
  for (const std::string_view id : {"rwx", "memfd-dual", "mprotect-toggle"}) {
    if (bytes.count(id) != 0) CHECK(bytes.at(id) == bytes.at("floor"));
  }
}

TEST_CASE("cells: the method cache's hit rate") {
  for (const std::string_view strategy : {"floor", "indirect-cell"}) {
    INFO(strategy);
    CHECK(hit_rate(strategy, {{"classes", "16"}, {"cache_entries", "8192"}}) == 1);
    const double crowded = hit_rate(strategy, {{"classes", "4096"}, {"cache_entries", "1024"}});
    CHECK(crowded > 0.02);
    CHECK(crowded < 0.5);
    const double roomy = hit_rate(strategy, {{"classes", "4096"}, {"cache_entries", "8192"}});
    CHECK(roomy > crowded);
  }
  // The same sends, the same table: strategies cannot differ.
  const ParamText params = {{"classes", "256"}, {"cache_entries", "64"}};
  CHECK(hit_rate("floor", params) == hit_rate("indirect-cell", params));
}

TEST_CASE("cells: parameters and metrics are declared without contradiction") {
  std::set<std::string> ids;
  for (const WorkloadInfo& info : workloads()) {
    INFO(info.id);
    CHECK(ids.insert(info.id).second);
    CHECK_FALSE(info.summary.empty());
    CHECK_FALSE(info.metrics.empty());
    for (const std::string& metric : info.metrics) {
      CHECK(std::ranges::count(kMetrics, metric, &MetricTraits::id) == 1);
    }
    for (const Headline& column : info.headline.value_or(std::vector<Headline>{})) {
      CHECK(std::ranges::count(info.metrics, column.metric) == 1);
      for (const auto& [name, value] : column.near) {
        CHECK(std::ranges::count(info.parameters, name, &Parameter::name) == 1);
        CHECK(value > 0);
      }
    }
    std::set<std::string> names;
    for (const Parameter& parameter : info.parameters) {
      INFO(parameter.name);
      CHECK(names.insert(parameter.name).second);
      CHECK_FALSE(parameter.summary.empty());
      const auto is_valid = [&](const std::string& text) {
        if (!parameter.choices.empty()) return std::ranges::count(parameter.choices, text) == 1;
        if (parameter.smallest_share > 0) {
          const double share = std::stod(text);
          return share_text(share) == text && parameter.smallest_share <= share && share <= 1;
        }
        const std::int64_t value = std::stoll(text);
        const bool allowed =
            !parameter.power_of_two || std::has_single_bit(static_cast<std::uint64_t>(value));
        return allowed && std::to_string(value) == text && parameter.min <= value &&
               value <= parameter.max;
      };
      CHECK(is_valid(parameter.default_value));
      CHECK_FALSE(parameter.standard_grid.empty());
      CHECK_FALSE(parameter.quick_grid.empty());
      const auto& standard = parameter.standard_grid;
      for (const std::string& value : standard) {
        CHECK(is_valid(value));
        CHECK(std::ranges::count(standard, value) == 1);
      }
      for (const std::string& value : parameter.quick_grid) {
        CHECK(std::ranges::count(standard, value) == 1);
      }
    }
  }
}

}  // namespace patchbench
