// results/fields.hpp - reading JSON field by field, with errors that say where.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "results/json.hpp"
#include "results/model.hpp"

namespace patchbench::results {

/// Ordered: the file reads in the order of model.hpp.
using Json = nlohmann::ordered_json;

/// Throws FormatError naming `source` and the line when the text is not JSON.
[[nodiscard]] Json parse_json(std::string_view text, std::string_view source);

/// A value inside a document, and the place where it stands. The document must outlive it.
class Field {
 public:
  Field(const Json& value, std::string_view source);

  [[noreturn]] void fail(const std::string& what) const;

  [[nodiscard]] Field member(std::string_view key) const;
  /// Empty where there is no such member: for those that schema 1 did not have from the beginning.
  [[nodiscard]] std::optional<Field> find(std::string_view key) const;
  [[nodiscard]] bool is_null() const { return value_->is_null(); }

  [[nodiscard]] std::string text() const;
  /// Not empty.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::int64_t integer(
      std::int64_t min = std::numeric_limits<std::int64_t>::min(),
      std::int64_t max = std::numeric_limits<std::int64_t>::max()) const;
  [[nodiscard]] std::uint64_t unsigned_integer() const;
  [[nodiscard]] double number() const;
  [[nodiscard]] double non_negative() const;
  [[nodiscard]] double positive() const;
  [[nodiscard]] std::array<double, 2> interval() const;
  [[nodiscard]] ParamValue param() const;

  [[nodiscard]] std::vector<Field> elements() const;
  [[nodiscard]] std::vector<std::pair<std::string, Field>> members() const;

  /// One of `values`, by its to_string or by what older files call it.
  template <typename Enum, std::size_t N>
  [[nodiscard]] Enum one_of(const std::array<Enum, N>& values) const {
    const std::string word = text();
    std::string known;
    if constexpr (requires { former_word(Enum{}); }) {
      const auto& [former, value] = former_word(Enum{});
      if (word == former) return value;
    }
    for (const Enum value : values) {
      if (to_string(value) == word) return value;
      known += known.empty() ? "" : ", ";
      known += to_string(value);
    }
    fail("\"" + word + "\" is not one of " + known);
  }

 private:
  Field(const Json& value, std::string source, std::string place);

  const Json* value_;
  std::string source_;
  std::string place_;
};

}  // namespace patchbench::results
