#include "harness/counters/fixed_runs.hpp"

#include <string>

#include <patchbench_catch.hpp>

namespace patchbench::harness {
namespace {

/// Writes down what it is asked for.
struct Recorder {
  std::string record;
  Measurement measurement;

  explicit Recorder(bool prepared) {
    measurement.operations = 100;
    measurement.self = this;
    measurement.run = [](void* self) noexcept { static_cast<Recorder*>(self)->record += 'r'; };
    if (prepared) {
      measurement.prepare = [](void* self) { static_cast<Recorder*>(self)->record += 'p'; };
    }
  }
};

std::string executed(bool prepared, Extent extent) {
  Recorder recorder(prepared);
  execute(recorder.measurement, extent);
  return recorder.record;
}

}  // namespace

TEST_CASE("without preparation the larger extent is twice the smaller") {
  CHECK(executed(false, Extent::fewer) == "rr");
  CHECK(executed(false, Extent::more) == "rrrr");
  CHECK(operations_between(Recorder(false).measurement) == 200);
}

TEST_CASE("with preparation the extents differ in one run, and in no preparation") {
  CHECK(executed(true, Extent::fewer) == "prp");
  CHECK(executed(true, Extent::more) == "prpr");
  CHECK(operations_between(Recorder(true).measurement) == 100);
}

}  // namespace patchbench::harness
