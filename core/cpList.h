/*
 * cpList.h --
 *
 *      The one list type: doubly linked, circular, its nodes embedded in their
 *      owners. A list allocates nothing and owns nothing. Zeroed memory is an
 *      empty list and an unlinked node. A list that is not empty must stay
 *      where it is, because its first and its last node point to it.
 */

#ifndef CP_LIST_H
#define CP_LIST_H

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/* clang's analyser does not follow lists. It takes this for granted. */
#ifdef __clang_analyzer__
#define CP_LIST_ASSERT(expr) \
    do { \
        if (!(expr)) { \
            abort(); \
        } \
    } while (0)
#else
#define CP_LIST_ASSERT(expr) assert(expr)
#endif

/* The structure that embeds a list node, an operation or another member. */
#define CP_OWNER_OF(memberPtr, type, member) \
    ((type *) (void *) ((char *) (memberPtr) -offsetof(type, member)))

/* Does not compile unless the condition is true; name is a new type. */
#define CP_STATIC_ASSERT(name, condition) \
    typedef char(name)[(condition) ? 1 : -1]

typedef struct CpListNode {
    struct CpListNode *nextPtr; /* NULL: in no list. */
    struct CpListNode *prevPtr; /* Valid in a list. */
} CpListNode;

typedef struct CpList {
    CpListNode ends; /* Before the first node and behind the last one. */
} CpList;

/* Makes the list empty. Its nodes, if it has any, are left alone. */

static inline void
CpListInit(CpList *listPtr)
{
    listPtr->ends.nextPtr = &listPtr->ends;
    listPtr->ends.prevPtr = &listPtr->ends;
}

static inline int
CpListIsEmpty(const CpList *listPtr)
{
    return listPtr->ends.nextPtr == NULL
        || listPtr->ends.nextPtr == &listPtr->ends;
}

/* Whether the node is in a list. */

static inline int
CpListIsLinked(const CpListNode *nodePtr)
{
    return nodePtr->nextPtr != NULL;
}

/* Inserts an unlinked node in front of a linked one. */

static inline void
CpListInsertBefore(CpListNode *nextPtr, CpListNode *nodePtr)
{
    CP_LIST_ASSERT(nextPtr->prevPtr != NULL && !CpListIsLinked(nodePtr));
    nodePtr->nextPtr = nextPtr;
    nodePtr->prevPtr = nextPtr->prevPtr;
    nextPtr->prevPtr->nextPtr = nodePtr;
    nextPtr->prevPtr = nodePtr;
}

/* Adds an unlinked node at the end of a list. */

static inline void
CpListAppend(CpList *listPtr, CpListNode *nodePtr)
{
    if (CpListIsEmpty(listPtr)) {
        CpListInit(listPtr);
    }
    CpListInsertBefore(&listPtr->ends, nodePtr);
}

/* Takes a linked node out of its list. */

static inline void
CpListRemove(CpListNode *nodePtr)
{
    CP_LIST_ASSERT(nodePtr->nextPtr != NULL && nodePtr->prevPtr != NULL);
    nodePtr->prevPtr->nextPtr = nodePtr->nextPtr;
    nodePtr->nextPtr->prevPtr = nodePtr->prevPtr;
    nodePtr->nextPtr = NULL;
}

/* The neighbours of a node in its list, and the nodes at the list's ends. All
 * four return NULL where there is none. */

static inline CpListNode *
CpListNext(const CpList *listPtr, const CpListNode *nodePtr)
{
    return nodePtr->nextPtr != &listPtr->ends ? nodePtr->nextPtr : NULL;
}

static inline CpListNode *
CpListPrev(const CpList *listPtr, const CpListNode *nodePtr)
{
    return nodePtr->prevPtr != &listPtr->ends ? nodePtr->prevPtr : NULL;
}

static inline CpListNode *
CpListFirst(const CpList *listPtr)
{
    return CpListNext(listPtr, &listPtr->ends);
}

static inline CpListNode *
CpListLast(const CpList *listPtr)
{
    return CpListPrev(listPtr, &listPtr->ends);
}

/* The owner of a node that one of these four returned: NULL for NULL. */
#define CP_LIST_OWNER(nodePtr, type, member) \
    ((type *) CpListOwner((nodePtr), offsetof(type, member)))

static inline void *
CpListOwner(CpListNode *nodePtr, size_t offset)
{
    return nodePtr != NULL ? (char *) nodePtr - offset : NULL;
}

/* Moves all nodes of one list to the end of another, in their order. */

static inline void
CpListAppendAll(CpList *listPtr, CpList *fromPtr)
{
    if (CpListIsEmpty(fromPtr)) {
        return;
    }
    if (CpListIsEmpty(listPtr)) {
        CpListInit(listPtr);
    }
    fromPtr->ends.nextPtr->prevPtr = listPtr->ends.prevPtr;
    listPtr->ends.prevPtr->nextPtr = fromPtr->ends.nextPtr;
    fromPtr->ends.prevPtr->nextPtr = &listPtr->ends;
    listPtr->ends.prevPtr = fromPtr->ends.prevPtr;
    CpListInit(fromPtr);
}

#endif /* CP_LIST_H */
