#include "tiny_function.hpp"

// mov eax, value; ret; two bytes of nop
std::uint64_t function_returning(std::uint16_t value) {
  return 0x9090'c300'0000'00b8 | std::uint64_t{value} << 8;
}
