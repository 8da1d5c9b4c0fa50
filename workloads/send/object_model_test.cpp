// Receivers, tags, method bodies and lookups.
#include "workloads/send/object_model.hpp"

#include <bit>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include <patchbench_catch.hpp>

namespace patchbench::send {
namespace {

std::uint64_t apply(const BodyOperation& operation, std::uint64_t value) {
  return operation.exclusive_or ? value ^ operation.constant : value + operation.constant;
}

}  // namespace

TEST_CASE("object model: class tags, selectors and the empty tag are all different") {
  constexpr std::uint32_t kClasses = 1 << 16;
  constexpr std::uint32_t kSelectors = 1 << 14;
  const MethodTable classes{kClasses, 1};
  const MethodTable selectors{1, kSelectors};
  std::set<std::uint32_t> seen{kNoClass};
  bool back_again = true;
  for (std::uint32_t c = 0; c <= kClasses; ++c) {
    seen.insert(classes.tag_of_class(c));
    back_again = back_again && classes.class_of_tag(classes.tag_of_class(c)) == c;
  }
  for (std::uint32_t s = 0; s < kSelectors; ++s) seen.insert(selectors.selector(s));
  CHECK(seen.size() == 1 + (kClasses + 1) + kSelectors);
  CHECK(back_again);
  CHECK(classes.tag_of_class(0) == kSmallIntegerTag);
}

TEST_CASE("object model: where few pairs are understood, these have a method each, as listed") {
  // One class understands most selectors: dictionaries are as large as its own.
  std::vector<UnderstoodSelector> pairs = {{.class_index = 0, .selector = 3},
                                           {.class_index = 7, .selector = 0}};
  for (std::uint32_t s = 0; s < 100; ++s) pairs.push_back({.class_index = 5, .selector = s});
  const MethodTable table{7, 100, pairs};
  CHECK(table.methods() == pairs.size());
  for (std::uint32_t m = 0; m < pairs.size(); ++m) {
    const auto [class_index, selector] = pairs[m];
    REQUIRE(table.method(class_index, selector) == m);
    REQUIRE(table.lookup(table.tag_of_class(class_index), table.selector(selector)) == m);
    REQUIRE(table.class_of_method(m) == class_index);
  }
  CHECK(table.any_method(3) == 0);
  CHECK(table.any_method(4) == table.method(5, 4));
  const MethodTable all{7, 100};
  CHECK(all.methods() == 8 * 100);
  CHECK(all.class_of_method(all.method(6, 99)) == 6);
  CHECK(all.class_of_method(all.any_method(99)) != 0);
}

TEST_CASE("object model: a receiver's tag is in its header or in its lowest bit") {
  const Object object{.class_tag = kFirstHeapTag + 5, .unused = 0, .value = 0x123456789abcdef0};
  CHECK_FALSE(is_immediate(oop_of(object)));
  CHECK(class_tag_of(oop_of(object)) == kFirstHeapTag + 5);
  for (const std::uint64_t value : {0ULL, 1ULL, 0x3fff'ffff'ffff'ffffULL}) {
    CHECK(is_immediate(small_integer(value)));
    CHECK(class_tag_of(small_integer(value)) == kSmallIntegerTag);
    CHECK(small_integer(value) == 2 * value + 1);
  }
  CHECK((kSmallIntegerTag & kImmediateBit) == kSmallIntegerTag);
}

TEST_CASE("object model: a method applies its operations to the receiver's value, in order") {
  const Object object{.class_tag = kFirstHeapTag, .unused = 0, .value = 1000};
  CHECK(evaluate_method(7, 0, oop_of(object)) == 1000);
  CHECK(evaluate_method(7, 0, small_integer(1000)) == 1000);
  // A negative SmallInteger keeps its sign.
  CHECK(evaluate_method(7, 0, small_integer(static_cast<std::uint64_t>(-5))) ==
        static_cast<std::uint64_t>(-5));
  std::uint64_t value = 1000;
  for (std::uint32_t work = 1; work <= 32; ++work) {
    value = apply(body_operation(7, work - 1), value);
    CHECK(evaluate_method(7, work, oop_of(object)) == value);
    CHECK(evaluate_method(7, work, small_integer(1000)) == value);
  }
}

TEST_CASE("object model: two methods by hand") {
  // What golden bytes of method 1 and of method 0 also show.
  constexpr std::pair<bool, unsigned> kMethod0[] = {
      {false, 0x01}, {true, 0x07}, {false, 0x22}, {true, 0x07}};
  for (std::uint32_t i = 0; i < 4; ++i) {
    CHECK(body_operation(0, i).exclusive_or == kMethod0[i].first);
    CHECK(body_operation(0, i).constant == kMethod0[i].second);
  }
  CHECK(evaluate_method(0, 4, small_integer(100)) == ((((100 + 0x01) ^ 0x07) + 0x22) ^ 0x07));
}

TEST_CASE("object model: constants are encodable in one instruction of every architecture") {
  for (std::uint32_t method = 0; method < 4096; ++method) {
    for (std::uint32_t i = 0; i < 64; ++i) {
      const BodyOperation operation = body_operation(method, i);
      REQUIRE(operation.exclusive_or == (i % 2 == 1));
      REQUIRE(operation.constant >= 1);
      REQUIRE(operation.constant <= 63);
      // AArch64's logical immediates: here a run of low ones.
      const bool run_of_ones = std::has_single_bit(operation.constant + 1U);
      REQUIRE((!operation.exclusive_or || run_of_ones));
    }
  }
}

TEST_CASE("object model: methods differ, and so does a method with its operations swapped") {
  const Object object{.class_tag = kFirstHeapTag, .unused = 0, .value = 0x9e37'79b9'7f4a'7c15};
  std::set<std::uint64_t> results;
  constexpr std::uint32_t kMethods = 256;
  std::uint32_t swaps_seen = 0;
  for (std::uint32_t method = 0; method < kMethods; ++method) {
    results.insert(evaluate_method(method, 8, oop_of(object)));
    const std::uint64_t in_order =
        apply(body_operation(method, 1), apply(body_operation(method, 0), object.value));
    const std::uint64_t swapped =
        apply(body_operation(method, 0), apply(body_operation(method, 1), object.value));
    swaps_seen += in_order != swapped ? 1 : 0;
  }
  // Values are within a few hundred of the receiver's, so that some of 256 methods coincide.
  CHECK(results.size() > kMethods / 2);
  CHECK(swaps_seen > kMethods / 2);
}

TEST_CASE("object model: lookup finds each (class, selector)'s own method") {
  for (const std::uint32_t selectors : {1U, 2U, 3U, 16U, 300U}) {
    const MethodTable table{20, selectors};
    std::set<std::uint32_t> methods;
    for (std::uint32_t c = 0; c < table.classes(); ++c) {
      for (std::uint32_t s = 0; s < selectors; ++s) {
        const std::uint32_t method = table.lookup(table.tag_of_class(c), table.selector(s));
        REQUIRE(method == table.method(c, s));
        REQUIRE(method < table.methods());
        REQUIRE(methods.insert(method).second);
      }
    }
    CHECK(methods.size() == table.methods());
  }
}

}  // namespace patchbench::send
