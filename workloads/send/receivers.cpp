#include "workloads/send/receivers.hpp"

#include <algorithm>

#include <sys/mman.h>

namespace patchbench::send {

Receivers::Receivers(const MethodTable& table, const ArenaMap& arena, SeededRandom& random)
    : memory_(Mapping::anonymous(round_up_to_pages(std::max<std::size_t>(1, table.heap_classes()) *
                                                   kObjectsPerClass * sizeof(Object)),
                                 PROT_READ | PROT_WRITE, arena.receivers)),
      count_(std::size_t{table.heap_classes()} * kObjectsPerClass) {
  auto* objects = static_cast<Object*>(memory_.address());
  for (std::size_t i = 0; i < count_; ++i) {
    const auto class_index = static_cast<std::uint32_t>(i / kObjectsPerClass) + 1;
    objects[i] = {.class_tag = table.tag_of_class(class_index),
                  .unused = 0,
                  .value = random.below(UINT64_MAX)};
  }
}

Oop Receivers::any_of(std::uint32_t class_index, SeededRandom& random) const {
  if (class_index == 0) return small_integer(random.below(std::uint64_t{1} << 62U));
  return oop_of(
      objects()[std::size_t{class_index - 1} * kObjectsPerClass + random.below(kObjectsPerClass)]);
}

Oop Receivers::first_of(std::uint32_t class_index) const {
  constexpr std::uint64_t kSomeInteger = 20070521;
  return class_index == 0 ? small_integer(kSomeInteger)
                          : oop_of(objects()[std::size_t{class_index - 1} * kObjectsPerClass]);
}

ReceiverStream::ReceiverStream(const std::vector<Oop>& receivers, const ArenaMap& arena)
    : memory_(Mapping::anonymous(
          round_up_to_pages(std::max<std::size_t>(1, receivers.size()) * sizeof(Oop)),
          PROT_READ | PROT_WRITE, arena.stream)),
      count_(receivers.size()) {
  std::ranges::copy(receivers, static_cast<Oop*>(memory_.address()));
}

}  // namespace patchbench::send
