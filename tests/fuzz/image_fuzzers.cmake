# libFuzzer targets of the kernel loaders; tests/fuzz/CMakeLists.txt includes this. Built with clang and
# -DRINGDOWN_FUZZERS=ON only. The loaders are compiled again, with the fuzzer's instrumentation.
if(RINGDOWN_FUZZERS)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "RINGDOWN_FUZZERS needs clang: -DCMAKE_CXX_COMPILER=clang++")
  endif()
  file(GLOB image_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/images/*.cpp)
  foreach(kind linux multiboot)
    add_executable(fuzz_${kind}_image ${CMAKE_CURRENT_LIST_DIR}/image_${kind}_fuzz.cpp ${image_sources})
    target_compile_options(fuzz_${kind}_image PRIVATE -g -fsanitize=fuzzer,address,undefined
                           -fno-sanitize-recover=undefined)
    target_link_options(fuzz_${kind}_image PRIVATE -fsanitize=fuzzer,address,undefined)
    target_link_libraries(fuzz_${kind}_image PRIVATE elf)
  endforeach()
endif()
