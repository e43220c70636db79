# The build options of the project; no more than six, each with a default that builds on plain Debian 12.
option(WEIR_TESTS "Build the tests" ON)
option(WEIR_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(WEIR_PRECOMPILED "" CACHE STRING "Of which files the standard headers are parsed once: tests, or product and tests as a list")
option(WEIR_WERROR "Treat warnings as errors" OFF)
option(WEIR_MUTANTS "Compile in the planted mistakes that the mutant suite switches on" OFF)
set(WEIR_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

find_program(WEIR_CCACHE ccache)
if(WEIR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this it would not keep what was compiled with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${WEIR_CCACHE})
endif()
