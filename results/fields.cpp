#include "results/fields.hpp"

#include <algorithm>
#include <cmath>

namespace patchbench::results {
namespace {

std::string kind_of(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_number_integer()) return "the integer " + value.dump();
  if (value.is_number()) return "the number " + value.dump();
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  return value.is_array() ? "an array" : "an object";
}

/// "line 12: ", or nothing for a text of one line, whose place `source` gives.
std::string line_of(std::string_view text, std::size_t byte) {
  if (text.find('\n') == std::string_view::npos) return "";
  const std::string_view before = text.substr(0, byte);
  return "line " + std::to_string(1 + std::ranges::count(before, '\n')) + ": ";
}

}  // namespace

Json parse_json(std::string_view text, std::string_view source) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    const bool at_end = error.byte >= text.size();
    throw FormatError(std::string(source) + ": " + line_of(text, error.byte) +
                      (at_end ? "ends in the middle of its JSON" : "not JSON: ") +
                      (at_end ? "" : error.what()));
  } catch (const Json::exception& error) {  // a number too large for a double
    throw FormatError(std::string(source) + ": not usable JSON: " + error.what());
  }
}

Field::Field(const Json& value, std::string_view source) : value_(&value), source_(source) {}

Field::Field(const Json& value, std::string source, std::string place)
    : value_(&value), source_(std::move(source)), place_(std::move(place)) {}

void Field::fail(const std::string& what) const {
  throw FormatError(source_ + ": " + (place_.empty() ? "" : place_ + ": ") + what);
}

std::optional<Field> Field::find(std::string_view key) const {
  if (!value_->is_object()) fail("must be an object, is " + kind_of(*value_));
  const auto found = value_->find(key);
  if (found == value_->end()) return std::nullopt;
  return Field(*found, source_, (place_.empty() ? "" : place_ + ".") + std::string(key));
}

Field Field::member(std::string_view key) const {
  if (const auto found = find(key)) return *found;
  fail("has no member \"" + std::string(key) + "\"");
}

std::string Field::text() const {
  if (!value_->is_string()) fail("must be a string, is " + kind_of(*value_));
  return value_->get<std::string>();
}

std::string Field::name() const {
  std::string value = text();
  if (value.empty()) fail("must not be empty");
  return value;
}

bool Field::boolean() const {
  if (!value_->is_boolean()) fail("must be true or false, is " + kind_of(*value_));
  return value_->get<bool>();
}

std::int64_t Field::integer(std::int64_t min, std::int64_t max) const {
  if (!value_->is_number_integer()) fail("must be an integer, is " + kind_of(*value_));
  const bool too_large =
      value_->is_number_unsigned() &&
      value_->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  const std::int64_t value = too_large ? 0 : value_->get<std::int64_t>();
  if (too_large || value < min || value > max) {
    fail("must be between " + std::to_string(min) + " and " + std::to_string(max) + ", is " +
         value_->dump());
  }
  return value;
}

std::uint64_t Field::unsigned_integer() const {
  if (!value_->is_number_unsigned()) {
    fail("must be an integer that is not negative, is " + kind_of(*value_));
  }
  return value_->get<std::uint64_t>();
}

double Field::number() const {
  if (!value_->is_number()) fail("must be a number, is " + kind_of(*value_));
  const auto value = value_->get<double>();
  if (!std::isfinite(value)) fail("must be finite, is " + value_->dump());
  return value;
}

double Field::non_negative() const {
  const double value = number();
  if (value < 0) fail("must not be negative, is " + value_->dump());
  return value;
}

double Field::positive() const {
  const double value = number();
  if (value <= 0) fail("must be above 0, is " + value_->dump());
  return value;
}

std::array<double, 2> Field::interval() const {
  const std::vector<Field> ends = elements();
  if (ends.size() != 2) fail("must be [low, high], has " + std::to_string(ends.size()) + " values");
  const double low = ends[0].number();
  const double high = ends[1].number();
  if (low > high) fail("must be [low, high], but low is above high");
  return {low, high};
}

ParamValue Field::param() const {
  // Version 1 wrote an integer as a word where a parameter also has words to choose from.
  if (value_->is_string()) return param_value(value_->get<std::string>());
  if (!value_->is_number_integer()) fail("must be an integer or a word, is " + kind_of(*value_));
  return integer();
}

std::vector<Field> Field::elements() const {
  if (!value_->is_array()) fail("must be an array, is " + kind_of(*value_));
  std::vector<Field> fields;
  fields.reserve(value_->size());
  for (const Json& element : *value_) {
    fields.push_back({element, source_, place_ + "[" + std::to_string(fields.size()) + "]"});
  }
  return fields;
}

std::vector<std::pair<std::string, Field>> Field::members() const {
  if (!value_->is_object()) fail("must be an object, is " + kind_of(*value_));
  std::vector<std::pair<std::string, Field>> fields;
  for (const auto& [key, value] : value_->items()) fields.emplace_back(key, member(key));
  return fields;
}

}  // namespace patchbench::results
