#include "analysis/palette.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace patchbench::analysis {
namespace {

constexpr std::string_view kBlack = "#000000";
constexpr std::string_view kOrange = "#E69F00";
constexpr std::string_view kSkyBlue = "#56B4E9";
constexpr std::string_view kGreen = "#009E73";
constexpr std::string_view kBlue = "#0072B2";
constexpr std::string_view kVermillion = "#D55E00";
constexpr std::string_view kPurple = "#CC79A7";
constexpr std::string_view kGrey = "#666666";
constexpr std::string_view kLightGrey = "#999999";

// gnuplot's point types, filled and open.
constexpr int kPlus = 1;
constexpr int kCross = 2;
constexpr int kStar = 3;
constexpr int kOpenSquare = 4;
constexpr int kSquare = 5;
constexpr int kOpenCircle = 6;
constexpr int kCircle = 7;
constexpr int kOpenTriangle = 8;
constexpr int kTriangle = 9;
constexpr int kOpenWedge = 10;
constexpr int kWedge = 11;
constexpr int kOpenDiamond = 12;
constexpr int kDiamond = 13;
constexpr int kOpenPentagon = 14;
constexpr int kPentagon = 15;

constexpr int kSolid = 1;
constexpr int kDashed = 2;
constexpr int kDotted = 3;

constexpr std::array kAppearances = {
    Appearance{"rwx", kBlack, kCircle, kSolid, false,
               "one anonymous mapping that is readable, writable and executable at once"},
    Appearance{"memfd-dual", kBlue, kSquare, kSolid, false,
               "one memfd mapped twice, executable here and writable there"},
    Appearance{
        "sysv-shm", kSkyBlue, kTriangle, kSolid, false,
        "one System V shared memory segment attached twice, executable here and writable there"},
    Appearance{"file-dual", kGreen, kWedge, kSolid, false,
               "one unlinked file mapped twice, executable here and writable there"},
    Appearance{"mprotect-toggle", kVermillion, kDiamond, kSolid, false,
               "one mapping that is made writable for each patch and executable again after it"},
    Appearance{
        "indirect-cell", kOrange, kPentagon, kSolid, false,
        "code never changes: every send site loads class tag and target from writable data and "
        "calls indirectly"},
    Appearance{"floor", kGrey, kStar, kDashed, true,
               "the bytes of a linked send, never patched: the best that a strategy can reach"},
    Appearance{"unchecked", kLightGrey, kPlus, kDotted, true,
               "calls that enter behind the class check: what checking costs"},
    Appearance{"again", kBlack, kOpenCircle, kDashed, true,
               "the baseline measured a second time: the noise of this run"},
    Appearance{"tag-cell", kSkyBlue, kOpenTriangle, kDashed, true,
               "class tag from a data cell, direct call: a data load without an indirect branch"},
    Appearance{"target-cell", kGreen, kOpenSquare, kDashed, true,
               "class tag in the code, indirect call through a data cell"},
    Appearance{"target-register", kPurple, kOpenDiamond, kDashed, true,
               "tag and target in the code, indirect call through a register: an indirect branch "
               "without data"},
    Appearance{"indirect-cell-rwx", kOrange, kOpenPentagon, kDashed, true,
               "indirect-cell with its code in rwx memory: cells without the change of mapping"},
    Appearance{"scattered-cells", kOrange, kOpenTriangle, kDashed, true,
               "indirect-cell with each cell alone on a scattered cache line"},
    Appearance{"newest-first", kOrange, kOpenDiamond, kDashed, true,
               "indirect-cell whose PICs compare in the order of patched ones"},
    Appearance{"shared-stub", kVermillion, kOpenPentagon, kDashed, true,
               "indirect-cell with one PIC stub that all sites share"},
    Appearance{"rwx-translated", kBlue, kOpenSquare, kDashed, true,
               "rwx that is patched through an offset as a dual mapping is: the price of "
               "translating addresses"},
};

constexpr std::array kSpareColours = {kPurple, kVermillion, kBlue, kGreen, kOrange, kSkyBlue};
constexpr std::array kSpareMarkers = {kOpenWedge, kCross, kOpenCircle};

/// FNV-1a: the same on every machine, unlike std::hash.
std::uint32_t hash(std::string_view text) {
  std::uint32_t value = 2166136261U;
  for (const char c : text) {
    value ^= static_cast<unsigned char>(c);
    value *= 16777619U;
  }
  return value;
}

}  // namespace

std::span<const Appearance> appearances() { return kAppearances; }

Appearance appearance(std::string_view id) {
  for (const Appearance& known : kAppearances) {
    if (known.id == id) return known;
  }
  const std::uint32_t pick = hash(id);
  return {id,
          kSpareColours[pick % kSpareColours.size()],
          kSpareMarkers[pick / kSpareColours.size() % kSpareMarkers.size()],
          kSolid,
          false,
          ""};
}

std::vector<std::string> strategies_in_order(const results::Results& results) {
  std::vector<std::string> present;
  const auto add = [](std::vector<std::string>& ids, std::string_view id) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.emplace_back(id);
  };
  for (const auto& strategy : results.strategies) add(present, strategy.id);
  for (const auto& cell : results.cells) add(present, cell.strategy);
  std::vector<std::string> ordered;
  for (const Appearance& known : kAppearances) {
    if (std::find(present.begin(), present.end(), known.id) != present.end())
      add(ordered, known.id);
  }
  for (const std::string& id : present) add(ordered, id);
  return ordered;
}

}  // namespace patchbench::analysis
