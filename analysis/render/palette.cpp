#include "analysis/render/palette.hpp"

#include <array>
#include <cstdint>

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

constexpr int kDashed = 2;
constexpr int kDotted = 3;

constexpr std::array kAppearances = {
    Appearance{"rwx", kBlack, kCircle, kSolid},
    Appearance{"memfd-dual", kBlue, kSquare, kSolid},
    Appearance{"sysv-shm", kSkyBlue, kTriangle, kSolid},
    Appearance{"file-dual", kGreen, kWedge, kSolid},
    Appearance{"mprotect-toggle", kVermillion, kDiamond, kSolid},
    Appearance{"indirect-cell", kOrange, kPentagon, kSolid},
    Appearance{"floor", kGrey, kStar, kDashed},
    Appearance{"unchecked", kLightGrey, kPlus, kDotted},
    Appearance{"again", kBlack, kOpenCircle, kDashed},
    Appearance{"tag-cell", kSkyBlue, kOpenTriangle, kDashed},
    Appearance{"target-cell", kGreen, kOpenSquare, kDashed},
    Appearance{"target-register", kPurple, kOpenDiamond, kDashed},
    Appearance{"indirect-cell-rwx", kOrange, kOpenPentagon, kDashed},
    Appearance{"scattered-cells", kOrange, kOpenTriangle, kDashed},
    Appearance{"newest-first", kOrange, kOpenDiamond, kDashed},
    Appearance{"shared-stub", kVermillion, kOpenPentagon, kDashed},
    Appearance{"rwx-translated", kBlue, kOpenSquare, kDashed},
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
  return {id, kSpareColours[pick % kSpareColours.size()],
          kSpareMarkers[pick / kSpareColours.size() % kSpareMarkers.size()], kSolid};
}

}  // namespace patchbench::analysis
