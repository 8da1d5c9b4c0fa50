// How the fuzzers of results files change an input: every second time as a document, so that it
// stays JSON and the change gets past the parser; otherwise byte by byte, as libFuzzer does.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using Json = nlohmann::ordered_json;
using Random = std::minstd_rand;

std::size_t below(std::size_t limit, Random& random) { return random() % limit; }

void collect(Json& value, std::vector<Json*>& places) {
  places.push_back(&value);
  if (!value.is_structured()) return;
  for (auto& inner : value) collect(inner, places);
}

Json odd_value(Random& random) {
  static const std::vector<Json> values = {nullptr,
                                           true,
                                           0,
                                           -1,
                                           1,
                                           3,
                                           2147483648U,
                                           18446744073709551615U,
                                           1e-300,
                                           1e300,
                                           0.5,
                                           "",
                                           "ok",
                                           "rwx",
                                           "again",
                                           "send",
                                           Json::array(),
                                           Json::object(),
                                           Json::array({0.0, 1e300})};
  return values[below(values.size(), random)];
}

void change(Json& document, Random& random) {
  std::vector<Json*> places;
  collect(document, places);
  Json& place = *places[below(places.size(), random)];
  switch (below(4, random)) {
    case 0:
      place = *places[below(places.size(), random)];
      break;
    case 1:
      if (place.is_array() && !place.empty()) place.push_back(place[below(place.size(), random)]);
      break;
    case 2:
      if (place.is_structured() && !place.empty()) {
        place.erase(
            std::next(place.begin(), static_cast<std::ptrdiff_t>(below(place.size(), random))));
      }
      break;
    default:
      place = odd_value(random);
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
  Random random(seed);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Json document = Json::parse(text, nullptr, false);
  if (seed % 2 == 0 || document.is_discarded()) return LLVMFuzzerMutate(data, size, max_size);
  for (std::size_t times = 1 + below(3, random); times > 0; --times) change(document, random);
  const std::string changed = document.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (changed.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, changed.data(), changed.size());
  return changed.size();
}
