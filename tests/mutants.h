/* mutants.h - a kernel with mistakes that the emulator must see, and without.
 *
 *   threads  one
 */
#pragma once

#define MUTANTS(X)                                                            \
    X(MUTANT_NONE, NULL)                                                      \
    X(MUTANT_NO_BARRIER, "meanwhile")        /* reads what others bring */    \
    X(MUTANT_NO_SECOND_BARRIER, "meanwhile") /* brings while others read */   \
    X(MUTANT_NO_GUARD, "is at byte")         /* a thread past the end */      \
    X(MUTANT_BEFORE, "is at byte -4")                                         \
    X(MUTANT_SHARED_PAST, "is at byte")                                       \
    X(MUTANT_NOT_FILLED, "which nobody wrote") /* shared memory */            \
    X(MUTANT_NOT_PUT, "which nobody wrote")    /* global memory */            \
    X(MUTANT_BARRIER_APART, "waits at a barrier")                             \
    X(MUTANT_BARRIERS_MIXED, "others in line")                                \
    X(MUTANT_SHUFFLE_APART, "waits at a shuffle")                             \
    X(MUTANT_HALF_MASK, "shuffles with lanes")                                \
    X(MUTANT_WRONG_LANE, "") /* seen by what comes out */                     \
    X(MUTANT_LANE_PAST, "from lane 32")                                       \
    X(MUTANT_MISALIGNED, "no multiple of 16")                                 \
    X(MUTANT_TWO_BLOCKS, "does meanwhile")    /* write one number */          \
    X(MUTANT_BLOCK_READS, "writes meanwhile") /* what another block writes */ \
    X(MUTANT_ATOMIC, "adds atomically")                                       \
    X(MUTANT_NO_POINTER, "a pointer to nothing")                              \
    X(MUTANT_FREED, "a pointer to nothing")                                   \
    X(MUTANT_TOO_SHARED, "shares")                                            \
    X(MUTANT_TOO_MANY, "a launch of")

#define MUTANT_ENUM(mutant, fault) mutant,
enum mutant { MUTANTS(MUTANT_ENUM) MUTANT_COUNT };
#undef MUTANT_ENUM

enum { MUTANT_ROWS = 3, MUTANT_WIDTH = 200 };

/* The sums of MUTANT_ROWS rows of 1, 2, 3 and so on. What the emulator says of it; "": nothing. */
#ifdef __cplusplus
extern "C"
#endif
    const char *
    mutant_run(enum mutant mutant, float *sums);
