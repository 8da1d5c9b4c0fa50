// results/visitors.hpp - the visitors of members.hpp: a writer, a reader, and a list of what came
// later.
#pragma once

#include <algorithm>
#include <concepts>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "results/members.hpp"

namespace patchbench::results {

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
inline constexpr bool kIsList = false;
template <typename T>
inline constexpr bool kIsList<std::vector<T>> = true;

/// An object whose members are free to choose.
template <typename T>
inline constexpr bool kIsMap = false;
template <typename T>
inline constexpr bool kIsMap<std::vector<std::pair<std::string, T>>> = true;

/// Has an overload of members().
template <typename T>
concept Stated =
    std::is_class_v<T> && !kIsOptional<T> && !kIsList<T> && !std::same_as<T, std::string> &&
    !std::same_as<T, ParamValue> && !std::same_as<T, std::array<double, 2>>;

/// Throws std::invalid_argument for a NaN or an infinity.
[[nodiscard]] Json finite_to_json(double value);

template <typename T>
[[nodiscard]] bool says_something(const T& value) {
  if constexpr (kIsOptional<T>) {
    return value.has_value();
  } else {
    return !value.empty();
  }
}

class Writer {
 public:
  template <typename T>
  using In = const T;

  template <typename T, typename Rule = Plain>
  void operator()(const char* key, const T& value, const Rule& /*rule*/ = {}) {
    json_[key] = written(value);
  }
  template <typename T, typename Rule = Plain>
  void later(const char* key, const T& value, const Rule& /*rule*/ = {}) {
    json_[key] = written(value);
  }
  template <typename T, typename Rule = Plain>
  void unless_empty(const char* key, const T& value, const Rule& /*rule*/ = {}) {
    if (says_something(value)) json_[key] = written(value);
  }
  void derived(const char* key, bool value) { json_[key] = value; }
  void has_rounds(int /*rounds*/) {}
  [[nodiscard]] int rounds() const { return 0; }

  template <typename T>
  [[nodiscard]] static Json written(const T& value) {
    if constexpr (kIsOptional<T>) {
      return value ? written(*value) : Json(nullptr);
    } else if constexpr (kIsMap<T>) {
      Json object = Json::object();
      for (const auto& [name, one] : value) object[name] = written(one);
      return object;
    } else if constexpr (kIsList<T> || std::same_as<T, std::array<double, 2>>) {
      Json list = Json::array();
      for (const auto& one : value) list.push_back(written(one));
      return list;
    } else if constexpr (std::same_as<T, ParamValue>) {
      return std::visit([](const auto& plain) { return Json(plain); }, value);
    } else if constexpr (std::is_enum_v<T>) {
      return to_string(value);
    } else if constexpr (std::same_as<T, double>) {
      return finite_to_json(value);
    } else if constexpr (Stated<T>) {
      Writer writer;
      members(writer, value);
      return std::move(writer.json_);
    } else {
      return value;
    }
  }

 private:
  Json json_ = Json::object();
};

template <typename T>
[[nodiscard]] Json to_json(const T& value) {
  return Writer::written(value);
}

/// Strict: throws FormatError where something is missing, of another type or breaks its rule.
class Reader {
 public:
  template <typename T>
  using In = T;

  /// `rounds` of the run that `field` is part of; 0 where it is part of none.
  Reader(const Field& field, int rounds) : field_(field), rounds_(rounds) {}

  template <typename T, typename Rule = Plain>
  void operator()(const char* key, T& value, const Rule& rule = {}) {
    value = read<T>(field_.member(key), rule);
  }
  template <typename T, typename Rule = Plain>
  void later(const char* key, T& value, const Rule& rule = {}) {
    if (const auto found = field_.find(key)) value = read<T>(*found, rule);
  }
  template <typename T, typename Rule = Plain>
  void unless_empty(const char* key, T& value, const Rule& rule = {}) {
    later(key, value, rule);
  }
  void derived(const char* /*key*/, bool /*value*/) {}
  void has_rounds(int rounds) { rounds_ = rounds; }
  [[nodiscard]] int rounds() const { return rounds_; }

