// Golden bytes for everything that the x86-64 generator emits, and the constants that the patch
// path goes by.
//
// codegen_x86_64_golden.txt shows each piece as objdump reads it: offset, bytes, instruction. Only
// the bytes are compared; codegen_x86_64_golden.py writes the file anew. Whoever does so reads the
// difference before committing it.
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

#include "workloads/send/architecture_x86_64.hpp"
#include "workloads/send/method_cache.hpp"

namespace patchbench::send {
namespace {

using A = X86_64;

constexpr ExecAddress kCode{0x1000'0000};
constexpr ExecAddress kMissTrampoline = kCode;
constexpr ExecAddress kOpenMissTrampoline = kCode + 0x40;
constexpr ExecAddress kOpenPic = kCode + 0xc0;
constexpr ExecAddress kMethods = kCode + 0x1000;
constexpr ExecAddress kDriver = kCode + 0x2000;
constexpr ExecAddress kPics = kCode + 0x3000;
constexpr ExecAddress kCells{0x5000'0000};
constexpr ExecAddress kSlots{0x5000'1000};
constexpr ExecAddress kMethodCache{0x7000'0000};

constexpr Dispatch kDispatches[] = {
    Dispatch::inline_cache, Dispatch::cell_cache,  Dispatch::cell_cache_shared, Dispatch::unchecked,
    Dispatch::tag_cell,     Dispatch::target_cell, Dispatch::target_register};

std::string name_of(Dispatch dispatch) {
  switch (dispatch) {
    case Dispatch::inline_cache:
      return "inline_cache";
    case Dispatch::cell_cache:
      return "cell_cache";
    case Dispatch::cell_cache_shared:
      return "cell_cache_shared";
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

std::string name_of(SiteOrder order) {
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
CodeBytes driver(Dispatch dispatch, SiteOrder order) {
  const SitePlan sites[] = {{.receiver_offset = 0, .next = 2}, {.receiver_offset = 16, .next = 0}};
  const Selector selectors[] = {kFirstSelector, kFirstSelector + 0x123};
  return A::emit_driver({.dispatch = dispatch,
                         .order = order,
                         .at = kDriver,
                         .cells = kCells,
                         .first_site = 1,
                         .sites = sites,
                         .selectors = selectors,
                         .miss_trampoline = kMissTrampoline});
}

CodeBytes method(std::uint32_t number, std::uint32_t work, bool immediate_receiver) {
  return A::emit_method({.at = kMethods,
                         .miss_trampoline = kMissTrampoline,
                         .method = number,
                         .work = work,
                         .immediate_receiver = immediate_receiver});
}

ClassTag tag_of_case(unsigned index) { return kFirstHeapTag + index; }
ExecAddress target_of_case(unsigned index) {
  return kMethods + index * A::method_stride(8) + A::unchecked_entry_offset();
}

/// A PIC as misses fill it: the first two cases at once, the others one by one.
CodeBytes closed_pic(unsigned cases) {
  CodeBytes pic = A::emit_pic_prototype();
  A::fill_pic(pic.data(), kPics, target_of_case(0), kMissTrampoline);
  for (unsigned index = 1; index < cases; ++index) {
    A::fill_pic_case(pic.data(), kPics, index, tag_of_case(index), target_of_case(index));
    const std::uint32_t jump =
        A::encode_jump(kPics + A::kPicJumpOffset, kPics + A::pic_case_offset(index));
    std::memcpy(&pic[A::kPicJumpOffset], &jump, sizeof jump);
  }
  return pic;
}

CodeBytes cell_pic(bool shared) {
  return A::emit_cell_pic(
      {.at = kPics, .slots = kSlots, .shared = shared, .miss_trampoline = kMissTrampoline});
}

CodeBytes open_pic(std::uint32_t cache_entries) {
  return A::emit_open_pic({.at = kOpenPic,
                           .selector = kFirstSelector,
                           .method_cache = kMethodCache,
                           .mask = cache_entries - 1,
                           .open_miss_trampoline = kOpenMissTrampoline});
}

CodeBytes trampoline() {
  constexpr std::uintptr_t kFunction = 0x5566'7788'99aa;
  constexpr std::uintptr_t kMachine = 0x7fff'1122'3344;
  return A::emit_trampoline({.at = kMissTrampoline,
                             .function = reinterpret_cast<MissFunction>(kFunction),
                             .machine = reinterpret_cast<void*>(kMachine)});
}

std::vector<Emitted> everything() {
  std::vector<Emitted> pieces;
  for (const SiteOrder order : {SiteOrder::linear, SiteOrder::shuffled, SiteOrder::standalone}) {
    for (const Dispatch dispatch : kDispatches) {
      pieces.push_back(
          {"driver/" + name_of(dispatch) + "/" + name_of(order), kDriver, driver(dispatch, order)});
    }
  }
  pieces.push_back({"call-site", kCode, A::emit_call_site()});
  pieces.push_back({"return", kCode, A::emit_return()});
  for (const std::uint32_t work : {0U, 1U, 8U}) {
    const std::string suffix = "/work=" + std::to_string(work);
    pieces.push_back({"method/heap" + suffix, kMethods, method(1, work, false)});
    pieces.push_back({"method/small-integer" + suffix, kMethods, method(0, work, true)});
  }
  pieces.push_back({"closed-pic/prototype", ExecAddress{0x1000}, A::emit_pic_prototype()});
  for (unsigned cases = 2; cases <= kMaxPicCases; ++cases) {
    pieces.push_back({"closed-pic/" + std::to_string(cases), kPics, closed_pic(cases)});
  }
  pieces.push_back({"cell-pic/of-a-site", kPics, cell_pic(false)});
  pieces.push_back({"cell-pic/shared", kPics, cell_pic(true)});
  pieces.push_back({"open-pic/cache_entries=1024", kOpenPic, open_pic(1024)});
  pieces.push_back({"open-pic/cache_entries=16", kOpenPic, open_pic(16)});
  pieces.push_back({"trampoline", kMissTrampoline, trampoline()});
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

/// "  24  cc *40 ; int3" is forty bytes cc at offset 24.
GoldenLine parse_line(const std::string& text) {
  GoldenLine line;
  line.text = text;
  std::istringstream words(text.substr(0, text.find(';')));
  words >> line.offset;
  for (std::string word; words >> word;) {
    if (word.front() == '*') {
      line.bytes.resize(std::stoul(word.substr(1)), line.bytes.back());
    } else {
      line.bytes.push_back(static_cast<std::byte>(std::stoul(word, nullptr, 16)));
    }
  }
  return line;
}

std::map<std::string, GoldenPiece> read_golden() {
  const std::string path =
      std::string{PATCHBENCH_WORKLOADS_DIR} + "/send/codegen_x86_64_golden.txt";
  std::ifstream file(path);
  INFO(path);
  REQUIRE(file);
  std::map<std::string, GoldenPiece> pieces;
  GoldenPiece* piece = nullptr;
  for (std::string text; std::getline(file, text);) {
    if (text.empty() || text.front() == '#') {
      continue;
    }
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

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x ", std::to_integer<unsigned>(byte));
    text += digits;
  }
  return text;
}

void check_piece(const Emitted& emitted, const GoldenPiece& golden) {
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

// --- reading emitted bytes ---

std::uint32_t word_at(const CodeBytes& bytes, std::size_t offset) {
  std::uint32_t word = 0;
  REQUIRE(offset + sizeof word <= bytes.size());
  std::memcpy(&word, &bytes[offset], sizeof word);
  return word;
}

/// Whether `opcode` stands right in front of the 32-bit word at `word`.
bool opcode_before(const CodeBytes& bytes, std::size_t word,
                   const std::vector<std::uint8_t>& opcode) {
  return std::equal(opcode.begin(), opcode.end(), &bytes[word - opcode.size()],
                    [](std::uint8_t a, std::byte b) { return std::byte{a} == b; });
}

/// Where the displacement at `word` of a piece at `at` leads; 0 bytes of the instruction follow it.
ExecAddress destination(const CodeBytes& bytes, ExecAddress at, std::size_t word) {
  return at + word + 4 + static_cast<std::size_t>(static_cast<std::int32_t>(word_at(bytes, word)));
}

constexpr bool in_one_quadword(std::size_t offset) { return offset % 8 + 4 <= 8; }

}  // namespace

TEST_CASE("x86-64: every piece has its golden bytes") {
  std::map<std::string, GoldenPiece> golden = read_golden();
  for (const Emitted& emitted : everything()) {
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

// For codegen_x86_64_golden.py.
TEST_CASE("x86-64: write the pieces to $PATCHBENCH_PIECES", "[.pieces]") {
  const char* path = std::getenv("PATCHBENCH_PIECES");  // NOLINT(concurrency-mt-unsafe)
  REQUIRE(path != nullptr);
  std::ofstream file(path);
  for (const Emitted& emitted : everything()) {
    file << emitted.name << ' ' << std::hex << emitted.at.value() << ' ' << hex(emitted.bytes)
         << '\n';
  }
  REQUIRE(file.flush());
}

TEST_CASE("x86-64: a site's words are where the patch path stores them") {
  for (const Dispatch dispatch : kDispatches) {
    const CodeBytes bytes = driver(dispatch, SiteOrder::linear);
    const bool tag_in_cell = dispatch == Dispatch::cell_cache ||
                             dispatch == Dispatch::cell_cache_shared ||
                             dispatch == Dispatch::tag_cell;
    const bool target_in_cell = dispatch == Dispatch::cell_cache ||
                                dispatch == Dispatch::cell_cache_shared ||
                                dispatch == Dispatch::target_cell;
    for (std::size_t i = 0; i < 2; ++i) {
      INFO(name_of(dispatch) << ", site " << i);
      const std::size_t site = A::driver_sites_offset() + i * A::kSiteStride;
      const ExecAddress cell = kCells + i * sizeof(Cell);
      const std::size_t tag = site + A::site_tag_offset();
      if (tag_in_cell) {
        CHECK(opcode_before(bytes, tag + 1, {0x8b, 0x15}));  // mov edx, [rip + ..]
        CHECK(destination(bytes, kDriver, tag + 1) == cell);
      } else {
        CHECK(opcode_before(bytes, tag, {0xba}));  // mov edx, ..
        CHECK(word_at(bytes, tag) == kFirstSelector + (i == 0 ? 0 : 0x123));
      }
      const std::size_t target = site + A::site_target_offset(dispatch);
      const std::size_t after = site + A::site_return_offset(dispatch);
      if (target_in_cell) {
        CHECK(opcode_before(bytes, after - 4, {0xff, 0x15}));  // call [rip + ..]
        CHECK(destination(bytes, kDriver, after - 4) == cell + offsetof(Cell, target));
      } else {
        CHECK(A::decode_target(kDriver + target, word_at(bytes, target)) == kMissTrampoline);
        CHECK(destination(bytes, kDriver, target) == kMissTrampoline);
        if (dispatch == Dispatch::target_register) {
          CHECK(opcode_before(bytes, target, {0x4c, 0x8d, 0x1d}));      // lea r11, [rip + ..]
          CHECK(opcode_before(bytes, target + 7, {0x41, 0xff, 0xd3}));  // call r11
          CHECK(after == target + 7);
        } else {
          CHECK(opcode_before(bytes, target, {0xe8}));  // call ..
          CHECK(after == target + 4);
        }
      }
    }
  }
}

TEST_CASE("x86-64: each word that linking stores lies in one aligned quadword") {
  STATIC_REQUIRE(A::driver_sites_offset() % 64 == 0);
  STATIC_REQUIRE(64 % A::kSiteStride == 0);
  CHECK(in_one_quadword(A::site_tag_offset()));
  for (const Dispatch dispatch : kDispatches) {
    INFO(name_of(dispatch));
    const std::size_t target = A::site_target_offset(dispatch);
    CHECK((in_one_quadword(target) && target % 4 == 0));
    CHECK(A::site_return_offset(dispatch) <= A::kSiteStride);
  }
  CHECK((in_one_quadword(A::kPicJumpOffset) && A::kPicJumpOffset % 4 == 0));
  CHECK(A::kPicStride % 64 == 0);
}

TEST_CASE(
    "x86-64: pieces keep to their strides, and a method's entries are where they are said to be") {
  CHECK(A::emit_trampoline({.at = kMissTrampoline}).size() == A::kTrampolineStride);
  CHECK(open_pic(1024).size() == A::kOpenPicStride);
  CHECK(cell_pic(false).size() == A::kCellPicStride);
  CHECK(cell_pic(true).size() == A::kCellPicStride);
  CHECK(A::emit_pic_prototype().size() == A::kPicSize);
  CHECK(A::kPicSize <= A::kPicStride);
  for (const Dispatch dispatch : kDispatches) {
    CHECK(driver(dispatch, SiteOrder::linear).size() <= A::driver_size(2));
    CHECK(driver(dispatch, SiteOrder::shuffled).size() <= A::driver_size(2));
    CHECK(driver(dispatch, SiteOrder::standalone).size() <= A::driver_size(2));
  }
  constexpr std::size_t kOperation = 4;
  for (std::uint32_t work = 0; work <= 256; ++work) {
    for (const bool immediate : {false, true}) {
      const CodeBytes bytes = method(3, work, immediate);
      CHECK(bytes.size() == A::method_stride(work));
      CHECK(bytes.size() % 64 == 0);
      const std::size_t body = A::unchecked_entry_offset();
      CHECK(opcode_before(bytes, body - 4, {0x39, 0xd0, 0x0f, 0x85}));  // cmp eax, edx; jne ..
      CHECK(destination(bytes, kMethods, body - 4) == kMissTrampoline);
      // The operations: add or xor rax with a sign-extended byte, 4 bytes each, then the return.
      const std::size_t operations = body + (immediate ? 6 : 4);
      for (std::uint32_t i = 0; i < work; ++i) {
        const BodyOperation operation = body_operation(3, i);
        const std::uint8_t kind = operation.exclusive_or ? 0xf0 : 0xc0;
        REQUIRE(opcode_before(bytes, operations + (i + 1) * kOperation,
                              {0x48, 0x83, kind, operation.constant}));
      }
      CHECK(bytes[operations + work * kOperation] == std::byte{0xc3});
    }
  }
}

TEST_CASE("x86-64: a closed PIC's words lead where its cases say") {
  for (unsigned cases = 2; cases <= kMaxPicCases; ++cases) {
    const CodeBytes pic = closed_pic(cases);
    INFO(cases << " cases");
    CHECK(opcode_before(pic, A::kPicFirstTargetOffset, {0x39, 0xd0, 0x0f, 0x84}));
    CHECK(destination(pic, kPics, A::kPicFirstTargetOffset) == target_of_case(0));
    CHECK(opcode_before(pic, A::kPicJumpOffset, {0xe9}));
    const ExecAddress newest = kPics + A::pic_case_offset(cases - 1);
    CHECK(destination(pic, kPics, A::kPicJumpOffset) == newest);
    CHECK(A::decode_jump(kPics + A::kPicJumpOffset, word_at(pic, A::kPicJumpOffset)) == newest);
    for (unsigned index = 1; index < cases; ++index) {
      const std::size_t at = A::pic_case_offset(index);
      CHECK(opcode_before(pic, at + 1, {0x3d}));
      CHECK(word_at(pic, at + 1) == tag_of_case(index));
      CHECK(opcode_before(pic, at + 7, {0x0f, 0x84}));
      CHECK(destination(pic, kPics, at + 7) == target_of_case(index));
    }
    CHECK(opcode_before(pic, A::kPicMissOffset, {0xe9}));
    CHECK(destination(pic, kPics, A::kPicMissOffset) == kMissTrampoline);
  }
}

TEST_CASE("x86-64: a closed PIC's cases fall through from the newest to the oldest, then miss") {
  for (unsigned index = 2; index < kMaxPicCases; ++index) {
    CHECK(A::pic_case_offset(index) + A::kPicCaseSize == A::pic_case_offset(index - 1));
  }
  CHECK(A::pic_case_offset(kMaxPicCases - 1) == A::kPicJumpOffset + 4);
  CHECK(A::pic_case_offset(1) + A::kPicCaseSize == A::kPicMissOffset - 1);
  CHECK(A::kPicMissOffset + 4 == A::kPicSize);
}

TEST_CASE(
    "x86-64: encoded targets are decoded again, backwards too, as far as a direct call reaches") {
  constexpr std::int64_t kReach = INT32_MAX;
  const ExecAddress word{0x2000'0000'0010};
  for (const std::int64_t distance :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{-4}, std::int64_t{64},
        std::int64_t{-0x1234'5678}, std::int64_t{0x1234'5678}, kReach, -kReach - 1}) {
    INFO(distance);
    const ExecAddress target = word + 4 + static_cast<std::size_t>(distance);
    const std::uint32_t encoded = A::encode_target(word, target);
    CHECK(static_cast<std::int32_t>(encoded) == distance);
    CHECK(A::decode_target(word, encoded) == target);
    CHECK(A::decode_jump(word, A::encode_jump(word, target)) == target);
  }
}

}  // namespace patchbench::send
