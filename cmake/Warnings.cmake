# Flags that every target of the project is compiled and linked with.
add_library(weir_flags INTERFACE)
target_compile_options(weir_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor
  -fstack-protector-strong $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${WEIR_WERROR}>:-Werror>)
if(WEIR_SANITIZE)
  target_compile_options(weir_flags INTERFACE
    -fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
else()
  target_compile_options(weir_flags INTERFACE
    $<$<CONFIG:Release>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=3>
    $<$<CXX_COMPILER_ID:Clang>:-fcf-protection>)
  target_link_options(weir_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(WEIR_FUZZ)
  # Coverage for libFuzzer in every library; its main() comes with the fuzzers alone (WeirModule).
  target_compile_options(weir_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(weir_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WEIR_MUTANTS)
  target_compile_definitions(weir_flags INTERFACE WEIR_MUTANTS=1)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  find_program(WEIR_LLD NAMES ld.lld-19 ld.lld)
  if(WEIR_LLD)
    target_link_options(weir_flags INTERFACE -fuse-ld=${WEIR_LLD})
  endif()
endif()
target_compile_definitions(weir_flags INTERFACE _GLIBCXX_ASSERTIONS)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
