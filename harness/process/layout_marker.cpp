#include "harness/process/layout_marker.hpp"

#include "harness/process/build_stamp.hpp"

#define PATCHBENCH_TEXT_OF(number) #number
#define PATCHBENCH_NUMBER_TEXT(number) PATCHBENCH_TEXT_OF(number)

namespace patchbench::harness {

const char* layout_marker() {
  return "patchbench-layout:" PATCHBENCH_NUMBER_TEXT(PATCHBENCH_LAYOUT) ":" PATCHBENCH_BUILD_STAMP;
}

}  // namespace patchbench::harness
