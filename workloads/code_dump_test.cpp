// What --dump-code shows of each cell, and that strategies of one dispatch show the same at the
// same place.
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <patchbench_catch.hpp>

#include "workloads/arena_map.hpp"
#include "workloads/cell_fixture_test.hpp"
#include "workloads/send/architecture.hpp"
#include "workloads/workload.hpp"

namespace patchbench {
namespace {

using Names = std::vector<std::string>;

std::vector<CodeSnapshot> dump(std::string_view strategy, std::string_view workload,
                               ParamText changes = {}) {
  const CellFactory* cell = find_cell(strategy, workload);
  REQUIRE(cell != nullptr);
  REQUIRE(cell->dump != nullptr);
  return cell->dump(small_request(workload, std::move(changes)));
}

Names moments(const std::vector<CodeSnapshot>& snapshots) {
  Names names;
  for (const CodeSnapshot& snapshot : snapshots) names.push_back(snapshot.moment);
  return names;
}

Names pieces(const CodeSnapshot& snapshot) {
  Names names;
  for (const CodePiece& piece : snapshot.pieces) names.push_back(piece.name);
  return names;
}

const CodePiece& find_piece(const CodeSnapshot& snapshot, std::string_view name) {
  for (const CodePiece& piece : snapshot.pieces) {
    if (piece.name == name) return piece;
  }
  FAIL("no piece is called " << name);
  throw std::logic_error("not reached");
}

/// The trampolines hold an address of the program, which differs from one instantiation to another.
bool is_same_everywhere(const CodePiece& piece) {
  return piece.name.find("trampoline") == std::string::npos;
}

using A = send::NativeArchitecture;

/// Whether the class tag of a site stands in a pool of literals.
constexpr std::size_t kTagOffset =
    A::first_tag_offset(Dispatch::inline_cache, send::SiteOrder::linear);
constexpr bool kTagIsAway = kTagOffset >= A::kSiteStride;

}  // namespace

TEST_CASE("dump: the moments of each workload's sites") {
  for (const std::string_view strategy : {"floor", "indirect-cell"}) {
    INFO(strategy);
    CHECK(moments(dump(strategy, "mic")) == Names{"unlinked", "mic"});
    CHECK(moments(dump(strategy, "pic", {{"degree", "6"}})) ==
          Names{"unlinked", "mic", "closed-pic-2", "closed-pic-3", "closed-pic-4", "closed-pic-5",
                "closed-pic-6"});
    CHECK(moments(dump(strategy, "open-pic")) == Names{"unlinked", "mic", "closed-pic-2",
                                                       "closed-pic-3", "closed-pic-4",
                                                       "closed-pic-5", "closed-pic-6", "open-pic"});
    CHECK(moments(dump(strategy, "mixed")).front() == "unlinked");
    // Whatever site 0 is: each moment becomes a file of its own.
    for (std::uint64_t seed = 100; seed < 130; ++seed) {
      CellRequest request = small_request("mixed", {{"sites", "50"}});
      request.seed = seed;
      const Names found = moments(find_cell(strategy, "mixed")->dump(request));
      CHECK(std::set<std::string>(found.begin(), found.end()).size() == found.size());
    }
  }
  CHECK(moments(dump("indirect-cell", "link")) == Names{"unlinked", "mic", "closed-pic-2"});
  CHECK(moments(dump("indirect-cell", "relink")) == Names{"unlinked", "mic", "mic-relinked"});
  CHECK(moments(dump("unchecked", "mic")) == Names{"unlinked", "mic"});
}

TEST_CASE("dump: a patch changes the part of a function that it says") {
  const auto differing = [](std::string_view bytes) {
    const auto both = dump("rwx", "publish", {{"bytes", std::string{bytes}}});
    CHECK(moments(both) == Names{"before", "after"});
    const auto& before = find_piece(both[0], "sum").bytes;
    const auto& after = find_piece(both[1], "sum").bytes;
    REQUIRE(before.size() == after.size());
    std::set<std::size_t> words;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i] != after[i]) words.insert(i / 4);
    }
    return words;
  };
  CHECK(differing("4") == std::set<std::size_t>{3});
  CHECK(differing("16") == std::set<std::size_t>{3, 5});
  CHECK(differing("64") == std::set<std::size_t>{3, 5, 7, 9, 11, 13});
  CHECK(differing("4096").size() == 4096 / 8 - 2);
}

