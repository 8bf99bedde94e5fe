# What `cmake --install` puts where, and the Debian package that CPack makes of it (./package). Nothing starts and nothing is made at the
# install but what sysusers.d and tmpfiles.d say.
set(PUSHMAIL_MAINTAINER "pushmail <pushmail@example.com>" CACHE STRING "who answers for the Debian package: Name <address>")
set(package_folder ${PROJECT_SOURCE_DIR}/conf/package)
set(made_folder ${PROJECT_BINARY_DIR}/package)

install(PROGRAMS $<TARGET_FILE:pushmailctl> DESTINATION bin)
install(PROGRAMS $<TARGET_FILE:pushmail-dataplane> $<TARGET_FILE:pushmail-controlplane> DESTINATION sbin)
install(PROGRAMS $<TARGET_FILE:pushmail-fetcher> DESTINATION lib/pushmail)
install(FILES ${package_folder}/sysusers.conf DESTINATION lib/sysusers.d RENAME pushmail.conf)
install(FILES ${package_folder}/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME pushmail.conf)
install(DIRECTORY ${package_folder}/systemd/ DESTINATION /lib/systemd/system FILES_MATCHING PATTERN "pushmail*")
install(FILES ${PROJECT_SOURCE_DIR}/conf/pushmail.toml ${PROJECT_SOURCE_DIR}/conf/providers.toml ${package_folder}/systemd/dpdk.conf
        DESTINATION share/doc/pushmail/examples)
install(FILES ${package_folder}/copyright DESTINATION share/doc/pushmail)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION share/doc/pushmail FILES_MATCHING PATTERN "*.md" PATTERN specs.md EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/conf/monitoring/ DESTINATION share/pushmail/monitoring)

# Man pages, completions and the changelog are made by the target package_files.
file(GLOB man_sources CONFIGURE_DEPENDS ${package_folder}/man/*.scd)
set(made_files)
find_program(SCDOC scdoc)
foreach(source ${man_sources})
  get_filename_component(name ${source} NAME_WLE)
  string(REGEX REPLACE ".*\\.([0-9])$" "\\1" section ${name})
  set(page ${made_folder}/${name}.gz)
  add_custom_command(OUTPUT ${page} DEPENDS ${source} VERBATIM
    COMMAND sh -c "${SCDOC} < \"$1\" > \"$2.text\" && gzip -9n < \"$2.text\" > \"$2\"" sh ${source} ${page})
  list(APPEND made_files ${page})
  install(FILES ${page} DESTINATION share/man/man${section} OPTIONAL)
endforeach()
foreach(shell bash zsh)
  set(script ${made_folder}/completion.${shell})
  add_custom_command(OUTPUT ${script} DEPENDS pushmailctl VERBATIM COMMAND sh -c "\"$1\" completion $2 > \"$3\"" sh $<TARGET_FILE:pushmailctl> ${shell} ${script})
  list(APPEND made_files ${script})
endforeach()
install(FILES ${made_folder}/completion.bash DESTINATION share/bash-completion/completions RENAME pushmailctl OPTIONAL)
install(FILES ${made_folder}/completion.zsh DESTINATION share/zsh/vendor-completions RENAME _pushmailctl OPTIONAL)
add_custom_command(OUTPUT ${made_folder}/changelog.gz DEPENDS ${package_folder}/changelog VERBATIM
  COMMAND sh -c "sed \"s/@VERSION@/$1/; s/@MAINTAINER@/$2/\" \"$3\" | gzip -9n > \"$4\""
    sh ${PROJECT_VERSION} ${PUSHMAIL_MAINTAINER} ${package_folder}/changelog ${made_folder}/changelog.gz)
list(APPEND made_files ${made_folder}/changelog.gz)
install(FILES ${made_folder}/changelog.gz DESTINATION share/doc/pushmail OPTIONAL)
file(MAKE_DIRECTORY ${made_folder})
add_custom_target(package_files DEPENDS ${made_files})
add_dependencies(package_files programs)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pushmail)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "push mail server for ordinary mobile phones")
set(CPACK_PACKAGE_DESCRIPTION "Receives and sends the e-mail of a mailbox on a phone, by SMS and MMS,
without an app. Sits between mail servers and a carrier's MMSC (MM7) and
SMSC (SMPP).")
set(CPACK_PACKAGE_CONTACT ${PUSHMAIL_MAINTAINER})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, systemd | systemd-standalone-sysusers, tzdata")
# Drivers of DPDK ports are loaded when one is opened, and no program names them.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "dpdk, librte-meta-bus, librte-meta-mempool, librte-meta-net")
set(CPACK_DEBIAN_DEBUGINFO_PACKAGE ON)
set(CPACK_STRIP_FILES OFF)  # the debug symbols go into a package of their own, and that strips
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${package_folder}/postinst ${package_folder}/prerm ${package_folder}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
