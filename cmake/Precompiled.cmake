# weir_precompiled(target kind): `kind` is product or tests. For the kinds in WEIR_PRECOMPILED the standard headers that nearly
# every file includes are parsed once for the files of all modules, and once for those of all tests, which is a fifth of the time
# that a build takes. In `release` only the tests have it, and in `dev` nobody: there a file that forgets an include does not build.
set(WEIR_PRECOMPILED_HEADERS <algorithm> <array> <chrono> <cstdint> <deque> <functional> <map> <memory> <optional> <set> <span>
  <string> <string_view> <unordered_map> <utility> <variant> <vector>)
file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "int main() { return 0; }\n")
if("product" IN_LIST WEIR_PRECOMPILED)
  add_library(precompiled_for_product OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_compile_options(precompiled_for_product PRIVATE ${WEIR_PRODUCT_FLAGS} ${WEIR_SANITIZED_FLAGS})
  target_precompile_headers(precompiled_for_product PRIVATE ${WEIR_PRECOMPILED_HEADERS})
endif()
if("tests" IN_LIST WEIR_PRECOMPILED AND WEIR_TESTS)
  # A program as the tests are, since libraries and programs are compiled for other places in memory.
  add_executable(precompiled_for_tests ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_compile_options(precompiled_for_tests PRIVATE ${WEIR_TEST_FLAGS})
  target_link_libraries(precompiled_for_tests PRIVATE GTest::gtest)
  target_precompile_headers(precompiled_for_tests PRIVATE <gtest/gtest.h> ${WEIR_PRECOMPILED_HEADERS})
endif()
foreach(kind product tests)
  if(NOT TARGET precompiled_for_${kind})
    continue()
  endif()
  target_link_libraries(precompiled_for_${kind} PRIVATE weir_flags)
  # What ccache hands out may be older than the folder it comes to.
  target_compile_options(precompiled_for_${kind} PRIVATE "SHELL:$<$<CXX_COMPILER_ID:Clang>:-Xclang -fno-pch-timestamp>")
endforeach()

function(weir_precompiled target kind)
  if(TARGET precompiled_for_${kind})
    target_precompile_headers(${target} REUSE_FROM precompiled_for_${kind})
  endif()
endfunction()
