/* stack - a call on a large stack of its own.
 *
 * Parsing and evaluating recurse as deep as a spec is nested; callers may stand on a task's small stack. The stack is address
 * space until it is touched; nested use runs on the stack at hand. FN must not wait (see base/task.h).
 */
#ifndef LANG_STACK_H
#define LANG_STACK_H

struct stack;
struct stack *stack_new(void);
void stack_free(struct stack *s);            /* NULL is fine */
void stack_run(struct stack *s, void (*fn)(void *arg), void *arg);

#endif
