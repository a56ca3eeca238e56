# Circles: who may write, and who may read.
unit_test(act core)
unit_test(epoch core)
property_test(circle core)
target_sources(property_circle PRIVATE verdicts.c)

# The property fails where a rule is broken, by what it expects and not by a crash:
# circle_mutant(NAME FILE FROM TO [FILE FROM TO]...).
function(circle_mutant name)
  set(sources circle.c circle_outcome.c circle_quorum.c)
  foreach(source ${sources})
    file(READ ${CMAKE_SOURCE_DIR}/client/${source} text)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                 ${CMAKE_SOURCE_DIR}/client/${source})
    set(changes ${ARGN})
    while(changes)
      list(POP_FRONT changes file from to)
      if(file STREQUAL source)
        string(FIND "${text}" "${from}" at)
        if(at EQUAL -1)
          message(FATAL_ERROR "${source} has no '${from}' to be broken")
        endif()
        string(REPLACE "${from}" "${to}" text "${text}")
      endif()
    endwhile()
    file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}_${source} CONTENT "${text}" @ONLY)
    list(APPEND mutated ${CMAKE_CURRENT_BINARY_DIR}/${name}_${source})
  endforeach()
  add_executable(mutant_${name} property_circle.c verdicts.c ${mutated})
  target_link_libraries(mutant_${name} PRIVATE random core PkgConfig::CMOCKA)
  add_test(NAME circle_mutant_${name} COMMAND mutant_${name})
  set_tests_properties(circle_mutant_${name} PROPERTIES LABELS property TIMEOUT 60
    PASS_REGULAR_EXPRESSION "property_circle\\.c:[0-9]+: error: Failure!")
endfunction()

circle_mutant(rank circle.c "me->rank < who->rank" "who->role <= ACT_ADMIN")
circle_mutant(concurrent circle_outcome.c "!has_seen && !is_before"
              "!has_seen && !is_before && (deed->view == NULL || circle_view_has(deed->view, removal))")
circle_mutant(unseen circle_outcome.c "|| !circle_view_has(deed->view, grant) ||" "||")
circle_mutant(member circle.c "&deed, ACT_ADMIN)" "&deed, ACT_READER)"
              circle_outcome.c "&deed, ACT_ADMIN)" "&deed, ACT_READER)")
circle_mutant(ended circle_outcome.c "is_over(act, deed->at) ||" "")
circle_mutant(limited circle_outcome.c "is_meant ? grant->role : ACT_READER" "is_meant || true ? grant->role : ACT_READER")
circle_mutant(quorum circle.c "vote.needed > 0 && vote.given >= vote.needed" "vote.needed > 0")
circle_mutant(answered circle_quorum.c "!is_answered(circle, &change->view, &who->key, i) &&"
              "(is_answered(circle, &change->view, &who->key, i) || true) &&")

# Three people and a real relay.
if(TARGET shoal-relay)
  add_test(NAME shoal_circle_commands
           COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_circle.sh $<TARGET_FILE:shoal>
                   $<TARGET_FILE:shoal-relay>)
  set_tests_properties(shoal_circle_commands PROPERTIES LABELS integration TIMEOUT 240
    FIXTURES_REQUIRED postgres ENVIRONMENT "TEST_DB=${TEST_DB}")
endif()