 private:
  template <typename T, typename Rule>
  [[nodiscard]] T read(const Field& field, const Rule& rule) const {
    if constexpr (kIsOptional<T>) {
      if (field.is_null()) return std::nullopt;
      return read<typename T::value_type>(field, rule);
    } else if constexpr (kIsMap<T>) {
      T map;
      for (const auto& [name, value] : field.members()) {
        map.emplace_back(name, read<typename T::value_type::second_type>(value, rule));
      }
      return map;
    } else if constexpr (kIsList<T>) {
      T list;
      for (const Field& element : field.elements()) {
        list.push_back(read<typename T::value_type>(element, rule));
      }
      return list;
    } else if constexpr (Stated<T>) {
      T value;
      Reader reader(field, rounds_);
      members(reader, value);
      agrees(field, value, rounds_);
      return value;
    } else {
      return scalar<T>(field, rule);
    }
  }

  template <typename T, typename Rule>
  [[nodiscard]] static T scalar(const Field& field, const Rule& rule) {
    if constexpr (std::same_as<Rule, Between>) {
      return static_cast<T>(
          field.integer(std::max<std::int64_t>(rule.min, std::numeric_limits<T>::min()),
                        std::min<std::int64_t>(rule.max, std::numeric_limits<T>::max())));
    } else if constexpr (!std::same_as<Rule, Plain>) {
      return std::invoke(rule, field);
    } else if constexpr (std::is_enum_v<T>) {
      return field.one_of(words_of(T{}));
    } else if constexpr (std::same_as<T, std::string>) {
      return field.text();
    } else if constexpr (std::same_as<T, bool>) {
      return field.boolean();
    } else if constexpr (std::same_as<T, double>) {
      return field.number();
    } else if constexpr (std::same_as<T, std::uint64_t>) {
      return field.unsigned_integer();
    } else if constexpr (std::same_as<T, std::array<double, 2>>) {
      return field.interval();
    } else if constexpr (std::same_as<T, ParamValue>) {
      return field.param();
    } else {
      return scalar<T>(field, Between{});
    }
  }

  Field field_;
  int rounds_;
};

/// Throws FormatError.
template <typename T>
[[nodiscard]] T from_json(const Field& field) {
  T value;
  Reader reader(field, 0);
  members(reader, value);
  agrees(field, value, reader.rounds());
  return value;
}

/// Paths of the members that not every file has: "run/delta",
/// "cells/metrics/drifts". What such a member contains came with it.
class LaterMembers {
 public:
  template <typename T>
  using In = const T;

  template <typename T>
  [[nodiscard]] static std::vector<std::string> of() {
    LaterMembers visitor;
    members(visitor, T{});
    return std::move(visitor.found_);
  }

  template <typename T, typename Rule = Plain>
  void operator()(const char* key, const T& /*value*/, const Rule& /*rule*/ = {}) {
    descend<T>(key);
  }
  template <typename T, typename Rule = Plain>
  void later(const char* key, const T& /*value*/, const Rule& /*rule*/ = {}) {
    found_.emplace_back(key);
    descend<T>(key);
  }
  template <typename T, typename Rule = Plain>
  void unless_empty(const char* key, const T& value, const Rule& rule = {}) {
    later(key, value, rule);
  }
  void derived(const char* /*key*/, bool /*value*/) {}
  void has_rounds(int /*rounds*/) {}
  [[nodiscard]] int rounds() const { return 0; }

 private:
  template <typename T>
  void descend(const char* key) {
    if constexpr (kIsMap<T>) {
      return;
    } else if constexpr (kIsOptional<T> || kIsList<T>) {
      descend<typename T::value_type>(key);
    } else if constexpr (Stated<T>) {
      for (const std::string& inner : of<T>()) found_.push_back(key + ("/" + inner));
    }
  }

  std::vector<std::string> found_;
};

}  // namespace patchbench::results
