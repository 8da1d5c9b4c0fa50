#include "harness/programs/fake_catalogue_test.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/base/text_parts.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// A cell that works: it counts, and reports what it was given as counters.
class Counting : public Instance {
 public:
  explicit Counting(const CellRequest& request) : request_(request) {
    measurements_ = {
        Measurement{.metric = "send", .operations = 100, .self = this, .run = &count},
        Measurement{
            .metric = "patch", .operations = 10, .self = this, .prepare = &reset, .run = &count}};
  }

  void check() override { count(this); }
  [[nodiscard]] std::span<const Measurement> measurements() const override { return measurements_; }
  [[nodiscard]] std::vector<SiteCounter> counters() const override {
    return {{.name = "arena", .per = "site", .value = static_cast<double>(request_.arena.base)},
            {.name = "seed", .per = "site", .value = static_cast<double>(request_.seed >> 12U)},
            {.name = "processor", .per = "site", .value = static_cast<double>(sched_getcpu())},
            {.name = "prepared", .per = "site", .value = prepared_ ? 1.0 : 0.0}};
  }
  [[nodiscard]] MemoryUse memory() const override {
    return {.vmas = 2, .mapped_kib = 8, .rss_kib = 4};
  }

 protected:
  static void count(void* self) noexcept {
    auto& cell = *static_cast<Counting*>(self);
    if (cell.trace_) {
      const pid_t self_id = getpid();
      [[maybe_unused]] const ssize_t written = write(cell.trace_.get(), &self_id, sizeof self_id);
    }
    cell.add(200);
  }
  /// Costs more than a run, so that nobody takes the two together for one.
  static void reset(void* self) {
    auto& cell = *static_cast<Counting*>(self);
    cell.add(1000);
    cell.total_ = 0;
    cell.prepared_ = true;
  }

 private:
  void add(int times) noexcept {
    for (int i = 0; i < times; ++i) total_ = total_ + 1;
  }

  static Fd open_trace() {
    const std::string file(variable("FAKE_TRACE"));
    return file.empty() ? Fd() : Fd(open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600));
  }

  CellRequest request_;
  Fd trace_ = open_trace();
  std::vector<Measurement> measurements_;
  volatile int total_ = 0;
  bool prepared_ = false;
};

std::unique_ptr<Instance> make_counting(const CellRequest& request) {
  if (const std::string lacking(variable("FAKE_LACKING")); !lacking.empty()) {
    throw Unsupported("it takes " + lacking);
  }
  return std::make_unique<Counting>(request);
}

/// A cell whose check does what its parameter says.
template <void (*kDeed)()>
class Doing : public Counting {
 public:
  using Counting::Counting;
  void check() override { kDeed(); }
};

template <void (*kDeed)()>
std::unique_ptr<Instance> make_doing(const CellRequest& request) {
  return std::make_unique<Doing<kDeed>>(request);
}

void lie() { throw WrongResult("site 3 answered 17 instead of 4"); }
void run_out() { throw std::bad_alloc(); }
void give_up() { throw std::runtime_error("lost the thread"); }
void hang() {
  if (const std::string file(variable("FAKE_MARK")); !file.empty()) {
    std::ofstream(file) << getpid() << '\n';
  }
  for (;;) pause();
}
void leave_silently() { _exit(0); }
void leave_with_three() {
  std::fputs("three it is\n", stderr);
  std::fflush(stderr);
  _exit(3);
}
void be_killed() { raise(SIGKILL); }
void store_nowhere() {
  std::signal(SIGSEGV, SIG_DFL);  // sanitizers have a handler of their own
  raise(SIGSEGV);
}
void give_up_loudly() {
  std::signal(SIGABRT, SIG_DFL);
  for (int i = 0; i < 100; ++i) {
    std::fputs("this line is far from the end of the trouble\n", stderr);
  }
  std::fputs("assertion 'sky is up' failed\n", stderr);
  std::fflush(stderr);
  std::abort();
}
void dawdle() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

[[noreturn]] void refuse(const char* call, int error) {
  throw std::system_error(error, std::generic_category(), call);
}

