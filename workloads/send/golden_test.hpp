// workloads/send/golden_test.hpp - everything that an architecture's generator emits, held against
// the bytes in codegen_<arch>_golden.txt.
//
// The file shows each piece as objdump reads it: offset, bytes, instruction. Only the bytes are
// compared; codegen_golden.py writes the file anew. Whoever does so reads the difference before
// committing it.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <patchbench_catch.hpp>

#include "workloads/send/codegen.hpp"
#include "workloads/send/method_cache.hpp"

namespace patchbench::send {

inline constexpr ExecAddress kCode{0x1000'0000};
inline constexpr ExecAddress kMissTrampoline = kCode;
inline constexpr ExecAddress kOpenMissTrampoline = kCode + 0x40;
inline constexpr ExecAddress kOpenPic = kCode + 0xc0;
inline constexpr ExecAddress kMethods = kCode + 0x1000;
inline constexpr ExecAddress kDriver = kCode + 0x2000;
inline constexpr ExecAddress kPics = kCode + 0x3000;
inline constexpr ExecAddress kWalks = kCode + 0x4000;
inline constexpr ExecAddress kStubs = kCode + 0x5000;
inline constexpr ExecAddress kCells{0x5000'0000};
inline constexpr ExecAddress kSlots{0x5000'1000};
inline constexpr ExecAddress kMethodCache{0x7000'0000};

inline constexpr Dispatch kDispatches[] = {Dispatch::inline_cache,
                                           Dispatch::cell_cache,
                                           Dispatch::cell_cache_shared,
                                           Dispatch::cell_cache_scattered,
                                           Dispatch::cell_cache_newest_first,
                                           Dispatch::stub_cell,
                                           Dispatch::unchecked,
                                           Dispatch::tag_cell,
                                           Dispatch::target_cell,
                                           Dispatch::target_register};
inline constexpr SiteOrder kOrders[] = {SiteOrder::linear, SiteOrder::shuffled,
                                        SiteOrder::standalone};

inline std::string name_of(Dispatch dispatch) {
  switch (dispatch) {
    case Dispatch::inline_cache:
      return "inline_cache";
    case Dispatch::cell_cache:
      return "cell_cache";
    case Dispatch::cell_cache_shared:
      return "cell_cache_shared";
    case Dispatch::cell_cache_scattered:
      return "cell_cache_scattered";
    case Dispatch::cell_cache_newest_first:
      return "cell_cache_newest_first";
    case Dispatch::stub_cell:
      return "stub_cell";
    case Dispatch::stub_cell_retpoline:
      return "stub_cell_retpoline";
    case Dispatch::stub_cell_lfence:
      return "stub_cell_lfence";
    case Dispatch::unchecked:
      return "unchecked";
    case Dispatch::tag_cell:
      return "tag_cell";
    case Dispatch::target_cell:
      return "target_cell";
    case Dispatch::target_register:
      return "target_register";
  }
  return {};
}

inline std::string name_of(SiteOrder order) {
  switch (order) {
    case SiteOrder::linear:
      return "linear";
    case SiteOrder::shuffled:
      return "shuffled";
    case SiteOrder::standalone:
      return "standalone";
  }
  return {};
}

// --- what is compared ---

struct Emitted {
  std::string name;
  ExecAddress at;
  CodeBytes bytes;
};

/// Two sites; a shuffled driver executes the second one first.
template <Architecture A>
CodeBytes driver(Dispatch dispatch, SiteOrder order, std::size_t site_shift = 0) {
  const SitePlan sites[] = {{.receiver_offset = 0, .next = 2}, {.receiver_offset = 16, .next = 0}};
  const Selector selectors[] = {kFirstSelector, kFirstSelector + 0x123};
  return A::emit_driver({.dispatch = dispatch,
                         .order = order,
                         .at = kDriver,
                         .site_shift = site_shift,
                         .cells = kCells,
                         .stubs = kStubs,
                         .first_site = 1,
                         .sites = sites,
                         .selectors = selectors,
                         .miss_trampoline = kMissTrampoline});
}

template <Architecture A>
CodeBytes method(std::uint32_t number, std::uint32_t work, bool immediate_receiver) {
  return A::emit_method({.at = kMethods,
                         .miss_trampoline = kMissTrampoline,
                         .method = number,
                         .work = work,
                         .immediate_receiver = immediate_receiver});
}

inline ClassTag tag_of_case(unsigned index) { return kFirstHeapTag + index; }
template <Architecture A>
ExecAddress target_of_case(unsigned index) {
  return kMethods + index * A::method_stride(8) + A::unchecked_entry_offset();
}

/// A PIC as misses fill it: the first two cases at once, the others one by one.
template <Architecture A>
CodeBytes closed_pic(unsigned cases) {
  CodeBytes pic = A::emit_pic_prototype();
  A::fill_pic(pic.data(), kPics, target_of_case<A>(0), kMissTrampoline);
  for (unsigned index = 1; index < cases; ++index) {
    A::fill_pic_case(pic.data(), kPics, index, tag_of_case(index), target_of_case<A>(index));
    const std::uint32_t jump =
        A::encode_jump(kPics + A::kPicJumpOffset, kPics + A::pic_case_offset(index));
    std::memcpy(&pic[A::kPicJumpOffset], &jump, sizeof jump);
  }
  return pic;
}

template <Architecture A>
CodeBytes cell_pic(bool shared) {
  return A::emit_cell_pic(
      {.at = kPics, .slots = kSlots, .shared = shared, .miss_trampoline = kMissTrampoline});
}

/// Of two sites.
template <Architecture A>
CodeBytes stubs() {
  return A::emit_stubs({.at = kStubs, .cells = kCells, .sites = 2});
}

/// Of method 1.
template <Architecture A>
CodeBytes tag_stub() {
  return A::emit_tag_stub(
      {.at = kStubs, .tag = kFirstHeapTag, .checked_entry = kMethods + A::method_stride(8)});
}

/// Where the direct call of a site that is not linked leads.
template <Architecture A>
ExecAddress called_at_first(Dispatch dispatch, std::uint32_t site) {
  return calls_stub(dispatch) ? kStubs + site * A::stub_stride(dispatch) : kMissTrampoline;
}

template <Architecture A>
CodeBytes open_pic(std::uint32_t cache_entries, Selector selector = kFirstSelector) {
  return A::emit_open_pic({.at = kOpenPic,
                           .selector = selector,
                           .method_cache = kMethodCache,
                           .mask = cache_entries - 1,
                           .open_miss_trampoline = kOpenMissTrampoline});
}

template <Architecture A>
CodeBytes trampoline() {
  constexpr std::uintptr_t kFunction = 0x5566'7788'99aa;
  constexpr std::uintptr_t kMachine = 0x7fff'1122'3344;
  return A::emit_trampoline({.at = kMissTrampoline,
                             .function = reinterpret_cast<MissFunction>(kFunction),
                             .machine = reinterpret_cast<void*>(kMachine)});
}

/// Three calls; with a hook, before the first and the third.
template <Architecture A>
CodeBytes walk(Called called, std::uint32_t stretch) {
  const ExecAddress calls[] = {kDriver + 0x80, kDriver + 0x40, kDriver + 0x60};
  return A::emit_walk({.at = kWalks, .called = called, .calls = calls, .stretch = stretch});
}

/// Each call of such walks of functions: visit(bytes, the word's offset, the target).
template <Architecture A, class Visit>
void for_each_function_call(Visit visit) {
  constexpr std::size_t kOffsets[] = {0x80, 0x40, 0x60};
  for (const std::uint32_t stretch : {0U, 1U, 2U}) {
    const CodeBytes bytes = walk<A>(Called::functions, stretch);
    for (std::uint32_t index = 0; index < 3; ++index) {
      INFO("stretch " << stretch << ", call " << index);
      visit(bytes, A::walk_call_offset(Called::functions, index, stretch) + A::kWalkCallWord,
            kDriver + kOffsets[index]);
    }
  }
}

/// Through the slots of three functions, in another order.
template <Architecture A>
CodeBytes walk_of_slots(std::uint32_t stretch) {
  const ExecAddress slots[] = {kSlots + 16, kSlots, kSlots + 8};
  return A::emit_walk({.at = kWalks, .called = Called::slots, .calls = slots, .stretch = stretch});
}

inline constexpr ExecAddress kFarAway{0x1234'5678'9abc'def0};
template <Architecture A>
CodeBytes veneer() {
  return A::emit_veneer({.at = kStubs, .target = kFarAway});
}

/// `emit` makes one direct branch; it is encoded as far as it reaches, and refused one step
/// further.
template <Architecture A, class Emit>
void check_reach(ExecAddress last_word, ExecAddress furthest, std::size_t step, Emit emit) {
  CHECK(A::reaches(last_word, furthest));
  CHECK_FALSE(A::reaches(last_word, furthest + step));
  CHECK_NOTHROW(emit(furthest));
  for (const ExecAddress target : {furthest + step, kFarAway}) {
    CHECK_THROWS_WITH(emit(target), Catch::Matchers::Contains("does not reach") &&
                                        Catch::Matchers::Contains("needs a veneer"));
  }
}

template <Architecture A>
std::vector<Emitted> everything() {
  std::vector<Emitted> pieces;
  for (const SiteOrder order : kOrders) {
    for (const Dispatch dispatch : kDispatches) {
      pieces.push_back({"driver/" + name_of(dispatch) + "/" + name_of(order), kDriver,
                        driver<A>(dispatch, order)});
    }
  }
  pieces.push_back({"call-site", kCode, A::emit_call_site()});
  pieces.push_back({"walk/sites", kWalks, walk<A>(Called::sites, 0)});
  pieces.push_back({"walk/sites/stretch=2", kWalks, walk<A>(Called::sites, 2)});
  pieces.push_back({"walk/functions", kWalks, walk<A>(Called::functions, 0)});
  pieces.push_back({"walk/functions/stretch=2", kWalks, walk<A>(Called::functions, 2)});
  pieces.push_back({"walk/slots", kWalks, walk_of_slots<A>(0)});
  pieces.push_back({"walk/slots/stretch=2", kWalks, walk_of_slots<A>(2)});
  pieces.push_back({"veneer", kStubs, veneer<A>()});
  pieces.push_back({"return", kCode, A::emit_return()});
  constexpr std::uint16_t kAddends[] = {0, 1, 0x7f, 0x80, 0xfff};
  pieces.push_back({"sum", kCode, A::emit_sum(kAddends)});
  for (const std::uint32_t work : {0U, 1U, 8U}) {
    const std::string suffix = "/work=" + std::to_string(work);
    pieces.push_back({"method/heap" + suffix, kMethods, method<A>(1, work, false)});
    pieces.push_back({"method/small-integer" + suffix, kMethods, method<A>(0, work, true)});
  }
  pieces.push_back({"closed-pic/prototype", ExecAddress{0x1000}, A::emit_pic_prototype()});
  for (unsigned cases = 2; cases <= kMaxPicCases; ++cases) {
    pieces.push_back({"closed-pic/" + std::to_string(cases), kPics, closed_pic<A>(cases)});
  }
  pieces.push_back({"cell-pic/of-a-site", kPics, cell_pic<A>(false)});
  pieces.push_back({"cell-pic/shared", kPics, cell_pic<A>(true)});
  pieces.push_back({"stubs", kStubs, stubs<A>()});
  pieces.push_back({"tag-stub", kStubs, tag_stub<A>()});
  pieces.push_back({"open-pic/cache_entries=1024", kOpenPic, open_pic<A>(1024)});
  pieces.push_back({"open-pic/cache_entries=16", kOpenPic, open_pic<A>(16)});
  pieces.push_back({"open-pic/generic", kOpenPic, open_pic<A>(1024, 0)});
  pieces.push_back({"trampoline", kMissTrampoline, trampoline<A>()});
  return pieces;
}

// --- the golden file ---

struct GoldenLine {
  std::size_t offset = 0;
  CodeBytes bytes;
  std::string text;
};

struct GoldenPiece {
  std::uintptr_t at = 0;
  std::vector<GoldenLine> lines;
};

/// "d503201f" is a word, least significant byte first; "cc" is a byte.
inline CodeBytes parse_unit(const std::string& hex) {
  const auto value = std::stoul(hex, nullptr, 16);
  CodeBytes bytes;
  for (std::size_t i = 0; i < hex.size() / 2; ++i) {
    bytes.push_back(static_cast<std::byte>(value >> (8 * i) & 0xffU));
  }
  return bytes;
}

/// "  24  cc *40 ; int3" is forty bytes cc at offset 24.
inline GoldenLine parse_line(const std::string& text) {
  GoldenLine line;
  line.text = text;
  std::istringstream words(text.substr(0, text.find(';')));
  words >> line.offset;
  CodeBytes unit;
  for (std::string word; words >> word;) {
    unsigned long times = 1;
    if (word.front() == '*') {
      times = std::stoul(word.substr(1)) - 1;  // one is there
    } else {
      unit = parse_unit(word);
    }
    for (; times > 0; --times) line.bytes.insert(line.bytes.end(), unit.begin(), unit.end());
  }
  return line;
}

inline std::map<std::string, GoldenPiece> read_golden(const std::string& arch) {
  const std::string path =
      std::string{PATCHBENCH_WORKLOADS_DIR} + "/send/codegen_" + arch + "_golden.txt";
  std::ifstream file(path);
  INFO(path);
  REQUIRE(file);
  std::map<std::string, GoldenPiece> pieces;
  GoldenPiece* piece = nullptr;
  for (std::string text; std::getline(file, text);) {
    if (text.empty() || text.front() == '#') continue;
    if (text.front() != ' ') {
      std::istringstream words(text);
      std::string name;
      std::string at;
      words >> name >> at;
      piece = &pieces[name];
      piece->at = std::stoul(at, nullptr, 16);
    } else {
      REQUIRE(piece != nullptr);
      piece->lines.push_back(parse_line(text));
    }
  }
  return pieces;
}

inline std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x ", std::to_integer<unsigned>(byte));
    text += digits;
  }
  return text;
}

inline void check_piece(const Emitted& emitted, const GoldenPiece& golden) {
  INFO(emitted.name);
  CHECK(emitted.at.value() == golden.at);
  std::size_t offset = 0;
  for (const GoldenLine& line : golden.lines) {
    INFO("golden: " << line.text);
    REQUIRE(line.offset == offset);
    REQUIRE(offset + line.bytes.size() <= emitted.bytes.size());
    const auto found = std::span(emitted.bytes).subspan(offset, line.bytes.size());
    INFO("found:  " << hex(found));
    REQUIRE(std::ranges::equal(found, line.bytes));
    offset += line.bytes.size();
  }
  CHECK(emitted.bytes.size() == offset);
}

template <Architecture A>
void check_golden(const std::string& arch) {
  std::map<std::string, GoldenPiece> golden = read_golden(arch);
  for (const Emitted& emitted : everything<A>()) {
    INFO(emitted.name);
    const auto found = golden.find(emitted.name);
    REQUIRE(found != golden.end());
    check_piece(emitted, found->second);
    golden.erase(found);
  }
  for (const auto& [name, piece] : golden) {
    INFO(name << " is in the golden file, but nothing emits it");
    CHECK(piece.lines.empty());
  }
}

/// The instruction of a golden line, as objdump writes it.
inline std::string instruction_of(const GoldenLine& line) {
  return line.text.substr(line.text.find(';') + 2);
}
inline bool is_padding(const GoldenLine& line) {
  return instruction_of(line).find("nop") != std::string::npos ||
         instruction_of(line).find("xchg") != std::string::npos;  // xchg ax, ax is 66 90
}
inline bool leads_on(const GoldenLine& line) {
  const std::string mnemonic = instruction_of(line).substr(0, instruction_of(line).find(' '));
  return mnemonic == "jmp" || mnemonic == "b" || mnemonic == "br" || mnemonic == "ret";
}

/// The instructions that a send executes between `begin` and `end`, as a disassembler reads them:
/// up to the one that leads on, or to the end, where the next site begins. A call comes back.
inline unsigned executed_in(const GoldenPiece& piece, std::size_t begin, std::size_t end) {
  unsigned executed = 0;
  std::size_t offset = begin;
  for (const GoldenLine& line : piece.lines) {
    if (line.offset < begin || line.offset >= end) continue;
    INFO(line.text);
    REQUIRE(line.offset == offset);
    CHECK_FALSE(is_padding(line));
    ++executed;
    offset += line.bytes.size();
    if (leads_on(line)) return executed;
  }
  CHECK(offset == end);  // no instruction reaches into the next site
  return executed;
}

template <Architecture A>
void check_operations(const std::string& arch) {
  const std::map<std::string, GoldenPiece> golden = read_golden(arch);
  for (const SiteOrder order : kOrders) {
    for (const Dispatch dispatch : kDispatches) {
      const std::string name = "driver/" + name_of(dispatch) + "/" + name_of(order);
      INFO(name);
      for (const std::uint32_t site : {0U, 1U}) {
        const std::size_t begin = A::driver_sites_offset() + A::site_offset(site);
        CHECK(executed_in(golden.at(name), begin, begin + A::kSiteStride) ==
              A::site_operations(dispatch, order));
      }
    }
  }
}

template <Architecture A>
void check_stub_operations(const std::string& arch) {
  const GoldenPiece stubs = read_golden(arch).at("stubs");
  constexpr std::size_t kStride = A::stub_stride(Dispatch::stub_cell);
  for (const std::size_t begin : {std::size_t{0}, kStride}) {
    CHECK(executed_in(stubs, begin, begin + kStride) == A::stub_operations(Dispatch::stub_cell));
    const auto behind = std::ranges::find(stubs.lines, begin + A::stub_size(Dispatch::stub_cell),
                                          &GoldenLine::offset);
    REQUIRE(behind != stubs.lines.end());  // the room behind, which nothing reaches
    CHECK_FALSE(leads_on(*behind));
  }
}

/// Nothing that sends execute fills room: drivers, methods, PICs, stubs. (A sum does, in every
/// unit: it is the subject of a workload by itself.)
inline void check_no_padding(const std::string& arch) {
  for (const auto& [name, piece] : read_golden(arch)) {
    for (const GoldenLine& line : piece.lines) {
      INFO(name << ": " << line.text);
      CHECK((name == "sum" || !is_padding(line)));
    }
  }
}

/// For codegen_golden.py.
template <Architecture A>
void write_pieces() {
  const char* path = std::getenv("PATCHBENCH_PIECES");  // NOLINT(concurrency-mt-unsafe)
  REQUIRE(path != nullptr);
  std::ofstream file(path);
  for (const Emitted& emitted : everything<A>()) {
    file << emitted.name << ' ' << std::hex << emitted.at.value() << ' ' << hex(emitted.bytes)
         << '\n';
  }
  REQUIRE(file.flush());
}

// --- reading emitted bytes ---

inline std::uint32_t word_at(const CodeBytes& bytes, std::size_t offset) {
  std::uint32_t word = 0;
  REQUIRE(offset + sizeof word <= bytes.size());
  std::memcpy(&word, &bytes[offset], sizeof word);
  return word;
}

constexpr bool in_one_quadword(std::size_t offset) { return offset % 8 + 4 <= 8; }

}  // namespace patchbench::send
