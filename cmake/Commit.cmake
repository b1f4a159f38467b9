# A script with -DSOURCE=FOLDER -DOUTPUT=FILE: writes a header with the commit
# of the sources, for iocpsock::build-info. It changes the file only if the
# commit has changed.
#
# The file manifest.uuid of the sources decides, as in Tcl's own sources. In a
# repository it has no commit; then git is asked. Without either, the commit is
# "unknown". ".modified" follows if files differ from the commit.
set(identifier "[0-9A-Za-z-]+")
file(STRINGS "${SOURCE}/manifest.uuid" commit LIMIT_COUNT 1)
if(NOT commit MATCHES "^${identifier}([.]${identifier})*$")
    set(commit unknown)
    find_program(git git)
    if(git)
        # A repository around these sources is not theirs.
        execute_process(
            COMMAND "${git}" -C "${SOURCE}" rev-parse --show-prefix HEAD
            OUTPUT_VARIABLE output ERROR_QUIET RESULT_VARIABLE result)
        if(result EQUAL 0 AND output MATCHES "^\n([0-9a-f]+)\n$")
            set(commit "git-${CMAKE_MATCH_1}")
            execute_process(COMMAND "${git}" -C "${SOURCE}"
                --no-optional-locks status --porcelain --untracked-files=no
                OUTPUT_VARIABLE changes ERROR_QUIET)
            if(NOT changes STREQUAL "")
                string(APPEND commit ".modified")
            endif()
        endif()
    endif()
endif()

set(text "#define IOCPSOCK_COMMIT \"${commit}\"\n")
set(old "")
if(EXISTS "${OUTPUT}")
    file(READ "${OUTPUT}" old)
endif()
if(NOT old STREQUAL text)
    file(WRITE "${OUTPUT}" "${text}")
endif()
