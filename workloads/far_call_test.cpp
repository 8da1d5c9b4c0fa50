// Calls of far functions: that they are far, what relinking them stores to, and that the oracle
// sees a single wrong one.
#include "workloads/far_call.hpp"

#include <set>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "strategies/memfd_dual.hpp"
#include "strategies/rwx.hpp"
#include "workloads/cell_fixture_test.hpp"

namespace patchbench {
namespace {

using A = send::NativeArchitecture;

constexpr std::uint32_t kFarSites = 50;  // of a small request

std::string word_for(Reach reach) {
  return std::string{FarCall::kReaches[static_cast<std::size_t>(reach)]};
}

CellRequest request_for(Reach reach, ParamText changes = {}) {
  changes.emplace_back("reach", word_for(reach));
  return small_request("far-call", std::move(changes));
}

/// RWX memory that counts what is opened for patches.
class CountedZone : public RwxZone {
 public:
  explicit CountedZone(const ZoneRequest& request) : RwxZone(request) {}

  void begin_patch(ExecAddress at, std::size_t size) noexcept {
    ++scopes;
    bytes += size;
    RwxZone::begin_patch(at, size);
  }

  int scopes = 0;
  std::size_t bytes = 0;
};
struct Counted {
  using Zone = CountedZone;
};

const Measurement& find(const Instance& cell, std::string_view metric) {
  for (const Measurement& measurement : cell.measurements()) {
    if (measurement.metric == metric) return measurement;
  }
  FAIL("no metric is called " << metric);
  throw std::logic_error("not reached");
}

}  // namespace

TEMPLATE_TEST_CASE("far calls: right under each reach, for one site and for many", "", Rwx,
                   MemfdDual) {
  const Reach reach = GENERATE(Reach::near, Reach::veneer, Reach::indirect);
  const std::string sites = GENERATE("1", "2", "3000");
  INFO(word_for(reach) << ", " << sites << " sites");
  FarCallCell<TestType> cell{request_for(reach, {{"sites", sites}}), reach};
  CHECK_NOTHROW(cell.check());
}

TEST_CASE("far calls: their functions are out of the reach of every site, near ones are not") {
  for (const Reach reach : {Reach::near, Reach::veneer, Reach::indirect}) {
    INFO(word_for(reach));
    const FarCallCell<Rwx> cell{request_for(reach), reach};
    std::set<std::uintptr_t> functions;
    for (std::uint32_t site = 0; site < cell.sites(); ++site) {
      CHECK(cell.function(site, 0) != cell.function(site, 1));
      for (const unsigned side : {0U, 1U}) {
        functions.insert(cell.function(site, side).value());
        CHECK(A::reaches(cell.call_word(site), cell.function(site, side)) ==
              (reach == Reach::near));
      }
    }
    CHECK(functions.size() > kFarSites / 2);
  }
}

TEST_CASE("far calls: relinking patches the call, the veneer's word, or data alone") {
  for (const auto& [reach, bytes] :
       {std::pair{Reach::near, 4U}, std::pair{Reach::veneer, 8U}, std::pair{Reach::indirect, 0U}}) {
    INFO(word_for(reach));
    FarCallCell<Counted> cell{request_for(reach), reach};
    const std::vector<std::byte> walk_before(cell.call_word(0).data(),
                                             cell.call_word(kFarSites - 1).data());
    const CountedZone& zone = cell.zone();
    for (const char* metric : {"patch", "patch_execute"}) {
      const Measurement& measured = find(cell, metric);
      const int scopes = zone.scopes;
      const std::size_t stored = zone.bytes;
      measured.run(measured.self);
      CHECK(zone.scopes - scopes == (bytes == 0 ? 0 : static_cast<int>(kFarSites)));
      CHECK(zone.bytes - stored == kFarSites * bytes);
    }
    const std::vector<std::byte> walk_after(cell.call_word(0).data(),
                                            cell.call_word(kFarSites - 1).data());
    CHECK((walk_before == walk_after) == (reach != Reach::near));
  }
}

TEST_CASE("far calls: the oracle sees one site that calls another function") {
  for (const Reach reach : {Reach::near, Reach::veneer, Reach::indirect}) {
    INFO(word_for(reach));
    FarCallCell<Rwx> cell{request_for(reach), reach};
    CHECK(cell.call_once() == cell.expected());
    cell.relink_secretly(7);
    CHECK(cell.call_once() != cell.expected());
    CHECK_THROWS_AS(cell.check(), WrongResult);
  }
}

TEST_CASE("far calls: the code of each reach as it is shown") {
  for (const auto& [reach, names] :
       {std::pair{Reach::near, std::vector<std::string>{"call-site", "function"}},
        std::pair{Reach::veneer, std::vector<std::string>{"call-site", "veneer", "function"}},
        std::pair{Reach::indirect,
                  std::vector<std::string>{"call-site", "slot-data", "function"}}}) {
    INFO(word_for(reach));
    const auto both = FarCall::dump<Rwx>(request_for(reach));
    REQUIRE(both.size() == 2);
    for (const CodeSnapshot& snapshot : both) {
      std::vector<std::string> found;
      for (const CodePiece& piece : snapshot.pieces) found.push_back(piece.name);
      CHECK(found == names);
    }
    const std::size_t patched = reach == Reach::near ? 0 : 1;
    for (std::size_t piece = 0; piece + 1 < names.size(); ++piece) {
      CHECK((both[0].pieces[piece].bytes != both[1].pieces[piece].bytes) == (piece == patched));
    }
  }
}

TEST_CASE("far calls: a word that is no reach is refused") {
  CellRequest request = request_for(Reach::near);
  for (auto& [name, value] : request.params) value = name == "reach" ? "nowhere" : value;
  CHECK_THROWS_AS(FarCall::make<Rwx>(request), std::invalid_argument);
}

}  // namespace patchbench
