// results/matchers_test.hpp - Catch2's matchers under names that its versions 2 and 3 share.
#pragma once

#include <string>

#include <patchbench_catch.hpp>

namespace patchbench::results {

#if __has_include(<catch2/catch_all.hpp>)
inline auto contains(const std::string& part) { return Catch::Matchers::ContainsSubstring(part); }
inline auto starts_with(const std::string& part) { return Catch::Matchers::StartsWith(part); }
inline auto ends_with(const std::string& part) { return Catch::Matchers::EndsWith(part); }
inline auto about(double value) { return Catch::Approx(value); }
#else
inline auto contains(const std::string& part) { return Catch::Matchers::Contains(part); }
inline auto starts_with(const std::string& part) { return Catch::Matchers::StartsWith(part); }
inline auto ends_with(const std::string& part) { return Catch::Matchers::EndsWith(part); }
inline auto about(double value) { return Catch::Detail::Approx(value); }
#endif

}  // namespace patchbench::results
