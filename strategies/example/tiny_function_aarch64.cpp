#include "tiny_function.hpp"

// movz w0, #value; ret
std::uint64_t function_returning(std::uint16_t value) {
  return 0xd65f'03c0'5280'0000 | std::uint64_t{value} << 5;
}
