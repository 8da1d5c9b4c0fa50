// workloads/send/object_model.hpp - what is sent to what: receivers, classes, selectors, method
// bodies.
//
// Small on purpose, and shaped as Spur's (the object memory of OpenSmalltalk): a receiver is one
// machine word, either a pointer to an object whose header holds its class tag, or a tagged integer
// with the lowest bit set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace patchbench::send {

using ClassTag = std::uint32_t;
using Selector = std::uint32_t;

/// A receiver: a pointer to an Object, or 2*value+1 for a SmallInteger.
using Oop = std::uint64_t;

struct Object {
  ClassTag class_tag;
  std::uint32_t unused;
  std::uint64_t value;
};
static_assert(sizeof(Object) == 16 && offsetof(Object, class_tag) == 0 &&
                  offsetof(Object, value) == 8,
              "generated code loads the tag at 0 and the value at 8");

inline constexpr std::uint64_t kImmediateBit = 1;
/// The tag of every SmallInteger: what masking the receiver with kImmediateBit leaves.
inline constexpr ClassTag kSmallIntegerTag = 1;
/// The lowest tag of a heap class; distinct from kSmallIntegerTag and from kNoClass.
inline constexpr ClassTag kFirstHeapTag = 0x100;
/// Tags are drawn from this many times as many numbers as there are heap classes: the classes that
/// a program sends to are some of all, and neighbouring numbers would fill the method cache without
/// a single collision.
inline constexpr std::uint32_t kTagSparsity = 4;
/// A tag that no receiver has: empty PIC slots and empty method cache entries.
inline constexpr ClassTag kNoClass = 0;
/// Selectors are disjoint from class tags, so that an unlinked site's tag word is distinguished
/// from a linked one's.
inline constexpr Selector kFirstSelector = 0x4000'0000;

[[nodiscard]] constexpr bool is_immediate(Oop receiver) noexcept {
  return (receiver & kImmediateBit) != 0;
}
[[nodiscard]] constexpr Oop small_integer(std::uint64_t value) noexcept {
  return value << 1U | kImmediateBit;
}
[[nodiscard]] inline Oop oop_of(const Object& object) noexcept {
  return reinterpret_cast<Oop>(&object);
}
[[nodiscard]] inline ClassTag class_tag_of(Oop receiver) noexcept {
  return is_immediate(receiver) ? kSmallIntegerTag
                                : reinterpret_cast<const Object*>(receiver)->class_tag;
}

/// One operation of a method body: `value = value + constant` or `value = value ^ constant`.
struct BodyOperation {
  bool exclusive_or = false;
  /// 1 to 63. For an exclusive or a run of low ones, because AArch64 encodes no other small
  /// immediates.
  std::uint8_t constant = 1;
};

/// Operation `index` of method `method`. Additions and exclusive ors alternate, so that two
/// methods, or one method's operations in another order, give different values for nearly every
/// receiver.
[[nodiscard]] BodyOperation body_operation(std::uint32_t method, std::uint32_t index) noexcept;

/// The oracle: what a method of `work` operations answers. Plain C++, shares nothing with the code
/// generator but body_operation().
[[nodiscard]] std::uint64_t evaluate_method(std::uint32_t method, std::uint32_t work,
                                            Oop receiver) noexcept;

/// A class, by its index in a MethodTable, and one of its selectors.
struct UnderstoodSelector {
  std::uint32_t class_index = 0;
  std::uint32_t selector = 0;

  friend bool operator==(const UnderstoodSelector&, const UnderstoodSelector&) = default;
};

/// Which method each (class, selector) runs: every pair has its own. Class 0 is SmallInteger, then
/// the heap classes.
class MethodTable {
 public:
  /// Where `understood` lists any, each once, these pairs alone have a method: in a program, whose
  /// classes understand few of all selectors. Else all have one.
  MethodTable(std::uint32_t heap_classes, std::uint32_t selectors,
              std::vector<UnderstoodSelector> understood = {});

  [[nodiscard]] std::uint32_t classes() const noexcept { return heap_classes_ + 1; }
  [[nodiscard]] std::uint32_t heap_classes() const noexcept { return heap_classes_; }
  [[nodiscard]] std::uint32_t selectors() const noexcept { return selectors_; }
  [[nodiscard]] std::uint32_t methods() const noexcept {
    return has_all() ? classes() * selectors_ : static_cast<std::uint32_t>(understood_.size());
  }

  [[nodiscard]] ClassTag tag_of_class(std::uint32_t class_index) const noexcept {
    return class_index == 0 ? kSmallIntegerTag : heap_tags_[class_index - 1];
  }
  /// classes() for a tag that no class has.
  [[nodiscard]] std::uint32_t class_of_tag(ClassTag tag) const noexcept {
    if (tag == kSmallIntegerTag) return 0;
    const std::uint32_t index = tag - kFirstHeapTag;
    return index < class_of_heap_tag_.size() ? class_of_heap_tag_[index] : classes();
  }
  [[nodiscard]] Selector selector(std::uint32_t index) const noexcept {
    return kFirstSelector + index;
  }
  /// Of a class that understands the selector.
  [[nodiscard]] std::uint32_t method(std::uint32_t class_index,
                                     std::uint32_t selector_index) const noexcept {
    return has_all() ? selector_index * classes() + class_index
                     : lookup(tag_of_class(class_index), selector(selector_index));
  }
  /// Of some class that understands the selector.
  [[nodiscard]] std::uint32_t any_method(std::uint32_t selector_index) const noexcept;
  [[nodiscard]] std::uint32_t class_of_method(std::uint32_t method) const noexcept {
    return has_all() ? method % classes() : understood_[method].class_index;
  }

  /// What a VM does on a miss of its method cache: a search of the class's own dictionary (open
  /// addressing). Answers the method's number; aborts when the class does not understand the
  /// selector, which no workload here sends.
  [[nodiscard]] std::uint32_t lookup(ClassTag tag, Selector selector) const noexcept;

 private:
  struct DictionaryEntry {
    Selector selector = 0;  // 0: empty
    std::uint32_t method = 0;
  };

  [[nodiscard]] bool has_all() const noexcept { return understood_.empty(); }
  [[nodiscard]] std::uint32_t most_selectors_of_a_class() const;
  void add(const UnderstoodSelector& pair, std::uint32_t method);

  std::uint32_t heap_classes_;
  std::uint32_t selectors_;
  std::vector<UnderstoodSelector> understood_;  // by method; empty: all
  std::vector<ClassTag> heap_tags_;
  /// By tag - kFirstHeapTag; classes() where there is none.
  std::vector<std::uint32_t> class_of_heap_tag_;
  std::uint32_t dictionary_mask_;
  std::vector<DictionaryEntry> dictionaries_;  // one of dictionary_mask_ + 1 entries for each class
};

}  // namespace patchbench::send
