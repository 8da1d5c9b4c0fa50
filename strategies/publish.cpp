#include "publish.hpp"

#include <algorithm>

namespace patchbench {

const PublishModeInfo* find_publish_mode(std::string_view id) noexcept {
  const std::span<const PublishModeInfo> modes = publish_modes();
  const auto found = std::ranges::find(modes, id, &PublishModeInfo::id);
  return found == modes.end() ? nullptr : &*found;
}

}  // namespace patchbench