TEST_CASE("dump: a method that takes another one's place has other bytes, and as many") {
  const auto both = dump("rwx", "install", {{"size", "256"}, {"memory", "recycled"}});
  CHECK(moments(both) == Names{"installed", "recycled"});
  const CodePiece& first = find_piece(both[0], "method");
  const CodePiece& second = find_piece(both[1], "method");
  CHECK(first.address == second.address);
  CHECK(first.bytes.size() == 256);
  CHECK(second.bytes.size() == 256);
  CHECK(first.bytes != second.bytes);
}

TEST_CASE("dump: the pieces of each state") {
  const Names stubs = {"open-pic", "miss-trampoline", "open-miss-trampoline"};
  for (const std::string_view strategy : {"floor", "indirect-cell", "data-slot-stub"}) {
    INFO(strategy);
    const bool cells = strategy != "floor";
    const Names always = strategy == "data-slot-stub"
                             ? Names{"send-site", "data-slot-stub", "checked-entry"}
                             : Names{"send-site", "checked-entry"};
    for (const CodeSnapshot& snapshot : dump(strategy, "open-pic")) {
      INFO(snapshot.moment);
      const bool closed_pic = snapshot.moment.starts_with("closed-pic");
      Names expected = always;
      if (closed_pic) expected.emplace_back("closed-pic");
      expected.insert(expected.end(), stubs.begin(), stubs.end());
      if (!cells && kTagIsAway) expected.emplace_back("class-tag-data");
      if (cells) expected.emplace_back("cell-data");
      if (cells && closed_pic) expected.emplace_back("pic-slots-data");
      CHECK(pieces(snapshot) == expected);
      for (const CodePiece& piece : snapshot.pieces) {
        CHECK(piece.address != 0);
        CHECK_FALSE(piece.bytes.empty());
      }
    }
  }
}

TEST_CASE("dump: linking changes the site's code, or its cell and not its code") {
  const auto inline_cache = dump("floor", "mic");
  CHECK(find_piece(inline_cache[0], "send-site").bytes !=
        find_piece(inline_cache[1], "send-site").bytes);
  for (const std::string_view strategy : {"indirect-cell", "data-slot-stub"}) {
    INFO(strategy);
    const auto cell_cache = dump(strategy, "mic");
    CHECK(find_piece(cell_cache[0], "send-site").bytes ==
          find_piece(cell_cache[1], "send-site").bytes);
    CHECK(find_piece(cell_cache[0], "cell-data").bytes !=
          find_piece(cell_cache[1], "cell-data").bytes);
    if (strategy == "data-slot-stub") {
      CHECK(find_piece(cell_cache[0], strategy).bytes == find_piece(cell_cache[1], strategy).bytes);
    }
  }
  // What is linked holds the class tag; before, the selector.
  const CodePiece& unlinked =
      find_piece(inline_cache[0], kTagIsAway ? "class-tag-data" : "send-site");
  std::uint32_t tag = 0;
  std::memcpy(&tag, &unlinked.bytes[kTagIsAway ? 0 : kTagOffset], sizeof tag);
  CHECK(tag == send::kFirstSelector);
}

TEST_CASE("dump: strategies of one dispatch show the same bytes at the same place") {
  const std::uintptr_t base = map_arena(Arena{}).code;
  std::map<std::string_view, std::vector<const StrategyEntry*>> alike;  // by their code
  for (const StrategyEntry& entry : strategies()) {
    if (find_cell(entry.info.id, "mic") != nullptr && is_allowed(entry)) {
      alike[entry.info.code].push_back(&entry);
    }
  }
  CHECK(alike.at("inline-cache").size() > 1);
  CHECK(alike.at("cell").size() > 1);
  for (const auto& [code, entries] : alike) {
    std::vector<CodeSnapshot> first;
    for (const StrategyEntry* entry : entries) {
      INFO(entry->info.id);
      CellRequest request = small_request("mic");
      request.arena.base = base;
      const auto found = find_cell(entry->info.id, "mic")->dump(request);
      CHECK(find_piece(found[0], "miss-trampoline").address == map_arena(request.arena).code);
      if (first.empty()) first = found;
      REQUIRE(moments(found) == moments(first));
      for (std::size_t i = 0; i < found.size(); ++i) {
        REQUIRE(pieces(found[i]) == pieces(first[i]));
        for (std::size_t k = 0; k < found[i].pieces.size(); ++k) {
          const CodePiece& piece = found[i].pieces[k];
          INFO(found[i].moment << ", " << piece.name);
          CHECK(piece.address == first[i].pieces[k].address);
          if (is_same_everywhere(piece)) CHECK(piece.bytes == first[i].pieces[k].bytes);
        }
      }
    }
  }
}

}  // namespace patchbench
