# weir_flags: what every target of the project is compiled and linked with. WEIR_PRODUCT_FLAGS: what its libraries and
# programs have beside that. WEIR_TEST_FLAGS: what the tests' own files have; they run once, and optimising them would be
# half of the time that a build takes. With sanitizers that holds for the product too, but for the modules that do nothing but
# compute (WEIR_COMPUTING): their tests would take longer than is saved.
set(WEIR_PRODUCT_FLAGS "")
set(WEIR_COMPUTING balancing snapshot)
set(WEIR_SANITIZED_FLAGS "")
set(WEIR_TEST_FLAGS -O0)
add_library(weir_flags INTERFACE)
target_compile_options(weir_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor
  -fstack-protector-strong $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${WEIR_WERROR}>:-Werror>)
if(WEIR_SANITIZE)
  set(WEIR_SANITIZED_FLAGS -O0)
  target_compile_options(weir_flags INTERFACE
    -fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
else()
  target_compile_options(weir_flags INTERFACE $<$<CXX_COMPILER_ID:Clang>:-fcf-protection>)
  list(APPEND WEIR_PRODUCT_FLAGS $<$<CONFIG:Release>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=3>)
  target_link_options(weir_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(WEIR_FUZZ)
  # Coverage for libFuzzer in every library; its main() comes with the fuzzers alone (WeirModule).
  list(APPEND WEIR_PRODUCT_FLAGS -fsanitize=fuzzer-no-link)
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
