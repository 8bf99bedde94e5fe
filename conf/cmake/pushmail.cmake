# How a folder becomes a target: flags of the house, and its explicit dependencies. tests/tidy/includes.tsv says the same for #include.

add_library(pushmail_flags INTERFACE)
target_include_directories(pushmail_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(pushmail_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow -Wnon-virtual-dtor -Wcast-align -Wimplicit-fallthrough
  -fstack-protector-strong -fstack-clash-protection -fcf-protection -fno-strict-overflow)
target_link_options(pushmail_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "Dev")
  target_compile_options(pushmail_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
# The library's own checks of indices, empty containers and optionals: a broken rule of ours ends the process instead of reading on.
target_compile_definitions(pushmail_flags INTERFACE _GLIBCXX_ASSERTIONS)
if(PUSHMAIL_SANITIZE)
  target_compile_options(pushmail_flags INTERFACE -fsanitize=${PUSHMAIL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(PUSHMAIL_SANITIZE MATCHES undefined)
    # Needs RTTI, which codec and dataplane do without.
    target_compile_options(pushmail_flags INTERFACE -fno-sanitize=vptr)
  endif()
  target_link_options(pushmail_flags INTERFACE -fsanitize=${PUSHMAIL_SANITIZE})
  if(PUSHMAIL_SANITIZE MATCHES thread)
    target_compile_options(pushmail_flags INTERFACE -Wno-tsan)
  endif()
endif()
if(PUSHMAIL_FUZZ)
  target_compile_options(pushmail_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all)
  # libstdc++ 12 uses its own deprecated std::get_temporary_buffer inside stable_sort, which clang reports at our call.
  target_compile_options(pushmail_flags INTERFACE -Wno-deprecated-declarations)
  target_link_options(pushmail_flags INTERFACE -fsanitize=address,undefined)
endif()
target_link_libraries(pushmail_flags INTERFACE PkgConfig::FMT Threads::Threads)

# codec and dataplane are built without exceptions and RTTI.
add_library(pushmail_no_exceptions INTERFACE)
target_compile_options(pushmail_no_exceptions INTERFACE -fno-exceptions -fno-rtti)

# pushmail_folder(NAME [NO_EXCEPTIONS] DEPS target... [APART file...]): the .cpp files of the current folder as one static library.
# A main.cpp is a program's and stays out. All but dev compile the folder in one go, but for the files of APART, whose own names clash
# with a neighbour's: most of a small file's compile time is its headers.
function(pushmail_folder name)
  cmake_parse_arguments(PARSE_ARGV 1 FOLDER "NO_EXCEPTIONS" "" "DEPS;EXCLUDE;APART")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  foreach(pattern ${FOLDER_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX "/${pattern}$")
  endforeach()
  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
    if(NOT CMAKE_BUILD_TYPE STREQUAL "Dev")
      set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
      set_source_files_properties(${FOLDER_APART} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
    if(FOLDER_NO_EXCEPTIONS)
      target_link_libraries(${name} PRIVATE pushmail_no_exceptions)
    endif()
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${name} ${scope} pushmail_flags ${FOLDER_DEPS})
endfunction()

# pushmail_unit_test(NAME DEPS target...): tests/unit/<folder>/*_test.cpp as one program, each case a ctest test.
function(pushmail_unit_test name)
  cmake_parse_arguments(PARSE_ARGV 1 TEST "" "" "DEPS;PROPERTIES")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(sources)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE pushmail_flags ${TEST_DEPS} GTest::gtest GTest::gtest_main GTest::gmock)
    target_compile_definitions(${name} PRIVATE PUSHMAIL_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    set(timeout 120)
    if(PUSHMAIL_SANITIZE)
      # Several times slower, and other work on the machine must not look like a hang.
      set(timeout 600)
    endif()
    gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT ${timeout} ${TEST_PROPERTIES})
  endif()
endfunction()

add_custom_target(fuzzers)

# pushmail_fuzz(NAME DEPS target...): tests/fuzz/NAME.cpp with tests/fuzz/seeds/NAME/ and tests/fuzz/NAME.dict. With the fuzz preset a
# libFuzzer program; otherwise a program that replays the seeds and mutates each of them a little, run as a test.
function(pushmail_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 FUZZ "" "" "DEPS")
  add_executable(fuzz_${name} ${name}.cpp)
  target_link_libraries(fuzz_${name} PRIVATE pushmail_flags ${FUZZ_DEPS})
  if(PUSHMAIL_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers fuzz_${name})
  else()
    target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cpp)
    add_test(NAME fuzz.${name}.seeds COMMAND fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/seeds/${name})
  endif()
endfunction()
