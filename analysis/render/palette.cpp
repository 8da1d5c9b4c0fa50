#include "analysis/render/palette.hpp"

#include <algorithm>
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

// gnuplot's point types and dash types.
enum Marker {
  plus = 1,
  cross,
  star,
  square,
  circle = 6,
  triangle = 8,
  wedge = 10,
  diamond = 12,
  pentagon = 14
};
enum Dash { solid = 1, dashed, dotted, dash_dot, dash_dot_dot };

constexpr std::array kAppearances = {
    Appearance{"rwx", kBlack, circle, solid},
    Appearance{"memfd-dual", kBlue, square, dashed},
    Appearance{"sysv-shm", kSkyBlue, triangle, dash_dot},
    Appearance{"file-dual", kGreen, wedge, dash_dot_dot},
    Appearance{"mprotect-toggle", kVermillion, diamond, dotted},
    Appearance{"indirect-cell", kOrange, pentagon, solid},
    Appearance{"floor", kGrey, star, dashed, true},
    Appearance{"unchecked", kLightGrey, plus, dotted, true},
    Appearance{"again", kBlack, cross, dashed, true},
    Appearance{"tag-cell", kSkyBlue, circle, dashed, true},
    Appearance{"target-cell", kGreen, square, dotted, true},
    Appearance{"target-register", kPurple, diamond, dashed, true},
    Appearance{"indirect-cell-rwx", kOrange, cross, dashed, true},
    Appearance{"scattered-cells", kOrange, triangle, dashed, true},
    Appearance{"newest-first", kOrange, diamond, dashed, true},
    Appearance{"shared-stub", kVermillion, pentagon, dashed, true},
    Appearance{"rwx-translated", kBlue, wedge, dashed, true},
};

constexpr std::array kSpareColours = {kPurple, kVermillion, kBlue, kGreen, kOrange, kSkyBlue};
constexpr std::array kSpareMarkers = {triangle, cross, star, circle, plus, wedge, pentagon};
constexpr std::size_t kSpares = kSpareColours.size() * kSpareMarkers.size();

bool is_taken(const Appearance& look) {
  return std::ranges::any_of(kAppearances, [&](const Appearance& known) {
    return known.colour == look.colour && known.marker == look.marker;
  });
}

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

std::string_view marker_path(int marker) {
  switch (marker) {
    case plus:
      return "M-1,0L1,0M0,-1L0,1";
    case cross:
      return "M-.8,-.8L.8,.8M-.8,.8L.8,-.8";
    case star:
      return "M-1,0L1,0M-.5,-.87L.5,.87M-.5,.87L.5,-.87";
    case square:
      return "M-.8,-.8L.8,-.8L.8,.8L-.8,.8Z";
    case triangle:
      return "M0,-1L.9,.7L-.9,.7Z";
    case wedge:
      return "M0,1L.9,-.7L-.9,-.7Z";
    case diamond:
      return "M0,-1L1,0L0,1L-1,0Z";
    case pentagon:
      return "M0,-1L.95,-.31L.59,.81L-.59,.81L-.95,-.31Z";
    default:
      return "M.9,0A.9,.9,0,1,1,-.9,0A.9,.9,0,1,1,.9,0Z";
  }
}

std::span<const int> dash_lengths(int dash) {
  constexpr static std::array kSolid = {1, 0};
  constexpr static std::array kDashed = {7, 4};
  constexpr static std::array kDotted = {2, 3};
  constexpr static std::array kDashDot = {8, 3, 2, 3};
  constexpr static std::array kDashDotDot = {8, 3, 2, 3, 2, 3};
  switch (dash) {
    case dashed:
      return kDashed;
    case dotted:
      return kDotted;
    case dash_dot:
      return kDashDot;
    case dash_dot_dot:
      return kDashDotDot;
    default:
      return kSolid;
  }
}

std::span<const Appearance> appearances() { return kAppearances; }

Appearance appearance(std::string_view id) {
  const auto* const known = std::ranges::find(kAppearances, id, &Appearance::id);
  if (known != kAppearances.end()) return *known;
  Appearance look{id, kPurple, plus};
  for (std::size_t pick = hash(id) % kSpares;; pick = (pick + 1) % kSpares) {
    look.colour = kSpareColours[pick % kSpareColours.size()];
    look.marker = kSpareMarkers[pick / kSpareColours.size()];
    if (!is_taken(look)) return look;
  }
}

}  // namespace patchbench::analysis