std::unique_ptr<Instance> make_refused(const CellRequest& /*request*/) {
  refuse("mmap (writable and executable)", EACCES);
}

std::unique_ptr<Instance> make_impossible(const CellRequest& /*request*/) {
  throw std::invalid_argument("order=shuffled needs two sites");
}

/// Works once in a while: fails in every round whose seed is odd.
std::unique_ptr<Instance> make_flaky(const CellRequest& request) {
  return request.seed % 2 == 0 ? make_counting(request) : make_doing<&lie>(request);
}

/// Wants a gibibyte of addresses.
std::unique_ptr<Instance> make_large(const CellRequest& request) {
  constexpr std::size_t kSize = std::size_t{1} << 30U;
  void* memory = mmap(nullptr, kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) refuse("mmap", errno);
  munmap(memory, kSize);
  return make_counting(request);
}

std::vector<CodeSnapshot> dump_fake(const CellRequest& request) {
  const auto bytes = [](std::initializer_list<int> values) {
    std::vector<std::byte> result;
    for (const int value : values) result.push_back(static_cast<std::byte>(value));
    return result;
  };
  const std::uintptr_t base = request.arena.base;
  return {{.moment = "unlinked",
           .pieces = {{.name = "send-site-0", .address = base, .bytes = bytes({0x90, 0x90, 0xC3})},
                      {.name = "miss-trampoline", .address = base + 16, .bytes = bytes({0xC3})}}},
          {.moment = "linked",
           .pieces = {{.name = "send-site-0", .address = base, .bytes = bytes({0x0F, 0x0B})}}}};
}

template <std::size_t kIndex>
std::string probe_fake();

struct FakeStrategy {
  StrategyInfo info;
  MakeInstance make = nullptr;
};

FakeStrategy strategy(std::string_view id, std::string_view summary, MakeInstance make) {
  FakeStrategy fake;
  fake.info.id = id;
  fake.info.summary = summary;
  fake.info.floor = id == "floor";
  fake.info.patches_code = !fake.info.floor;
  fake.info.second_view = id == "memfd-dual";
  fake.info.code = id == "tag-cell" ? "tag-cell" : "inline-cache";
  fake.make = make;
  return fake;
}

FakeStrategy control(std::string_view id, std::string_view summary, std::string_view workload) {
  FakeStrategy fake = strategy(id, summary, &make_counting);
  fake.info.role = StrategyRole::control;
  fake.info.only_workload = workload;
  return fake;
}

constexpr std::size_t kFakes = 20;

const std::array<FakeStrategy, kFakes>& fakes() {
  static const std::array<FakeStrategy, kFakes> list = {
      strategy("rwx", "works", &make_counting),
      strategy("memfd-dual", "works through a second view", &make_counting),
      strategy("file-dual", "works", &make_counting),
      strategy("wrong", "computes the wrong thing", &make_doing<&lie>),
      strategy("refused", "is refused memory", &make_refused),
      strategy("impossible", "wants what cannot be had together", &make_impossible),
      strategy("exhausted", "runs out of memory", &make_doing<&run_out>),
      strategy("throwing", "throws", &make_doing<&give_up>),
      strategy("segfault", "crashes", &make_doing<&store_nowhere>),
      strategy("abort", "says something and aborts", &make_doing<&give_up_loudly>),
      strategy("hang", "never ends", &make_doing<&hang>),
      strategy("silent", "ends without an answer", &make_doing<&leave_silently>),
      strategy("three", "ends with exit code 3", &make_doing<&leave_with_three>),
      strategy("killed", "is killed by someone", &make_doing<&be_killed>),
      strategy("slow", "takes its time", &make_doing<&dawdle>),
      strategy("flaky", "fails in some rounds", &make_flaky),
      strategy("large", "wants a gibibyte", &make_large),
      strategy("nowhere", "runs no workload", nullptr),
      control("floor", "never patched", ""),
      control("tag-cell", "tag from a cell", "mic"),
  };
  return list;
}

bool is_denied(std::string_view id) {
  for (const std::string& denied : split(variable("FAKE_DENY"), ',')) {
    if (denied == id) return true;
  }
  return false;
}

