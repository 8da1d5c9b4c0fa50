#include "workloads/send/object_model.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "workloads/seeded_random.hpp"

namespace patchbench::send {
namespace {

// The finaliser of MurmurHash3 (64-bit), public domain: neighbouring numbers give unrelated bits.
constexpr std::uint64_t scramble(std::uint64_t x) noexcept {
  x ^= x >> 33U;
  x *= 0xff51afd7ed558ccdU;
  x ^= x >> 33U;
  x *= 0xc4ceb9fe1a85ec53U;
  x ^= x >> 33U;
  return x;
}

constexpr std::uint32_t hash_selector(Selector selector) noexcept {
  return static_cast<std::uint32_t>(scramble(selector));
}

/// The same tags for the same number of classes, always.
std::vector<ClassTag> some_tags(std::uint32_t classes) {
  std::vector<ClassTag> tags(std::size_t{classes} * kTagSparsity);
  std::iota(tags.begin(), tags.end(), kFirstHeapTag);
  SeededRandom random{classes};
  random.shuffle(tags);
  tags.resize(classes);
  return tags;
}

}  // namespace

BodyOperation body_operation(std::uint32_t method, std::uint32_t index) noexcept {
  const std::uint64_t bits = scramble((std::uint64_t{method} << 32U) | index);
  if (index % 2 == 1) {
    return {.exclusive_or = true, .constant = static_cast<std::uint8_t>((2U << (bits % 6)) - 1)};
  }
  return {.exclusive_or = false, .constant = static_cast<std::uint8_t>(1 + bits % 63)};
}

std::uint64_t evaluate_method(std::uint32_t method, std::uint32_t work, Oop receiver) noexcept {
  std::uint64_t value = is_immediate(receiver)
                            ? static_cast<std::uint64_t>(static_cast<std::int64_t>(receiver) >> 1)
                            : reinterpret_cast<const Object*>(receiver)->value;
  for (std::uint32_t i = 0; i < work; ++i) {
    const BodyOperation operation = body_operation(method, i);
    value = operation.exclusive_or ? value ^ operation.constant : value + operation.constant;
  }
  return value;
}

MethodTable::MethodTable(std::uint32_t heap_classes, std::uint32_t selectors,
                         std::vector<UnderstoodSelector> understood)
    : heap_classes_(heap_classes),
      selectors_(selectors),
      understood_(std::move(understood)),
      heap_tags_(some_tags(heap_classes)),
      class_of_heap_tag_(std::size_t{heap_classes} * kTagSparsity, heap_classes + 1),
      dictionary_mask_(std::bit_ceil(most_selectors_of_a_class() * 2) - 1),
      dictionaries_(std::size_t{classes()} * (dictionary_mask_ + 1)) {
  for (std::uint32_t i = 0; i < heap_classes; ++i) {
    class_of_heap_tag_[heap_tags_[i] - kFirstHeapTag] = i + 1;
  }
  for (std::uint32_t m = 0; m < understood_.size(); ++m) add(understood_[m], m);
  if (!has_all()) return;
  for (std::uint32_t c = 0; c < classes(); ++c) {
    for (std::uint32_t s = 0; s < selectors; ++s) {
      add({.class_index = c, .selector = s}, method(c, s));
    }
  }
}

std::uint32_t MethodTable::most_selectors_of_a_class() const {
  if (has_all()) return selectors_;
  std::vector<std::uint32_t> counts(classes());
  for (const UnderstoodSelector& pair : understood_) ++counts[pair.class_index];
  return *std::ranges::max_element(counts);
}

void MethodTable::add(const UnderstoodSelector& pair, std::uint32_t method) {
  DictionaryEntry* dictionary =
      &dictionaries_[std::size_t{pair.class_index} * (dictionary_mask_ + 1)];
  const Selector wanted = selector(pair.selector);
  std::uint32_t at = hash_selector(wanted) & dictionary_mask_;
  while (dictionary[at].selector != 0) at = (at + 1) & dictionary_mask_;
  dictionary[at] = {.selector = wanted, .method = method};
}

std::uint32_t MethodTable::any_method(std::uint32_t selector_index) const noexcept {
  if (has_all()) return method(1, selector_index);  // of an object, and no SmallInteger
  const auto found = std::ranges::find(understood_, selector_index, &UnderstoodSelector::selector);
  return static_cast<std::uint32_t>(found - understood_.begin());
}

std::uint32_t MethodTable::lookup(ClassTag tag, Selector selector) const noexcept {
  const std::uint32_t class_index = class_of_tag(tag);
  if (class_index < classes()) {
    const DictionaryEntry* dictionary =
        &dictionaries_[std::size_t{class_index} * (dictionary_mask_ + 1)];
    for (std::uint32_t at = hash_selector(selector) & dictionary_mask_;
         dictionary[at].selector != 0; at = (at + 1) & dictionary_mask_) {
      if (dictionary[at].selector == selector) return dictionary[at].method;
    }
  }
  std::fprintf(stderr, "class tag %#x does not understand selector %#x\n", tag, selector);
  std::abort();
}

}  // namespace patchbench::send
