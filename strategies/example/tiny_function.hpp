// tiny_function.hpp - the machine code of `int f() { return value; }`, in one aligned word so that
// one store changes it.
#pragma once

#include <cstdint>

[[nodiscard]] std::uint64_t function_returning(std::uint16_t value);
