# What `cmake --install` leaves: tools, the compiler's library, headers, and the
# package file for find_package(mopt). Nothing in it names the prefix.
include(CMakePackageConfigHelpers)

set(mopt_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mopt)
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/mopt-config.cmake.in ${CMAKE_BINARY_DIR}/mopt-config.cmake
  INSTALL_DESTINATION ${mopt_package_dir}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR CMAKE_INSTALL_LIBDIR
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# The tools run here; what is built with them may run elsewhere.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/mopt-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_BINARY_DIR}/mopt-config.cmake
              ${CMAKE_BINARY_DIR}/mopt-config-version.cmake
              ${PROJECT_SOURCE_DIR}/cmake/MoptAddModel.cmake
        DESTINATION ${mopt_package_dir})

install(DIRECTORY include/mopt include/mopt-c DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
# Generated ones.
install(DIRECTORY ${CMAKE_BINARY_DIR}/include/mopt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)
install(FILES LICENSE docs/ThirdParty.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