template <std::size_t kIndex>
std::string probe_fake() {
  const std::string_view id = fakes().at(kIndex).info.id;
  if (is_denied(id)) refuse("mmap (writable and executable)", EACCES);
  if (id == variable("FAKE_CRASHING_PROBE")) std::abort();
  return id == "file-dual" ? "/tmp (ext4)" : "";
}

template <std::size_t... kIndices>
std::vector<StrategyEntry> entries_of(std::index_sequence<kIndices...> /*indices*/) {
  return {StrategyEntry{.info = fakes().at(kIndices).info, .probe = &probe_fake<kIndices>}...};
}

const std::vector<StrategyEntry>& entries() {
  static const std::vector<StrategyEntry> list = entries_of(std::make_index_sequence<kFakes>());
  return list;
}

using Words = std::vector<std::string>;

Parameter integer(std::string name, std::string otherwise, Words standard, Words quick,
                  std::int64_t least, std::int64_t most) {
  Parameter parameter;
  parameter.name = std::move(name);
  parameter.summary = "a number";
  parameter.default_value = std::move(otherwise);
  parameter.standard_grid = std::move(standard);
  parameter.quick_grid = std::move(quick);
  parameter.min = least;
  parameter.max = most;
  return parameter;
}

Parameter order() {
  Parameter parameter;
  parameter.name = "order";
  parameter.summary = "of the sites";
  parameter.default_value = "linear";
  parameter.choices = {"linear", "shuffled"};
  parameter.standard_grid = parameter.choices;
  return parameter;
}

Parameter kib() {
  Parameter parameter = integer("kib", "64", {"64", "65536"}, {"64"}, 4, 65536);
  parameter.power_of_two = true;
  return parameter;
}

Parameter work() {
  Parameter parameter = integer("work", "4", {}, {}, 0, 1000);
  parameter.in_id = false;
  return parameter;
}

/// Has the real one's name and modes, but not on every machine.
Parameter publish() {
  Parameter parameter;
  parameter.name = "publish";
  parameter.summary = "what a patch ends with";
  parameter.default_value = "none";
  parameter.choices = {"none", "membarrier"};
  parameter.quick_grid = {"none"};
  parameter.standard_grid = {"none"};
  parameter.in_id = false;
  parameter.why_unavailable = [](std::string_view value) {
    return value == variable("FAKE_UNAVAILABLE") ? std::string("this machine lacks it") : "";
  };
  return parameter;
}

const std::vector<WorkloadInfo>& fake_workloads() {
  static const std::vector<WorkloadInfo> list = {
      {.id = "mic",
       .summary = "steady state",
       .parameters = {integer("sites", "1024", {"16", "1024", "65536"}, {"1024"}, 1, 1 << 20),
                      order(), work(), publish()},
       .metrics = {"send", "patch"}},
      {.id = "zone",
       .summary = "making zones",
       .parameters = {kib()},
       .metrics = {"send", "patch"},
       .headline = std::vector<Headline>{}}};
  return list;
}

std::vector<CellFactory> make_factories() {
  std::vector<CellFactory> list;
  for (const FakeStrategy& fake : fakes()) {
    for (const WorkloadInfo& workload : fake_workloads()) {
      if (fake.info.only_workload.empty() || fake.info.only_workload == workload.id) {
        list.push_back({.strategy = fake.info.id,
                        .workload = workload.id,
                        .make = fake.make,
                        .dump = workload.id == "mic" ? &dump_fake : nullptr,
                        .unsupported = fake.make == nullptr ? "it runs nothing" : ""});
      }
    }
  }
  return list;
}

const CellFactory* find_fake(std::string_view strategy, std::string_view workload) {
  static const std::vector<CellFactory> list = make_factories();
  for (const CellFactory& factory : list) {
    if (factory.strategy == strategy && factory.workload == workload) return &factory;
  }
  return nullptr;
}

}  // namespace

Catalogue fake_catalogue() {
  return {.strategies = entries(), .workloads = fake_workloads(), .find_cell = &find_fake};
}

}  // namespace patchbench::harness
