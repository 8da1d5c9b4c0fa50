// results/fields.hpp - reading JSON field by field, with errors that say where; shared by json.cpp
// and journal.cpp.
#pragma once

#include <cstdint>
#include <functional>
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
  /// For what something else refers to: an id, a name, a unit.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::int64_t integer(
      std::int64_t min = std::numeric_limits<std::int64_t>::min(),
      std::int64_t max = std::numeric_limits<std::int64_t>::max()) const;
  /// An integer that fits an int.
  [[nodiscard]] int small(int min = std::numeric_limits<int>::min()) const;
  [[nodiscard]] std::uint64_t unsigned_integer() const;
  [[nodiscard]] double number() const;
  [[nodiscard]] double non_negative() const;
  /// For what was measured: nothing takes no time at all.
  [[nodiscard]] double positive() const;
  [[nodiscard]] std::array<double, 2> interval() const;
  [[nodiscard]] ParamValue param() const;

  [[nodiscard]] std::vector<Field> elements() const;
  [[nodiscard]] std::vector<std::pair<std::string, Field>> members() const;

  /// null is an empty optional; anything else goes through `read`.
  template <typename Read>
  [[nodiscard]] auto nullable(Read read) const
      -> std::optional<std::invoke_result_t<Read, const Field&>> {
    if (is_null()) return std::nullopt;
    return std::invoke(read, *this);
  }

  /// As nullable, of a member that schema 1 did not have from the beginning.
  template <typename Read>
  [[nodiscard]] auto later(std::string_view key, Read read) const
      -> std::optional<std::invoke_result_t<Read, const Field&>> {
    const std::optional<Field> found = find(key);
    return found ? found->nullable(read) : std::nullopt;
  }

  template <typename Read>
  [[nodiscard]] auto list(Read read) const
      -> std::vector<std::invoke_result_t<Read, const Field&>> {
    std::vector<std::invoke_result_t<Read, const Field&>> values;
    for (const Field& element : elements()) values.push_back(std::invoke(read, element));
    return values;
  }

  /// One of `values`, by its to_string.
  template <typename Enum, std::size_t N>
  [[nodiscard]] Enum one_of(const std::array<Enum, N>& values) const {
    const std::string word = text();
    std::string known;
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

inline constexpr std::array kCellStatuses = {CellStatus::ok,          CellStatus::denied,
                                             CellStatus::unsupported, CellStatus::failed,
                                             CellStatus::crashed,     CellStatus::timeout};

inline constexpr std::array kVerdicts = {Verdict::faster, Verdict::slower, Verdict::same,
                                         Verdict::unsure};

/// null for an empty optional. Throws std::invalid_argument for a NaN or an infinity.
[[nodiscard]] Json number_to_json(std::optional<double> value);
[[nodiscard]] Json interval_to_json(const std::optional<std::array<double, 2>>& interval);

[[nodiscard]] Json numbers_to_json(const std::vector<double>& values);

template <typename T>
[[nodiscard]] Json nullable_to_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

[[nodiscard]] Json counters_to_json(const std::vector<Counter>& counters);
[[nodiscard]] Json memory_to_json(const Memory& memory);
[[nodiscard]] Json samples_to_json(const std::vector<std::optional<double>>& samples);
[[nodiscard]] Json self_test_to_json(const std::optional<SelfTest>& test);
[[nodiscard]] std::vector<Counter> counters_from(const Field& field);
[[nodiscard]] Memory memory_from(const Field& field);
[[nodiscard]] SelfTest self_test_from(const Field& field);

}  // namespace patchbench::results
